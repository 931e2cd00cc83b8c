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
#include "supervise/restart.h"

#define MS CLOCK_MS_NS
#define S  CLOCK_SECOND_NS

static const struct restart_config usual = {
	.policy = RESTART_ON_FAILURE,
	.delay_ns = 100 * MS,
	.delay_max_ns = 30 * S,
	.healthy_ns = 60 * S,
	.burst = 5,
	.interval_ns = 60 * S,
	.crash_burst = 3,
	.crash_interval_ns = 600 * S,
	.start_timeout_ns = 10 * S,
	.stop_timeout_ns = 5 * S,
};

/* A child that is up since `now`. */
static void run(struct restart *child, const struct restart_config *config, uint64_t now)
{
	restart_init(child, config, 1);
	assert_int_equal(restart_step(child, RESTART_START, now), RESTART_DO_START);
	assert_int_equal(restart_step(child, RESTART_STARTED, now), RESTART_NOTHING);
	assert_int_equal(child->state, RESTART_RUNNING);
}

/* Let it fail and come up again; returns how long it waited. */
static uint64_t bounce(struct restart *child, enum restart_event event, uint64_t *now)
{
	uint64_t wait;

	assert_int_equal(restart_step(child, event, *now), RESTART_NOTHING);
	assert_int_equal(child->state, RESTART_BACKOFF);
	wait = child->deadline_ns - *now;
	assert_int_equal(restart_step(child, RESTART_TIME, child->deadline_ns - 1),
			 RESTART_NOTHING);
	*now = child->deadline_ns;
	assert_int_equal(restart_step(child, RESTART_TIME, *now), RESTART_DO_START);
	assert_int_equal(restart_step(child, RESTART_STARTED, *now), RESTART_NOTHING);
	return wait;
}

static void child_runs_when_started_and_stops_when_ordered(void **state)
{
	struct restart child;

	(void)state;
	run(&child, &usual, S);
	assert_true(child.deadline_ns == UINT64_MAX);
	assert_int_equal(restart_step(&child, RESTART_START, S), RESTART_NOTHING);
	assert_int_equal(restart_step(&child, RESTART_STOP, 2 * S), RESTART_DO_STOP);
	assert_int_equal(child.state, RESTART_STOPPING);
	assert_true(child.deadline_ns == 7 * S);
	assert_int_equal(restart_step(&child, RESTART_ENDED_SHUTDOWN, 3 * S), RESTART_NOTHING);
	assert_int_equal(child.state, RESTART_STOPPED);
	assert_true(child.deadline_ns == UINT64_MAX);
}

static void child_is_killed_when_it_does_not_stop_in_time(void **state)
{
	struct restart child;

	(void)state;
	run(&child, &usual, S);
	restart_step(&child, RESTART_STOP, 2 * S);
	assert_int_equal(restart_step(&child, RESTART_TIME, 7 * S - 1), RESTART_NOTHING);
	assert_int_equal(restart_step(&child, RESTART_TIME, 7 * S), RESTART_DO_KILL);
	assert_int_equal(restart_step(&child, RESTART_TIME, 100 * S), RESTART_NOTHING);
	assert_int_equal(restart_step(&child, RESTART_CRASHED, 100 * S), RESTART_NOTHING);
	assert_int_equal(child.state, RESTART_STOPPED);
	assert_int_equal(child.n_crash_times, 0);
}

static void child_fails_its_start_when_init_hangs(void **state)
{
	struct restart child;

	(void)state;
	restart_init(&child, &usual, 1);
	restart_step(&child, RESTART_START, S);
	assert_int_equal(restart_step(&child, RESTART_TIME, 11 * S), RESTART_DO_KILL);
	/* News that was on its way changes nothing any more. */
	assert_int_equal(restart_step(&child, RESTART_STARTED, 11 * S), RESTART_NOTHING);
	assert_int_equal(child.state, RESTART_STARTING);
	/* It was killed by us, which is no crash of its own. */
	assert_int_equal(restart_step(&child, RESTART_CRASHED, 11 * S), RESTART_NOTHING);
	assert_int_equal(child.state, RESTART_BACKOFF);
	assert_int_equal(child.n_crash_times, 0);
}

static void start_has_no_deadline_when_told_so(void **state)
{
	struct restart_config config = usual;
	struct restart child;

	(void)state;
	config.start_timeout_ns = config.stop_timeout_ns = UINT64_MAX;
	restart_init(&child, &config, 1);
	restart_step(&child, RESTART_START, S);
	assert_true(child.deadline_ns == UINT64_MAX);
	restart_step(&child, RESTART_STOP, S);
	assert_true(child.deadline_ns == UINT64_MAX);
}

static void delay_doubles_with_jitter_up_to_its_most(void **state)
{
	struct restart_config config = usual;
	struct restart child;
	uint64_t now = S;

	(void)state;
	config.burst = 0;
	run(&child, &config, now);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t upper = i < 9 ? (200 * MS) << i : 30 * S, wait;

		if (upper > 30 * S)
			upper = 30 * S;
		wait = bounce(&child, RESTART_ENDED_FAILED, &now);
		assert_true(wait >= upper / 2 && wait <= upper);
	}
	/* A healthy time ends the row. */
	now += 60 * S;
	assert_true(bounce(&child, RESTART_ENDED_FAILED, &now) <= 200 * MS);
	now += 60 * S - 1;
	assert_true(bounce(&child, RESTART_ENDED_FAILED, &now) >= 200 * MS);
}

static void children_do_not_wait_in_step(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct restart child;

		restart_init(&child, &usual, seed);
		restart_step(&child, RESTART_START, S);
		restart_step(&child, RESTART_INIT_FAILED, S);
		least = child.deadline_ns < least ? child.deadline_ns : least;
		most = child.deadline_ns > most ? child.deadline_ns : most;
	}
	assert_true(most - least > 80 * MS);
}

static void child_is_given_up_when_it_fails_too_often(void **state)
{
	struct restart child;
	uint64_t now = S;

	(void)state;
	run(&child, &usual, now);
	for (unsigned i = 0; i < 5; i++)
		bounce(&child, RESTART_ENDED_FAILED, &now);
	assert_int_equal(restart_step(&child, RESTART_ENDED_FAILED, now), RESTART_DO_GIVE_UP);
	assert_int_equal(child.state, RESTART_FAILED);
	assert_int_equal(child.restarts, 5);
	/* And stays so. */
	for (enum restart_event event = RESTART_STARTED; event <= RESTART_TIME; event++) {
		assert_int_equal(restart_step(&child, event, now + 3600 * S), RESTART_NOTHING);
		assert_int_equal(child.state, RESTART_FAILED);
	}
	assert_int_equal(restart_step(&child, RESTART_RESET, now), RESTART_NOTHING);
	assert_int_equal(child.state, RESTART_STOPPED);
	assert_int_equal(restart_step(&child, RESTART_START, now), RESTART_DO_START);
}

static void record_is_clean_when_started_by_order(void **state)
{
	struct restart child;
	uint64_t now = S;

	(void)state;
	run(&child, &usual, now);
	for (unsigned i = 0; i < 5; i++)
		bounce(&child, RESTART_ENDED_FAILED, &now);
	restart_step(&child, RESTART_ENDED_FAILED, now);
	assert_int_equal(restart_step(&child, RESTART_START, now), RESTART_DO_START);
	restart_step(&child, RESTART_STARTED, now);
	assert_true(bounce(&child, RESTART_ENDED_FAILED, &now) <= 200 * MS);
}

static void child_goes_on_when_its_failures_are_far_apart(void **state)
{
	struct restart child;
	uint64_t now = S;

	(void)state;
	run(&child, &usual, now);
	for (unsigned i = 0; i < 1000; i++) {
		now += 13 * S;
		bounce(&child, RESTART_ENDED_FAILED, &now);
	}
	assert_int_equal(child.restarts, 1000);
}

static void child_is_quarantined_when_it_crashes_too_often(void **state)
{
	struct restart child;
	uint64_t now = S;

	(void)state;
	run(&child, &usual, now);
	bounce(&child, RESTART_CRASHED, &now);
	now += 200 * S;
	bounce(&child, RESTART_ENDED_FAILED, &now); /* no crash */
	now += 200 * S;
	bounce(&child, RESTART_CRASHED, &now);
	now += 100 * S;
	assert_int_equal(restart_step(&child, RESTART_CRASHED, now), RESTART_DO_GIVE_UP);
	assert_int_equal(child.state, RESTART_QUARANTINED);
	restart_step(&child, RESTART_RESET, now);
	assert_int_equal(child.state, RESTART_STOPPED);
}

static void crashes_far_apart_do_not_quarantine(void **state)
{
	struct restart child;
	uint64_t now = S;

	(void)state;
	run(&child, &usual, now);
	for (unsigned i = 0; i < 200; i++) {
		bounce(&child, RESTART_CRASHED, &now);
		now += 301 * S;
	}
	assert_int_equal(child.state, RESTART_RUNNING);
}

static void collateral_is_restarted_at_once_and_not_counted(void **state)
{
	struct restart child;

	(void)state;
	run(&child, &usual, S);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(restart_step(&child, RESTART_COLLATERAL, S + i),
				 RESTART_DO_START);
		assert_int_equal(restart_step(&child, RESTART_STARTED, S + i), RESTART_NOTHING);
	}
	assert_int_equal(child.restarts, 100);
	assert_int_equal(child.row, 0);
	assert_int_equal(child.n_restart_times, 0);
}

static void end_is_final_as_the_policy_says(void **state)
{
	static const struct {
		enum restart_policy policy;
		enum restart_event event;
		enum restart_state state;
	} cases[] = {
		{RESTART_NEVER, RESTART_ENDED_NORMAL, RESTART_ENDED},
		{RESTART_NEVER, RESTART_ENDED_FAILED, RESTART_FAILED},
		{RESTART_NEVER, RESTART_CRASHED, RESTART_FAILED},
		{RESTART_NEVER, RESTART_COLLATERAL, RESTART_FAILED},
		{RESTART_NEVER, RESTART_ENDED_SHUTDOWN, RESTART_STOPPED},
		{RESTART_ON_FAILURE, RESTART_ENDED_NORMAL, RESTART_ENDED},
		{RESTART_ON_FAILURE, RESTART_ENDED_FAILED, RESTART_BACKOFF},
		{RESTART_ON_FAILURE, RESTART_CRASHED, RESTART_BACKOFF},
		{RESTART_ON_FAILURE, RESTART_COLLATERAL, RESTART_STARTING},
		{RESTART_ON_FAILURE, RESTART_ENDED_SHUTDOWN, RESTART_STOPPED},
		{RESTART_ALWAYS, RESTART_ENDED_NORMAL, RESTART_BACKOFF},
		{RESTART_ALWAYS, RESTART_ENDED_SHUTDOWN, RESTART_STOPPED},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct restart_config config = usual;
		struct restart child;

		config.policy = cases[i].policy;
		run(&child, &config, S);
		restart_step(&child, cases[i].event, 2 * S);
		assert_int_equal(child.state, cases[i].state);
	}
}

static void stop_ends_a_wait_at_once(void **state)
{
	struct restart child;

	(void)state;
	run(&child, &usual, S);
	restart_step(&child, RESTART_ENDED_FAILED, S);
	assert_int_equal(restart_step(&child, RESTART_STOP, S), RESTART_NOTHING);
	assert_int_equal(child.state, RESTART_STOPPED);
	assert_int_equal(restart_step(&child, RESTART_TIME, UINT64_MAX - 1), RESTART_NOTHING);
}

static void child_starts_again_when_ordered_while_stopping(void **state)
{
	struct restart child;

	(void)state;
	run(&child, &usual, S);
	restart_step(&child, RESTART_STOP, S);
	assert_int_equal(restart_step(&child, RESTART_START, S), RESTART_NOTHING);
	assert_int_equal(restart_step(&child, RESTART_ENDED_SHUTDOWN, S), RESTART_DO_START);
	/* The later order counts. */
	restart_step(&child, RESTART_STARTED, S);
	restart_step(&child, RESTART_STOP, S);
	restart_step(&child, RESTART_START, S);
	restart_step(&child, RESTART_STOP, S);
	assert_int_equal(restart_step(&child, RESTART_ENDED_SHUTDOWN, S), RESTART_NOTHING);
	assert_int_equal(child.state, RESTART_STOPPED);
}

static void new_rules_hold_from_the_next_failure(void **state)
{
	struct restart_config config = usual;
	struct restart child;
	uint64_t deadline;

	(void)state;
	run(&child, &usual, S);
	restart_step(&child, RESTART_ENDED_FAILED, S);
	deadline = child.deadline_ns;
	config.delay_ns = 7 * S;
	config.delay_max_ns = S; /* nonsense: raised */
	config.burst = 1000000;  /* cut */
	restart_configure(&child, &config);
	assert_true(child.deadline_ns == deadline);
	restart_step(&child, RESTART_TIME, deadline);
	restart_step(&child, RESTART_STARTED, deadline);
	restart_step(&child, RESTART_ENDED_FAILED, deadline);
	assert_true(child.deadline_ns == deadline + 7 * S);
	assert_int_equal(child.config.burst, RESTART_BURST_MAX);
}

static void state_names_are_those_of_the_interface(void **state)
{
	(void)state;
	assert_string_equal(restart_state_name(RESTART_BACKOFF), "backoff");
	assert_string_equal(restart_state_name(RESTART_QUARANTINED), "quarantined");
	for (enum restart_state s = 0; s < RESTART_STATE_COUNT; s++)
		assert_non_null(restart_state_name(s));
	assert_string_equal(restart_state_name(RESTART_STATE_COUNT), "unknown");
}

/* What a stopwatch with a list sees, against the engine's rings: the same limits, said
 * differently. */
struct witness {
	uint64_t restarts[4096], crashes[4096];
	unsigned n_restarts, n_crashes;
};

static unsigned count_within(const uint64_t *times, unsigned n, uint64_t now, uint64_t span)
{
	unsigned count = 0;

	while (n > 0 && now - times[n - 1] <= span) {
		count++;
		n--;
	}
	return count;
}

static void check_step(const struct restart *before, const struct restart *after,
		       enum restart_event event, enum restart_action action, uint64_t now,
		       struct witness *witness)
{
	const struct restart_config *config = &after->config;
	bool failed = after->state == RESTART_FAILED && before->state != RESTART_FAILED;

	/* Each action goes with one state. */
	assert_true((action == RESTART_DO_START) <= (after->state == RESTART_STARTING));
	assert_true((action == RESTART_DO_STOP) <= (after->state == RESTART_STOPPING));
	assert_true((action == RESTART_DO_GIVE_UP) ==
		    (failed || (after->state == RESTART_QUARANTINED &&
				before->state != RESTART_QUARANTINED)));
	/* A start is never silent, nor a start of what is there. */
	if (after->state == RESTART_STARTING && before->state != RESTART_STARTING)
		assert_int_equal(action, RESTART_DO_START);
	if (action == RESTART_DO_START && before->state == RESTART_STARTING)
		assert_int_equal(event, RESTART_COLLATERAL);
	/* Only these states wait for time, and only for what lies ahead. */
	if (after->deadline_ns != UINT64_MAX) {
		assert_true(after->state == RESTART_BACKOFF ||
			    after->state == RESTART_STARTING ||
			    after->state == RESTART_STOPPING);
		assert_true(after->deadline_ns > now || event != RESTART_TIME);
	}
	if (after->state == RESTART_BACKOFF)
		assert_true(after->deadline_ns != UINT64_MAX);
	if (event == RESTART_RESET || action == RESTART_DO_START)
		if (event == RESTART_RESET || event == RESTART_START ||
		    before->state == RESTART_STOPPING)
			witness->n_restarts = witness->n_crashes = 0;
	/* Waits stay within their bounds. */
	if (after->state == RESTART_BACKOFF && before->state != RESTART_BACKOFF) {
		assert_true(after->deadline_ns - now >= config->delay_ns);
		assert_true(after->deadline_ns - now <= config->delay_max_ns);
		if (config->burst > 0)
			assert_true(count_within(witness->restarts, witness->n_restarts, now,
						 config->interval_ns) < config->burst);
		witness->restarts[witness->n_restarts++] = now;
	}
	if (failed && config->policy != RESTART_NEVER)
		assert_true(count_within(witness->restarts, witness->n_restarts, now,
					 config->interval_ns) >= config->burst);
	if (event == RESTART_CRASHED && !before->killed &&
	    (before->state == RESTART_RUNNING || before->state == RESTART_STARTING)) {
		unsigned n;

		witness->crashes[witness->n_crashes++] = now;
		n = count_within(witness->crashes, witness->n_crashes, now,
				 config->crash_interval_ns);
		assert_int_equal(after->state == RESTART_QUARANTINED,
				 config->crash_burst > 0 && n >= config->crash_burst);
	} else if (before->state != RESTART_QUARANTINED) {
		assert_int_not_equal(after->state, RESTART_QUARANTINED);
	}
}

static void draw_config(struct random *random, struct restart_config *config)
{
	config->policy = (enum restart_policy)random_below(random, 3);
	config->delay_ns = random_below(random, 2) * random_below(random, S);
	config->delay_max_ns = config->delay_ns + random_below(random, 30 * S);
	config->healthy_ns = random_below(random, 60 * S);
	config->burst = (uint32_t)random_below(random, 8);
	config->interval_ns = random_below(random, 60 * S);
	config->crash_burst = (uint32_t)random_below(random, 5);
	config->crash_interval_ns = random_below(random, 100 * S);
	config->start_timeout_ns =
		random_below(random, 4) ? random_below(random, 10 * S) + 1 : UINT64_MAX;
	config->stop_timeout_ns =
		random_below(random, 4) ? random_below(random, 10 * S) + 1 : UINT64_MAX;
}

/* Any events in any state: every step keeps the promises above. */
static void promises_hold_whatever_happens(void **state)
{
	static struct witness witness;

	(void)state;
	for (uint64_t seed = 0; seed < 5000; seed++) {
		struct restart_config config;
		struct random random;
		struct restart child;
		uint64_t now = S;

		random_init(&random, seed);
		draw_config(&random, &config);
		restart_init(&child, &config, seed);
		memset(&witness, 0, sizeof(witness));
		for (unsigned i = 0; i < 300; i++) {
			enum restart_event event =
				(enum restart_event)random_below(&random, RESTART_EVENT_COUNT);
			struct restart before = child;
			enum restart_action action;

			if (random_below(&random, 3) == 0) {
				now += random_below(&random, 2 * S);
			} else if (random_below(&random, 2) &&
				   child.deadline_ns != UINT64_MAX && child.deadline_ns > now) {
				now = child.deadline_ns;
				event = RESTART_TIME;
			}
			action = restart_step(&child, event, now);
			check_step(&before, &child, event, action, now, &witness);
		}
	}
}

/* An owner that does as it is told always gets somewhere: the child of a sound program is up in
 * the end, and one that always fails is given up within its bounds. */
static void obedient_owner_ends_in_a_settled_state(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct restart_config config = usual;
		struct random random;
		struct restart child;
		enum restart_action action;
		uint64_t now = S;
		unsigned starts = 0, failures;

		random_init(&random, seed);
		failures = (unsigned)random_below(&random, 9);
		config.crash_burst = 0;
		restart_init(&child, &config, seed);
		action = restart_step(&child, RESTART_START, now);
		while (child.state == RESTART_STARTING || child.state == RESTART_BACKOFF) {
			if (action == RESTART_DO_START) {
				starts++;
				action = restart_step(&child,
						      starts <= failures ? RESTART_INIT_FAILED
									 : RESTART_STARTED,
						      now);
			} else {
				assert_true(child.deadline_ns != UINT64_MAX);
				now = child.deadline_ns;
				action = restart_step(&child, RESTART_TIME, now);
			}
		}
		assert_int_equal(child.state, failures <= 5 ? RESTART_RUNNING : RESTART_FAILED);
		assert_int_equal(starts, failures <= 5 ? failures + 1 : 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_runs_when_started_and_stops_when_ordered),
		cmocka_unit_test(child_is_killed_when_it_does_not_stop_in_time),
		cmocka_unit_test(child_fails_its_start_when_init_hangs),
		cmocka_unit_test(start_has_no_deadline_when_told_so),
		cmocka_unit_test(delay_doubles_with_jitter_up_to_its_most),
		cmocka_unit_test(children_do_not_wait_in_step),
		cmocka_unit_test(child_is_given_up_when_it_fails_too_often),
		cmocka_unit_test(record_is_clean_when_started_by_order),
		cmocka_unit_test(child_goes_on_when_its_failures_are_far_apart),
		cmocka_unit_test(child_is_quarantined_when_it_crashes_too_often),
		cmocka_unit_test(crashes_far_apart_do_not_quarantine),
		cmocka_unit_test(collateral_is_restarted_at_once_and_not_counted),
		cmocka_unit_test(end_is_final_as_the_policy_says),
		cmocka_unit_test(stop_ends_a_wait_at_once),
		cmocka_unit_test(child_starts_again_when_ordered_while_stopping),
		cmocka_unit_test(new_rules_hold_from_the_next_failure),
		cmocka_unit_test(state_names_are_those_of_the_interface),
		cmocka_unit_test(promises_hold_whatever_happens),
		cmocka_unit_test(obedient_owner_ends_in_a_settled_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
