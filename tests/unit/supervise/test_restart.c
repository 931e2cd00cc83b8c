/* test_restart.c - the restart engine: each rule by hand, then all of them over thousands of seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "tests/unit/supervise/bounce.h"

#define MS CLOCK_MS_NS
#define S  CLOCK_SECOND_NS

static const struct restart_config usual = {
	.policy = RESTART_ON_FAILURE,
	.delay_ns = 100 * MS,
	.delay_max_ns = 30 * S,
	.healthy_ns = 60 * S,
	.give_up_after = 6,
	.crash_limit = 3,
	.crash_healthy_ns = 600 * S,
};

static void delay_doubles_with_jitter_up_to_its_most(void **state)
{
	struct restart_config config = usual;
	struct restart child;
	uint64_t now = S;

	(void)state;
	config.give_up_after = 0;
	restart_init(&child, &config, 1);
	restart_up(&child, now);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t upper = i < 9 ? (200 * MS) << i : 30 * S, wait;

		if (upper > 30 * S)
			upper = 30 * S;
		wait = bounce(&child, TROUPE_CAUSE_FAILED, &now);
		assert_true(wait >= upper / 2 && wait <= upper);
	}
	/* A healthy time ends the row. */
	now += 60 * S;
	assert_true(bounce(&child, TROUPE_CAUSE_FAILED, &now) <= 200 * MS);
	now += 60 * S - 1;
	assert_true(bounce(&child, TROUPE_CAUSE_FAILED, &now) >= 200 * MS);
}

static void children_do_not_wait_in_step(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct restart child;
		uint64_t now = S, wait;

		restart_init(&child, &usual, seed);
		wait = bounce(&child, TROUPE_CAUSE_FAILED, &now);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	assert_true(most - least > 80 * MS);
}

static void child_is_given_up_when_it_fails_too_often_in_a_row(void **state)
{
	struct restart child;
	uint64_t now = S;

	(void)state;
	restart_init(&child, &usual, 1);
	restart_up(&child, now);
	for (unsigned i = 0; i < 5; i++)
		bounce(&child, TROUPE_CAUSE_FAILED, &now);
	assert_int_equal(down(&child, TROUPE_CAUSE_FAILED, now), RESTART_GIVE_UP);
	/* And so it stays. */
	assert_int_equal(down(&child, TROUPE_CAUSE_FAILED, now + 3600 * S), RESTART_GIVE_UP);
}

static void limit_is_reached_however_long_the_waits_are(void **state)
{
	struct restart_config config = usual;
	struct restart child;
	uint64_t now = S;

	(void)state;
	config.delay_ns = 24 * 3600 * S;
	config.healthy_ns = MS;
	restart_init(&child, &config, 1);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t wait = 0;

		assert_int_equal(restart_down(&child, TROUPE_CAUSE_FAILED, now, &wait),
				 RESTART_LATER);
		assert_true(wait == 24 * 3600 * S);
		now += wait;
	}
	assert_int_equal(down(&child, TROUPE_CAUSE_FAILED, now), RESTART_GIVE_UP);
	assert_true(restart_least_wait_ns(&config, 6) == 5 * 24 * 3600 * S);
}

static void child_goes_on_when_no_limit_is_set(void **state)
{
	struct restart_config config = usual;
	struct restart child;
	uint64_t now = S;

	(void)state;
	config.give_up_after = config.crash_limit = 0;
	restart_init(&child, &config, 1);
	for (unsigned i = 0; i < 1000; i++)
		bounce(&child, i % 2 ? TROUPE_CAUSE_CRASHED : TROUPE_CAUSE_FAILED, &now);
}

static void child_is_quarantined_when_it_crashes_too_often(void **state)
{
	struct restart child;
	uint64_t now = S;

	(void)state;
	restart_init(&child, &usual, 1);
	restart_up(&child, now);
	bounce(&child, TROUPE_CAUSE_CRASHED, &now);
	now += 200 * S;
	bounce(&child, TROUPE_CAUSE_FAILED, &now); /* no crash */
	now += 200 * S;
	bounce(&child, TROUPE_CAUSE_CRASHED, &now);
	now += 100 * S;
	assert_int_equal(down(&child, TROUPE_CAUSE_CRASHED, now), RESTART_QUARANTINE);
}

static void crashes_far_apart_do_not_quarantine(void **state)
{
	struct restart child;
	uint64_t now = S;

	(void)state;
	restart_init(&child, &usual, 1);
	restart_up(&child, now);
	for (unsigned i = 0; i < 200; i++) {
		/* In two lives; only together are they long enough. */
		now += 301 * S;
		bounce(&child, TROUPE_CAUSE_FAILED, &now);
		now += 300 * S;
		bounce(&child, TROUPE_CAUSE_CRASHED, &now);
	}
}

static void collateral_is_restarted_at_once_and_not_counted(void **state)
{
	struct restart child;

	(void)state;
	restart_init(&child, &usual, 1);
	for (unsigned i = 0; i < 100; i++) {
		restart_up(&child, S + i);
		assert_int_equal(down(&child, TROUPE_CAUSE_COLLATERAL, S + i), RESTART_NOW);
	}
	assert_int_equal(child.row, 0);
	assert_int_equal(child.crashes, 0);
}

static void end_is_final_as_the_policy_says(void **state)
{
	static const struct {
		enum restart_policy policy;
		enum troupe_cause cause;
		enum restart_verdict verdict;
	} cases[] = {
		{RESTART_NEVER, TROUPE_CAUSE_NORMAL, RESTART_LEAVE},
		{RESTART_NEVER, TROUPE_CAUSE_FAILED, RESTART_GIVE_UP},
		{RESTART_NEVER, TROUPE_CAUSE_CRASHED, RESTART_GIVE_UP},
		{RESTART_NEVER, TROUPE_CAUSE_COLLATERAL, RESTART_GIVE_UP},
		{RESTART_NEVER, TROUPE_CAUSE_SHUTDOWN, RESTART_LEAVE},
		{RESTART_ON_FAILURE, TROUPE_CAUSE_NORMAL, RESTART_LEAVE},
		{RESTART_ON_FAILURE, TROUPE_CAUSE_FAILED, RESTART_LATER},
		{RESTART_ON_FAILURE, TROUPE_CAUSE_CRASHED, RESTART_LATER},
		{RESTART_ON_FAILURE, TROUPE_CAUSE_KILLED, RESTART_LATER},
		{RESTART_ON_FAILURE, TROUPE_CAUSE_COLLATERAL, RESTART_NOW},
		{RESTART_ON_FAILURE, TROUPE_CAUSE_SHUTDOWN, RESTART_LEAVE},
		{RESTART_ALWAYS, TROUPE_CAUSE_NORMAL, RESTART_LATER},
		{RESTART_ALWAYS, TROUPE_CAUSE_SHUTDOWN, RESTART_LEAVE},
		{RESTART_ALWAYS, TROUPE_CAUSE_PARENT, RESTART_LEAVE},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct restart_config config = usual;
		struct restart child;

		config.policy = cases[i].policy;
		restart_init(&child, &config, 1);
		restart_up(&child, S);
		assert_int_equal(down(&child, cases[i].cause, 2 * S), cases[i].verdict);
	}
}

static void delay_that_exceeds_its_most_raises_it(void **state)
{
	struct restart_config config = usual;
	struct restart child;
	uint64_t now = S;

	(void)state;
	config.delay_ns = 7 * S;
	config.delay_max_ns = S;
	restart_init(&child, &config, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_true(bounce(&child, TROUPE_CAUSE_FAILED, &now) == 7 * S);
	config.delay_ns = config.delay_max_ns = 0;
	restart_init(&child, &config, 1);
	assert_true(bounce(&child, TROUPE_CAUSE_FAILED, &now) == 0);
}

static void new_rules_hold_from_the_next_failure(void **state)
{
	struct restart_config config = usual;
	struct restart child;
	uint64_t now = S;

	(void)state;
	restart_init(&child, &usual, 1);
	bounce(&child, TROUPE_CAUSE_FAILED, &now);
	config.delay_ns = 7 * S;
	config.give_up_after = 3;
	restart_configure(&child, &config);
	assert_in_range(bounce(&child, TROUPE_CAUSE_FAILED, &now), 7 * S, 30 * S);
	assert_int_equal(down(&child, TROUPE_CAUSE_FAILED, now), RESTART_GIVE_UP);
}

/* ---- whatever happens */

static void draw_config(struct random *random, struct restart_config *config)
{
	config->policy = (enum restart_policy)random_below(random, 3);
	config->delay_ns = random_below(random, 2) * random_below(random, S);
	config->delay_max_ns = config->delay_ns + random_below(random, 30 * S);
	config->healthy_ns = random_below(random, 60 * S);
	config->give_up_after = (uint32_t)random_below(random, 8);
	config->crash_limit = (uint32_t)random_below(random, 5);
	config->crash_healthy_ns = random_below(random, 100 * S);
}

/* What the rules say, kept as the list of its lives. */
struct witness {
	struct {
		enum troupe_cause cause;
		uint64_t life;
		bool was_up;
	} lives[300];
	unsigned n;
};

static bool is_crash(enum troupe_cause cause)
{
	return cause == TROUPE_CAUSE_CRASHED || cause == TROUPE_CAUSE_KILLED;
}

static bool is_counted(const struct restart_config *config, enum troupe_cause cause)
{
	return is_crash(cause) || cause == TROUPE_CAUSE_FAILED ||
	       (cause == TROUPE_CAUSE_NORMAL && config->policy == RESTART_ALWAYS);
}

/* Failures in a row, from the last back to the healthy life that ended the row before. */
static unsigned count_row(const struct witness *witness, const struct restart_config *config)
{
	unsigned row = 0;

	for (unsigned i = witness->n; i > 0; i--) {
		row += is_counted(config, witness->lives[i - 1].cause);
		if (witness->lives[i - 1].was_up &&
		    witness->lives[i - 1].life >= config->healthy_ns)
			break;
	}
	return row;
}

static unsigned count_crashes(const struct witness *witness,
			      const struct restart_config *config)
{
	unsigned crashes = 0;
	uint64_t clean = 0;

	for (unsigned i = witness->n; i > 0; i--) {
		if (is_crash(witness->lives[i - 1].cause)) {
			clean = 0;
			crashes++;
		}
		clean += witness->lives[i - 1].life;
		if (clean >= config->crash_healthy_ns)
			break;
	}
	return crashes;
}

static void promises_hold_whatever_happens(void **state)
{
	static struct witness witness;

	(void)state;
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct restart_config config;
		struct random random;
		struct restart child;
		uint64_t now = S, up = 0;

		random_init(&random, seed);
		draw_config(&random, &config);
		restart_init(&child, &config, seed);
		witness.n = 0;
		for (unsigned i = 0; i < 300; i++) {
			enum troupe_cause cause =
				(enum troupe_cause)(TROUPE_CAUSE_NORMAL +
						    random_below(&random, TROUPE_CAUSE_PARENT));
			bool is_up = random_below(&random, 4) > 0;
			uint64_t wait = UINT64_MAX;
			enum restart_verdict verdict;

			if (is_up) {
				up = now;
				restart_up(&child, now);
				now += random_below(&random, 8) ? random_below(&random, 2 * S)
								: random_below(&random, 99 * S);
			}
			witness.lives[witness.n].cause = cause;
			witness.lives[witness.n].was_up = is_up;
			witness.lives[witness.n++].life = is_up ? now - up : 0;
			verdict = restart_down(&child, cause, now, &wait);
			if (is_crash(cause) && config.crash_limit > 0 &&
			    count_crashes(&witness, &config) >= config.crash_limit)
				assert_int_equal(verdict, RESTART_QUARANTINE);
			else if (!is_counted(&config, cause))
				assert_true(verdict == RESTART_LEAVE ||
					    cause == TROUPE_CAUSE_COLLATERAL);
			else if (config.policy == RESTART_NEVER ||
				 (config.give_up_after > 0 &&
				  count_row(&witness, &config) >= config.give_up_after))
				assert_int_equal(verdict, RESTART_GIVE_UP);
			else
				assert_int_equal(verdict, RESTART_LATER);
			if (verdict == RESTART_LATER) {
				assert_true(wait >= config.delay_ns);
				assert_true(wait <= config.delay_max_ns);
				now += wait;
			} else {
				assert_true(wait == UINT64_MAX);
			}
			/* An operator starts it again. */
			if (verdict != RESTART_LATER && verdict != RESTART_NOW) {
				restart_init(&child, &config, seed + i);
				witness.n = 0;
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delay_doubles_with_jitter_up_to_its_most),
		cmocka_unit_test(children_do_not_wait_in_step),
		cmocka_unit_test(child_is_given_up_when_it_fails_too_often_in_a_row),
		cmocka_unit_test(limit_is_reached_however_long_the_waits_are),
		cmocka_unit_test(child_goes_on_when_no_limit_is_set),
		cmocka_unit_test(child_is_quarantined_when_it_crashes_too_often),
		cmocka_unit_test(crashes_far_apart_do_not_quarantine),
		cmocka_unit_test(collateral_is_restarted_at_once_and_not_counted),
		cmocka_unit_test(end_is_final_as_the_policy_says),
		cmocka_unit_test(delay_that_exceeds_its_most_raises_it),
		cmocka_unit_test(new_rules_hold_from_the_next_failure),
		cmocka_unit_test(promises_hold_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
