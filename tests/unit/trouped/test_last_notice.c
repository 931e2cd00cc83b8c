/* test_last_notice.c - an end is orderly by the worker's last notice, and by nothing else. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "tests/unit/sim/sim.h"
#include "units/unit.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void finish(struct stage *stage, unsigned number, const char *error)
{
	stage_tell(stage->workers[number], &worker_finished_method,
		   &(struct worker_finished){.error = error});
	stage_idle(stage);
}

static void begin_to_stop(struct stage *stage)
{
	stage->is_stubborn = true;
	master_stop(stage->master);
	stage_idle(stage);
	assert_int_equal(stage_first(stage)->state, API_STATE_STOPPING);
}

static void end_is_orderly_by_the_last_notice(void **state)
{
	struct stage *stage = *state;

	begin_to_stop(stage);
	finish(stage, 1, NULL);
	stage_exit(stage->workers[1], 0);
	master_run(stage->master);
	assert_true(stage_is_stopped(stage));
	assert_false(stage_first(stage)->has_crashed);
}

static void end_is_orderly_though_nobody_knows_how_the_process_went(void **state)
{
	struct stage *stage = *state;

	stage->is_unknowing = true;
	begin_to_stop(stage);
	finish(stage, 1, NULL);
	stage_exit(stage->workers[1], 0);
	master_run(stage->master);
	assert_false(stage_first(stage)->has_crashed);
}

static void exit_without_the_last_notice_is_a_crash(void **state)
{
	struct stage *stage = *state;

	begin_to_stop(stage);
	stage_exit(stage->workers[1], 0);
	master_run(stage->master);
	assert_true(stage_first(stage)->has_crashed);
	assert_string_equal(stage_first(stage)->crash.cause, "exit 0");
}

static void fault_after_the_last_notice_is_a_crash(void **state)
{
	struct stage *stage = *state;

	begin_to_stop(stage);
	finish(stage, 1, NULL);
	stage_signal(stage->workers[1], SIGSEGV);
	master_run(stage->master);
	assert_true(stage_first(stage)->has_crashed);
	assert_string_equal(stage_first(stage)->crash.cause, "SIGSEGV");
}

static void process_that_does_not_exit_after_its_last_notice_is_killed(void **state)
{
	struct stage *stage = *state;

	stage->master->settings.life.stop_timeout_ns = 3600 * CLOCK_SECOND_NS;
	begin_to_stop(stage);
	finish(stage, 1, NULL);
	stage_pass(stage, 4 * CLOCK_SECOND_NS);
	assert_int_equal(stage_first(stage)->state, API_STATE_STOPPING);
	stage_pass(stage, 2 * CLOCK_SECOND_NS);
	assert_true(stage_is_stopped(stage));
	assert_non_null(strstr(stage_first(stage)->crash.killed, "did not exit"));
}

static void expect_violation(struct stage *stage)
{
	stage_until(stage, stage_is_stopped);
	assert_true(stage_first(stage)->has_crashed);
	assert_non_null(strstr(stage_first(stage)->crash.killed, "broke the protocol"));
}

static void last_notice_that_comes_twice_breaks_the_protocol(void **state)
{
	struct stage *stage = *state;

	begin_to_stop(stage);
	finish(stage, 1, NULL);
	finish(stage, 1, NULL);
	expect_violation(stage);
}

static void last_notice_while_actors_run_breaks_the_protocol(void **state)
{
	struct stage *stage = *state;

	begin_to_stop(stage);
	finish(stage, 1, NULL);
	expect_violation(stage);
}

static void last_notice_unasked_breaks_the_protocol(void **state)
{
	struct stage *stage = *state;

	finish(stage, 1, NULL);
	stage_pass(stage, CLOCK_SECOND_NS);
	assert_int_equal(stage->n_launched, 2);
	assert_non_null(strstr(stage_first(stage)->crash.killed, "broke the protocol"));
}

static void worker_that_fails_is_reported_with_its_own_words(void **state)
{
	struct stage *stage = *state;
	char text[CRASH_TEXT];

	finish(stage, 1, "no luck\ntoday");
	assert_int_equal(stage->n_launched, 1);
	stage_exit(stage->workers[1], 1);
	stage_pass(stage, CLOCK_SECOND_NS);
	assert_int_equal(stage->n_launched, 2);
	assert_null(stage_first(stage)->crash.killed);
	crash_print(&stage_first(stage)->crash, text, sizeof(text));
	assert_string_equal(text, "exit 1, not in a handler: no luck?today");
}

/* An empty reason is no orderly end. */
static void worker_that_fails_without_a_word_has_crashed(void **state)
{
	struct stage *stage = *state;

	begin_to_stop(stage);
	finish(stage, 1, "");
	stage_exit(stage->workers[1], 0);
	master_run(stage->master);
	assert_true(stage_first(stage)->has_crashed);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_raise, stage_strike)
#define TEST_UNITS(function)                                                                   \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(end_is_orderly_by_the_last_notice),
		TEST(end_is_orderly_though_nobody_knows_how_the_process_went),
		TEST(exit_without_the_last_notice_is_a_crash),
		TEST(fault_after_the_last_notice_is_a_crash),
		TEST(process_that_does_not_exit_after_its_last_notice_is_killed),
		TEST(last_notice_that_comes_twice_breaks_the_protocol),
		TEST_UNITS(last_notice_while_actors_run_breaks_the_protocol),
		TEST(last_notice_unasked_breaks_the_protocol),
		TEST(worker_that_fails_is_reported_with_its_own_words),
		TEST(worker_that_fails_without_a_word_has_crashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
