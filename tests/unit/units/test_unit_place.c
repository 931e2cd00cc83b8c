/* test_unit_place.c - units with a worker of their own, when all that may be are there. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "base/limits.h"
#include "units/unit.h"
#include "units/unit_place.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* There is one worker for any unit, and no number is free. */
static void fill(struct stage *stage)
{
	struct worker *worker;

	for (unsigned i = 2; i <= LIMIT_WORKERS; i++)
		assert_int_equal(worker_new(stage->master, i, NULL, &worker), 0);
}

static void make_room(struct stage *stage)
{
	worker_free(stage->master->workers[2]);
}

static void say_spawn(struct stage *stage, const char *name, const char *worker)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"io.troupe.Control.Spawn\",\"parameters\":{"
		       "\"name\":\"%s\",\"plugin\":\"%s/plugins/hello.so\",\"worker\":\"%s\"}}",
		       name, stage->build, worker);
	stage_say(stage, text);
}

static void unit_that_finds_no_worker_of_its_own_does_not_run(void **state)
{
	struct stage *stage = *state;

	fill(stage);
	say_spawn(stage, "own", "own");
	stage_expect(stage, "Worker=own: there are 64 worker processes already");
	stage_idle(stage);
	assert_null(unit_find(stage->master, "own"));
	make_room(stage);
	say_spawn(stage, "own", "own");
	stage_expect(stage, "\"state\":\"running\"");
	assert_int_equal(unit_find(stage->master, "own")->instances[0].address.worker, 2);
}

/* Isolate=after-crash */
static void unit_that_crashed_stays_where_it_is_until_there_is_a_worker_for_it(void **state)
{
	struct stage *stage = *state;
	struct unit *unit;

	fill(stage);
	say_spawn(stage, "frail", "any");
	stage_expect(stage, "\"state\":\"running\"");
	unit = unit_find(stage->master, "frail");
	unit_note_crash(unit);
	unit_note_crash(unit);
	assert_int_equal(unit->crashes, 2);
	assert_false(unit->is_isolated);
	stage_kill(stage->workers[1]);
	stage_pass(stage, CLOCK_SECOND_NS);
	assert_int_equal(unit_state(unit), API_STATE_RUNNING);
	assert_int_equal(unit->instances[0].address.worker, 1);
	make_room(stage);
	unit_note_crash(unit);
	assert_true(unit->is_isolated);
	stage_kill(stage->workers[1]);
	stage_pass(stage, CLOCK_SECOND_NS);
	assert_int_equal(unit_state(unit), API_STATE_RUNNING);
	assert_int_equal(unit->instances[0].address.worker, 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_raise, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unit_that_finds_no_worker_of_its_own_does_not_run),
		TEST(unit_that_crashed_stays_where_it_is_until_there_is_a_worker_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
