/* restart.h - the restart engine: whether, when and how often a child that ended is started
 * again.
 *
 * A pure state machine, one value per child (a worker process, a unit's actor...): events go
 * in, actions come out, time and seed are passed in; it calls nobody, allocates nothing and
 * cannot fail. The owner of the value feeds it in one thread, acts as told, and calls it with
 * RESTART_TIME when its deadline has come. Used by the master for workers and units, by a
 * worker for supervisors made through the SDK.
 *
 *             START           STARTED             STOP
 *   stopped ---------> starting -----> running ---------> stopping -----> stopped
 *                       ^    |           |  |
 *                  TIME |    | failure   |  +-- normal end: ended
 *                       |    v           v
 *                      backoff <---------+
 *                            |
 *                            +-- too many restarts: failed; too many crashes: quarantined;
 *                                both stay so until RESET or START
 */
#ifndef SUPERVISE_RESTART_H
#define SUPERVISE_RESTART_H

#include "base/random.h"
#include <stdbool.h>
#include <stdint.h>

#define RESTART_BURST_MAX 64 /* the most that limits can be */

enum restart_policy {
	RESTART_NEVER,      /* OTP's temporary */
	RESTART_ON_FAILURE, /* transient: unless it ended normally */
	RESTART_ALWAYS,     /* permanent */
};

struct restart_config {
	enum restart_policy policy;
	uint64_t delay_ns;     /* least wait before a counted restart */
	uint64_t delay_max_ns; /* the wait doubles with each failure in a row up to this */
	uint64_t healthy_ns;   /* having run this long ends the row */
	uint32_t burst; /* so many counted restarts within interval_ns, then `failed`; 0: no
			   limit */
	uint64_t interval_ns;
	uint32_t crash_burst; /* the crash of that number within crash_interval_ns means
				 `quarantined`; 0: never */
	uint64_t crash_interval_ns;
	uint64_t start_timeout_ns; /* UINT64_MAX: none; from START to STARTED */
	uint64_t stop_timeout_ns;  /* UINT64_MAX: none; from STOP to the end */
};

enum restart_state {
	RESTART_STOPPED,  /* never started, or by order */
	RESTART_STARTING, /* the owner is making it */
	RESTART_RUNNING,
	RESTART_BACKOFF,     /* waiting to be started again */
	RESTART_STOPPING,    /* by order; it has not ended yet */
	RESTART_ENDED,       /* by itself, and its policy is to leave it */
	RESTART_FAILED,      /* given up: too many restarts, or a failure under RESTART_NEVER */
	RESTART_QUARANTINED, /* given up: it took its process with it too often */
	RESTART_STATE_COUNT
};

enum restart_event {
	/* Orders */
	RESTART_START, /* whatever its state: begin with a clean record; a running one is left
			  alone */
	RESTART_STOP,
	RESTART_RESET, /* forget the record; failed and quarantined become stopped */
	/* What the child did */
	RESTART_STARTED,     /* it is up (its init returned) */
	RESTART_CRASHED,     /* it killed its process, or was the process that died */
	RESTART_COLLATERAL,  /* its process died by another's fault: not counted, started now */
	RESTART_INIT_FAILED, /* it never came up */
	RESTART_ENDED_FAILED, /* it ended with an error */
	RESTART_ENDED_NORMAL,
	RESTART_ENDED_SHUTDOWN, /* it was told to end, by someone else than this engine */
	/* Time */
	RESTART_TIME, /* its deadline has come, or any moment */
	RESTART_EVENT_COUNT
};

enum restart_action {
	RESTART_NOTHING,  /* look at the state and the deadline */
	RESTART_DO_START, /* start it now; report RESTART_STARTED or how it ended */
	RESTART_DO_STOP,  /* tell it to end; report how it ended */
	/* End it now, its start or stop took too long; report how it ended. A start that took
	 * too long counts as RESTART_INIT_FAILED, whatever is reported. */
	RESTART_DO_KILL,
	RESTART_DO_GIVE_UP, /* it has just become failed or quarantined: tell people */
};

struct restart {
	struct restart_config config;
	enum restart_state state;
	struct random random;
	uint64_t deadline_ns;      /* when to call with RESTART_TIME; UINT64_MAX: never */
	uint64_t running_since_ns; /* 0: it is not running */
	uint32_t row;              /* counted failures in a row */
	bool killed;               /* DO_KILL was said for this life */
	bool start_again;          /* START was ordered while it was stopping */
	uint64_t restarts;         /* starts that were not ordered, collateral ones too, ever */
	/* When the last counted restarts and crashes were; rings */
	uint64_t restart_times[RESTART_BURST_MAX], crash_times[RESTART_BURST_MAX];
	uint32_t n_restart_times, n_crash_times; /* ever; modulo the size is the next place */
};

/* A child that is stopped. config is copied; its bursts are cut to RESTART_BURST_MAX,
 * delay_max_ns is raised to delay_ns. seed: two children with different seeds do not wait in
 * step. */
void restart_init(struct restart *restart, const struct restart_config *config, uint64_t seed);

/* Take note of an event at time now_ns (CLOCK_MONOTONIC or any other that never goes back) and
 * say what to do. An event that cannot be in its state (the end of what is not running, late
 * news) changes nothing. */
enum restart_action restart_step(struct restart *restart, enum restart_event event,
				 uint64_t now_ns);

/* Take new rules (after a reload); state, record and a wait under way stay. */
void restart_configure(struct restart *restart, const struct restart_config *config);

/* "backoff"; for people. */
const char *restart_state_name(enum restart_state state);

#endif
