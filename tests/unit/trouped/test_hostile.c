/* test_hostile.c - a worker that lies: the master stays, nobody else is blamed, and the liar is
 * replaced. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "requests/relays.h"
#include "units/unit.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HUGE_SIZE (4u << 20)

static void worker_is_ended_when_it_answers_what_nobody_asked(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *worker = stage->workers[1];

	stage_tell(worker, &worker_loaded_method,
		   &(struct worker_loaded){.plugin = worker->load.plugin, .error = "no"});
	stage_expect_replaced(stage);
}

static void worker_is_ended_when_it_defines_what_nobody_asked(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_defined_method,
		   &(struct worker_defined){.version = stage->workers[2]->define.version,
					    .error = "no"});
	stage_expect_replaced(stage);
}

static void worker_is_ended_when_it_spawns_what_nobody_asked(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *other = stage->workers[2];

	stage_tell(stage->workers[1], &worker_spawned_method,
		   &(struct worker_spawned){.request = other->spawn.request,
					    .version = other->spawn.version,
					    .actor = {0, 1, 2, 9, 1},
					    .error = "no"});
	stage_expect_replaced(stage);
}

static void worker_is_ended_when_it_reports_the_end_of_anothers_actor(void **state)
{
	struct stage *stage = *state;
	struct worker_ended ended = {
		.version = stage->workers[2]->spawn.version,
		.actor = stage_actor(stage, "two"),
		.cause = TROUPE_CAUSE_FAILED,
		.code = INT64_MIN,
	};

	stage_tell(stage->workers[1], &worker_ended_method, &ended);
	stage_expect_replaced(stage);
}

static void worker_is_ended_when_it_reports_an_end_that_no_actor_has(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_ended_method,
		   &(struct worker_ended){
			   .version = stage->workers[1]->spawn.version,
			   .actor = stage_actor(stage, "one"),
			   .cause = TROUPE_CAUSE_COLLATERAL,
		   });
	stage_expect_replaced(stage);
}

static void worker_is_not_believed_when_it_names_units_of_others(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *worker = stage->workers[1], *other = stage->workers[2];
	struct worker_ended ended = {
		.version = other->spawn.version,
		.instance = other->spawn.instance,
		.actor = stage_actor(stage, "one"), /* which is its own */
		.cause = TROUPE_CAUSE_FAILED,
	};

	stage_tell(worker, &worker_ended_method, &ended);
	ended.version = INT64_MAX;
	ended.instance = INT64_MIN;
	stage_tell(worker, &worker_ended_method, &ended);
	stage_tell(worker, &worker_stopped_method,
		   &(struct worker_stopped){.request = INT64_MAX});
	stage_tell(worker, &worker_census_method,
		   &(struct worker_census){.request = -1, .next = INT64_MAX});
	stage_idle(stage);
	assert_int_equal(stage->n_launched, 2);
	stage_expect_unharmed(stage);
}

static void worker_does_not_answer_the_calls_of_others(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"two\","
		  "\"method\":\"a.b.Do\"}}");
	call = stage_wait_call(stage, 2);
	stage_reply(stage->workers[1], call, false, NULL, "{\"false\":1}");
	stage_reply(stage->workers[1], call, true, NULL, "{\"false\":1}");
	stage_idle(stage);
	assert_int_equal(stage->master->relays->strays, 2);
	stage_reply(stage->workers[2], call, false, NULL, "{\"true\":1}");
	stage_expect(stage, "true");
	stage_expect_unharmed(stage);
}

static void plugin_is_refused_for_one_worker_only(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *other = stage->workers[2];
	char *huge = calloc(1, HUGE_SIZE);

	/* Both units are of one plug-in; worker 1 is made anew, and lies about it. */
	stage->is_loader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_loads == 0)
		stage_step(stage);
	memset(huge, 'x', HUGE_SIZE - 1);
	stage_tell(stage->workers[1], &worker_loaded_method,
		   &(struct worker_loaded){.plugin = stage->workers[1]->load.plugin,
					   .error = huge});
	free(huge);
	stage_idle(stage);
	assert_int_equal(unit_state(unit_find(stage->master, "one")), API_STATE_FAILED);
	assert_in_range(strlen(unit_find(stage->master, "one")->reason), 1000, 3000);
	assert_ptr_equal(stage->workers[2], other);
	stage_expect_unharmed(stage);
}

static void page_of_garbage_is_survived(void **state)
{
	struct stage *stage = *state;

	memset(stage->workers[1]->page, 0xff, PAGE_BYTES);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Workers\"}");
	stage_expect(stage, "parameters");
	stage_say(stage, "{\"method\":\"io.troupe.Control.Status\"}");
	stage_expect(stage, "parameters");
	stage_signal(stage->workers[1], SIGSEGV);
	stage_expect_replaced(stage);
}

static void worker_is_ended_when_it_is_ready_twice(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_ready_method, &(struct worker_ready){0});
	stage_expect_replaced(stage);
}

static void worker_is_ended_when_it_made_an_actor_of_another(void **state)
{
	struct stage *stage = *state;
	const struct worker_spawn *spawn = &stage->workers[1]->spawn;

	stage_spawned(stage->workers[2], NULL);
	stage_idle(stage);
	stage->is_slow = false;
	stage_tell(stage->workers[1], &worker_spawned_method,
		   &(struct worker_spawned){.request = spawn->request,
					    .version = spawn->version,
					    .instance = spawn->instance,
					    .actor = stage_actor(stage, "two")});
	stage_expect_replaced(stage);
}

static void worker_is_ended_when_it_answers_no_ping(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_pong_method,
		   &(struct worker_pong){.request = INT64_MAX});
	stage_expect_replaced(stage);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(worker_is_ended_when_it_answers_what_nobody_asked),
		TEST(worker_is_ended_when_it_defines_what_nobody_asked),
		TEST(worker_is_ended_when_it_spawns_what_nobody_asked),
		TEST(worker_is_ended_when_it_reports_the_end_of_anothers_actor),
		TEST(worker_is_ended_when_it_reports_an_end_that_no_actor_has),
		TEST(worker_is_not_believed_when_it_names_units_of_others),
		TEST(worker_does_not_answer_the_calls_of_others),
		TEST(plugin_is_refused_for_one_worker_only),
		TEST(page_of_garbage_is_survived),
		TEST(worker_is_ended_when_it_is_ready_twice),
		cmocka_unit_test_setup_teardown(
			worker_is_ended_when_it_made_an_actor_of_another, stage_raise_slowly,
			stage_strike),
		TEST(worker_is_ended_when_it_answers_no_ping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
