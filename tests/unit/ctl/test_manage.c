/* test_manage.c - what the verbs that change something print: stop, start, restart, kill,
 * reload, shutdown. */
#include "fixture.h"

#include "ctl/verbs.h"

static void start_that_did_not_succeed_is_a_failure(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_start, "unit", NULL), STATUS_OK);
	assert_string_equal(fixture->text, "");
	assert_int_equal(run_verb(fixture, verb_start, "unit", "other", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "other did not start: why?[31m\n");
	assert_int_equal(run_verb(fixture, verb_restart, "unit", NULL), STATUS_OK);
	assert_int_equal(run_verb(fixture, verb_restart, "other", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "unit did not start: see the daemon's log\n");
}

static void stop_goes_on_after_one_that_is_not_there(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_stop, "unti", "unit", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "no actor is called unti (did you mean unit?)");
	assert_int_equal(run_verb(fixture, verb_stop, "unit", NULL), STATUS_OK);
}

static void kill_lists_whom_it_took_along(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_kill, "unit", NULL), STATUS_OK);
	assert_string_equal(fixture->text, "killed worker 1\n"
					   "killed worker 2\n"
					   "           killed: unit/0 unit/1\n"
					   "  ended with them: other/0\n"
					   "and 5 more actors there\n");
}

static void reload_lists_changes_and_fails_with_problems(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_reload, NULL), STATUS_FAILED);
	expect_in(fixture->text, "  started: a b\n"
				 "restarted: b\n"
				 "  stopped: c\n"
				 "  changed: d\n"
				 "in force now: Key1\n"
				 "need the daemon's next start: Key2\n"
				 "bad.actor:3: no such key\n"
				 "warning: bad.actor:3: no such key\n");
	assert_int_equal(run_verb(fixture, verb_reload, NULL), STATUS_OK);
	assert_string_equal(fixture->text, "nothing has changed\n");
}

/* The number that the daemon gives is one of its own namespace: no trouped has it here. */
static void shutdown_waits_for_nobody_whom_it_cannot_see(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_shutdown, NULL), STATUS_OK);
	expect_in(fixture->errors, "the daemon is stopping; its process cannot be seen from "
				   "here, so its end is not waited for");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(start_that_did_not_succeed_is_a_failure),
		CASE(stop_goes_on_after_one_that_is_not_there),
		CASE(kill_lists_whom_it_took_along),
		CASE(reload_lists_changes_and_fails_with_problems),
		CASE(shutdown_waits_for_nobody_whom_it_cannot_see),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
