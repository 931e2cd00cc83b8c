/* test_restart.c - the restart engine: each rule by hand, then all of them over thousands of
 * seeds. */
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

static const struct restart_rules usual = {
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
	struct child child = new_child(&usual, 1);

	(void)state;
	child.rules.give_up_after = 0;
	for (unsigned i = 0; i < 20; i++) {
		uint64_t upper = i < 9 ? (200 * MS) << i : 30 * S, wait;

		if (upper > 30 * S)
			upper = 30 * S;
		wait = bounce(&child, TROUPE_CAUSE_FAILED, 1);
		assert_true(wait >= upper / 2 && wait <= upper);
	}
	/* A healthy time ends the row. */
	assert_true(bounce(&child, TROUPE_CAUSE_FAILED, 60 * S) <= 200 * MS);
	assert_true(bounce(&child, TROUPE_CAUSE_FAILED, 60 * S - 1) >= 200 * MS);
}

static void children_do_not_wait_in_step(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct child child = new_child(&usual, seed);
		uint64_t wait = bounce(&child, TROUPE_CAUSE_FAILED, 0);

		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	assert_true(most - least > 80 * MS);
}

static void child_is_given_up_when_it_fails_too_often_in_a_row(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		bounce(&child, TROUPE_CAUSE_FAILED, i);
	assert_int_equal(down(&child, TROUPE_CAUSE_FAILED, 1), RESTART_GIVE_UP);
	/* And so it stays. */
	assert_int_equal(down(&child, TROUPE_CAUSE_FAILED, 0), RESTART_GIVE_UP);
}

static void limit_is_reached_however_long_the_waits_are(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	child.rules.delay_ns = 24 * 3600 * S;
	child.rules.healthy_ns = MS;
	for (unsigned i = 0; i < 5; i++)
		assert_true(bounce(&child, TROUPE_CAUSE_FAILED, 0) == 24 * 3600 * S);
	assert_int_equal(down(&child, TROUPE_CAUSE_FAILED, 0), RESTART_GIVE_UP);
	assert_true(restart_least_wait_ns(&child.rules, 6) == 5 * 24 * 3600 * S);
}

static void child_goes_on_when_no_limit_is_set(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	child.rules.give_up_after = child.rules.crash_limit = 0;
	for (unsigned i = 0; i < 1000; i++)
		bounce(&child, i % 2 ? TROUPE_CAUSE_CRASHED : TROUPE_CAUSE_FAILED, 0);
}

static void child_is_quarantined_when_it_crashes_too_often(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	bounce(&child, TROUPE_CAUSE_CRASHED, S);
	bounce(&child, TROUPE_CAUSE_FAILED, 200 * S); /* no crash */
	bounce(&child, TROUPE_CAUSE_KILLED, 200 * S);
	assert_int_equal(down(&child, TROUPE_CAUSE_CRASHED, 100 * S), RESTART_QUARANTINE);
}

static void crashes_far_apart_do_not_quarantine(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		/* In two lives; only together are they long enough. */
		bounce(&child, TROUPE_CAUSE_FAILED, 301 * S);
		bounce(&child, TROUPE_CAUSE_CRASHED, 300 * S);
	}
}

static void collateral_is_restarted_at_once_and_not_counted(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(down(&child, TROUPE_CAUSE_COLLATERAL, S + i), RESTART_NOW);
	assert_int_equal(child.restart.row, 0);
	assert_int_equal(child.restart.crashes, 0);
}

static void healthy_life_ends_a_row_whatever_ended_it(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		bounce(&child, TROUPE_CAUSE_FAILED, 1);
	assert_int_equal(down(&child, TROUPE_CAUSE_COLLATERAL, 60 * S), RESTART_NOW);
	assert_true(bounce(&child, TROUPE_CAUSE_FAILED, 1) <= 200 * MS);
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
		struct child child = new_child(&usual, 1);

		child.rules.policy = cases[i].policy;
		assert_int_equal(down(&child, cases[i].cause, S), cases[i].verdict);
	}
}

static void delay_that_exceeds_its_most_raises_it(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	child.rules.delay_ns = 7 * S;
	child.rules.delay_max_ns = S;
	for (unsigned i = 0; i < 4; i++)
		assert_true(bounce(&child, TROUPE_CAUSE_FAILED, 0) == 7 * S);
	child.rules.delay_ns = child.rules.delay_max_ns = 0;
	assert_true(bounce(&child, TROUPE_CAUSE_FAILED, 0) == 0);
}

static void new_rules_hold_from_the_next_failure(void **state)
{
	struct child child = new_child(&usual, 1);

	(void)state;
	bounce(&child, TROUPE_CAUSE_FAILED, 0);
	child.rules.delay_ns = 7 * S;
	child.rules.give_up_after = 3;
	assert_in_range(bounce(&child, TROUPE_CAUSE_FAILED, 0), 7 * S, 30 * S);
	assert_int_equal(down(&child, TROUPE_CAUSE_FAILED, 0), RESTART_GIVE_UP);
}

/* ---- whatever happens */

static struct restart_rules draw_rules(struct random *random)
{
	struct restart_rules rules = {
		.policy = (enum restart_policy)random_below(random, 3),
		.delay_ns = random_below(random, 2) * random_below(random, S),
		.healthy_ns = 1 + random_below(random, 60 * S),
		.give_up_after = (uint32_t)random_below(random, 8),
		.crash_limit = (uint32_t)random_below(random, 5),
		.crash_healthy_ns = random_below(random, 100 * S),
	};

	rules.delay_max_ns = rules.delay_ns + random_below(random, 30 * S);
	return rules;
}

/* What the rules say, kept as the list of its lives. */
struct witness {
	struct {
		enum troupe_cause cause;
		uint64_t life;
	} lives[300];
	unsigned n;
};

static bool is_crash(enum troupe_cause cause)
{
	return cause == TROUPE_CAUSE_CRASHED || cause == TROUPE_CAUSE_KILLED;
}

static bool is_counted(const struct restart_rules *rules, enum troupe_cause cause)
{
	return is_crash(cause) || cause == TROUPE_CAUSE_FAILED ||
	       (cause == TROUPE_CAUSE_NORMAL && rules->policy == RESTART_ALWAYS);
}

/* Failures in a row, from the last back to the healthy life that ended the row before. */
static unsigned count_row(const struct witness *witness, const struct restart_rules *rules)
{
	unsigned row = 0;

	for (unsigned i = witness->n; i > 0; i--) {
		row += is_counted(rules, witness->lives[i - 1].cause);
		if (witness->lives[i - 1].life >= rules->healthy_ns)
			break;
	}
	return row;
}

static unsigned count_crashes(const struct witness *witness, const struct restart_rules *rules)
{
	unsigned crashes = 0;
	uint64_t clean = 0;

	for (unsigned i = witness->n; i > 0; i--) {
		if (is_crash(witness->lives[i - 1].cause)) {
			clean = 0;
			crashes++;
		}
		clean += witness->lives[i - 1].life;
		if (clean >= rules->crash_healthy_ns)
			break;
	}
	return crashes;
}

static uint64_t draw_life(struct random *random)
{
	if (random_below(random, 4) == 0)
		return 0; /* it never came up */
	return random_below(random, random_below(random, 8) ? 2 * S : 99 * S);
}

static void promises_hold_whatever_happens(void **state)
{
	static struct witness witness;

	(void)state;
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct restart_rules rules;
		struct random random;
		struct child child;

		random_init(&random, seed);
		rules = draw_rules(&random);
		child = new_child(&rules, seed);
		witness.n = 0;
		for (unsigned i = 0; i < 300; i++) {
			enum troupe_cause cause =
				(enum troupe_cause)(TROUPE_CAUSE_NORMAL +
						    random_below(&random, TROUPE_CAUSE_PARENT));
			uint64_t life = draw_life(&random), wait;
			enum restart_verdict verdict;

			witness.lives[witness.n].cause = cause;
			witness.lives[witness.n++].life = life;
			verdict = end(&child, cause, life, &wait);
			if (is_crash(cause) && rules.crash_limit > 0 &&
			    count_crashes(&witness, &rules) >= rules.crash_limit)
				assert_int_equal(verdict, RESTART_QUARANTINE);
			else if (!is_counted(&rules, cause))
				assert_true(verdict == RESTART_LEAVE ||
					    cause == TROUPE_CAUSE_COLLATERAL);
			else if (rules.policy == RESTART_NEVER ||
				 (rules.give_up_after > 0 &&
				  count_row(&witness, &rules) >= rules.give_up_after))
				assert_int_equal(verdict, RESTART_GIVE_UP);
			else
				assert_int_equal(verdict, RESTART_LATER);
			if (verdict == RESTART_LATER)
				assert_in_range(wait, rules.delay_ns, rules.delay_max_ns);
			else
				assert_true(wait == UINT64_MAX);
			/* An operator starts it again. */
			if (verdict != RESTART_LATER && verdict != RESTART_NOW) {
				child.restart = (struct restart){0};
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
		cmocka_unit_test(healthy_life_ends_a_row_whatever_ended_it),
		cmocka_unit_test(end_is_final_as_the_policy_says),
		cmocka_unit_test(delay_that_exceeds_its_most_raises_it),
		cmocka_unit_test(new_rules_hold_from_the_next_failure),
		cmocka_unit_test(promises_hold_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
