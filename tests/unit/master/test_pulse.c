/* test_pulse.c - while the master itself did not run no time of its workers counts. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "base/limits.h"
#include "tests/unit/sim/sim.h"
#include "units/unit.h"
#include "units/unit_life.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S CLOCK_SECOND_NS

static void sleep_long(struct stage *stage)
{
	sim_advance(stage->master->loop, 600 * S);
	stage_idle(stage);
}

static bool is_down(struct stage *stage)
{
	return stage->workers[1]->is_dead || stage->n_launched > 2;
}

/* It was given so much after it, and no more. */
static void expect_down_in(struct stage *stage, uint64_t least_ns, uint64_t most_ns)
{
	uint64_t begin_ns = loop_clock_ns(stage->master->loop);

	assert_false(is_down(stage));
	stage_until(stage, is_down);
	assert_in_range(loop_clock_ns(stage->master->loop) - begin_ns, least_ns, most_ns);
}

static void actor_has_time_to_stop(void **state)
{
	struct stage *stage = *state;

	unit_stop(unit_find(stage->master, "one"));
	stage_idle(stage);
	sleep_long(stage);
	expect_down_in(stage, S, 5 * S);
}

/* A machine that was frozen: its workers have not run either. */
static void no_time_is_lost_to_a_short_sleep(void **state)
{
	struct stage *stage = *state;

	unit_find(stage->master, "one")->file.life.stop_timeout_ns = 20 * S;
	unit_stop(unit_find(stage->master, "one"));
	stage_pass(stage, 15 * S);
	sim_advance(stage->master->loop, 7 * S);
	stage_idle(stage);
	/* of 20 seconds, 15 had passed */
	expect_down_in(stage, 9 * S / 2, 7 * S);
}

static void process_has_its_time_to_end(void **state)
{
	struct stage *stage = *state;
	struct worker *worker = stage_first(stage);

	stage->is_stubborn = true;
	worker_stop(worker); /* StopTimeout=2s, of the daemon */
	stage_idle(stage);
	sleep_long(stage);
	stage_pass(stage, 3 * S / 2);
	assert_null(worker->killed_why);
	stage_pass(stage, S);
	assert_non_null(worker->killed_why);
	stage->is_stubborn = false;
}

static void actor_has_time_to_start(void **state)
{
	struct stage *stage = *state;

	sleep_long(stage);
	assert_false(is_down(stage));
	stage_spawned(stage->workers[1], NULL);
	stage_spawned(stage->workers[2], NULL);
	stage_pass(stage, 60 * S);
	assert_int_equal(unit_state(unit_find(stage->master, "one")), API_STATE_RUNNING);
	assert_int_equal(stage->n_launched, 2);
}

static void worker_has_time_to_answer(void **state)
{
	struct stage *stage = *state;

	stage->workers[1]->is_mute = true;
	stage_pass(stage, 10 * S);
	sleep_long(stage);
	/* WorkerWatchdog=30s */
	expect_down_in(stage, 15 * S, 25 * S);
}

static void process_has_time_to_leave_its_record(void **state)
{
	struct stage *stage = *state;

	stage->is_undying = true;
	worker_kill(stage_first(stage), "a test asked for it", true);
	assert_int_equal(stage->n_signals, 1);
	sleep_long(stage);
	assert_int_equal(stage->n_signals, 1);
	stage_pass(stage, 3 * S);
	assert_int_equal(stage->n_signals, 2);
}

static void process_that_does_not_get_ready_is_replaced(void **state)
{
	struct stage *stage = *state;
	unsigned n;

	stage->is_unready = true;
	stage_kill(stage->workers[1]);
	while (stage->n_launched == 2)
		stage_step(stage);
	n = stage->n_launched;
	/* StartTimeout=30s */
	stage_pass(stage, 29 * S);
	assert_int_equal(stage->n_launched, n);
	sleep_long(stage);
	assert_int_equal(stage->n_launched, n);
	stage_pass(stage, 25 * S);
	assert_int_equal(stage->n_launched, n);
	stage_pass(stage, 10 * S);
	assert_int_equal(stage->n_launched, n + 1);
	stage->is_unready = false;
	stage_pass(stage, 60 * S);
	assert_true(stage_is_up(stage));
	stage_expect_unharmed(stage);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(actor_has_time_to_stop),
		cmocka_unit_test_setup_teardown(actor_has_time_to_start, stage_raise_slowly,
						stage_strike),
		TEST(no_time_is_lost_to_a_short_sleep),
		TEST(process_has_its_time_to_end),
		TEST(worker_has_time_to_answer),
		TEST(process_has_time_to_leave_its_record),
		TEST(process_that_does_not_get_ready_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
