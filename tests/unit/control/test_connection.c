/* Framing, half-close and close, limits of one connection. */
#include "fixture.h"

#include "base/limits.h"
#include <time.h>

static int set_up(void **state)
{
	*state = fixture_new(&(struct control_config){.frame_max = 4096});
	return 0;
}

static int set_up_large(void **state)
{
	*state = fixture_new(&(struct control_config){.frame_max = LIMIT_FRAME});
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

#define STOP_CALL   "{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":\"a\"}}"
#define STOP_REPLY  "{}"
#define ACTORS      "{\"method\":\"io.troupe.Control.Actors\"}"
#define ACTORS_MORE "{\"method\":\"io.troupe.Control.Actors\",\"more\":true}"

static void connection_answers_call_when_it_comes_whole(void **state)
{
	send_frame(*state, STOP_CALL);
	expect_frame((struct fixture *)*state, STOP_REPLY);
}

static void connection_answers_call_when_it_comes_byte_by_byte(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(STOP_CALL); i++) {
		send_raw(fixture, fixture->client, &STOP_CALL[i], 1);
		loop_step(fixture->loop, false);
	}
	expect_frame(fixture, STOP_REPLY);
}

static void connection_answers_all_calls_when_they_come_in_one_write(void **state)
{
	struct fixture *fixture = *state;
	enum { N = 5000 };
	size_t size = sizeof(STOP_CALL);
	cleanup_free char *calls = malloc(N * size);

	for (size_t i = 0; i < N; i++)
		memcpy(calls + i * size, STOP_CALL, size);
	for (size_t i = 0; i < N; i += 50) {
		send_raw(fixture, fixture->client, calls + i * size, 50 * size);
		for (int j = 0; j < 50; j++)
			expect_frame(fixture, STOP_REPLY);
	}
	assert_int_equal(fixture->n_handled, N);
}

static void connection_takes_frame_when_as_large_as_allowed(void **state)
{
	struct fixture *fixture = *state;
	char frame[4096 + 1];

	memset(frame, ' ', sizeof(frame));
	memcpy(frame, STOP_CALL, strlen(STOP_CALL));
	frame[4096] = '\0';
	send_raw(fixture, fixture->client, frame, sizeof(frame));
	expect_frame(fixture, STOP_REPLY);
}

static void connection_refuses_frame_when_larger_than_allowed(void **state)
{
	struct fixture *fixture = *state;
	char frame[4096 + 2];

	send_frame(fixture, ACTORS);
	memset(frame, ' ', sizeof(frame));
	memcpy(frame, STOP_CALL, strlen(STOP_CALL));
	frame[4097] = '\0';
	send_raw(fixture, fixture->client, frame, sizeof(frame));
	wait_until(fixture, fixture->n_trouble == 1);
	assert_non_null(strstr(fixture->trouble, "the message is too large"));
	/* What was asked before is answered before. */
	answer_actors(fixture, 0, false);
	expect_frame(fixture, EMPTY_ACTORS);
	expect_frame(fixture, "{\"error\":\"org.varlink.service.InvalidParameter\","
			      "\"parameters\":{\"parameter\":\"\",\"reason\":\"the message is "
			      "too large (FrameMax=)\"}}");
	assert_null(next_frame(fixture));
	assert_int_equal(fixture->n_handled, 1);
}

static void connection_logs_why_when_client_writes_an_endless_frame(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free char *junk = malloc(1 << 20);

	/* All of it is taken, none of it is held. */
	memset(junk, 'x', 1 << 20);
	for (int i = 0; i < 64; i++)
		send_raw(fixture, fixture->client, junk, 1 << 20);
	expect_frame(fixture, "{\"error\":\"org.varlink.service.InvalidParameter\","
			      "\"parameters\":{\"parameter\":\"\",\"reason\":\"the message is "
			      "too large (FrameMax=)\"}}");
	assert_null(next_frame(fixture));
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, control_server_connections(fixture->server) == 0);
}

static void connection_reads_large_frame_in_linear_time_when_it_trickles(void **state)
{
	struct fixture *fixture = *state;
	size_t size = LIMIT_FRAME;
	cleanup_free char *frame = malloc(size);
	static const char head[] = "{\"method\":\"com.example.Big\",\"parameters\":{\"x\":\"";
	static const char tail[] = "\"}}";
	clock_t start = clock();

	memset(frame, 'x', size);
	memcpy(frame, head, strlen(head));
	memcpy(frame + size - sizeof(tail), tail, sizeof(tail));
	/* 4 KiB at a time: rescanning would look at 32 GiB. */
	for (size_t at = 0; at < size; at += 4096) {
		send_raw(fixture, fixture->client, frame + at, 4096);
		loop_step(fixture->loop, false);
	}
	expect_frame(fixture, "{\"parameters\":{\"n\":1}}");
	assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
}

static void connection_closes_quietly_when_half_a_frame_and_a_close(void **state)
{
	struct fixture *fixture = *state;

	send_raw(fixture, fixture->client, "{\"meth", 6);
	settle(fixture);
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, control_server_connections(fixture->server) == 0);
	assert_int_equal(fixture->n_handled, 0);
}

static void connection_replies_when_client_has_closed_its_writing_half(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ACTORS);
	send_frame(fixture, ACTORS_MORE);
	shutdown(fixture->client, SHUT_WR);
	wait_until(fixture, fixture->n_open == 2);
	settle(fixture);
	assert_int_equal(fixture->n_gone, 0);
	answer_actors(fixture, 0, false);
	expect_frame(fixture, EMPTY_ACTORS);
	answer_actors(fixture, 1, true);
	expect_frame(fixture,
		     "{\"parameters\":{\"actors\":[],\"silent\":[]},\"continues\":true}");
	answer_actors(fixture, 1, false);
	expect_frame(fixture, EMPTY_ACTORS);
	assert_null(next_frame(fixture));
	wait_until(fixture, control_server_connections(fixture->server) == 0);
}

static void connection_cancels_calls_when_client_closes(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ACTORS);
	send_frame(fixture, ACTORS_MORE);
	wait_until(fixture, fixture->n_open == 2);
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, fixture->n_gone == 2);
	wait_until(fixture, control_server_connections(fixture->server) == 0);
}

static void connection_cancels_calls_when_half_closed_client_closes(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ACTORS_MORE);
	shutdown(fixture->client, SHUT_WR);
	wait_until(fixture, fixture->n_open == 1);
	settle(fixture);
	assert_int_equal(fixture->n_gone, 0);
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, fixture->n_gone == 1);
	wait_until(fixture, control_server_connections(fixture->server) == 0);
}

static void connection_cancels_calls_when_client_closes_with_its_queue_full(void **state)
{
	struct fixture *fixture = *state;

	/* Reading has stopped: the close has to be looked for. */
	for (unsigned i = 0; i < LIMIT_PIPELINED + 10; i++)
		send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == LIMIT_PIPELINED);
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, fixture->n_gone == LIMIT_PIPELINED);
	wait_until(fixture, control_server_connections(fixture->server) == 0);
	assert_int_equal(fixture->n_open, LIMIT_PIPELINED);
}

static void connection_runs_oneway_calls_when_client_closes_at_once(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 200; i++)
		send_frame(fixture, "{\"method\":\"io.troupe.Control.Stop\","
				    "\"parameters\":{\"name\":\"a\"},\"oneway\":true}");
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, control_server_connections(fixture->server) == 0);
	assert_int_equal(fixture->n_handled, 200);
}

static void connection_keeps_oneway_call_when_client_closes(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, "{\"method\":\"io.troupe.Control.Actors\",\"oneway\":true}");
	wait_until(fixture, fixture->n_open == 1);
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, control_server_connections(fixture->server) == 0);
	assert_int_equal(fixture->n_gone, 0);
	assert_int_equal(answer_actors(fixture, 0, false), 0);
}

static void connection_has_a_number_until_it_closes(void **state)
{
	struct fixture *fixture = *state;
	int other = fixture_connect(fixture);
	uint64_t number;

	send_frame(fixture, "{\"method\":\"io.troupe.Control.Actors\",\"oneway\":true}");
	send_frame(fixture, "{\"method\":\"io.troupe.Control.Actors\",\"oneway\":true}");
	wait_until(fixture, fixture->n_open == 2);
	number = fixture->open[0]->client;
	assert_int_not_equal(number, 0);
	assert_int_equal(fixture->open[1]->client, number);
	assert_int_equal(control_call_mark(fixture->open[0], 1), number);
	assert_int_equal(control_call_mark(fixture->open[1], 4), number);
	assert_int_equal(fixture->n_left, 0);
	close(fixture->client);
	wait_until(fixture, control_server_connections(fixture->server) == 1);
	assert_int_equal(fixture->n_left, 1);
	assert_int_equal(fixture->left, number);
	assert_int_equal(fixture->left_marks, 5);
	assert_int_equal(control_call_mark(fixture->open[0], 2), 0);
	/* its calls go on, and are of nobody who could leave once more */
	assert_int_equal(fixture->open[0]->client, 0);
	assert_int_equal(answer_actors(fixture, 0, false), 0);
	assert_int_equal(answer_actors(fixture, 1, false), 0);
	fixture->client = other;
	send_frame(fixture, "{\"method\":\"io.troupe.Control.Actors\",\"oneway\":true}");
	wait_until(fixture, fixture->n_open == 3);
	assert_int_not_equal(fixture->open[2]->client, number);
	assert_int_equal(answer_actors(fixture, 2, false), 0);
}

static void connection_reports_host_of_open_calls_when_server_ends(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ACTORS);
	send_frame(fixture, "{\"method\":\"io.troupe.Control.Actors\",\"oneway\":true}");
	wait_until(fixture, fixture->n_open == 2);
	control_server_free(fixture->server);
	fixture->server = NULL;
	assert_int_equal(fixture->n_gone, 2);
}

static void connection_survives_host_that_answers_when_client_is_gone(void **state)
{
	struct fixture *fixture = *state;

	fixture->ignore_gone = true;
	send_frame(fixture, ACTORS);
	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 2);
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, control_server_connections(fixture->server) == 0);
	assert_int_equal(fixture->open[0]->peer->pid, getpid());
	answer_actors(fixture, 0, false);
	/* The other one is still open when the server ends. */
}

static void connection_stops_reading_when_client_does_not_read(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 256 << 10;
	unsigned n = 0, sent = 0;

	fixture->large = malloc(size);
	memset(fixture->large, ' ', size);
	fixture->large[0] = '{';
	fixture->large[size - 1] = '}';
	/* Answer each call with 256 KiB that nobody reads. */
	while (sent < 40) {
		send_frame(fixture, ACTORS);
		sent++;
		settle(fixture);
		for (; n < fixture->n_open; n++)
			assert_int_equal(control_call_reply_text(fixture->open[n],
								 fixture->large, size, false),
					 0);
	}
	assert_in_range(n, 3, 10);
	/* Reading lets it go on. */
	for (unsigned i = 0; i < sent; i++) {
		assert_int_equal(strlen(next_frame(fixture)),
				 size + strlen("{\"parameters\":}"));
		settle(fixture);
		for (; n < fixture->n_open; n++)
			assert_int_equal(control_call_reply_text(fixture->open[n],
								 fixture->large, size, false),
					 0);
	}
	assert_int_equal(n, sent);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(connection_answers_call_when_it_comes_whole),
		CASE(connection_answers_call_when_it_comes_byte_by_byte),
		CASE(connection_answers_all_calls_when_they_come_in_one_write),
		CASE(connection_takes_frame_when_as_large_as_allowed),
		CASE(connection_refuses_frame_when_larger_than_allowed),
		CASE(connection_logs_why_when_client_writes_an_endless_frame),
		cmocka_unit_test_setup_teardown(
			connection_reads_large_frame_in_linear_time_when_it_trickles,
			set_up_large, tear_down),
		CASE(connection_closes_quietly_when_half_a_frame_and_a_close),
		CASE(connection_replies_when_client_has_closed_its_writing_half),
		CASE(connection_cancels_calls_when_client_closes),
		CASE(connection_cancels_calls_when_half_closed_client_closes),
		CASE(connection_cancels_calls_when_client_closes_with_its_queue_full),
		CASE(connection_runs_oneway_calls_when_client_closes_at_once),
		CASE(connection_keeps_oneway_call_when_client_closes),
		CASE(connection_has_a_number_until_it_closes),
		CASE(connection_reports_host_of_open_calls_when_server_ends),
		CASE(connection_survives_host_that_answers_when_client_is_gone),
		CASE(connection_stops_reading_when_client_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
