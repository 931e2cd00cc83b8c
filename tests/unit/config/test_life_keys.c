/* test_life_keys.c - what the manual's defaults do to actors that fail, in simulated time. */
#include "config/life_keys.h"

#include "base/clock.h"
#include "tests/unit/supervise/bounce.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS CLOCK_MS_NS
#define S  CLOCK_SECOND_NS

/* Under the rules of the manual. */
static struct child new_default(enum restart_policy policy, uint64_t seed)
{
	struct life_keys keys;
	struct restart_rules rules;

	life_keys_init(&keys);
	rules = life_keys_restart(&keys, policy);
	return new_child(&rules, seed);
}

static void init_that_always_fails_is_given_up_with_the_defaults(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct child child = new_default(RESTART_ON_FAILURE, seed);
		uint64_t waited = 0, wait;
		unsigned failures = 1;

		while (end(&child, TROUPE_CAUSE_FAILED, 0, &wait) == RESTART_LATER) {
			waited += wait;
			failures++;
			assert_in_range(failures, 1, 10);
		}
		assert_int_equal(failures, 10);
		assert_in_range(waited, 40 * S, 82 * S);
	}
}

static void actor_that_fails_in_each_first_message_is_given_up_with_the_defaults(void **state)
{
	struct child child = new_default(RESTART_ON_FAILURE, 1);
	unsigned failures = 1;

	(void)state;
	/* just not healthy */
	for (; down(&child, TROUPE_CAUSE_FAILED, 9 * S) == RESTART_LATER; failures++)
		assert_in_range(failures, 1, 9);
	assert_int_equal(failures, 10);
}

/* Decided: it does its work most of the time. */
static void actor_that_ends_after_a_healthy_time_goes_on_with_the_defaults(void **state)
{
	struct child child = new_default(RESTART_ALWAYS, 1);

	(void)state;
	for (unsigned i = 0; i < 7 * 24 * 3600 / 11; i++)
		assert_in_range(bounce(&child,
				       i % 2 ? TROUPE_CAUSE_NORMAL : TROUPE_CAUSE_FAILED,
				       11 * S),
				100 * MS, 200 * MS);
}

static void
actor_that_crashes_after_a_healthy_time_is_quarantined_with_the_defaults(void **state)
{
	struct child child = new_default(RESTART_ON_FAILURE, 1);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		bounce(&child, TROUPE_CAUSE_CRASHED, 11 * S);
	assert_int_equal(down(&child, TROUPE_CAUSE_CRASHED, 11 * S), RESTART_QUARANTINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_that_always_fails_is_given_up_with_the_defaults),
		cmocka_unit_test(
			actor_that_fails_in_each_first_message_is_given_up_with_the_defaults),
		cmocka_unit_test(
			actor_that_ends_after_a_healthy_time_goes_on_with_the_defaults),
		cmocka_unit_test(
			actor_that_crashes_after_a_healthy_time_is_quarantined_with_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
