/* TLS between two tasks, whose bytes go through this program: it cuts them, holds them up,
 * changes them and ends them too soon. The certificates are made anew, by openssl. */
#include "harbour.h"
#include "io/handshake.h"
#include "io/stream.h"
#include "io/tls.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <troupe/tls.h>

#define SECOND TROUPE_SECOND_NS
#define PLENTY (300u << 10)

/* The client is on the harbour's stream; the server on one of its own. */
struct duo {
	struct harbour harbour;
	int own, there; /* of the server */
	struct troupe_stream server;
	const char *directory, *certificate, *authority, *name, *client_certificate;
	const char *const *offers, *const *takes; /* protocols */
	uint64_t handshake_ns;
	size_t piece;                /* that is carried at a time; 0: all there is */
	size_t to_client, to_server; /* carried so far */
	size_t filled;
	unsigned finishes; /* so many times before it closes */
	script *client_does, *server_does;
};

static struct duo *duo_of(struct harbour *harbour)
{
	return container_of(harbour, struct duo, harbour);
}

/* ------------------------------------------------------------------ both ends */

static const char *path(const struct duo *duo, const char *name, const char *end)
{
	static char paths[8][128];
	static unsigned next;
	char *text = paths[next++ % 8];

	snprintf(text, sizeof(paths[0]), "%s/%s.%s", duo->directory, name, end);
	return text;
}

static int load(struct troupe_self *self, const struct duo *duo, bool is_server,
		struct troupe_tls *ret_tls)
{
	const char *certificate = is_server ? duo->certificate : duo->client_certificate;
	const bool asks = is_server && duo->client_certificate;
	struct troupe_tls_options options = {
		.table_size = sizeof(options),
		.ca_file = !is_server || asks ? path(duo, duo->authority, "pem") : NULL,
		.certificate =
			certificate && *certificate ? path(duo, certificate, "pem") : NULL,
		.key = certificate && *certificate ? path(duo, certificate, "key") : NULL,
		.alpn = is_server ? duo->takes : duo->offers,
		.handshake_ns = duo->handshake_ns,
	};

	return troupe_tls_load(self, &options, ret_tls);
}

static int starts(struct troupe_self *self, struct harbour *harbour)
{
	struct duo *duo = duo_of(harbour);
	struct troupe_tls tls = {0};
	int rc = load(self, duo, false, &tls);

	if (rc == 0)
		rc = troupe_tls_start(self, harbour->stream, tls, duo->name);
	troupe_tls_drop(self, tls); /* the session keeps it */
	note(self, "client %d; ", rc);
	return rc == 0 && duo->client_does ? duo->client_does(self, harbour) : 0;
}

static int accepts(struct troupe_self *self, struct harbour *harbour)
{
	struct duo *duo = duo_of(harbour);
	struct troupe_tls tls;
	int rc = troupe_adopt(self, duo->own, &duo->server);

	if (rc == 0)
		rc = load(self, duo, true, &tls);
	if (rc == 0)
		rc = troupe_tls_accept(self, duo->server, tls);
	note(self, "server %d; ", rc);
	return rc == 0 && duo->server_does ? duo->server_does(self, harbour) : 0;
}

static int make_certificates(void **state)
{
	static char directory[] = "/tmp/troupe-tls-XXXXXX";
	char command[128];

	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof(command), "tests/unit/io/certificates.sh %s > %s/log 2>&1",
		 directory, directory);
	assert_int_equal(system(command), 0);
	*state = directory;
	return 0;
}

static int remove_certificates(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", (const char *)*state);
	return system(command);
}

/* As it should be. */
static struct duo sound(void **state)
{
	return (struct duo){.directory = *state,
			    .certificate = "good",
			    .authority = "ca",
			    .name = "example.test"};
}

/* ------------------------------------------------------------------ what is between them */

/* True: there was something. */
static bool carry(int from, int to, size_t piece, size_t *count)
{
	char bytes[65536];
	ssize_t n;

	if (piece == 0 || piece > sizeof(bytes))
		piece = sizeof(bytes);
	if (from < 0 || to < 0)
		return false;
	n = recv(from, bytes, piece, MSG_DONTWAIT);
	if (n <= 0)
		return false;
	*count += (size_t)n;
	for (ssize_t done = 0; done < n;) {
		ssize_t taken = send(to, bytes + done, (size_t)(n - done), MSG_NOSIGNAL);

		if (taken < 0)
			return errno != EAGAIN;
		done += taken;
	}
	return true;
}

/* Once, in both directions. */
static bool carry_both(struct duo *duo)
{
	bool has_any = carry(duo->harbour.there, duo->there, duo->piece, &duo->to_server);

	has_any |= carry(duo->there, duo->harbour.there, duo->piece, &duo->to_client);
	return has_any;
}

/* With what threads do, in no time. */
static void run(struct duo *duo)
{
	world_sleep(&duo->harbour.world, 0);
}

static void run_all(struct duo *duo)
{
	do
		run(duo);
	while (carry_both(duo));
}

static void begin(struct duo *duo)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	duo->own = ends[0];
	duo->there = ends[1];
	harbour_play(&duo->harbour, starts, accepts);
}

static void finish(struct duo *duo)
{
	harbour_finish(&duo->harbour);
	if (duo->there >= 0)
		close(duo->there);
}

static void play(struct duo *duo)
{
	begin(duo);
	run_all(duo);
}

#define assert_said(duo, ...)                                                                  \
	do {                                                                                   \
		char expected_[512];                                                           \
		snprintf(expected_, sizeof(expected_), __VA_ARGS__);                           \
		assert_log(&(duo)->harbour.world, expected_);                                  \
	} while (0)

/* ------------------------------------------------------------------ agreeing */

static int asks(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	ssize_t n;

	assert_int_equal(troupe_write(self, harbour->stream, "question\n", 9), 0);
	n = troupe_read_until(self, harbour->stream, "\n", 64, &text);
	if (n < 0)
		return (int)n;
	note(self, "[%.*s]", (int)n - 1, text);
	note(self, "%zd; ", troupe_read(self, harbour->stream, &n, sizeof(n)));
	note(self, "%zd; ", troupe_read(self, harbour->stream, &n, sizeof(n)));
	return 0;
}

static int answers(struct troupe_self *self, struct harbour *harbour)
{
	const struct duo *duo = duo_of(harbour);
	const char *text;
	ssize_t n;

	n = troupe_read_until(self, duo->server, "\n", 64, &text);
	note(self, "[%.*s]", (int)n - 1, text);
	assert_int_equal(troupe_write(self, duo->server, "answer\n", 7), 0);
	assert_int_equal(troupe_finish(self, duo->server), 0);
	assert_int_equal(troupe_finish(self, duo->server), 0);
	assert_int_equal(troupe_write(self, duo->server, "more", 4), -EPIPE);
	return 0;
}

static void lines_go_both_ways_however_they_are_cut(void **state)
{
	for (size_t piece = 1; piece < 20000; piece = piece * 5 + 1) {
		struct duo duo = sound(state);

		duo.piece = piece;
		duo.client_does = asks;
		duo.server_does = answers;
		play(&duo);
		assert_said(&duo, "client 0; server 0; [question][answer]0; 0; ");
		finish(&duo);
	}
}

static void what_goes_through_is_not_readable(void **state)
{
	struct duo duo = sound(state);
	char bytes[4096];
	ssize_t n;

	duo.client_does = asks;
	begin(&duo);
	for (bool more = true; more;) {
		run(&duo);
		more = false;
		while ((n = recv(duo.harbour.there, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
			assert_null(memmem(bytes, (size_t)n, "question", 8));
			assert_int_equal(write(duo.there, bytes, (size_t)n), n);
			more = true;
		}
		more |= carry(duo.there, duo.harbour.there, 0, &duo.to_client);
	}
	assert_said(&duo, "client 0; server 0; ");
	finish(&duo);
}

static int informs(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_tls_info info;

	assert_int_equal(troupe_tls_describe(self, harbour->stream, &info), 0);
	note(self, "%s %s %s; ", info.version, info.alpn, info.peer);
	assert_int_equal(troupe_detach(self, harbour->stream, &(int){0}), -EOPNOTSUPP);
	return 0;
}

static int informs_too(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_tls_info info;

	assert_int_equal(troupe_tls_describe(self, duo_of(harbour)->server, &info), 0);
	note(self, "%s; ", info.peer);
	return 0;
}

static void what_was_agreed_on_is_told(void **state)
{
	static const char *const offers[] = {"b", "c", NULL}, *const takes[] = {"a", "c", "b",
										NULL};
	struct duo duo = sound(state);

	duo.offers = offers;
	duo.takes = takes;
	duo.client_certificate = "client";
	duo.client_does = informs;
	duo.server_does = informs_too;
	play(&duo);
	assert_said(&duo, "client 0; TLS1.3 c CN=good; server 0; CN=client; ");
	finish(&duo);
}

static int measures(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_tls_info info;

	assert_int_equal(troupe_tls_describe(self, duo_of(harbour)->server, &info), 0);
	note(self, "%.15s, %zu; ", info.peer, strlen(info.peer));
	return 0;
}

static void long_name_is_cut(void **state)
{
	struct duo duo = sound(state);

	duo.client_certificate = "long";
	duo.server_does = measures;
	play(&duo);
	assert_said(&duo, "client 0; server 0; CN=long,OU=0000, 255; ");
	finish(&duo);
}

/* ------------------------------------------------------------------ whom nobody trusts */

static void refused(struct duo *duo, const char *client, const char *server)
{
	const char *log;

	play(duo);
	log = world_log(&duo->harbour.world);
	if (!strstr(log, client) || !strstr(log, server))
		fail_msg("%s", log);
	finish(duo);
}

static void certificates_that_are_wrong_are_refused(void **state)
{
	static const struct {
		const char *certificate, *authority, *name, *words;
	} wrong[] = {
		{"unknown", "ca", "example.test", "The certificate issuer is unknown."},
		{"expired", "ca", "example.test",
		 "The certificate chain uses expired certificate."},
		{"other", "ca", "example.test",
		 "The name in the certificate does not match the expected."},
		{"good", "ca", "127.0.0.2",
		 "The name in the certificate does not match the expected."},
		{"good", "stranger", "example.test", "The certificate issuer is unknown."},
		{"client", "ca", "client.test",
		 "The certificate chain does not match the intended purpose."},
	};
	char client[200];

	snprintf(client, sizeof(client), "client %d; ", -EKEYREJECTED);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct duo duo = sound(state);

		duo.certificate = wrong[i].certificate;
		duo.authority = wrong[i].authority;
		duo.name = wrong[i].name;
		refused(&duo, wrong[i].words, client);
	}
}

static void addresses_are_names_too(void **state)
{
	struct duo duo = sound(state);

	duo.name = "127.0.0.1";
	play(&duo);
	assert_said(&duo, "client 0; server 0; ");
	finish(&duo);
	duo = sound(state);
	duo.name = "example.test."; /* it is complete */
	play(&duo);
	assert_said(&duo, "client 0; server 0; ");
	finish(&duo);
}

static void client_without_a_certificate_is_refused_where_one_is_asked_for(void **state)
{
	struct duo duo = sound(state);
	char server[200];

	duo.client_certificate = "";
	snprintf(server, sizeof(server), "server %d; ", -EKEYREJECTED);
	refused(&duo, "client 0; ", server); /* TLS 1.3: it does not know yet */
	duo = sound(state);
	duo.client_certificate = "good"; /* that of a server */
	refused(&duo, "does not match the intended purpose", server);
}

static void protocols_that_do_not_meet_are_refused(void **state)
{
	static const char *const offers[] = {"a", NULL}, *const takes[] = {"b", NULL};
	struct duo duo = sound(state);
	char client[200];

	duo.offers = offers;
	duo.takes = takes;
	snprintf(client, sizeof(client), "client %d; ", -EPROTO);
	refused(&duo, "The other side refuses", client);
}

/* ------------------------------------------------------------------ what goes wrong */

static int reads_on(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[64];
	ssize_t n;

	while ((n = troupe_read(self, harbour->stream, bytes, sizeof(bytes))) > 0)
		note(self, "[%.*s]", (int)n, bytes);
	note(self, "%zd; ", n);
	note(self, "%zd; ", troupe_read(self, harbour->stream, bytes, sizeof(bytes)));
	return 0;
}

static int says_hello(struct troupe_self *self, struct harbour *harbour)
{
	return troupe_write(self, duo_of(harbour)->server, "hello", 5);
}

/* The other side's end and its last record never come. */
static void end_without_a_word_is_told_from_an_end(void **state)
{
	struct duo duo = sound(state);

	duo.client_does = reads_on;
	duo.server_does = says_hello;
	play(&duo);
	assert_said(&duo, "client 0; server 0; [hello]");
	shutdown(duo.harbour.there, SHUT_WR);
	run_all(&duo);
	assert_said(&duo, "%d; %d; ", -ECONNRESET, -ECONNRESET);
	finish(&duo);
}

static void record_that_was_changed_is_refused(void **state)
{
	struct duo duo = sound(state);
	unsigned char bytes[4096];
	ssize_t n;

	duo.client_does = reads_on;
	begin(&duo);
	run_all(&duo);
	assert_said(&duo, "client 0; server 0; ");
	duo.harbour.handler = says_hello;
	harbour_start(&duo.harbour, says_hello);
	n = recv(duo.there, bytes, sizeof(bytes), MSG_DONTWAIT);
	assert_true(n > 10);
	bytes[n - 1] ^= 1;
	assert_int_equal(write(duo.harbour.there, bytes, (size_t)n), n);
	run_all(&duo);
	assert_said(&duo, "%d; %d; ", -EPROTO, -EPROTO);
	finish(&duo);
}

/* Only the client is there; this program says what the server would. */
static void begin_alone(struct duo *duo)
{
	duo->own = duo->there = -1;
	harbour_play(&duo->harbour, starts);
	run(duo);
	assert_log(&duo->harbour.world, "");
}

static void whoever_speaks_no_tls_is_refused(void **state)
{
	static const char *const says[] = {"220 mail.example.test ESMTP\r\n",
					   "HTTP/1.1 400 Bad Request\r\n\r\n",
					   "\x15\x03\x01\x00\x02\x02\x28"};
	char expected[64];

	snprintf(expected, sizeof(expected), "client %d; ", -EPROTO);
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		struct duo duo = sound(state);
		const char *log;

		begin_alone(&duo);
		/* with the zeroes of the last one */
		assert_int_equal(
			write(duo.harbour.there, says[i], i == 2 ? 7 : strlen(says[i])),
			i == 2 ? 7 : strlen(says[i]));
		run(&duo);
		log = world_log(&duo.harbour.world);
		assert_non_null(strstr(log, "no TLS with unix: (example.test): "));
		assert_non_null(strstr(log, expected));
		finish(&duo);
	}
}

static void whoever_hangs_up_instead_is_heard(void **state)
{
	struct duo duo = sound(state);

	begin_alone(&duo);
	shutdown(duo.harbour.there, SHUT_WR);
	run(&duo);
	assert_said(
		&duo,
		"log 4 unit1 no TLS with unix: (example.test): The other side has hung up.; "
		"client %d; ",
		-ECONNRESET);
	finish(&duo);
}

/* Nobody at the other end any more: nobody hears the alert, and that is not what went wrong. */
static void is_gone(struct duo *duo)
{
	close(duo->harbour.there);
	duo->harbour.there = -1;
	run(duo);
}

static void whoever_goes_altogether_has_hung_up(void **state)
{
	struct duo duo;
	char expected[64], bytes[4096];

	snprintf(expected, sizeof(expected), "client %d; ", -ECONNRESET);
	for (unsigned i = 0; i < 2; i++) {
		duo = sound(state);
		begin_alone(&duo);
		if (i > 0) /* what was said has been read */
			assert_true(read(duo.harbour.there, bytes, sizeof(bytes)) > 0);
		is_gone(&duo);
		assert_non_null(strstr(world_log(&duo.harbour.world), expected));
		finish(&duo);
	}
	duo = sound(state);
	duo.client_does = reads_on;
	play(&duo);
	assert_said(&duo, "client 0; server 0; ");
	is_gone(&duo);
	assert_said(&duo, "%d; %d; ", -ECONNRESET, -ECONNRESET);
	finish(&duo);
}

static void certificate_of_one_who_has_gone_is_refused(void **state)
{
	struct duo duo = sound(state);
	char expected[64];
	const char *log;

	duo.certificate = "unknown";
	begin(&duo);
	while (duo.to_client == 0) {
		run(&duo);
		carry_both(&duo);
	}
	is_gone(&duo);
	snprintf(expected, sizeof(expected), "client %d; ", -EKEYREJECTED);
	log = world_log(&duo.harbour.world);
	if (!strstr(log, expected))
		fail_msg("%s", log);
	finish(&duo);
}

/* ------------------------------------------------------------------ time */

static void agreement_has_its_time_whatever_comes(void **state)
{
	/* the beginning of a long message, then a byte a second */
	static const unsigned char first[] = {0x16, 3, 3, 0x20, 0, 2, 0, 0x1f, 0xfc};

	for (unsigned i = 0; i < 3; i++) {
		struct duo duo = sound(state);

		duo.handshake_ns = i == 2 ? 3 * SECOND : 0;
		begin_alone(&duo);
		if (i > 0)
			assert_int_equal(write(duo.harbour.there, first, sizeof(first)),
					 sizeof(first));
		for (unsigned at = 0; at < (i == 2 ? 2 : 9); at++) {
			world_sleep(&duo.harbour.world, SECOND);
			assert_log(&duo.harbour.world, "");
			if (i > 0)
				assert_int_equal(write(duo.harbour.there, "x", 1), 1);
		}
		world_sleep(&duo.harbour.world, SECOND * 3 / 2);
		assert_said(&duo,
			    "log 4 unit1 no TLS with unix: (example.test): It took too long.; "
			    "client %d; ",
			    -ETIME);
		finish(&duo);
	}
}

static unsigned count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int cancels(struct troupe_self *self, struct harbour *harbour)
{
	return troupe_task_cancel(self, harbour->tasks[0]);
}

static int hangs_up(struct troupe_self *self, struct harbour *harbour)
{
	troupe_close(self, harbour->stream);
	return 0;
}

/* After so many steps, of which there are some with one record at a time. */
static bool cut_short_after(struct duo *duo, unsigned steps, script *how)
{
	bool has_more = true;

	duo->piece = 500;
	duo->client_does = reads_on;
	begin(duo);
	for (unsigned i = 0; i < steps && has_more; i++) {
		if (i > 0) /* else while it loads its keys */
			run(duo);
		has_more = i == 0 || carry_both(duo);
	}
	duo->harbour.handler = how;
	harbour_tell(&duo->harbour);
	run(duo);
	return has_more;
}

static void cancelled_anywhere_it_leaves_nothing(void **state)
{
	const unsigned before = count_descriptors();
	unsigned steps = 0;
	bool has_more = true;

	for (; has_more; steps++) {
		struct duo duo = sound(state);
		const char *log;

		has_more = cut_short_after(&duo, steps, cancels);
		log = world_log(&duo.harbour.world);
		if (!strstr(log, "-125"))
			fail_msg("after %u steps: %s", steps, log);
		finish(&duo);
		assert_int_equal(count_descriptors(), before);
	}
	assert_in_range(steps, 5, 1000);
}

static void closed_anywhere_it_leaves_nothing(void **state)
{
	const unsigned before = count_descriptors();
	unsigned steps = 0;
	bool has_more = true;

	for (; has_more; steps++) {
		struct duo duo = sound(state);
		const char *log;

		has_more = cut_short_after(&duo, steps, hangs_up);
		run_all(&duo);
		log = world_log(&duo.harbour.world);
		if (!strstr(log, "-103") && !strstr(log, "client -3; "))
			fail_msg("after %u steps: %s", steps, log);
		finish(&duo);
		assert_int_equal(count_descriptors(), before);
	}
	assert_in_range(steps, 5, 1000);
}

static int tries_after_it_failed(struct troupe_self *self, struct harbour *harbour)
{
	char byte = 0;

	note(self, "%zd ", troupe_read(self, harbour->stream, &byte, 1));
	note(self, "%d ", troupe_write(self, harbour->stream, &byte, 1));
	note(self, "%d ", troupe_finish(self, harbour->stream));
	note(self, "%d; ", troupe_start_tls(self, harbour->stream, "example.test"));
	return 0;
}

static void stream_that_has_failed_is_of_no_use(void **state)
{
	struct duo duo = sound(state);

	duo.certificate = "unknown";
	play(&duo);
	world_log(&duo.harbour.world);
	harbour_start(&duo.harbour, tries_after_it_failed);
	run(&duo);
	assert_said(&duo, "%d %d %d %d; ", -EPROTO, -EPROTO, -EPROTO, -EISCONN);
	finish(&duo);
}

/* As when the scope ends just when the keys are there. */
static int is_cut_before_it_begins(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_scope scope;
	struct troupe_tls tls;
	char byte;

	assert_int_equal(load(self, duo_of(harbour), false, &tls), 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	troupe_scope_cancel(self, scope);
	note(self, "%d ",
	     handshake_client(self, harbour->stream.id, keys_ref(keys_find(self, tls)), "a"));
	note(self, "%d ", troupe_scope_end(self, scope));
	note(self, "%zd ", troupe_read(self, harbour->stream, &byte, 1));
	note(self, "%d; ", troupe_write(self, harbour->stream, &byte, 1));
	return 0;
}

static void agreement_that_never_began_is_over(void **state)
{
	struct duo duo = sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, is_cut_before_it_begins);
	run(&duo);
	assert_said(&duo, "%d %d %d %d; ", -ECANCELED, -ECANCELED, -EPROTO, -EPROTO);
	finish(&duo);
}

static int idles(struct troupe_self *self, struct harbour *harbour)
{
	char byte;

	assert_int_equal(troupe_limit(self, harbour->stream, SECOND, 0), 0);
	note(self, "%zd; ", troupe_read(self, harbour->stream, &byte, 1));
	return 0;
}

static void idle_limit_holds_over_tls(void **state)
{
	struct duo duo = sound(state);

	duo.client_does = idles;
	play(&duo);
	assert_said(&duo, "client 0; server 0; ");
	world_sleep(&duo.harbour.world, 2 * SECOND);
	assert_said(&duo, "%d; ", -ETIME);
	finish(&duo);
}

static int says_three_lines(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream to = duo_of(harbour)->server;

	assert_int_equal(troupe_write(self, to, "one\ntwo\n", 8), 0);
	return troupe_write(self, to, "three\n", 6);
}

static int reads_a_line(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	ssize_t n = troupe_read_until(self, harbour->stream, "\n", 64, &text);

	note(self, "[%.*s]", n > 0 ? (int)n - 1 : 0, text);
	return 0;
}

static int writes_and_reads_on(struct troupe_self *self, struct harbour *harbour)
{
	for (unsigned i = 0; i < 2; i++)
		note(self, "%d ", troupe_write(self, harbour->stream, "more", 4));
	note(self, "%d ", troupe_finish(self, harbour->stream));
	reads_a_line(self, harbour);
	return reads_on(self, harbour);
}

/* Both what has been read ahead and what the kernel holds. */
static void what_has_come_is_read_after_a_write_that_failed(void **state)
{
	struct duo duo = sound(state);

	duo.client_does = reads_a_line;
	duo.server_does = says_three_lines;
	play(&duo);
	assert_said(&duo, "client 0; server 0; [one]");
	is_gone(&duo);
	harbour_start(&duo.harbour, writes_and_reads_on);
	run(&duo);
	assert_said(&duo, "%d %d %d [two][three\n]%d; %d; ", -EPIPE, -EPIPE, -EPIPE,
		    -ECONNRESET, -ECONNRESET);
	finish(&duo);
}

/* ------------------------------------------------------------------ STARTTLS */

static int upgrades(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	ssize_t n;

	n = troupe_read_until(self, harbour->stream, "\n", 64, &text);
	note(self, "[%.*s]", (int)n - 1, text);
	return starts(self, harbour);
}

/* CVE-2011-0411: what somebody has put behind the answer would be taken for the server's. */
static void what_was_said_before_is_not_taken_for_what_is_said_now(void **state)
{
	struct duo duo = sound(state);
	char byte;

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, upgrades);
	harbour_says(&duo.harbour, "220 go ahead\n250 forged\n");
	run(&duo);
	assert_said(&duo,
		    "[220 go ahead]log 4 unit1 no TLS on a stream that has more to be read: it "
		    "was sent before; client %d; ",
		    -EPROTO);
	assert_int_equal(recv(duo.harbour.there, &byte, 1, MSG_DONTWAIT), -1);
	finish(&duo);
}

static void stream_is_upgraded_after_a_line(void **state)
{
	struct duo duo = sound(state);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	duo.own = ends[0];
	duo.there = ends[1];
	duo.client_does = asks;
	duo.server_does = answers;
	harbour_play(&duo.harbour, upgrades, accepts);
	harbour_says(&duo.harbour, "220 go ahead\n");
	run_all(&duo);
	assert_said(&duo, "[220 go ahead]client 0; server 0; [question][answer]0; 0; ");
	finish(&duo);
}

static int misuses(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_tls none = {0}, tls;
	const struct troupe_stream stream = harbour->stream, lost = {1};
	struct troupe_tls_options options = {.table_size = sizeof(options)};
	struct troupe_tls_info info;
	struct troupe_listener listener;
	char name[256];

	memset(name, 'a', sizeof(name));
	name[254] = '\0';
	assert_int_equal(troupe_tls_start(self, stream, none, name), -EINVAL);
	assert_int_equal(troupe_tls_start(self, stream, none, ""), -EINVAL);
	assert_int_equal(troupe_start_tls(self, stream, NULL), -EINVAL);
	assert_int_equal(troupe_start_tls(self, lost, "a"), -ESRCH);
	assert_int_equal(troupe_tls_start(self, stream, (struct troupe_tls){1}, "a"), -ESRCH);
	assert_int_equal(troupe_tls_accept(self, stream, none), -EINVAL);
	assert_int_equal(troupe_tls_accept(self, stream, (struct troupe_tls){1}), -ESRCH);
	assert_int_equal(troupe_tls_describe(self, stream, &info), -ENOTCONN);
	assert_int_equal(troupe_tls_describe(self, lost, &info), -ESRCH);
	options.key = "/dev/null";
	assert_int_equal(troupe_tls_load(self, &options, &tls), -EINVAL);
	options.certificate = "/dev/null";
	assert_int_equal(troupe_tls_load(self, &options, &tls), -EINVAL);
	options.certificate = "/nowhere/at/all";
	assert_int_equal(troupe_tls_load(self, &options, &tls), -ENOENT);
	options = (struct troupe_tls_options){.table_size = sizeof(options) - 8};
	assert_int_equal(troupe_tls_load(self, &options, &tls), -EINVAL);
	options.table_size = sizeof(options);
	assert_int_equal(troupe_tls_load(self, &options, &tls), 0);
	assert_int_equal(troupe_tls_accept(self, stream, tls), -EINVAL);
	assert_int_equal(troupe_tls_listen(self, "tls:127.0.0.1:0", tls, &listener), -EINVAL);
	assert_int_equal(troupe_tls_listen(self, "tls:127.0.0.1:0", none, &listener), -ESRCH);
	assert_int_equal(troupe_tls_listen(self, "udp:127.0.0.1:0", tls, &listener),
			 -EOPNOTSUPP);
	troupe_tls_drop(self, tls);
	troupe_tls_drop(self, tls);
	world_log(world_of(self));
	assert_int_equal(troupe_listen(self, "tls:127.0.0.1:0", &listener), -EINVAL);
	note(self, "misused; ");
	return 0;
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct duo duo = sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, misuses);
	run(&duo);
	assert_said(&duo,
		    "log 4 unit1 \"tls:\" is listened at by troupe_tls_listen(); misused; ");
	finish(&duo);
}

static int starts_while_another_reads(struct troupe_self *self, struct harbour *harbour)
{
	note(self, "%d; ", troupe_start_tls(self, harbour->stream, "example.test"));
	troupe_close(self, harbour->stream);
	return 0;
}

static void stream_in_use_is_not_upgraded(void **state)
{
	struct duo duo = sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, reads_on, starts_while_another_reads);
	run(&duo);
	assert_said(&duo, "%d; %d; %d; ", -EBUSY, -ECONNABORTED, -ESRCH);
	finish(&duo);
}

/* ------------------------------------------------------------------ much of it */

static char *pattern(void)
{
	char *bytes = malloc(PLENTY);

	assert_non_null(bytes);
	for (uint32_t i = 0; i < PLENTY; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	return bytes;
}

static int sends_plenty(struct troupe_self *self, struct harbour *harbour)
{
	char *bytes = pattern();
	int rc = troupe_write(self, duo_of(harbour)->server, bytes, PLENTY);

	free(bytes);
	note(self, "sent %d; ", rc);
	troupe_close(self, duo_of(harbour)->server);
	return 0;
}

static int sends_a_file(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream to = duo_of(harbour)->server;
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *bytes = pattern();

	assert_int_equal(pwrite(fd, "ahead", 5, 0), 5);
	assert_int_equal(pwrite(fd, bytes, PLENTY, 5), PLENTY);
	free(bytes);
	note(self, "sent %zd ", troupe_send_file(self, to, fd, 5, 7));
	note(self, "%zd ", troupe_send_file(self, to, fd, 12, 2 * PLENTY));
	note(self, "%zd ", troupe_send_file(self, to, fd, 12 + PLENTY, 2));
	note(self, "%zd; ", troupe_send_file(self, to, -1, 0, 2));
	close(fd);
	troupe_close(self, to);
	return 0;
}

static int takes_plenty(struct troupe_self *self, struct harbour *harbour)
{
	char *bytes = malloc(PLENTY + 1), *expected = pattern();
	size_t done = 0;
	ssize_t n;

	assert_non_null(bytes);
	while ((n = troupe_read(self, harbour->stream, bytes + done, PLENTY + 1 - done)) > 0)
		done += (size_t)n;
	assert_int_equal(done, PLENTY);
	assert_memory_equal(bytes, expected, PLENTY);
	free(expected);
	free(bytes);
	note(self, "all, then %zd; ", n);
	return 0;
}

/* Nobody reads until the writer waits; its buffer is a record's then, for all it has to say. */
static void writer_waits_for_a_slow_reader_with_little(void **state)
{
	struct duo duo = sound(state);
	struct stream *stream;

	duo.client_does = takes_plenty;
	duo.server_does = sends_plenty;
	begin(&duo);
	while (duo.to_client < 4000) {
		run(&duo);
		carry_both(&duo);
	}
	for (unsigned i = 0; i < 8; i++)
		run(&duo);
	stream = container_of(belonging_at(duo.harbour.world.runtime, duo.server.id),
			      struct stream, port.belonging);
	assert_in_range(buffer_size(&stream->tls->output), 1, 20000);
	world_sleep(&duo.harbour.world, 100 * SECOND);
	run_all(&duo);
	assert_said(&duo, "client 0; server 0; sent 0; all, then 0; ");
	finish(&duo);
}

/* As if the other side took all there is. */
static ssize_t swallows(gnutls_session_t session, const void *data, size_t size)
{
	(void)session;
	(void)data;
	return size < 16384 ? (ssize_t)size : 16384;
}

static int has_a_turn(struct troupe_self *self, struct puppet *me, void *unused,
		      void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	note(self, "a turn; ");
	return 0;
}
TROUPE_TASK(has_a_turn, struct puppet, void, void)

static int writes_a_lot(struct troupe_self *self, struct harbour *harbour)
{
	const size_t size = 4u << 20;
	char *bytes = calloc(1, size);

	assert_non_null(bytes);
	harbour->io->key_store.gnutls->record_send = swallows;
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &has_a_turn_task, NULL, NULL, NULL), 0);
	note(self, "writes; ");
	assert_int_equal(troupe_write(self, duo_of(harbour)->server, bytes, size), 0);
	free(bytes);
	note(self, "written; ");
	return 0;
}

static void others_have_their_turn_in_a_long_write(void **state)
{
	struct duo duo = sound(state);

	duo.server_does = writes_a_lot;
	play(&duo);
	assert_said(&duo, "client 0; server 0; writes; a turn; written; ");
	finish(&duo);
}

static void file_is_sent_encrypted(void **state)
{
	struct duo duo = sound(state);

	duo.client_does = takes_plenty;
	duo.server_does = sends_a_file;
	play(&duo);
	assert_said(&duo, "client 0; server 0; sent 7 %u 0 %d; all, then 0; ", PLENTY - 7,
		    -EBADF);
	finish(&duo);
}

/* ------------------------------------------------------------------ ends */

/* Fill what the kernel holds, so that there is no room for the end. */
static int fills_up_and_closes(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream to = duo_of(harbour)->server;
	const struct stream *stream = stream_find(self, to.id);

	while (tls_write(self->runtime, stream->tls, "x", 1) > 0)
		duo_of(harbour)->filled++;
	note(self, "full; ");
	for (unsigned i = 0; i < duo_of(harbour)->finishes; i++)
		note(self, "finished %d; ", troupe_finish(self, to));
	troupe_close(self, to);
	return 0;
}

static int reads_on_quietly(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[4096];
	ssize_t n;

	while ((n = troupe_read(self, harbour->stream, bytes, sizeof(bytes))) > 0)
		;
	note(self, "then %zd; ", n);
	return 0;
}

static int counts(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[4096];
	ssize_t n;

	while ((n = troupe_read(self, harbour->stream, bytes, sizeof(bytes))) > 0)
		duo_of(harbour)->filled -= (size_t)n;
	note(self, "%zu missing, then %zd; ", duo_of(harbour)->filled, n);
	return 0;
}

/* A server that does not wait for room says its end all the same, when there is some. */
static void end_that_finds_no_room_is_said_later(void **state)
{
	static const char *const finished[] = {"", "finished 0; ", "finished 0; finished 0; "};

	for (unsigned i = 0; i < 3; i++) {
		const unsigned before = count_descriptors();
		struct duo duo = sound(state);

		duo.finishes = i;
		duo.client_does = counts;
		duo.server_does = fills_up_and_closes;
		play(&duo);
		assert_said(&duo, "client 0; server 0; full; %s0 missing, then 0; ",
			    finished[i]);
		finish(&duo);
		assert_int_equal(count_descriptors(), before);
	}
}

static void end_that_never_finds_room_is_given_up(void **state)
{
	const unsigned before = count_descriptors();
	struct duo duo = sound(state);
	unsigned open;

	duo.client_does = counts;
	duo.server_does = fills_up_and_closes;
	begin(&duo);
	for (run(&duo); duo.filled == 0; run(&duo))
		carry_both(&duo);
	open = count_descriptors();
	world_sleep(&duo.harbour.world, 59 * SECOND);
	assert_int_equal(count_descriptors(), open);
	world_sleep(&duo.harbour.world, 2 * SECOND);
	assert_int_equal(count_descriptors(), open - 1);
	run_all(&duo);
	shutdown(duo.harbour.there, SHUT_WR);
	run(&duo);
	assert_non_null(strstr(world_log(&duo.harbour.world), "missing, then -104"));
	finish(&duo);
	/* of the poller of farewells, too */
	assert_int_equal(count_descriptors(), before);
}

static int is_cut_in_a_write(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream to = duo_of(harbour)->server;
	TROUPE_SCOPE(scope, self, SECOND);
	char *bytes = pattern();
	int rc = troupe_write(self, to, bytes, PLENTY);

	free(bytes);
	note(self, "cut %d %d; ", rc, troupe_finish(self, to));
	troupe_close(self, to);
	return 0;
}

/* Half of what was to be said is no end. */
static void write_that_was_cut_short_is_followed_by_no_end(void **state)
{
	struct duo duo = sound(state);

	duo.client_does = reads_on_quietly;
	duo.server_does = is_cut_in_a_write;
	begin(&duo);
	while (duo.to_client < 4000) {
		run(&duo);
		carry_both(&duo);
	}
	world_sleep(&duo.harbour.world, 2 * SECOND);
	run_all(&duo);
	shutdown(duo.harbour.there, SHUT_WR);
	run_all(&duo);
	assert_said(&duo, "client 0; server 0; cut %d %d; then %d; ", -ETIMEDOUT, -EPIPE,
		    -ECONNRESET);
	finish(&duo);
}

static int finishes_and_listens(struct troupe_self *self, struct harbour *harbour)
{
	assert_int_equal(troupe_write(self, harbour->stream, "question\n", 9), 0);
	assert_int_equal(troupe_finish(self, harbour->stream), 0);
	return reads_on(self, harbour);
}

static int answers_after_the_end(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream client = duo_of(harbour)->server;
	char bytes[16];
	ssize_t n;

	n = troupe_read(self, client, bytes, sizeof(bytes));
	note(self, "[%.*s]", (int)n - 1, bytes);
	note(self, "%zd; ", troupe_read(self, client, bytes, sizeof(bytes)));
	assert_int_equal(troupe_write(self, client, "late", 4), 0);
	troupe_close(self, client);
	return 0;
}

static void finished_stream_is_read_on(void **state)
{
	struct duo duo = sound(state);

	duo.client_does = finishes_and_listens;
	duo.server_does = answers_after_the_end;
	play(&duo);
	assert_said(&duo, "client 0; server 0; [question]0; [late]0; 0; ");
	finish(&duo);
}

/* ------------------------------------------------------------------ listeners */

static int attends(struct troupe_self *self, struct puppet *me, struct troupe_stream *stream,
		   void *unused)
{
	const char *text;
	ssize_t n = troupe_read_until(self, *stream, "\n", 64, &text);

	(void)me;
	(void)unused;
	if (n > 0)
		(void)troupe_write(self, *stream, text, (size_t)n);
	return 0;
}
TROUPE_TASK(attends, struct puppet, struct troupe_stream, void)

static int listens(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_tls tls;

	assert_int_equal(load(self, duo_of(harbour), true, &tls), 0);
	assert_int_equal(troupe_tls_listen(self, "tls:127.0.0.1:0", tls, &harbour->listener),
			 0);
	troupe_tls_drop(self, tls);
	assert_int_equal(troupe_listener_place(self, harbour->listener, harbour->place), 0);
	assert_memory_equal(harbour->place, "tls:127.0.0.1:", 14);
	return 0;
}

static int serves(struct troupe_self *self, struct harbour *harbour)
{
	int rc = listens(self, harbour);

	return rc < 0 ? rc : troupe_serve(self, harbour->listener, &attends_task, NULL, 10);
}

static int asks_the_listener(struct troupe_self *self, struct harbour *harbour)
{
	char place[TROUPE_PLACE_MAX];
	struct troupe_tls tls;

	snprintf(place, sizeof(place), "tcp:%s", harbour->place + 4);
	assert_int_equal(load(self, duo_of(harbour), false, &tls), 0);
	assert_int_equal(troupe_connect(self, place, &harbour->stream), 0);
	assert_int_equal(troupe_tls_start(self, harbour->stream, tls, duo_of(harbour)->name),
			 0);
	assert_int_equal(troupe_peer(self, harbour->stream, place), 0);
	assert_string_equal(place, harbour->place);
	return asks(self, harbour);
}

/* One that says nothing is in nobody's way. */
static void server_agrees_in_each_connections_own_task(void **state)
{
	struct duo duo = sound(state);
	int silent;

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, serves);
	run(&duo);
	duo.harbour.place[1] = 'c', duo.harbour.place[2] = 'p';
	silent = harbour_connect(duo.harbour.place);
	duo.harbour.place[1] = 'l', duo.harbour.place[2] = 's';
	run(&duo);
	harbour_start(&duo.harbour, asks_the_listener);
	run(&duo);
	assert_log(&duo.harbour.world, "[question]0; 0; ");
	world_sleep(&duo.harbour.world, 11 * SECOND);
	assert_non_null(strstr(world_log(&duo.harbour.world), ": It took too long."));
	close(silent);
	finish(&duo);
}

static int accepts_one(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_tls none = {0};
	struct troupe_stream stream;
	char bytes[16];
	ssize_t n;

	assert_int_equal(listens(self, harbour), 0);
	assert_int_equal(troupe_accept(self, harbour->listener, &stream), 0);
	assert_int_equal(troupe_read(self, stream, bytes, 1), -ENOTCONN);
	assert_int_equal(troupe_write(self, stream, "plain", 5), -ENOTCONN);
	assert_int_equal(troupe_finish(self, stream), -ENOTCONN);
	assert_int_equal(troupe_tls_accept(self, stream, none), 0);
	assert_int_equal(troupe_tls_accept(self, stream, none), -EISCONN);
	n = troupe_read(self, stream, bytes, sizeof(bytes));
	assert_int_equal(troupe_write(self, stream, bytes, (size_t)n), 0);
	troupe_close(self, stream);
	return 0;
}

static void accepted_stream_waits_for_its_agreement(void **state)
{
	struct duo duo = sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, accepts_one);
	run(&duo);
	harbour_start(&duo.harbour, asks_the_listener);
	run(&duo);
	assert_log(&duo.harbour.world, "[question]0; 0; ");
	finish(&duo);
}

static int connects(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;

	note(self, "%d; ", troupe_connect(self, harbour->place, &stream));
	return 0;
}

/* That of the test is none of the system's. */
static void who_is_trusted_is_the_systems_matter(void **state)
{
	const unsigned before = count_descriptors();
	struct duo duo = sound(state);
	char expected[64];
	const char *log;

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, serves);
	run(&duo);
	harbour_start(&duo.harbour, connects);
	run(&duo);
	log = world_log(&duo.harbour.world);
	if (!strstr(log, "(127.0.0.1): The certificate is NOT trusted.") &&
	    !strstr(log, "the system trusts no authorities"))
		fail_msg("%s", log);
	snprintf(expected, sizeof(expected), "%d; ", -EKEYREJECTED);
	assert_non_null(strstr(log, expected));
	finish(&duo);
	assert_int_equal(count_descriptors(), before);
}

static int have_none(gnutls_certificate_credentials_t credentials)
{
	(void)credentials;
	return 0;
}

static int have_one(gnutls_certificate_credentials_t credentials)
{
	(void)credentials;
	return 1;
}

static int trusts_the_system(struct troupe_self *self, struct harbour *harbour)
{
	struct key_store *store = &harbour->io->key_store;
	struct troupe_tls tls;
	struct keys *keys;

	assert_int_equal(load(self, duo_of(harbour), true, &tls), 0);
	store->gnutls->certificate_set_x509_system_trust = have_none;
	for (unsigned i = 0; i < 2; i++)
		note(self, "%d; ", troupe_start_tls(self, harbour->stream, "example.test"));
	assert_null(store->system);
	/* a server asks nobody */
	assert_int_equal(load(self, duo_of(harbour), true, &tls), 0);
	store->gnutls->certificate_set_x509_system_trust = have_one;
	assert_int_equal(keys_obtain(self, (struct troupe_tls){0}, &keys), 0);
	keys_unref(keys);
	return 0;
}

static void system_that_trusts_nobody_is_told_of(void **state)
{
	static const char words[] = "log 3 unit1 TLS: the system trusts no authorities (is "
				    "ca-certificates installed?); ";
	struct duo duo = sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, trusts_the_system);
	run(&duo);
	assert_said(&duo, "%s%d; %s%d; ", words, -EKEYREJECTED, words, -EKEYREJECTED);
	finish(&duo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_go_both_ways_however_they_are_cut),
		cmocka_unit_test(what_goes_through_is_not_readable),
		cmocka_unit_test(what_was_agreed_on_is_told),
		cmocka_unit_test(long_name_is_cut),
		cmocka_unit_test(certificates_that_are_wrong_are_refused),
		cmocka_unit_test(addresses_are_names_too),
		cmocka_unit_test(
			client_without_a_certificate_is_refused_where_one_is_asked_for),
		cmocka_unit_test(protocols_that_do_not_meet_are_refused),
		cmocka_unit_test(end_without_a_word_is_told_from_an_end),
		cmocka_unit_test(record_that_was_changed_is_refused),
		cmocka_unit_test(whoever_speaks_no_tls_is_refused),
		cmocka_unit_test(whoever_hangs_up_instead_is_heard),
		cmocka_unit_test(whoever_goes_altogether_has_hung_up),
		cmocka_unit_test(certificate_of_one_who_has_gone_is_refused),
		cmocka_unit_test(agreement_has_its_time_whatever_comes),
		cmocka_unit_test(cancelled_anywhere_it_leaves_nothing),
		cmocka_unit_test(closed_anywhere_it_leaves_nothing),
		cmocka_unit_test(stream_that_has_failed_is_of_no_use),
		cmocka_unit_test(agreement_that_never_began_is_over),
		cmocka_unit_test(idle_limit_holds_over_tls),
		cmocka_unit_test(what_has_come_is_read_after_a_write_that_failed),
		cmocka_unit_test(what_was_said_before_is_not_taken_for_what_is_said_now),
		cmocka_unit_test(stream_is_upgraded_after_a_line),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(stream_in_use_is_not_upgraded),
		cmocka_unit_test(writer_waits_for_a_slow_reader_with_little),
		cmocka_unit_test(others_have_their_turn_in_a_long_write),
		cmocka_unit_test(file_is_sent_encrypted),
		cmocka_unit_test(end_that_finds_no_room_is_said_later),
		cmocka_unit_test(end_that_never_finds_room_is_given_up),
		cmocka_unit_test(write_that_was_cut_short_is_followed_by_no_end),
		cmocka_unit_test(finished_stream_is_read_on),
		cmocka_unit_test(server_agrees_in_each_connections_own_task),
		cmocka_unit_test(accepted_stream_waits_for_its_agreement),
		cmocka_unit_test(who_is_trusted_is_the_systems_matter),
		cmocka_unit_test(system_that_trusts_nobody_is_told_of),
	};

	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
