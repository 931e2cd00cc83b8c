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

/* Those of the manual. */
static struct restart_config defaults(enum restart_policy policy)
{
	struct life_keys keys;

	life_keys_init(&keys);
	return life_keys_restart(&keys, policy);
}

static void init_that_always_fails_is_given_up_with_the_defaults(void **state)
{
	struct restart_config config = defaults(RESTART_ON_FAILURE);

	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct restart child;
		uint64_t now = S, wait;
		unsigned failures = 1;

		restart_init(&child, &config, seed);
		while (restart_down(&child, TROUPE_CAUSE_FAILED, now, &wait) == RESTART_LATER) {
			/* Whatever its init takes, that is no life. */
			now += wait + seed % 3 * 20 * S;
			failures++;
			assert_in_range(failures, 1, 10);
		}
		assert_int_equal(failures, 10);
		if (seed % 3 == 0)
			assert_in_range(now - S, 40 * S, 82 * S);
	}
}

static void actor_that_fails_in_each_first_message_is_given_up_with_the_defaults(void **state)
{
	struct restart_config config = defaults(RESTART_ON_FAILURE);
	struct restart child;
	uint64_t now = S, wait;
	unsigned failures = 1;

	(void)state;
	restart_init(&child, &config, 1);
	restart_up(&child, now);
	while (restart_down(&child, TROUPE_CAUSE_FAILED, now, &wait) == RESTART_LATER) {
		now += wait;
		restart_up(&child, now);
		now += 9 * S; /* just not healthy */
		failures++;
		assert_in_range(failures, 1, 10);
	}
	assert_int_equal(failures, 10);
}

/* Decided: it does its work most of the time. */
static void actor_that_ends_after_a_healthy_time_goes_on_with_the_defaults(void **state)
{
	struct restart_config config = defaults(RESTART_ALWAYS);
	struct restart child;
	uint64_t now = S;

	(void)state;
	restart_init(&child, &config, 1);
	restart_up(&child, now);
	for (unsigned i = 0; i < 7 * 24 * 3600 / 11; i++) {
		now += 11 * S;
		assert_in_range(
			bounce(&child, i % 2 ? TROUPE_CAUSE_NORMAL : TROUPE_CAUSE_FAILED, &now),
			100 * MS, 200 * MS);
	}
}

static void
actor_that_crashes_after_a_healthy_time_is_quarantined_with_the_defaults(void **state)
{
	struct restart_config config = defaults(RESTART_ON_FAILURE);
	struct restart child;
	uint64_t now = S;

	(void)state;
	restart_init(&child, &config, 1);
	restart_up(&child, now);
	for (unsigned i = 0; i < 4; i++) {
		now += 11 * S;
		bounce(&child, TROUPE_CAUSE_CRASHED, &now);
	}
	now += 11 * S;
	assert_int_equal(down(&child, TROUPE_CAUSE_CRASHED, now), RESTART_QUARANTINE);
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
