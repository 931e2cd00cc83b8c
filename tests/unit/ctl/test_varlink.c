/* The client against services that misbehave. In simulated time. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/varlink.h"
#include "tests/unit/sim/sim.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct loop *loop;
	struct varlink *client;
	int service;
};

struct probe {
	struct varlink_call call;
	unsigned replies;
	int failure;
	bool continues;
	char error[64], parameters[256];
};

static void on_reply(struct varlink_call *call, const struct varlink_reply *reply)
{
	struct probe *probe = container_of(call, struct probe, call);

	probe->replies++;
	probe->failure = reply->failure;
	probe->continues = reply->continues;
	snprintf(probe->error, sizeof(probe->error), "%s", reply->error ? reply->error : "");
	snprintf(probe->parameters, sizeof(probe->parameters), "%.*s",
		 (int)reply->parameters.size, reply->parameters.at ? reply->parameters.at : "");
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int ends[2];

	assert_int_equal(loop_new(&fixture->loop), 0);
	sim_poll(fixture->loop, true);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(varlink_new(fixture->loop, ends[0], &fixture->client), 0);
	fixture->service = ends[1];
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	varlink_free(fixture->client);
	if (fixture->service >= 0)
		close(fixture->service);
	loop_free(fixture->loop);
	free(fixture);
	return 0;
}

static void begin(struct fixture *fixture, struct probe *probe, unsigned flags,
		  uint64_t timeout_ns)
{
	*probe = (struct probe){.call.on_reply = on_reply};
	assert_int_equal(varlink_call(fixture->client, &probe->call, "a.B", "{\"x\":1}", 7,
				      flags, timeout_ns),
			 0);
	varlink_flush(fixture->client);
}

static void answer(struct fixture *fixture, const char *text, size_t size)
{
	assert_int_equal(send(fixture->service, text, size, 0), size);
	for (int i = 0; i < 5; i++)
		loop_step(fixture->loop, false);
}

#define ANSWER(fixture, text) answer(fixture, text, sizeof(text))

static void client_writes_call_as_varlink_has_it(void **state)
{
	struct fixture *fixture = *state;
	struct probe probe;
	char text[256];
	static const char wanted[] =
		"{\"method\":\"a.B\",\"parameters\":{\"x\":1}}\0"
		"{\"method\":\"a.B\",\"parameters\":{\"x\":1},\"more\":true}\0"
		"{\"method\":\"a.C\",\"parameters\":{},\"oneway\":true}";
	struct probe other;

	begin(fixture, &probe, 0, 0);
	begin(fixture, &other, VARLINK_MORE, 0);
	assert_int_equal(varlink_call(fixture->client, NULL, "a.C", "", 0, VARLINK_ONEWAY, 0),
			 0);
	varlink_flush(fixture->client);
	assert_int_equal(recv(fixture->service, text, sizeof(text), 0), sizeof(wanted));
	assert_memory_equal(text, wanted, sizeof(wanted));
}

static void client_matches_replies_to_calls_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct probe one, two, three;

	begin(fixture, &one, 0, 0);
	begin(fixture, &two, VARLINK_MORE, 0);
	begin(fixture, &three, 0, 0);
	ANSWER(fixture, "{\"parameters\":{\"n\":1}}\0{\"parameters\":{},\"continues\":true}");
	assert_int_equal(one.replies, 1);
	assert_string_equal(one.parameters, "{\"n\":1}");
	assert_int_equal(two.replies, 1);
	assert_true(two.continues);
	ANSWER(fixture, "{\"error\":\"a.Bad\",\"parameters\":{\"c\":2}}\0{}");
	assert_int_equal(two.replies, 2);
	assert_string_equal(two.error, "a.Bad");
	assert_string_equal(three.parameters, "{}");
}

static void client_breaks_off_when_reply_is_malformed(void **state)
{
	static const char *const bad[] = {"", "x", "[]", "{\"error\":\"a\\\"b\"}",
					  "{\"a\":\"\xff\"}"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fixture *fixture;
		struct probe one, two;

		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		fixture = *state;
		begin(fixture, &one, 0, 0);
		begin(fixture, &two, 0, 0);
		answer(fixture, bad[i], strlen(bad[i]) + 1);
		assert_int_equal(one.failure, -EBADMSG);
		assert_int_equal(two.failure, -EBADMSG);
		assert_true(varlink_is_broken(fixture->client));
		assert_int_equal(varlink_call(fixture->client, &one.call, "a.B", "", 0, 0, 0),
				 -ENOTCONN);
	}
}

static void client_breaks_off_when_nobody_asked(void **state)
{
	struct fixture *fixture = *state;

	ANSWER(fixture, "{}");
	assert_true(varlink_is_broken(fixture->client));
}

static void client_reports_open_calls_when_service_closes(void **state)
{
	struct fixture *fixture = *state;
	struct probe one, two;

	begin(fixture, &one, 0, 0);
	begin(fixture, &two, VARLINK_MORE, 0);
	answer(fixture, "{\"parameters\":{}}\0{\"contin", 26);
	close(fixture->service);
	fixture->service = -1;
	for (int i = 0; i < 5; i++)
		loop_step(fixture->loop, false);
	assert_int_equal(one.failure, 0);
	assert_int_equal(two.failure, -ECONNRESET);
}

static void client_ends_a_call_when_its_deadline_passes(void **state)
{
	struct fixture *fixture = *state;
	struct probe one, two;
	uint64_t start = loop_clock_ns(fixture->loop);

	begin(fixture, &one, 0, 30 * CLOCK_MS_NS);
	begin(fixture, &two, 0, 60 * CLOCK_MS_NS);
	ANSWER(fixture, "{}");
	while (two.replies == 0 && loop_clock_ns(fixture->loop) - start < 5 * CLOCK_SECOND_NS)
		loop_step(fixture->loop, true);
	assert_int_equal(one.failure, 0);
	assert_int_equal(two.failure, -ETIMEDOUT);
	assert_true(loop_clock_ns(fixture->loop) - start >= 60 * CLOCK_MS_NS);
	/* The service may have had the same deadline. */
	assert_false(varlink_is_broken(fixture->client));
	ANSWER(fixture, "{\"error\":\"a.b.Late\"}");
	begin(fixture, &one, 0, 0);
	ANSWER(fixture, "{\"parameters\":{\"n\":1}}");
	assert_int_equal(two.replies, 1);
	assert_int_equal(one.failure, 0);
	assert_int_equal(one.replies, 1);
	assert_string_equal(one.error, "");
}

static void client_gives_up_when_what_is_late_does_not_come(void **state)
{
	struct fixture *fixture = *state;
	struct probe one, two;
	uint64_t start = loop_clock_ns(fixture->loop);

	begin(fixture, &one, 0, 30 * CLOCK_MS_NS);
	begin(fixture, &two, 0, 0);
	while (two.replies == 0 && loop_clock_ns(fixture->loop) - start < 10 * CLOCK_SECOND_NS)
		loop_step(fixture->loop, true);
	assert_int_equal(one.failure, -ETIMEDOUT);
	assert_int_equal(two.failure, -ETIMEDOUT);
	assert_true(varlink_is_broken(fixture->client));
	assert_in_range(loop_clock_ns(fixture->loop) - start, CLOCK_SECOND_NS,
			5 * CLOCK_SECOND_NS);
}

static void client_keeps_no_deadline_of_a_stream_that_has_begun(void **state)
{
	struct fixture *fixture = *state;
	struct probe probe;
	uint64_t start = loop_clock_ns(fixture->loop);

	begin(fixture, &probe, VARLINK_MORE, 50 * CLOCK_MS_NS);
	ANSWER(fixture, "{\"continues\":true}");
	sim_run_until(fixture->loop, start + CLOCK_SECOND_NS);
	assert_int_equal(probe.replies, 1);
	assert_int_equal(probe.failure, 0);
}

static void client_takes_large_reply_when_it_comes_in_pieces(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 20 << 20, at = 0;
	cleanup_free char *frame = malloc(size);
	struct probe probe;

	begin(fixture, &probe, 0, 0);
	memset(frame, ' ', size);
	frame[0] = '{';
	frame[size - 2] = '}';
	frame[size - 1] = '\0';
	while (at < size) {
		ssize_t n = send(fixture->service, frame + at, size - at, MSG_NOSIGNAL);

		at += n > 0 ? (size_t)n : 0;
		loop_step(fixture->loop, false);
	}
	for (int i = 0; i < 5; i++)
		loop_step(fixture->loop, false);
	assert_int_equal(probe.replies, 1);
	assert_int_equal(probe.failure, 0);
}

static void client_says_why_when_it_cannot_connect(void **state)
{
	struct fixture *fixture = *state;
	struct varlink *client = NULL;
	char path[200];

	memset(path, 'x', sizeof(path));
	path[108] = '\0';
	assert_int_equal(varlink_connect(fixture->loop, "/nonexistent/s", 0, &client), -ENOENT);
	assert_int_equal(varlink_connect(fixture->loop, path, 0, &client), -ENAMETOOLONG);
	assert_null(client);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(client_writes_call_as_varlink_has_it),
		CASE(client_matches_replies_to_calls_in_order),
		CASE(client_breaks_off_when_reply_is_malformed),
		CASE(client_breaks_off_when_nobody_asked),
		CASE(client_reports_open_calls_when_service_closes),
		CASE(client_ends_a_call_when_its_deadline_passes),
		CASE(client_gives_up_when_what_is_late_does_not_come),
		CASE(client_keeps_no_deadline_of_a_stream_that_has_begun),
		CASE(client_takes_large_reply_when_it_comes_in_pieces),
		CASE(client_says_why_when_it_cannot_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
