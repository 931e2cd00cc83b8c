/* Where TLS begins: on a stream that has said something, and on one that was accepted. */
#include "descriptors.h"
#include "duo.h"

static int upgrades(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	ssize_t n;

	n = troupe_read_until(self, harbour->stream, "\n", 64, &text);
	note(self, "[%.*s]", (int)n - 1, text);
	return duo_starts(self, harbour);
}

/* CVE-2011-0411: what somebody has put behind the answer would be taken for the server's. */
static void what_was_said_before_is_not_taken_for_what_is_said_now(void **state)
{
	struct duo duo = duo_sound(state);
	char byte;

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, upgrades);
	harbour_says(&duo.harbour, "220 go ahead\n250 forged\n");
	duo_run(&duo);
	assert_said(&duo,
		    "[220 go ahead]log 4 unit1 no TLS on a stream that has more to be read: it "
		    "was sent before; client %d; ",
		    -EPROTO);
	assert_int_equal(recv(duo.harbour.there, &byte, 1, MSG_DONTWAIT), -1);
	duo_finish(&duo);
}

static void stream_is_upgraded_after_a_line(void **state)
{
	struct duo duo = duo_sound(state);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	duo.own = ends[0];
	duo.there = ends[1];
	duo.client_does = duo_asks;
	duo.server_does = duo_answers;
	harbour_play(&duo.harbour, upgrades, duo_accepts);
	harbour_says(&duo.harbour, "220 go ahead\n");
	duo_run_all(&duo);
	assert_said(&duo, "[220 go ahead]client 0; server 0; [question][answer]0; 0; ");
	duo_finish(&duo);
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
	struct duo duo = duo_sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, misuses);
	duo_run(&duo);
	assert_said(&duo,
		    "log 4 unit1 \"tls:\" is listened at by troupe_tls_listen(); misused; ");
	duo_finish(&duo);
}

static int starts_while_another_reads(struct troupe_self *self, struct harbour *harbour)
{
	note(self, "%d; ", troupe_start_tls(self, harbour->stream, "example.test"));
	troupe_close(self, harbour->stream);
	return 0;
}

static void stream_in_use_is_not_upgraded(void **state)
{
	struct duo duo = duo_sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, duo_reads_on, starts_while_another_reads);
	duo_run(&duo);
	assert_said(&duo, "%d; %d; %d; ", -EBUSY, -ECONNABORTED, -ESRCH);
	duo_finish(&duo);
}

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

	assert_int_equal(duo_load(self, duo_of(harbour), true, &tls), 0);
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
	assert_int_equal(duo_load(self, duo_of(harbour), false, &tls), 0);
	assert_int_equal(troupe_connect(self, place, &harbour->stream), 0);
	assert_int_equal(troupe_tls_start(self, harbour->stream, tls, duo_of(harbour)->name),
			 0);
	assert_int_equal(troupe_peer(self, harbour->stream, place), 0);
	assert_string_equal(place, harbour->place);
	return duo_asks(self, harbour);
}

/* One that says nothing is in nobody's way. */
static void server_agrees_in_each_connections_own_task(void **state)
{
	struct duo duo = duo_sound(state);
	int silent;

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, serves);
	duo_run(&duo);
	duo.harbour.place[1] = 'c', duo.harbour.place[2] = 'p';
	silent = harbour_connect(duo.harbour.place);
	duo.harbour.place[1] = 'l', duo.harbour.place[2] = 's';
	duo_run(&duo);
	harbour_start(&duo.harbour, asks_the_listener);
	duo_run(&duo);
	assert_log(&duo.harbour.world, "[question]0; 0; ");
	world_sleep(&duo.harbour.world, 11 * SECOND);
	assert_non_null(strstr(world_log(&duo.harbour.world), ": It took too long."));
	close(silent);
	duo_finish(&duo);
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
	struct duo duo = duo_sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, accepts_one);
	duo_run(&duo);
	harbour_start(&duo.harbour, asks_the_listener);
	duo_run(&duo);
	assert_log(&duo.harbour.world, "[question]0; 0; ");
	duo_finish(&duo);
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
	const unsigned before = descriptors_count();
	struct duo duo = duo_sound(state);
	char expected[64];
	const char *log;

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, serves);
	duo_run(&duo);
	harbour_start(&duo.harbour, connects);
	duo_run(&duo);
	log = world_log(&duo.harbour.world);
	if (!strstr(log, "(127.0.0.1): The certificate is NOT trusted.") &&
	    !strstr(log, "the system trusts no authorities"))
		fail_msg("%s", log);
	snprintf(expected, sizeof(expected), "%d; ", -EKEYREJECTED);
	assert_non_null(strstr(log, expected));
	duo_finish(&duo);
	assert_int_equal(descriptors_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_said_before_is_not_taken_for_what_is_said_now),
		cmocka_unit_test(stream_is_upgraded_after_a_line),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(stream_in_use_is_not_upgraded),
		cmocka_unit_test(server_agrees_in_each_connections_own_task),
		cmocka_unit_test(accepted_stream_waits_for_its_agreement),
		cmocka_unit_test(who_is_trusted_is_the_systems_matter),
	};

	return cmocka_run_group_tests(tests, duo_make_certificates, duo_remove_certificates);
}
