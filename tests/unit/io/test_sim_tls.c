/* What is said over TLS: whole, in order, readable to nobody between, and with a reader that is
 * slow. */
#include "duo.h"
#include "io/stream.h"
#include "io/tls.h"
#include <fcntl.h>
#include <sys/mman.h>

static void lines_go_both_ways_however_they_are_cut(void **state)
{
	for (size_t piece = 1; piece < 20000; piece = piece * 5 + 1) {
		struct duo duo = duo_sound(state);

		duo.piece = piece;
		duo.client_does = duo_asks;
		duo.server_does = duo_answers;
		duo_play(&duo);
		assert_said(&duo, "client 0; server 0; [question][answer]0; 0; ");
		duo_finish(&duo);
	}
}

static void what_goes_through_is_not_readable(void **state)
{
	struct duo duo = duo_sound(state);
	char bytes[4096];
	ssize_t n;

	duo.client_does = duo_asks;
	duo_begin(&duo);
	for (bool more = true; more;) {
		duo_run(&duo);
		more = false;
		while ((n = recv(duo.harbour.there, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
			assert_null(memmem(bytes, (size_t)n, "question", 8));
			assert_int_equal(write(duo.there, bytes, (size_t)n), n);
			more = true;
		}
		more |= duo_carry(duo.there, duo.harbour.there, 0, &duo.to_client);
	}
	assert_said(&duo, "client 0; server 0; ");
	duo_finish(&duo);
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
	struct duo duo = duo_sound(state);

	duo.offers = offers;
	duo.takes = takes;
	duo.client_certificate = "client";
	duo.client_does = informs;
	duo.server_does = informs_too;
	duo_play(&duo);
	assert_said(&duo, "client 0; TLS1.3 c CN=good; server 0; CN=client; ");
	duo_finish(&duo);
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
	struct duo duo = duo_sound(state);

	duo.client_certificate = "long";
	duo.server_does = measures;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; CN=long,OU=0000, 255; ");
	duo_finish(&duo);
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
	struct duo duo = duo_sound(state);

	duo.certificate = "unknown";
	duo_play(&duo);
	world_log(&duo.harbour.world);
	harbour_start(&duo.harbour, tries_after_it_failed);
	duo_run(&duo);
	assert_said(&duo, "%d %d %d %d; ", -EPROTO, -EPROTO, -EPROTO, -EISCONN);
	duo_finish(&duo);
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
	struct duo duo = duo_sound(state);

	duo.client_does = idles;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; ");
	world_sleep(&duo.harbour.world, 2 * SECOND);
	assert_said(&duo, "%d; ", -ETIME);
	duo_finish(&duo);
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
	return duo_reads_on(self, harbour);
}

/* Both what has been read ahead and what the kernel holds. */
static void what_has_come_is_read_after_a_write_that_failed(void **state)
{
	struct duo duo = duo_sound(state);

	duo.client_does = reads_a_line;
	duo.server_does = says_three_lines;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; [one]");
	duo_is_gone(&duo);
	harbour_start(&duo.harbour, writes_and_reads_on);
	duo_run(&duo);
	assert_said(&duo, "%d %d %d [two][three\n]%d; %d; ", -EPIPE, -EPIPE, -EPIPE,
		    -ECONNRESET, -ECONNRESET);
	duo_finish(&duo);
}

static int sends_plenty(struct troupe_self *self, struct harbour *harbour)
{
	char *bytes = duo_pattern();
	int rc = troupe_write(self, duo_of(harbour)->server, bytes, DUO_PLENTY);

	free(bytes);
	note(self, "sent %d; ", rc);
	troupe_close(self, duo_of(harbour)->server);
	return 0;
}

static int sends_a_file(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream to = duo_of(harbour)->server;
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *bytes = duo_pattern();

	assert_int_equal(pwrite(fd, "ahead", 5, 0), 5);
	assert_int_equal(pwrite(fd, bytes, DUO_PLENTY, 5), DUO_PLENTY);
	free(bytes);
	note(self, "sent %zd ", troupe_send_file(self, to, fd, 5, 7));
	note(self, "%zd ", troupe_send_file(self, to, fd, 12, 2 * DUO_PLENTY));
	note(self, "%zd ", troupe_send_file(self, to, fd, 12 + DUO_PLENTY, 2));
	note(self, "%zd; ", troupe_send_file(self, to, -1, 0, 2));
	close(fd);
	troupe_close(self, to);
	return 0;
}

static int takes_plenty(struct troupe_self *self, struct harbour *harbour)
{
	char *bytes = malloc(DUO_PLENTY + 1), *expected = duo_pattern();
	size_t done = 0;
	ssize_t n;

	assert_non_null(bytes);
	while ((n = troupe_read(self, harbour->stream, bytes + done, DUO_PLENTY + 1 - done)) >
	       0)
		done += (size_t)n;
	assert_int_equal(done, DUO_PLENTY);
	assert_memory_equal(bytes, expected, DUO_PLENTY);
	free(expected);
	free(bytes);
	note(self, "all, then %zd; ", n);
	return 0;
}

/* Nobody reads until the writer waits; its buffer is a record's then, for all it has to say. */
static void writer_waits_for_a_slow_reader_with_little(void **state)
{
	struct duo duo = duo_sound(state);
	struct stream *stream;

	duo.client_does = takes_plenty;
	duo.server_does = sends_plenty;
	duo_begin(&duo);
	while (duo.to_client < 4000) {
		duo_run(&duo);
		duo_carry_both(&duo);
	}
	for (unsigned i = 0; i < 8; i++)
		duo_run(&duo);
	stream = container_of(belonging_at(duo.harbour.world.runtime, duo.server.id),
			      struct stream, port.belonging);
	assert_in_range(buffer_size(&stream->tls->output), 1, 20000);
	world_sleep(&duo.harbour.world, 100 * SECOND);
	duo_run_all(&duo);
	assert_said(&duo, "client 0; server 0; sent 0; all, then 0; ");
	duo_finish(&duo);
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
	struct duo duo = duo_sound(state);

	duo.server_does = writes_a_lot;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; writes; a turn; written; ");
	duo_finish(&duo);
}

static void file_is_sent_encrypted(void **state)
{
	struct duo duo = duo_sound(state);

	duo.client_does = takes_plenty;
	duo.server_does = sends_a_file;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; sent 7 %u 0 %d; all, then 0; ", DUO_PLENTY - 7,
		    -EBADF);
	duo_finish(&duo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_go_both_ways_however_they_are_cut),
		cmocka_unit_test(what_goes_through_is_not_readable),
		cmocka_unit_test(what_was_agreed_on_is_told),
		cmocka_unit_test(long_name_is_cut),
		cmocka_unit_test(stream_that_has_failed_is_of_no_use),
		cmocka_unit_test(idle_limit_holds_over_tls),
		cmocka_unit_test(what_has_come_is_read_after_a_write_that_failed),
		cmocka_unit_test(writer_waits_for_a_slow_reader_with_little),
		cmocka_unit_test(others_have_their_turn_in_a_long_write),
		cmocka_unit_test(file_is_sent_encrypted),
	};

	return cmocka_run_group_tests(tests, duo_make_certificates, duo_remove_certificates);
}
