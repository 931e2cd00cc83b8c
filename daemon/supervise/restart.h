/* restart.h - the restart engine: whether, when and how often a child that ended is started
 * again.
 *
 * Pure: a record for each child (a unit's actor, a worker process), which its owner holds and
 * hands in with the rules whenever a life of the child is over, and a verdict. What the child
 * is at, and timers, are the owner's. It calls nothing, allocates nothing and cannot fail. Used
 * in one thread; by the master.
 *
 * Two budgets, counted apart, both by ends in a row and not by the clock, so that no
 * combination of delays and limits can keep a child that always fails from reaching them:
 *
 *   failures  each end that counts, until a life of healthy_ns ends the row. The time of an
 *             init that fails is no life. The failure number give_up_after in a row is the
 *             last.
 *   crashes   those that ended its process, and so the other children in it, too. Running
 *             crash_healthy_ns in all since the last one, in however many lives, ends that row.
 *
 * A child that ends after just more than healthy_ns, each time, is restarted without end, after
 * the first delay each time: it does its work most of the time. To prevent that, raise
 * healthy_ns. Crashes count in the other budget.
 */
#ifndef SUPERVISE_RESTART_H
#define SUPERVISE_RESTART_H

#include "base/random.h"
#include <stdint.h>
#include <troupe/actor.h>

enum restart_policy {
	RESTART_NEVER,      /* OTP's temporary */
	RESTART_ON_FAILURE, /* transient: unless it ended normally */
	RESTART_ALWAYS,     /* permanent */
};

struct restart_rules {
	enum restart_policy policy;
	uint64_t delay_ns;      /* least wait before a counted restart */
	uint64_t delay_max_ns;  /* the wait doubles with each failure in a row up to this */
	uint64_t healthy_ns;    /* a life of this length ends the row */
	uint32_t give_up_after; /* failures in a row; 0: never */
	uint32_t crash_limit;   /* crashes in a row; 0: never */
	uint64_t crash_healthy_ns;
};

/* What is to become of it. */
enum restart_verdict {
	RESTART_NOW,        /* start it at once */
	RESTART_LATER,      /* start it after the wait */
	RESTART_LEAVE,      /* it ended as it should: leave it */
	RESTART_GIVE_UP,    /* too many failures in a row, or one under RESTART_NEVER */
	RESTART_QUARANTINE, /* given up, because of too many crashes in a row */
};

/* Zeroed: a clean record. */
struct restart {
	uint32_t row;      /* failures in a row */
	uint32_t crashes;  /* crashes in a row */
	uint64_t clean_ns; /* that it has run since the last crash, former lives together */
};

/* It ended after life_ns, or could not be started (FAILED, 0). Not counted are NORMAL, unless
 * under RESTART_ALWAYS, SHUTDOWN and PARENT, which is to say on request, and COLLATERAL;
 * CRASHED and KILLED are crashes. random: for the wait; ret_wait_ns: written for RESTART_LATER
 * only. */
enum restart_verdict restart_decide(struct restart *restart, const struct restart_rules *rules,
				    enum troupe_cause cause, uint64_t life_ns,
				    struct random *random, uint64_t *ret_wait_ns);

/* The least time that a child spends waiting before a limit of `failures` in a row is reached,
 * its lives not counted; cut to UINT64_MAX. */
uint64_t restart_least_wait_ns(const struct restart_rules *rules, uint32_t failures);

#endif
