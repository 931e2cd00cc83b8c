/* test_relays.c - clients' calls and workers' answers, through a whole master. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "requests/relays.h"
#include "units/instance.h"
#include "units/stall.h"
#include "units/unit.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool has_cancel(struct stage *stage)
{
	return stage->workers[1]->n_cancelled > 0;
}

static bool is_restarted(struct stage *stage)
{
	return stage->n_launched == 2 && worker_is_up(stage->master->workers[1]);
}

#define TO_ACTOR(more)                                                                         \
	"{\"method\":\"io.troupe.Control.Call\"," more                                         \
	"\"parameters\":{\"name\":\"0.1.2.5.1\",\"method\":\"a.b.Do\",\"parameters\":{\"x\":"  \
	"1}}}"

static void relay_passes_calls_and_replies_on_as_text(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage, TO_ACTOR(""));
	call = stage_wait_call(stage, 1);
	assert_string_equal(stage->workers[1]->method, "a.b.Do");
	assert_string_equal(stage->workers[1]->parameters, "{\"x\":1}");
	stage_reply(stage->workers[1], call, false, NULL, "{\"y\": [1, 2]}");
	stage_expect(stage, "{\"parameters\":{\"parameters\":{\"y\": [1, 2]}}}");
	stage_say(stage, TO_ACTOR(""));
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, "a.b.Bad",
		    "{\"z\":true}");
	stage_expect(stage, "\"error\":\"a.b.Bad\"");
	assert_int_equal(stage_use(stage, SHARE_CALLS)->calls, 0);
	assert_int_equal(stage->master->workers[1]->call_bytes, 0);
}

static void relay_ignores_replies_to_calls_that_the_worker_was_not_given(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage, TO_ACTOR(""));
	call = stage_wait_call(stage, 1);
	stage_reply(stage->workers[1], call + 1, false, NULL, "{}");
	stage_reply(stage->workers[1], -1, false, NULL, "{}");
	stage_reply(stage->workers[1], 0, true, "a.b.Bad", "");
	stage_reply(stage->workers[1], call, false, NULL, "");
	/* Twice. */
	stage_reply(stage->workers[1], call, false, NULL, "{}");
	stage_expect(stage, "{\"parameters\":{\"parameters\":{}}}");
	stage_say(stage, TO_ACTOR(""));
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, NULL, "{\"last\":1}");
	stage_expect(stage, "last");
	assert_int_equal(stage->master->relays->strays, 4);
	assert_int_equal(stage->n_launched, 1);
}

static void expect_death_by(struct stage *stage, const char *error, const char *parameters)
{
	stage_say(stage, TO_ACTOR(""));
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, error, parameters);
	stage_expect(stage, "io.troupe.Control.ActorDied");
	stage_until(stage, is_restarted);
}

static void relay_ends_a_worker_when_its_reply_is_not_json(void **state)
{
	expect_death_by(*state, NULL, "{\"x\":");
}

static void relay_ends_a_worker_when_its_reply_is_not_an_object(void **state)
{
	expect_death_by(*state, NULL, "[1]");
}

static void relay_ends_a_worker_when_its_reply_would_end_the_frame_early(void **state)
{
	expect_death_by(*state, NULL, "{}}, {\"x\":1}");
}

static void relay_ends_a_worker_when_its_error_has_no_qualified_name(void **state)
{
	expect_death_by(*state, "not \"a\" name", "{}");
}

static void relay_goes_on_when_a_child_of_a_dead_worker_holds_its_channel(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, TO_ACTOR(""));
	(void)stage_wait_call(stage, 1);
	stage->has_heirs = true;
	stage_signal(stage->workers[1], SIGKILL);
	stage_expect(stage, "io.troupe.Control.ActorDied");
	stage_until(stage, is_restarted);
}

static void relay_answers_calls_at_once_when_their_worker_dies(void **state)
{
	struct stage *stage = *state;
	int64_t last;

	stage_say(stage, TO_ACTOR(""));
	last = stage_wait_call(stage, 1);
	stage_say(stage, TO_ACTOR(""));
	(void)stage_wait_call(stage, 1);
	/* What it said last still counts. */
	stage_reply(stage->workers[1], last, false, NULL, "{\"just\":\"so\"}");
	stage_kill(stage->workers[1]);
	stage_expect(stage, "just");
	stage_expect(stage, "io.troupe.Control.ActorDied");
	stage_until(stage, is_restarted);
	/* Its actors are not those of its successor. */
	stage_say(stage, TO_ACTOR(""));
	stage_expect(stage, "io.troupe.Control.NoSuchActor");
}

static void relay_cancels_a_call_when_its_client_has_gone(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage, TO_ACTOR("\"more\":true,"));
	call = stage_wait_call(stage, 1);
	stage_reply(stage->workers[1], call, true, NULL, "{\"n\":1}");
	stage_expect(stage, "\"continues\":true");
	close(take_fd(&stage->client));
	stage_until(stage, has_cancel);
	assert_int_equal(stage->workers[1]->cancelled, call);
	assert_int_equal(stage_use(stage, SHARE_CALLS)->calls, 0);
}

static void relay_cancels_a_stream_when_the_client_takes_one_reply_only(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage, TO_ACTOR(""));
	call = stage_wait_call(stage, 1);
	stage_reply(stage->workers[1], call, true, NULL, "{\"n\":1}");
	stage_expect(stage, "\"n\":1");
	stage_until(stage, has_cancel);
	assert_int_equal(stage->workers[1]->cancelled, call);
}

/* Send `n` replies of more than a kilobyte each, while the client reads none. */
static void flood(struct stage *stage, int64_t call, unsigned n)
{
	char text[1200];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "{\"n\":%u,\"filling\":\"%01100d\"}", i, 0);
		stage_reply(stage->workers[1], call, true, NULL, text);
		if (i % 64 == 0)
			loop_step(stage->master->loop, false);
	}
}

/* Read answers up to one with `last` in it; returns how many came before it, which must be
 * numbered. */
static unsigned read_stream(struct stage *stage, const char *last)
{
	char number[32];

	for (unsigned n = 0;; n++) {
		stage_until(stage, stage_has_answer);
		if (strstr(stage->answer, last)) {
			stage_expect(stage, last);
			return n;
		}
		(void)snprintf(number, sizeof(number), "\"n\":%u,", n);
		stage_expect(stage, number);
	}
}

static void relay_holds_a_stream_when_its_client_reads_late(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage, TO_ACTOR("\"more\":true,"));
	call = stage_wait_call(stage, 1);
	flood(stage, call, 5000);
	stage_reply(stage->workers[1], call, false, "a.b.Enough", "{}");
	assert_int_equal(read_stream(stage, "a.b.Enough"), 5000);
	assert_int_equal(stage_use(stage, SHARE_STREAMS)->bytes, 0);
	assert_int_equal(stage->workers[1]->n_cancelled, 0);
}

/* But for what is too little to tell of. */
static bool has_taken_all(struct stage *stage)
{
	(void)stage_has_answer(stage);
	stage->size = 0;
	/* What is less than a quarter of the window is not told yet. */
	return stage->workers[1]->n_taken > 3200 - LIMIT_CLIENT_UNREAD / 4;
}

static void relay_reports_what_a_client_has_taken_of_a_stream(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *worker = stage->workers[1];
	int64_t call;

	stage_say(stage, TO_ACTOR("\"more\":true,"));
	call = stage_wait_call(stage, 1);
	flood(stage, call, 3200);
	stage_idle(stage);
	/* A megabyte, and what the kernel takes in. */
	assert_in_range(worker->n_taken, 800, 2000);
	assert_int_equal(worker->n_taken % (LIMIT_CLIENT_UNREAD / 4), 0);
	assert_int_equal(worker->taken, call);
	stage_until(stage, has_taken_all);
	assert_in_range(worker->n_taken, 0, 3200);
	assert_in_range(worker->taken_bytes, worker->n_taken * 1100, worker->n_taken * 1200);
}

static void relay_ends_a_stream_when_its_client_does_not_read(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage, TO_ACTOR("\"more\":true,"));
	call = stage_wait_call(stage, 1);
	flood(stage, call, LIMIT_STREAM_HELD / 1024 + 4096);
	stage_until(stage, has_cancel);
	assert_int_equal(stage->workers[1]->cancelled, call);
	assert_true(read_stream(stage, "io.troupe.Control.Overloaded") > 0);
	assert_int_equal(stage_use(stage, SHARE_STREAMS)->bytes, 0);
}

static void relay_keeps_what_was_held_when_the_worker_dies(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage, TO_ACTOR("\"more\":true,"));
	call = stage_wait_call(stage, 1);
	flood(stage, call, 3000);
	stage_kill(stage->workers[1]);
	assert_int_equal(read_stream(stage, "io.troupe.Control.ActorDied"), 3000);
}

#define TO_ACTOR_IN(ms, more)                                                                  \
	"{\"method\":\"io.troupe.Control.Call\"," more                                         \
	"\"parameters\":{\"name\":\"0.1.2.5.1\",\"method\":\"a.b.Do\",\"timeoutMs\":" ms "}}"

/* The worker stands still. */
static void relay_keeps_deadlines_whatever_the_worker_does(void **state)
{
	struct stage *stage = *state;
	uint64_t begin = loop_clock_ns(stage->master->loop);
	int64_t call;

	stage_say(stage, TO_ACTOR_IN("50", ""));
	stage_expect(stage, "io.troupe.Control.Timeout");
	assert_in_range(loop_clock_ns(stage->master->loop) - begin, 50 * CLOCK_MS_NS,
			55 * CLOCK_MS_NS);
	call = stage_wait_call(stage, 1);
	stage_idle(stage);
	assert_int_equal(stage->workers[1]->n_cancelled, 1);
	/* What comes later is dropped, and counted. */
	stage_reply(stage->workers[1], call, false, NULL, "{\"late\":true}");
	stage_say(stage, TO_ACTOR(""));
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, NULL, "{\"y\":1}");
	stage_expect(stage, "{\"parameters\":{\"parameters\":{\"y\":1}}}");
	assert_int_equal(stage->master->relays->strays, 1);
}

/* The reply lies there when the deadline has passed, and is read before the timer has its
 * turn. */
static void relay_drops_a_late_reply_that_is_read_before_the_timer(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage, TO_ACTOR_IN("2000", ""));
	call = stage_wait_call(stage, 1);
	stage->master->relays->open->deadline_ns = loop_now_ns(stage->master->loop);
	stage_reply(stage->workers[1], call, false, NULL, "{\"y\":1}");
	stage_expect(stage, "io.troupe.Control.Timeout");
	assert_int_equal(stage->master->relays->strays, 1);
	assert_int_equal(stage_use(stage, SHARE_CALLS)->calls, 0);
}

static bool has_no_bytes(struct stage *stage)
{
	return stage->master->workers[1]->call_bytes == 0;
}

static void call_that_is_over_counts_until_the_worker_has_read_it(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, TO_ACTOR_IN("50", ""));
	stage_expect(stage, "io.troupe.Control.Timeout");
	assert_false(has_no_bytes(stage));
	/* Its next Pong says so. */
	stage_until(stage, has_no_bytes);
	assert_int_equal(stage->master->workers[1]->over_bytes, 0);
}

static void calls_that_are_over_keep_no_others_out(void **state)
{
	struct stage *stage = *state;
	struct worker *worker = stage->master->workers[1];
	uint64_t silent_ns;

	/* At once, not with the next tick's Ping. */
	stage_say(stage, TO_ACTOR_IN("50", ""));
	(void)stage_wait_call(stage, 1);
	worker->over_bytes = LIMIT_CLIENT_CALL_BYTES / 8;
	worker->call_bytes += worker->over_bytes;
	stage_expect(stage, "io.troupe.Control.Timeout");
	stage_idle(stage);
	assert_true(has_no_bytes(stage));
	/* Of a worker that does not answer the time goes on from the next tick. */
	stage->workers[1]->is_mute = true;
	stall_ping(worker);
	assert_int_not_equal(worker->stall.ping, 0);
	silent_ns = loop_clock_ns(stage->master->loop);
	while (worker->stall.silent_ns == 0)
		stage_step(stage);
	assert_true(loop_clock_ns(stage->master->loop) - silent_ns >= CLOCK_SECOND_NS);
}

static void say_kept(struct stage *stage, int64_t call)
{
	assert_int_equal(channel_send(stage->workers[1]->channel, &worker_kept_method,
				      &(struct worker_kept){.call = call}, -1),
			 0);
}

static void assert_deadline(struct stage *stage, const char *message, bool holds)
{
	const struct relay *open;
	int64_t call;

	stage_say(stage, message);
	call = stage_wait_call(stage, 1);
	open = stage->master->relays->open;
	assert_true(open->pending.timer.started);
	assert_false(has_no_bytes(stage));
	say_kept(stage, call + 1); /* of nobody */
	say_kept(stage, call);
	/* A call that is kept does not lie in the worker's channel any more. */
	stage_until(stage, has_no_bytes);
	assert_int_equal(open->pending.timer.started, holds);
	assert_int_equal(open->deadline_ns < UINT64_MAX, holds);
	stage_reply(stage->workers[1], call, false, NULL, "{}");
	stage_expect(stage, "{\"parameters\":");
	assert_int_equal(stage_use(stage, SHARE_CALLS)->calls, 0);
}

static void relay_lets_a_stream_be_quiet_once_it_is_kept(void **state)
{
	assert_deadline(*state, TO_ACTOR("\"more\":true,"), false);
	/* Asked for, it holds until the first reply. */
	assert_deadline(*state, TO_ACTOR_IN("60000", "\"more\":true,"), true);
	assert_deadline(*state, TO_ACTOR(""), true);
}

static void relay_refuses_calls_when_too_much_waits_for_a_worker(void **state)
{
	struct stage *stage = *state;

	stage->master->workers[1]->call_bytes = LIMIT_CLIENT_CALL_BYTES;
	stage_say(stage, TO_ACTOR(""));
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage->master->workers[1]->call_bytes = 0;
	stage_use(stage, SHARE_CALLS)->calls = LIMIT_CLIENT_CALLS + LIMIT_CLIENT_CALLS_KEPT;
	stage_say(stage, TO_ACTOR(""));
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage_use(stage, SHARE_CALLS)->calls = 0;
	/* Those that were refused have given theirs back. */
	stage_say(stage, TO_ACTOR(""));
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, NULL, "{}");
	stage_expect(stage, "{\"parameters\":");
	assert_int_equal(stage_use(stage, SHARE_CALLS)->calls, 0);
}

static bool is_draining(struct stage *stage)
{
	return instance_drains(&unit_find(stage->master, "one")->instances[0]);
}

static bool runs_again(struct stage *stage)
{
	return stage->workers[1]->n_spawns == 2 &&
	       unit_find(stage->master, "one")->instances[0].state == API_STATE_RUNNING;
}

static void calls_of_one_life_do_not_count_for_the_next(void **state)
{
	struct stage *stage = *state;
	const struct unit *unit = unit_find(stage->master, "one");
	struct worker_ended ended = {
		.version = stage->workers[1]->spawn.version,
		.actor = stage_actor(stage, "one"),
		.cause = TROUPE_CAUSE_SHUTDOWN,
	};
	int64_t call;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":"
			 "\"one\",\"method\":\"a.b.Do\"}}");
	call = stage_wait_call(stage, 1);
	assert_int_equal(unit->instances[0].outstanding, 1);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Restart\",\"parameters\":"
			 "{\"name\":\"one\"}}");
	stage_until(stage, is_draining);
	/* It does not say what became of the call. */
	stage_tell(stage->workers[1], &worker_ended_method, &ended);
	stage_until(stage, runs_again);
	assert_int_equal(unit->instances[0].outstanding, 0);
	stage_reply(stage->workers[1], call, false, NULL, "{\"late\":1}");
	stage_expect(stage, "late");
	stage_expect(stage, "\"running\"");
	assert_int_equal(unit->instances[0].outstanding, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_raise, stage_strike)

static void relays_know_a_qualified_name_when_they_see_one(void **state)
{
	static const char *const good[] = {"io.troupe.hello.Greet", "a.b.C",
					   "org.varlink.service.X1"};
	static const char *const bad[] = {"",
					  "Greet",
					  ".Greet",
					  "io.troupe.hello.greet",
					  "io.troupe.hello.",
					  "a.b.C-D",
					  "hello.Greet",
					  "a.b.C\n",
					  "a..b.C"};
	size_t interface = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(relays_is_qualified(good[i], &interface) &&
			    good[i][interface] == '.');
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(relays_is_qualified(bad[i], &interface));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(relay_passes_calls_and_replies_on_as_text),
		TEST(relay_ignores_replies_to_calls_that_the_worker_was_not_given),
		TEST(relay_ends_a_worker_when_its_reply_is_not_json),
		TEST(relay_ends_a_worker_when_its_reply_is_not_an_object),
		TEST(relay_ends_a_worker_when_its_reply_would_end_the_frame_early),
		TEST(relay_ends_a_worker_when_its_error_has_no_qualified_name),
		TEST(relay_goes_on_when_a_child_of_a_dead_worker_holds_its_channel),
		TEST(relay_answers_calls_at_once_when_their_worker_dies),
		TEST(relay_cancels_a_call_when_its_client_has_gone),
		TEST(relay_cancels_a_stream_when_the_client_takes_one_reply_only),
		TEST(relay_holds_a_stream_when_its_client_reads_late),
		TEST(relay_reports_what_a_client_has_taken_of_a_stream),
		TEST(relay_ends_a_stream_when_its_client_does_not_read),
		TEST(relay_keeps_what_was_held_when_the_worker_dies),
		TEST(relay_keeps_deadlines_whatever_the_worker_does),
		TEST(relay_drops_a_late_reply_that_is_read_before_the_timer),
		TEST(call_that_is_over_counts_until_the_worker_has_read_it),
		TEST(calls_that_are_over_keep_no_others_out),
		TEST(relay_lets_a_stream_be_quiet_once_it_is_kept),
		TEST(relay_refuses_calls_when_too_much_waits_for_a_worker),
		cmocka_unit_test_setup_teardown(calls_of_one_life_do_not_count_for_the_next,
						stage_raise_units, stage_strike),
		cmocka_unit_test(relays_know_a_qualified_name_when_they_see_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
