/* restart.c - the restart engine. */
#include "supervise/restart.h"

#include <stdbool.h>

static uint64_t add_time(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The range of the wait after the failure number `row` (from 0) in a row: the upper half of a
 * range that doubles, so that children which failed together do not come back together. */
static void find_range(const struct restart_rules *rules, uint32_t row, uint64_t *ret_lower,
		       uint64_t *ret_upper)
{
	uint64_t least = rules->delay_ns, upper = least;
	uint64_t most = rules->delay_max_ns > least ? rules->delay_max_ns : least;

	for (uint32_t i = 0; i <= row && upper > 0 && upper < most; i++)
		upper = upper > most / 2 ? most : 2 * upper;
	*ret_upper = upper;
	*ret_lower = upper / 2 > least ? upper / 2 : least;
}

uint64_t restart_least_wait_ns(const struct restart_rules *rules, uint32_t failures)
{
	uint64_t sum = 0, lower, upper;

	for (uint32_t row = 0; row + 1 < failures; row++) {
		find_range(rules, row, &lower, &upper);
		sum = add_time(sum, lower);
	}
	return sum;
}

/* It ended, and that counts against it. */
static enum restart_verdict fail(struct restart *restart, const struct restart_rules *rules,
				 struct random *random, uint64_t *ret_wait_ns)
{
	uint64_t lower, upper;

	if (rules->policy == RESTART_NEVER)
		return RESTART_GIVE_UP;
	find_range(rules, restart->row, &lower, &upper);
	if (restart->row < UINT32_MAX)
		restart->row++;
	if (rules->give_up_after > 0 && restart->row >= rules->give_up_after)
		return RESTART_GIVE_UP;
	*ret_wait_ns = lower + random_below(random, upper - lower + 1);
	return RESTART_LATER;
}

static bool is_quarantined(struct restart *restart, const struct restart_rules *rules)
{
	restart->clean_ns = 0;
	if (restart->crashes < UINT32_MAX)
		restart->crashes++;
	return rules->crash_limit > 0 && restart->crashes >= rules->crash_limit;
}

enum restart_verdict restart_decide(struct restart *restart, const struct restart_rules *rules,
				    enum troupe_cause cause, uint64_t life_ns,
				    struct random *random, uint64_t *ret_wait_ns)
{
	restart->clean_ns = add_time(restart->clean_ns, life_ns);
	if (life_ns >= rules->healthy_ns)
		restart->row = 0;
	if (restart->clean_ns >= rules->crash_healthy_ns)
		restart->crashes = 0;
	switch (cause) {
	case TROUPE_CAUSE_COLLATERAL:
		return rules->policy == RESTART_NEVER ? RESTART_GIVE_UP : RESTART_NOW;
	case TROUPE_CAUSE_SHUTDOWN:
	case TROUPE_CAUSE_PARENT:
		return RESTART_LEAVE;
	case TROUPE_CAUSE_NORMAL:
		if (rules->policy != RESTART_ALWAYS)
			return RESTART_LEAVE;
		break;
	case TROUPE_CAUSE_CRASHED:
	case TROUPE_CAUSE_KILLED:
		if (is_quarantined(restart, rules))
			return RESTART_QUARANTINE;
		break;
	default:
		break;
	}
	return fail(restart, rules, random, ret_wait_ns);
}
