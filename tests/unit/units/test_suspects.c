/* test_suspects.c - deaths outside of handlers: which plug-in it was. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "tests/unit/sim/sim.h"
#include "units/instance.h"
#include "units/suspects.h"
#include "units/unit.h"
#include "units/version.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void death_outside_of_handlers_is_pinned_on_its_plugin_the_second_time(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");

	/* Both units are of it; the other one does not run there. */
	unit->file.life.delay_ns = 500 * CLOCK_MS_NS;
	stage_fault(stage, false, 0, stage->workers[1]->load.plugin);
	assert_int_equal(unit->crashes, 0);
	assert_null(unit->reason);
	stage_fault(stage, false, 0, stage->workers[1]->load.plugin);
	assert_int_equal(unit->crashes, 1);
	assert_non_null(strstr(unit->reason, "its plug-in was at fault"));
	stage_expect_unharmed(stage);
}

static void plugin_is_not_blamed_on_a_unit_that_is_stopped(void **state)
{
	struct stage *stage = *state;
	struct unit *one = unit_find(stage->master, "one"),
		    *two = unit_find(stage->master, "two");

	stage_share_worker(stage);
	instance_set_state(&two->instances[0], API_STATE_STOPPED);
	for (int i = 0; i < 2; i++)
		stage_fault(stage, false, 0, stage->workers[1]->load.plugin);
	assert_int_equal(one->crashes, 1);
	assert_int_equal(two->crashes, 0);
}

static void deaths_that_name_no_plugin_lead_to_a_search(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");
	struct suspects *suspects = stage->master->workers[1]->suspects;

	unit->file.life.delay_ns = 500 * CLOCK_MS_NS;
	stage_fault(stage, false, 0, stage->workers[1]->load.plugin + 1);
	stage_fault(stage, false, 0, UINT32_MAX);
	assert_false(suspects->is_searching);
	stage_fault(stage, false, 0, 0);
	assert_true(suspects->is_searching);
	assert_int_equal(unit->crashes, 0);
	assert_int_equal(suspects->on_trial, unit->version->number);
	stage_fault(stage, false, 0, 0);
	assert_int_equal(unit->crashes, 1);
	assert_non_null(strstr(unit->reason, "that happens when it is started"));
	stage_expect_unharmed(stage);
	/* The unit comes back, and when it has lived for long enough it is cleared. */
	while (suspects->cleared.n == 0)
		stage_step(stage);
	assert_int_equal(unit_state(unit), API_STATE_RUNNING);
}

/* Whatever it is, it is not in a row. */
static void deaths_with_healthy_time_between_them_speak_against_nobody(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");

	stage->master->settings.life.healthy_ns = 1;
	for (int i = 0; i < 4; i++) {
		stage_fault(stage, false, 0, stage->workers[1]->load.plugin);
		assert_int_equal(unit->crashes, 0);
		assert_false(stage->master->workers[1]->suspects->is_searching);
	}
	stage_expect_unharmed(stage);
}

static void search_starts_one_unit_at_a_time(void **state)
{
	struct stage *stage = *state;
	struct unit *one = unit_find(stage->master, "one"),
		    *two = unit_find(stage->master, "two");
	struct suspects *suspects = stage->master->workers[1]->suspects;
	struct unit *first, *other;

	stage_share_worker(stage);
	one->file.life.delay_ns = one->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	two->file.life.delay_ns = two->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	for (int i = 0; i < 3; i++)
		stage_fault(stage, false, 0, 0);
	assert_true(suspects->is_searching);
	first = suspects->on_trial == one->version->number ? one : two;
	other = first == one ? two : one;
	assert_int_equal(suspects->on_trial, first->version->number);
	assert_int_equal(unit_state(first), API_STATE_RUNNING);
	assert_int_not_equal(unit_state(other), API_STATE_RUNNING);
	stage_fault(stage, false, 0, 0);
	assert_int_equal(first->crashes, 1);
	assert_int_equal(other->crashes, 0);
}

/* The death of the one that was on trial may not have been read yet. */
static void search_clears_nobody_while_the_master_sleeps(void **state)
{
	struct stage *stage = *state;
	struct suspects *suspects = stage->master->workers[1]->suspects;

	for (int i = 0; i < 3; i++)
		stage_fault(stage, false, 0, 0);
	assert_true(suspects->on_trial != 0);
	sim_advance(stage->master->loop, 3600 * CLOCK_SECOND_NS);
	stage_idle(stage);
	assert_true(suspects->on_trial != 0);
	assert_int_equal(suspects->cleared.n, 0);
	stage_fault(stage, false, 0, 0);
	assert_int_equal(unit_find(stage->master, "one")->crashes, 1);
	stage_expect_unharmed(stage);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(death_outside_of_handlers_is_pinned_on_its_plugin_the_second_time),
		TEST(plugin_is_not_blamed_on_a_unit_that_is_stopped),
		TEST(deaths_that_name_no_plugin_lead_to_a_search),
		TEST(deaths_with_healthy_time_between_them_speak_against_nobody),
		TEST(search_starts_one_unit_at_a_time),
		TEST(search_clears_nobody_while_the_master_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
