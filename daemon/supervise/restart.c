/* restart.c - the restart engine. */
#include "supervise/restart.h"

#include "base/check.h"
#include <string.h>

#define NEVER UINT64_MAX

static uint64_t add_time(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? NEVER : a + b;
}

void restart_configure(struct restart *restart, const struct restart_config *config)
{
	restart->config = *config;
	if (restart->config.burst > RESTART_BURST_MAX)
		restart->config.burst = RESTART_BURST_MAX;
	if (restart->config.crash_burst > RESTART_BURST_MAX)
		restart->config.crash_burst = RESTART_BURST_MAX;
	if (restart->config.delay_max_ns < restart->config.delay_ns)
		restart->config.delay_max_ns = restart->config.delay_ns;
}

void restart_init(struct restart *restart, const struct restart_config *config, uint64_t seed)
{
	*restart = (struct restart){.state = RESTART_STOPPED, .deadline_ns = NEVER};
	restart_configure(restart, config);
	random_init(&restart->random, seed);
}

static void forget(struct restart *restart)
{
	restart->row = 0;
	restart->n_restart_times = 0;
	restart->n_crash_times = 0;
}

/* Go to a state that waits for no time. */
static void settle(struct restart *restart, enum restart_state state)
{
	restart->state = state;
	restart->deadline_ns = NEVER;
	restart->running_since_ns = 0;
}

static enum restart_action start(struct restart *restart, uint64_t now_ns)
{
	settle(restart, RESTART_STARTING);
	restart->deadline_ns = add_time(now_ns, restart->config.start_timeout_ns);
	restart->killed = false;
	restart->start_again = false;
	return RESTART_DO_START;
}

static enum restart_action order_start(struct restart *restart, uint64_t now_ns)
{
	switch (restart->state) {
	case RESTART_STARTING:
	case RESTART_RUNNING:
		return RESTART_NOTHING;
	case RESTART_STOPPING:
		restart->start_again = true;
		return RESTART_NOTHING;
	default:
		forget(restart);
		return start(restart, now_ns);
	}
}

static enum restart_action order_stop(struct restart *restart, uint64_t now_ns)
{
	switch (restart->state) {
	case RESTART_STARTING:
	case RESTART_RUNNING:
		settle(restart, RESTART_STOPPING);
		if (restart->killed) /* it is on its way out already */
			return RESTART_NOTHING;
		restart->deadline_ns = add_time(now_ns, restart->config.stop_timeout_ns);
		return RESTART_DO_STOP;
	case RESTART_STOPPING:
		restart->start_again = false;
		return RESTART_NOTHING;
	default:
		settle(restart, RESTART_STOPPED);
		return RESTART_NOTHING;
	}
}

/* Note a time in a ring, and say how many of the noted ones lie within `span` before it, itself
 * included. */
static uint32_t note(uint64_t *times, uint32_t *n, uint64_t now_ns, uint64_t span)
{
	uint32_t held, within = 0;

	times[(*n)++ % RESTART_BURST_MAX] = now_ns;
	/* Keep the count from wrapping to where the ring would look fresh. */
	if (*n == UINT32_MAX - UINT32_MAX % RESTART_BURST_MAX)
		*n = RESTART_BURST_MAX;
	held = *n < RESTART_BURST_MAX ? *n : RESTART_BURST_MAX;
	for (uint32_t i = 0; i < held; i++)
		if (now_ns - times[i] <= span)
			within++;
	return within;
}

/* How long to wait before the restart that follows the failure number `row` (from 0) in a row:
 * somewhere in the upper half of a range that doubles, so that children which failed together
 * do not come back together. */
static uint64_t draw_delay(struct restart *restart)
{
	uint64_t least = restart->config.delay_ns, most = restart->config.delay_max_ns;
	uint64_t upper = least, lower;

	for (uint32_t i = 0; i <= restart->row && upper < most; i++)
		upper = upper > most / 2 ? most : 2 * upper;
	if (upper > most)
		upper = most;
	lower = upper / 2 > least ? upper / 2 : least;
	return lower + random_below(&restart->random, upper - lower + 1);
}

static enum restart_action give_up(struct restart *restart, enum restart_state state)
{
	settle(restart, state);
	return RESTART_DO_GIVE_UP;
}

/* It ended, and that counts against it. */
static enum restart_action fail(struct restart *restart, enum restart_event event,
				uint64_t now_ns)
{
	const struct restart_config *config = &restart->config;

	if (restart->running_since_ns > 0 &&
	    now_ns - restart->running_since_ns >= config->healthy_ns)
		restart->row = 0;
	if (event == RESTART_CRASHED &&
	    note(restart->crash_times, &restart->n_crash_times, now_ns,
		 config->crash_interval_ns) >= config->crash_burst &&
	    config->crash_burst > 0)
		return give_up(restart, RESTART_QUARANTINED);
	if (config->policy == RESTART_NEVER)
		return give_up(restart, RESTART_FAILED);
	/* The ring holds burst times at most, so "more than burst" is asked as: burst of them
	 * before this one. */
	if (config->burst > 0 && restart->n_restart_times >= config->burst) {
		uint64_t oldest =
			restart->restart_times[(restart->n_restart_times - config->burst) %
					       RESTART_BURST_MAX];

		if (now_ns - oldest <= config->interval_ns)
			return give_up(restart, RESTART_FAILED);
	}
	note(restart->restart_times, &restart->n_restart_times, now_ns, 0);
	settle(restart, RESTART_BACKOFF);
	restart->deadline_ns = add_time(now_ns, draw_delay(restart));
	if (restart->row < UINT32_MAX)
		restart->row++;
	return RESTART_NOTHING;
}

static enum restart_action end(struct restart *restart, enum restart_event event,
			       uint64_t now_ns)
{
	if (restart->state == RESTART_STOPPING) {
		settle(restart, RESTART_STOPPED);
		if (!restart->start_again)
			return RESTART_NOTHING;
		forget(restart);
		return start(restart, now_ns);
	}
	if (restart->state != RESTART_STARTING && restart->state != RESTART_RUNNING)
		return RESTART_NOTHING;
	/* It had to be killed because it did not come up: nobody else is to blame, and it did
	 * not crash. */
	if (restart->killed)
		event = RESTART_INIT_FAILED;
	switch (event) {
	case RESTART_COLLATERAL:
		if (restart->config.policy == RESTART_NEVER)
			return give_up(restart, RESTART_FAILED);
		restart->restarts++;
		return start(restart, now_ns);
	case RESTART_ENDED_SHUTDOWN:
		settle(restart, RESTART_STOPPED);
		return RESTART_NOTHING;
	case RESTART_ENDED_NORMAL:
		if (restart->config.policy != RESTART_ALWAYS) {
			settle(restart, RESTART_ENDED);
			return RESTART_NOTHING;
		}
		return fail(restart, event, now_ns);
	default:
		return fail(restart, event, now_ns);
	}
}

static enum restart_action pass_time(struct restart *restart, uint64_t now_ns)
{
	if (now_ns < restart->deadline_ns)
		return RESTART_NOTHING;
	restart->deadline_ns = NEVER;
	switch (restart->state) {
	case RESTART_BACKOFF:
		restart->restarts++;
		return start(restart, now_ns);
	case RESTART_STARTING:
	case RESTART_STOPPING:
		restart->killed = true;
		return RESTART_DO_KILL;
	default:
		return RESTART_NOTHING;
	}
}

enum restart_action restart_step(struct restart *restart, enum restart_event event,
				 uint64_t now_ns)
{
	switch (event) {
	case RESTART_START:
		return order_start(restart, now_ns);
	case RESTART_STOP:
		return order_stop(restart, now_ns);
	case RESTART_RESET:
		forget(restart);
		if (restart->state == RESTART_FAILED || restart->state == RESTART_QUARANTINED)
			settle(restart, RESTART_STOPPED);
		return RESTART_NOTHING;
	case RESTART_STARTED:
		/* One that came up just after it was told to be killed goes all the same. */
		if (restart->state != RESTART_STARTING || restart->killed)
			return RESTART_NOTHING;
		settle(restart, RESTART_RUNNING);
		restart->running_since_ns = now_ns > 0 ? now_ns : 1;
		return RESTART_NOTHING;
	case RESTART_TIME:
		return pass_time(restart, now_ns);
	case RESTART_CRASHED:
	case RESTART_COLLATERAL:
	case RESTART_INIT_FAILED:
	case RESTART_ENDED_FAILED:
	case RESTART_ENDED_NORMAL:
	case RESTART_ENDED_SHUTDOWN:
		return end(restart, event, now_ns);
	case RESTART_EVENT_COUNT:
		break;
	}
	check(!"an event");
	return RESTART_NOTHING;
}

const char *restart_state_name(enum restart_state state)
{
	static const char *const names[RESTART_STATE_COUNT] = {
		[RESTART_STOPPED] = "stopped",   [RESTART_STARTING] = "starting",
		[RESTART_RUNNING] = "running",   [RESTART_BACKOFF] = "backoff",
		[RESTART_STOPPING] = "stopping", [RESTART_ENDED] = "ended",
		[RESTART_FAILED] = "failed",     [RESTART_QUARANTINED] = "quarantined",
	};

	return state < RESTART_STATE_COUNT ? names[state] : "unknown";
}
