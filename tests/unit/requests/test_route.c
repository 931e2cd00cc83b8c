/* test_route.c - calls to units that are being started or between two lives wait, in order, for
 * as long as they may. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "requests/relays.h"
#include "units/instance.h"
#include "units/unit.h"
#include "units/unit_life.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CALL(name, number, more)                                                               \
	"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"" name              \
	"\",\"method\":\"a.b.Do\",\"parameters\":{\"n\":" number "}" more "}}"

static bool has_waiting(struct stage *stage)
{
	return stage_use(stage, SHARE_WAITING)->calls > 0;
}

static bool has_none_waiting(struct stage *stage)
{
	return stage_use(stage, SHARE_WAITING)->calls == 0;
}

static bool has_two_calls(struct stage *stage)
{
	return stage->workers[1]->n_calls == 2;
}

static void calls_wait_in_order_when_their_unit_is_starting(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *worker = stage->workers[1];

	stage_say(stage, CALL("one", "1", ""));
	stage_say(stage, CALL("one/0", "2", ""));
	stage_until(stage, has_waiting);
	stage_idle(stage);
	assert_int_equal(worker->n_calls, 0);
	assert_int_equal(stage_use(stage, SHARE_WAITING)->calls, 2);
	stage_spawned(worker, NULL);
	stage_until(stage, has_two_calls);
	assert_true(worker->calls[0] < worker->calls[1]);
	assert_string_equal(worker->parameters, "{\"n\":2}");
	assert_int_equal(worker->to.slot, worker->n_spawns);
	stage_reply(worker, worker->calls[1], false, NULL, "{\"y\":2}");
	stage_reply(worker, worker->calls[0], false, NULL, "{\"y\":1}");
	stage_expect(stage, "\"y\":1");
	stage_expect(stage, "\"y\":2");
	assert_int_equal(stage_use(stage, SHARE_WAITING)->calls, 0);
	assert_int_equal(stage_use(stage, SHARE_WAITING)->bytes, 0);
}

/* Between the start of its actor and when those that wait for it are looked at. */
static void call_does_not_overtake_those_that_wait(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *worker = stage->workers[1];
	struct unit *unit = unit_find(stage->master, "one");

	stage_say(stage, CALL("one", "1", ""));
	stage_until(stage, has_waiting);
	instance_started(&unit->instances[0],
			 (struct troupe_address){0, 1, worker->incarnation, 1, 1});
	list_remove(&unit->changed);
	stage_say(stage, CALL("one", "2", ""));
	stage_until(stage, has_two_calls);
	assert_string_equal(worker->parameters, "{\"n\":2}");
}

static bool is_running(struct stage *stage)
{
	return unit_state(unit_find(stage->master, "one")) == API_STATE_RUNNING;
}

static bool has_no_calls(struct stage *stage)
{
	return stage_use(stage, SHARE_CALLS)->calls == 0;
}

static bool has_gone(struct stage *stage)
{
	return stage->workers[1]->n_gone == 1;
}

static void client_that_leaves_is_reported_to_workers_it_has_sent_to(void **state)
{
	struct stage *stage = *state;

	stage_spawned(stage->workers[1], NULL);
	stage_until(stage, is_running);
	stage_say(stage, "{\"method\":\"io.troupe.hello.Greet\",\"oneway\":true}");
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, NULL, "{}");
	stage_idle(stage);
	close(take_fd(&stage->client));
	stage_until(stage, has_gone);
	stage_idle(stage);
	assert_int_equal(stage->workers[1]->n_gone, 1);
	assert_int_equal(stage->workers[2]->n_gone, 0);
}

static void direct_call_has_no_deadline_but_that_of_its_unit(void **state)
{
	static const char greet[] = "{\"method\":\"io.troupe.hello.Greet\"}";
	struct stage *stage = *state;
	struct stage_worker *worker = stage->workers[1];
	struct unit *unit = unit_find(stage->master, "one");
	int64_t call;

	assert_true(unit->file.call_timeout_ns == UINT64_MAX);
	unit->file.call_timeout_ns = 50 * CLOCK_MS_NS;
	/* While it waits for its unit ... */
	stage_say(stage, greet);
	stage_expect(stage, "io.troupe.Control.Timeout");
	stage_spawned(worker, NULL);
	stage_until(stage, is_running);
	/* ... and with its actor. */
	stage_say(stage, greet);
	stage_expect(stage, "io.troupe.Control.Timeout");
	call = stage_wait_call(stage, 1);
	stage_idle(stage);
	assert_int_equal(worker->cancelled, call);
	unit->file.call_timeout_ns = UINT64_MAX;
	stage_say(stage, greet);
	call = stage_wait_call(stage, 1);
	assert_false(stage->master->relays->open->pending.timer.started);
	stage_reply(worker, call, false, NULL, "{\"y\":1}");
	stage_expect(stage, "{\"parameters\":{\"y\":1}}");
	/* One that nobody waits for has an end, too. */
	stage_say(stage, "{\"method\":\"io.troupe.hello.Greet\",\"oneway\":true}");
	call = stage_wait_call(stage, 1);
	assert_true(stage->master->relays->open->pending.timer.started);
	stage_reply(worker, call, false, NULL, "{}");
	stage_until(stage, has_no_calls);
}

static void calls_by_interface_wait_when_its_provider_is_starting(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, "{\"method\":\"io.troupe.hello.Greet\",\"parameters\":{\"n\":7}}");
	stage_until(stage, has_waiting);
	/* It is the default; the other provider does not matter. */
	stage_spawned(stage->workers[2], NULL);
	stage_idle(stage);
	assert_int_equal(stage->workers[2]->n_calls, 0);
	stage_spawned(stage->workers[1], NULL);
	stage_until(stage, has_none_waiting);
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, NULL, "{\"y\":1}");
	assert_string_equal(stage->workers[1]->method, "io.troupe.hello.Greet");
	assert_string_equal(stage->workers[1]->parameters, "{\"n\":7}");
	stage_expect(stage, "{\"parameters\":{\"y\":1}}");
}

static void sends_wait_when_their_unit_is_starting(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Send\",\"parameters\":"
			 "{\"name\":\"one\",\"method\":\"a.b.Do\"}}");
	stage_until(stage, has_waiting);
	stage_spawned(stage->workers[1], NULL);
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, NULL, "{}");
	stage_expect(stage, "{}");
}

/* The actor that is being started is not, and another try begins. */
static void fail_start(struct stage *stage)
{
	struct stage_worker *worker = stage->workers[1];
	unsigned n_spawns = worker->n_spawns;

	stage_spawned(worker, "the moon is wrong");
	while (worker->n_spawns == n_spawns)
		stage_step(stage);
}

static void call_waits_between_two_lives(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, CALL("one", "1", ""));
	stage_until(stage, has_waiting);
	/* It waits through a backoff, and another call comes in one. */
	fail_start(stage);
	unit_find(stage->master, "one")->file.life.delay_ns = 100 * CLOCK_MS_NS;
	stage_spawned(stage->workers[1], "the moon is wrong");
	while (unit_state(unit_find(stage->master, "one")) != API_STATE_BACKOFF)
		stage_step(stage);
	stage_say(stage, CALL("one/0", "2", ""));
	while (stage_use(stage, SHARE_WAITING)->calls < 2)
		stage_step(stage);
	while (stage->workers[1]->n_spawns < 3)
		stage_step(stage);
	stage_spawned(stage->workers[1], NULL);
	stage_until(stage, has_two_calls);
	assert_string_equal(stage->workers[1]->parameters, "{\"n\":2}");
}

static void call_fails_with_the_reason_when_its_unit_is_given_up(void **state)
{
	struct stage *stage = *state;

	unit_find(stage->master, "one")->file.life.limit.after = 3;
	stage_say(stage, CALL("one", "1", ""));
	stage_until(stage, has_waiting);
	fail_start(stage);
	fail_start(stage);
	assert_int_equal(stage_use(stage, SHARE_WAITING)->calls, 1);
	stage_spawned(stage->workers[1], "the moon is wrong");
	stage_expect(stage, "\"state\":\"failed\",\"reason\":\"the moon is wrong\"");
	assert_int_equal(stage_use(stage, SHARE_WAITING)->calls, 0);
}

static void call_ends_by_its_own_timeout_between_two_lives(void **state)
{
	struct stage *stage = *state;

	unit_find(stage->master, "one")->file.life.delay_ns = 3600 * CLOCK_SECOND_NS;
	stage_spawned(stage->workers[1], "the moon is wrong");
	stage_say(stage, CALL("one", "1", ",\"timeoutMs\":30"));
	stage_expect(stage, "io.troupe.Control.Timeout");
	assert_int_equal(stage_use(stage, SHARE_WAITING)->calls, 0);
	/* Who is stopped does not come back. */
	stage_say(stage, CALL("one", "1", ""));
	stage_until(stage, has_waiting);
	unit_stop(unit_find(stage->master, "one"));
	stage_expect(stage, "\"state\":\"stopped\"");
}

static void call_ends_by_its_own_timeout_when_the_unit_does_not_come(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, CALL("one", "1", ",\"timeoutMs\":30"));
	stage_expect(stage, "io.troupe.Control.Timeout");
	assert_int_equal(stage_use(stage, SHARE_WAITING)->calls, 0);
	stage_spawned(stage->workers[1], NULL);
	stage_idle(stage);
	assert_int_equal(stage->workers[1]->n_calls, 0);
}

static void call_is_dropped_when_its_client_goes(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, CALL("one", "1", ""));
	stage_until(stage, has_waiting);
	close(take_fd(&stage->client));
	stage_until(stage, has_none_waiting);
	stage_spawned(stage->workers[1], NULL);
	stage_idle(stage);
	assert_int_equal(stage->workers[1]->n_calls, 0);
	assert_int_equal(stage_use(stage, SHARE_WAITING)->bytes, 0);
}

static void call_is_refused_when_too_many_wait(void **state)
{
	struct stage *stage = *state;

	stage_use(stage, SHARE_WAITING)->calls = LIMIT_WAITING_CALLS + LIMIT_WAITING_CALLS_KEPT;
	stage_say(stage, CALL("one", "1", ""));
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage_use(stage, SHARE_WAITING)->calls = 0;
	stage_use(stage, SHARE_WAITING)->bytes = LIMIT_WAITING_BYTES + LIMIT_WAITING_BYTES_KEPT;
	stage_say(stage, CALL("one", "1", ""));
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage_use(stage, SHARE_WAITING)->bytes = 0;
}

static void call_is_answered_when_its_unit_is_stopped(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Call\",\"more\":false,\"parameters\":"
			 "{\"name\":\"two\",\"method\":\"a.b.Do\"}}");
	stage_say(stage, "{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":"
			 "\"two\"}}");
	stage_expect(stage, "\"state\":\"stopping\"");
	stage_spawned(stage->workers[2], NULL);
	stage_idle(stage);
}

static void call_is_answered_when_the_daemon_stops(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, CALL("one", "1", ""));
	stage_until(stage, has_waiting);
	master_stop(stage->master);
	stage_expect(stage, "\"name\":\"trouped\",\"state\":\"stopping\"");
	master_run(stage->master);
}

static bool is_restarted(struct stage *stage)
{
	return stage->n_launched == 3 && stage->workers[1]->n_spawns == 1;
}

static void start_is_answered_when_the_daemon_stops(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Start\",\"parameters\":{\"name\":"
			 "\"one\"}}");
	stage_say(stage, "{\"method\":\"io.troupe.Control.Restart\",\"parameters\":{"
			 "\"name\":\"two/0\"}}");
	while (stage_use(stage, SHARE_CHANGES)->calls < 2)
		stage_step(stage);
	master_stop(stage->master);
	for (unsigned i = 0; i < 2; i++)
		stage_expect(stage, "{\"error\":\"io.troupe.Control.WrongState\","
				    "\"parameters\":{\"name\":\"trouped\",\"state\":"
				    "\"stopping\"}}");
	assert_int_equal(stage_use(stage, SHARE_CHANGES)->calls, 0);
}

static void call_waits_when_the_worker_has_died_and_is_back(void **state)
{
	struct stage *stage = *state;

	stage_spawned(stage->workers[1], NULL);
	stage_idle(stage);
	stage_kill(stage->workers[1]);
	stage_until(stage, is_restarted);
	stage_say(stage, CALL("one", "1", ""));
	stage_until(stage, has_waiting);
	stage_spawned(stage->workers[1], NULL);
	stage_reply(stage->workers[1], stage_wait_call(stage, 1), false, NULL, "{\"y\":5}");
	stage_expect(stage, "\"y\":5");
}

static void call_goes_to_the_new_definition_when_the_unit_is_being_restarted(void **state)
{
	struct stage *stage = *state;
	char path[128];
	FILE *file;

	stage_spawned(stage->workers[1], NULL);
	stage_spawned(stage->workers[2], NULL);
	stage_idle(stage);
	(void)snprintf(path, sizeof(path), "%s/one.actor", stage->directory);
	file = fopen(path, "ae");
	assert_non_null(file);
	(void)fprintf(file, "Type=hello\n");
	assert_int_equal(fclose(file), 0);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Reload\",\"oneway\":true}");
	stage_say(stage, CALL("one", "1", ""));
	stage_say(stage, "{\"method\":\"io.troupe.hello.Greet\"}");
	stage_until(stage, has_waiting);
	/* The old one is still stopping. */
	stage_tell(stage->workers[1], &worker_ended_method,
		   &(struct worker_ended){
			   .version = stage->workers[1]->spawn.version,
			   .actor = {0, 1, stage->workers[1]->incarnation, 1, 1},
			   .cause = TROUPE_CAUSE_SHUTDOWN,
		   });
	while (stage->workers[1]->n_spawns == 1)
		stage_step(stage);
	assert_int_equal(stage->workers[1]->n_calls, 0);
	stage_spawned(stage->workers[1], NULL);
	stage_until(stage, has_two_calls);
	assert_int_equal(stage->workers[1]->to.slot, 2);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_slowly, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calls_wait_in_order_when_their_unit_is_starting),
		TEST(call_does_not_overtake_those_that_wait),
		TEST(client_that_leaves_is_reported_to_workers_it_has_sent_to),
		TEST(direct_call_has_no_deadline_but_that_of_its_unit),
		TEST(calls_by_interface_wait_when_its_provider_is_starting),
		TEST(sends_wait_when_their_unit_is_starting),
		TEST(call_waits_between_two_lives),
		TEST(call_fails_with_the_reason_when_its_unit_is_given_up),
		TEST(call_ends_by_its_own_timeout_between_two_lives),
		TEST(call_ends_by_its_own_timeout_when_the_unit_does_not_come),
		TEST(call_is_dropped_when_its_client_goes),
		TEST(call_is_refused_when_too_many_wait),
		TEST(call_is_answered_when_its_unit_is_stopped),
		TEST(call_is_answered_when_the_daemon_stops),
		TEST(start_is_answered_when_the_daemon_stops),
		TEST(call_waits_when_the_worker_has_died_and_is_back),
		TEST(call_goes_to_the_new_definition_when_the_unit_is_being_restarted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
