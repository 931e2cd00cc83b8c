/* Replies in order, streams, oneway calls, and replies that cannot be sent. */
#include "fixture.h"

#include "base/limits.h"
#include "control/host.h"

static int set_up(void **state)
{
	*state = fixture_new(&(struct control_config){0});
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

#define ACTORS      "{\"method\":\"io.troupe.Control.Actors\"}"
#define ACTORS_MORE "{\"method\":\"io.troupe.Control.Actors\",\"more\":true}"
#define ONEWAY      "{\"method\":\"io.troupe.Control.Actors\",\"oneway\":true}"

/* The text of an object, `size` bytes. */
static char *wide_object(size_t size)
{
	char *text = malloc(size);

	assert_non_null(text);
	memset(text, ' ', size);
	text[0] = '{';
	text[size - 1] = '}';
	return text;
}

static size_t arrived(struct fixture *fixture)
{
	char text[1024];
	ssize_t n = recv(fixture->client, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT);

	return n > 0 ? (size_t)n : 0;
}

/* One that waits for nothing else has its reply before the loop goes on; those of several calls
 * are written together. */
static void call_is_replied_to_at_once_when_it_is_the_only_one(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 1);
	answer_number(fixture, 0, 1);
	assert_int_equal(arrived(fixture), sizeof("{\"parameters\":{\"n\":1}}"));
	expect_frame(fixture, "{\"parameters\":{\"n\":1}}");
	send_frame(fixture, ACTORS);
	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 3);
	answer_number(fixture, 1, 2);
	/* The last one, but there is output before it. */
	answer_number(fixture, 2, 3);
	assert_int_equal(arrived(fixture), 0);
	expect_frame(fixture, "{\"parameters\":{\"n\":2}}");
	expect_frame(fixture, "{\"parameters\":{\"n\":3}}");
}

/* The socket takes a part of it at once, and the rest as it is read. */
static void call_is_replied_to_whole_when_the_client_reads_slowly(void **state)
{
	static const char head[] = "{\"parameters\":{";
	struct fixture *fixture = *state;
	size_t size = 8 << 20, got = 0, all = sizeof("{\"parameters\":}") + size;
	cleanup_free char *text = wide_object(size), *read = malloc(all);

	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 1);
	assert_int_equal(control_call_reply_text(fixture->open[0], text, size, false), 0);
	fixture->open[0] = NULL;
	while (got < all) {
		ssize_t n = recv(fixture->client, read + got, all - got, MSG_DONTWAIT);

		got += n > 0 ? (size_t)n : 0;
		loop_step(fixture->loop, false);
	}
	assert_memory_equal(read, head, strlen(head));
	assert_memory_equal(read + strlen(head), text + 1, size - 1);
	assert_string_equal(read + all - 3, "}}");
	expect_silence(fixture);
}

static void call_ends_when_its_client_left_without_a_word(void **state)
{
	struct fixture *fixture = *state;

	fixture->ignore_gone = true;
	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 1);
	close(take_fd(&fixture->client));
	answer_number(fixture, 0, 1);
	wait_until(fixture, fixture->n_left == 1);
	assert_int_equal(control_server_connections(fixture->server), 0);
}

static void call_replies_in_order_when_answered_in_another(void **state)
{
	static const int order[] = {2, 0, 3, 1};
	struct fixture *fixture = *state;

	for (int i = 0; i < 4; i++)
		send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 4);
	answer_number(fixture, (size_t)order[0], order[0]);
	expect_silence(fixture);
	for (size_t i = 1; i < ARRAY_LEN(order); i++)
		answer_number(fixture, (size_t)order[i], order[i]);
	for (int i = 0; i < 4; i++) {
		char text[64];

		snprintf(text, sizeof(text), "{\"parameters\":{\"n\":%d}}", i);
		expect_frame(fixture, text);
	}
}

static void call_waits_unread_when_64_are_open(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < LIMIT_PIPELINED + 2; i++)
		send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == LIMIT_PIPELINED);
	settle(fixture);
	assert_int_equal(fixture->n_open, LIMIT_PIPELINED);
	/* One that is answered makes room, even when its reply has to wait for those before. */
	answer_number(fixture, 5, 5);
	wait_until(fixture, fixture->n_open == LIMIT_PIPELINED + 1);
	answer_number(fixture, 0, 0);
	wait_until(fixture, fixture->n_open == LIMIT_PIPELINED + 2);
}

static void call_holds_those_behind_it_when_it_streams(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ACTORS);
	send_frame(fixture, ACTORS_MORE);
	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 2);
	settle(fixture);
	assert_int_equal(fixture->n_open, 2);
	/* Its replies wait for the call before it. */
	assert_int_equal(answer_actors(fixture, 1, true), 0);
	expect_silence(fixture);
	answer_number(fixture, 0, 0);
	expect_frame(fixture, "{\"parameters\":{\"n\":0}}");
	expect_frame(fixture,
		     "{\"parameters\":{\"actors\":[],\"silent\":[]},\"continues\":true}");
	assert_int_equal(fixture->n_open, 2);
	assert_int_equal(answer_actors(fixture, 1, false), 0);
	expect_frame(fixture, EMPTY_ACTORS);
	wait_until(fixture, fixture->n_open == 3);
	answer_number(fixture, 2, 2);
	expect_frame(fixture, "{\"parameters\":{\"n\":2}}");
}

static void call_says_again_when_stream_is_not_read(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 64 << 10, sent = 0, got = 0;
	cleanup_free char *text = wide_object(size);
	int r;

	send_frame(fixture, ACTORS_MORE);
	wait_until(fixture, fixture->n_open == 1);
	for (;;) {
		r = control_call_reply_text(fixture->open[0], text, size, true);
		if (r < 0)
			break;
		sent++;
		assert_true(sent < 100);
		loop_step(fixture->loop, false);
	}
	assert_int_equal(r, -EAGAIN);
	assert_true(sent >= 16);
	/* A last reply is never refused; and what was accepted all arrives. */
	assert_int_equal(control_call_reply_text(fixture->open[0], "{}", 2, false), 0);
	fixture->open[0] = NULL;
	while (strstr(next_frame(fixture), "continues"))
		got++;
	assert_int_equal(got, sent);
}

static void call_says_again_when_stream_waits_behind_another_call(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 512 << 10;
	cleanup_free char *text = wide_object(size);

	send_frame(fixture, ACTORS);
	send_frame(fixture, ACTORS_MORE);
	wait_until(fixture, fixture->n_open == 2);
	assert_int_equal(control_call_reply_text(fixture->open[1], text, size, true), 0);
	assert_int_equal(control_call_reply_text(fixture->open[1], text, size, true), 0);
	assert_int_equal(control_call_reply_text(fixture->open[1], text, size, true), -EAGAIN);
}

static void calls_are_read_on_when_many_replies_have_waited(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 512 << 10;
	cleanup_free char *text = wide_object(size);

	/* Four times as much as may wait at once. */
	for (size_t i = 0; i < 16; i += 2) {
		send_frame(fixture, ACTORS);
		send_frame(fixture, ACTORS);
		wait_until(fixture, fixture->n_open == i + 2);
		assert_int_equal(
			control_call_reply_text(fixture->open[i + 1], text, size, false), 0);
		fixture->open[i + 1] = NULL;
		answer_number(fixture, i, 7);
		expect_frame(fixture, "{\"parameters\":{\"n\":7}}");
		assert_int_equal(strlen(next_frame(fixture)),
				 size + strlen("{\"parameters\":}"));
	}
}

static void call_gets_no_reply_when_oneway(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ONEWAY);
	send_frame(fixture, "{\"method\":\"io.troupe.Control.Start\","
			    "\"parameters\":{\"name\":\"x\"},\"oneway\":true}");
	send_frame(fixture, "{\"method\":\"no.such.Method\",\"oneway\":true,\"more\":true}");
	send_frame(fixture, "{\"method\":\"io.troupe.Control.Watch\",\"oneway\":true}");
	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 2);
	assert_true(fixture->open[0]->oneway);
	/* The oneway call is open, and holds nobody back. */
	answer_number(fixture, 1, 1);
	expect_frame(fixture, "{\"parameters\":{\"n\":1}}");
	answer_number(fixture, 0, 0);
	expect_silence(fixture);
}

static void call_is_not_run_when_oneway_and_only_looking(void **state)
{
	struct fixture *fixture = *state;

	/* Reload is of CONTROL_OBSERVE here. */
	for (unsigned i = 0; i < 2 * LIMIT_PIPELINED; i++)
		send_frame(fixture,
			   "{\"method\":\"io.troupe.Control.Reload\",\"oneway\":true}");
	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 1);
	assert_int_equal(fixture->n_handled, 1);
	answer_number(fixture, 0, 1);
	expect_frame(fixture, "{\"parameters\":{\"n\":1}}");
}

static void call_counts_oneway_ones_when_64_are_open(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < LIMIT_PIPELINED; i++)
		send_frame(fixture, ONEWAY);
	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == LIMIT_PIPELINED);
	settle(fixture);
	assert_int_equal(fixture->n_open, LIMIT_PIPELINED);
	answer_number(fixture, 7, 0);
	wait_until(fixture, fixture->n_open == LIMIT_PIPELINED + 1);
}

static size_t claimed(struct fixture *fixture, unsigned share)
{
	return fixture->server->ledger.uses[share].calls;
}

static void call_gives_back_what_it_claimed_when_it_ends(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 4; i++)
		send_frame(fixture, i < 3 ? ACTORS : ONEWAY);
	wait_until(fixture, fixture->n_open == 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(control_call_claim(fixture->open[i], 0, 7), 0);
	assert_int_equal(control_call_claim(fixture->open[3], 0, 7), -EUSERS);
	/* One share at a time: the new one for the old. */
	assert_int_equal(control_call_claim(fixture->open[0], 1, 101), -EUSERS);
	assert_int_equal(claimed(fixture, 0), 2);
	assert_int_equal(control_call_claim(fixture->open[0], 1, 100), 0);
	assert_int_equal(control_call_claim(fixture->open[3], 0, 7), 0);
	/* The same with another number of bytes. */
	assert_int_equal(control_call_claim(fixture->open[0], 1, 50), 0);
	answer_number(fixture, 0, 0);
	assert_int_equal(claimed(fixture, 1), 0);
	/* Calls that are cancelled; not those that nobody waited for. */
	fixture->open[3]->on_gone = NULL;
	close(fixture->client);
	wait_until(fixture, fixture->n_gone == 2);
	fixture->client = fixture_connect(fixture);
	assert_int_equal(claimed(fixture, 0), 1);
	answer_number(fixture, 3, 3);
	assert_int_equal(claimed(fixture, 0), 0);
}

static void call_ends_with_failed_when_reply_breaks_its_type(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, "{\"method\":\"io.troupe.Control.Reload\"}");
	expect_frame(fixture,
		     "{\"error\":\"io.troupe.Control.Failed\",\"parameters\":{\"code\":-22,"
		     "\"message\":\"the reply does not fit its type\"}}");
}

static void call_ends_with_failed_when_reply_is_too_large(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 2 * LIMIT_FRAME + 1;
	cleanup_free char *text = calloc(1, size);

	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 1);
	assert_int_equal(control_call_reply_text(fixture->open[0], text, size, false),
			 -EMSGSIZE);
	fixture->open[0] = NULL;
	expect_frame(fixture,
		     "{\"error\":\"io.troupe.Control.Failed\",\"parameters\":{\"code\":-90,"
		     "\"message\":\"the reply is too large\"}}");
}

static void stream_goes_on_when_one_of_its_replies_cannot_be_sent(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 2 * LIMIT_FRAME + 1;
	cleanup_free char *text = calloc(1, size);

	send_frame(fixture, ACTORS_MORE);
	wait_until(fixture, fixture->n_open == 1);
	assert_int_equal(control_call_reply_text(fixture->open[0], text, size, true),
			 -EMSGSIZE);
	expect_silence(fixture);
	answer_number(fixture, 0, 3);
	expect_frame(fixture, "{\"parameters\":{\"n\":3}}");
}

static void call_ends_with_failed_when_error_name_would_break_the_frame(void **state)
{
	static const char *const bad[] = {"", "a\"b", "a\nb", "\xc3\xa4.B"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		send_frame(fixture, ACTORS);
		wait_until(fixture, fixture->n_open == i + 1);
		control_call_fail_text(fixture->open[i], bad[i], "", 0);
		fixture->open[i] = NULL;
		assert_non_null(strstr(next_frame(fixture), "io.troupe.Control.Failed"));
	}
}

static void call_carries_error_by_name_when_host_gives_text(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ACTORS);
	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 2);
	control_call_fail_text(fixture->open[0], "com.example.Bad", "{\"a\":1}", 7);
	control_call_fail_text(fixture->open[1], "com.example.Worse", "", 0);
	fixture->open[0] = fixture->open[1] = NULL;
	expect_frame(fixture, "{\"error\":\"com.example.Bad\",\"parameters\":{\"a\":1}}");
	expect_frame(fixture, "{\"error\":\"com.example.Worse\"}");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(call_is_replied_to_at_once_when_it_is_the_only_one),
		CASE(call_is_replied_to_whole_when_the_client_reads_slowly),
		CASE(call_ends_when_its_client_left_without_a_word),
		CASE(call_replies_in_order_when_answered_in_another),
		CASE(call_waits_unread_when_64_are_open),
		CASE(call_holds_those_behind_it_when_it_streams),
		CASE(call_says_again_when_stream_is_not_read),
		CASE(call_says_again_when_stream_waits_behind_another_call),
		CASE(calls_are_read_on_when_many_replies_have_waited),
		CASE(call_gets_no_reply_when_oneway),
		CASE(call_is_not_run_when_oneway_and_only_looking),
		CASE(call_counts_oneway_ones_when_64_are_open),
		CASE(call_gives_back_what_it_claimed_when_it_ends),
		CASE(call_ends_with_failed_when_reply_breaks_its_type),
		CASE(call_ends_with_failed_when_reply_is_too_large),
		CASE(stream_goes_on_when_one_of_its_replies_cannot_be_sent),
		CASE(call_ends_with_failed_when_error_name_would_break_the_frame),
		CASE(call_carries_error_by_name_when_host_gives_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
