/* restart.c - the restart engine. */
#include "supervise/restart.h"

static uint64_t add_time(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void restart_configure(struct restart *restart, const struct restart_config *config)
{
	restart->config = *config;
	if (restart->config.delay_max_ns < restart->config.delay_ns)
		restart->config.delay_max_ns = restart->config.delay_ns;
}

void restart_init(struct restart *restart, const struct restart_config *config, uint64_t seed)
{
	*restart = (struct restart){0};
	restart_configure(restart, config);
	random_init(&restart->random, seed);
}

void restart_up(struct restart *restart, uint64_t now_ns)
{
	restart->is_up = true;
	restart->up_since_ns = now_ns;
}

/* The range of the wait after the failure number `row` (from 0) in a row: the upper half of a
 * range that doubles, so that children which failed together do not come back together. */
static void find_range(const struct restart_config *config, uint32_t row, uint64_t *ret_lower,
		       uint64_t *ret_upper)
{
	uint64_t least = config->delay_ns, upper = least;
	uint64_t most = config->delay_max_ns > least ? config->delay_max_ns : least;

	for (uint32_t i = 0; i <= row && upper > 0 && upper < most; i++)
		upper = upper > most / 2 ? most : 2 * upper;
	*ret_upper = upper;
	*ret_lower = upper / 2 > least ? upper / 2 : least;
}

uint64_t restart_least_wait_ns(const struct restart_config *config, uint32_t failures)
{
	uint64_t sum = 0, lower, upper;

	for (uint32_t row = 0; row + 1 < failures; row++) {
		find_range(config, row, &lower, &upper);
		sum = add_time(sum, lower);
	}
	return sum;
}

/* Its life is over: what does it end? */
static void end_life(struct restart *restart, uint64_t now_ns)
{
	uint64_t life_ns = restart->is_up ? now_ns - restart->up_since_ns : 0;

	restart->clean_ns = add_time(restart->clean_ns, life_ns);
	if (restart->is_up && life_ns >= restart->config.healthy_ns)
		restart->row = 0;
	if (restart->clean_ns >= restart->config.crash_healthy_ns)
		restart->crashes = 0;
	restart->is_up = false;
}

/* It ended, and that counts against it. */
static enum restart_verdict fail(struct restart *restart, uint64_t *ret_wait_ns)
{
	const struct restart_config *config = &restart->config;
	uint64_t lower, upper;

	if (config->policy == RESTART_NEVER)
		return RESTART_GIVE_UP;
	find_range(config, restart->row, &lower, &upper);
	if (restart->row < UINT32_MAX)
		restart->row++;
	if (config->give_up_after > 0 && restart->row >= config->give_up_after)
		return RESTART_GIVE_UP;
	*ret_wait_ns = lower + random_below(&restart->random, upper - lower + 1);
	return RESTART_LATER;
}

static enum restart_verdict crash(struct restart *restart, uint64_t *ret_wait_ns)
{
	restart->clean_ns = 0;
	if (restart->crashes < UINT32_MAX)
		restart->crashes++;
	if (restart->config.crash_limit > 0 && restart->crashes >= restart->config.crash_limit)
		return RESTART_QUARANTINE;
	return fail(restart, ret_wait_ns);
}

enum restart_verdict restart_down(struct restart *restart, enum troupe_cause cause,
				  uint64_t now_ns, uint64_t *ret_wait_ns)
{
	end_life(restart, now_ns);
	switch (cause) {
	case TROUPE_CAUSE_COLLATERAL:
		return restart->config.policy == RESTART_NEVER ? RESTART_GIVE_UP : RESTART_NOW;
	case TROUPE_CAUSE_SHUTDOWN:
	case TROUPE_CAUSE_PARENT:
		return RESTART_LEAVE;
	case TROUPE_CAUSE_NORMAL:
		if (restart->config.policy != RESTART_ALWAYS)
			return RESTART_LEAVE;
		return fail(restart, ret_wait_ns);
	case TROUPE_CAUSE_CRASHED:
	case TROUPE_CAUSE_KILLED:
		return crash(restart, ret_wait_ns);
	default:
		return fail(restart, ret_wait_ns);
	}
}
