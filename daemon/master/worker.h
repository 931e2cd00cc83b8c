/* worker.h - one worker process after another under one number: launched, sent what to host,
 * watched, replaced when it died.
 *
 * A worker belongs to the master; its number is a place in master->workers. It knows which
 * instances of units are to run there, and does not care why. All that its process sends or
 * leaves behind is hostile.
 *
 *   stopped -> starting (asked for, then launched, not Ready) -> running
 *                 ^            |                                    |
 *                 +-- backoff <+---- failed, died ------------------+
 *
 *   starting (launched), running -> stopping (Shutdown sent) -> stopped; all others -> stopped
 */
#ifndef MASTER_WORKER_H
#define MASTER_WORKER_H

#include "base/clock.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/page.h"
#include "io.troupe.Control.varlink.h"
#include "process/activity.h"
#include "process/crash.h"
#include "process/launcher.h"
#include "process/number_set.h"
#include "proto/channel.h"
#include "proto/process.h"
#include "supervise/restart.h"
#include <stdbool.h>
#include <stdint.h>
#include <troupe/type.h>

struct master;
struct worker;
struct unit;
struct instance;
struct letters;
struct suspects;
struct slow;

/* In one handler for that long: that handler stalls the worker. Seen at two ticks, which never
 * are exact. */
#define STALL_BUSY_NS (CLOCK_SECOND_NS - CLOCK_SECOND_NS / 10)

/* What was seen of it last, by stall.c. */
struct stall {
	uint64_t ping;      /* the number of the one under way; 0: none */
	uint64_t silent_ns; /* since it was sent, as far as ticks have passed */
	bool is_early;      /* it was sent between two ticks: the next one is its first */
	bool in_handler;
	struct activity activity; /* in_handler */
	uint64_t busy_ns;         /* in_handler: in that same one, as far as was seen */
	bool is_stalled;          /* as people are shown */
	bool is_logged;
	bool is_blamed; /* it was ended for that, and the handler that it was in is to blame */
};

/* What a process may be asked to make; of worker_requests.h. */
struct request_what {
	enum request_kind {
		REQUEST_NONE,
		REQUEST_LOAD,
		REQUEST_DEFINE,
		REQUEST_SPAWN,
	} kind;
	uint32_t number;   /* of the deployment or version */
	uint32_t instance; /* SPAWN */
};

/* What is made of what happens to a worker, by those who know what runs there: see
 * worker_parts.h. */
struct worker_ops {
	const struct channel_handler *handlers; /* of its notices */
	size_t n_handlers;
	size_t size; /* of a worker with the parts that others remember in it: begins with it */
	/* Make and undo those parts. */
	void (*init)(struct worker *worker);
	void (*fini)(struct worker *worker);
	/* Its process is gone: let go of what is kept of that. */
	void (*on_forget)(struct worker *worker);
	/* It is away, perhaps for long: what was to run there may move. */
	void (*on_away)(struct worker *worker);
	/* The process has died and its last notices were read: decide what follows. The worker
	 * may be gone on return. */
	void (*on_death)(struct worker *worker);
};

struct worker {
	struct master *master;
	const struct worker_ops *ops;
	unsigned number;
	struct unit *
		owner; /* of a unit's own process; NULL: shared, or its unit has let go of it */
	enum api_state state;
	struct restart deaths; /* without a known fault: the next process comes soon */
	/* Starts that failed, memory that ran out: with growing delays. */
	struct restart trouble;
	struct suspects *suspects; /* when deaths go unexplained */
	struct loop_timer restart_timer;
	bool is_away;          /* BACKOFF for longer than LIMIT_WORKER_DELAY_NS */
	struct list instances; /* struct instance that are to run here */
	unsigned n_instances;

	/* Of the process of this incarnation */
	uint32_t incarnation;
	uint64_t up_ns;          /* when it was ready; 0: it was not yet */
	struct launch *launch;   /* NULL: no process was asked for */
	pid_t pid;               /* 0: there is none */
	struct channel *channel; /* NULL: closed */
	struct page *page;       /* NULL: none; kept until the next process */
	int arena;               /* to be read; -1: it has not asked for one. See arenas.h */
	bool is_dead; /* died, or withstood SIGKILL; notices may still be in the channel */
	struct launch_end end;
	bool is_finished;            /* Finished came: it exits, or is killed soon */
	bool is_sound;               /* by that, it has carried out Shutdown */
	char failure[CRASH_FAILURE]; /* otherwise: why it ends, by its own word */
	struct list requests;        /* of worker_requests.h */
	uint64_t progress_ns; /* when it last did what it was asked for, by master_awake_ns() */
	uint64_t actors_seen; /* by worker_look_for_progress() */
	struct loop_timer request_timer;   /* for the first of them; before Ready: for Ready */
	struct number_set loaded, defined; /* deployments and units that it has been given */
	struct list calls;                 /* struct relay */
	size_t call_bytes;                 /* their parameters, and of calls that are over, but
					    * unread: */
	size_t over_bytes, fenced_bytes;   /* since the last Ping; before it */
	struct loop_timer kill_timer; /* until SIGKILL, then until it is given up as lost */
	const char *killed_why;       /* constant; NULL: we did not */
	bool is_killed;               /* SIGKILL was sent */
	bool is_explained; /* it is known why we did, and no actor is to be suspected */
	struct request_what culprit; /* what took too long */

	struct stall stall;
	struct slow *slow; /* of slow.h; NULL: no handler was slow */
	bool is_late;      /* a request is overdue, because a handler still runs */
	bool missed_names; /* a list could not be sent to it; see names.c */
	unsigned n_late;   /* expiries of request_timer for the same request */

	uint64_t restarts;
	uint64_t bad_notices; /* answers to nothing we asked */
	struct letters *letters;
	bool has_crashed;
	struct crash crash; /* the last one */
};

/* A worker under a free number of master->workers. owner: NULL for a shared one. Not started.
 * -ENOMEM. */
int worker_new(struct master *master, unsigned number, struct unit *owner,
	       struct worker **ret_worker);
/* Kills a process that still runs, without a callback. NULL is fine. */
void worker_free(struct worker *worker);

/* Unless the daemon is about to end. */
void worker_start(struct worker *worker);

/* The settings have changed: take what holds for workers, LogLevel= in its process, too. */
void worker_reconfigure(struct worker *worker);

/* Send it Shutdown; after StopTimeout= it is killed. A unit's own worker is freed when
 * it has ended. */
void worker_stop(struct worker *worker);

/* End its process now, and restart it if it was not stopping. why: a constant text for the log;
 * with abort, it is sent SIGABRT and has a second and a half to write its crash record, which
 * names where it was, unless its process is stopped. */
void worker_kill(struct worker *worker, const char *why, bool abort);

/* The same, without abort, for what no worker of ours sends. how: a constant text. */
#define worker_broke_protocol(worker, how)                                                     \
	worker_kill(worker, "it broke the protocol: " how, false)

/* The same, with abort, where the cause is known: no actor is suspected. */
void worker_kill_explained(struct worker *worker, const char *why);

/* Whether its process is stopped, by a signal or by a tracer. */
bool worker_is_halted(const struct worker *worker);

/* Send a notice. When the channel fails the worker is killed, and on_death called later. */
int worker_send(struct worker *worker, const struct troupe_method *method, const void *in,
		int fd);
/* The same by channel_send_soon(). */
int worker_send_soon(struct worker *worker, const struct troupe_method *method, const void *in);

/* Ask it to stop an actor, drained or not; what becomes of that, its end says. */
void worker_send_stop(struct worker *worker, struct troupe_address actor, bool drain);

/* Of actors that are being stopped: whether some have ended since the last look, as children
 * do, whose ends are not sent to the master. Then worker->progress_ns is now. */
void worker_look_for_progress(struct worker *worker);

/* How long the process has been up; 0: it was not yet. */
uint64_t worker_life_ns(const struct worker *worker);

/* The process that it has now, or had last. */
static inline struct process worker_process(const struct worker *worker)
{
	return (struct process){.worker = (uint16_t)worker->number,
				.incarnation = worker->incarnation};
}

/* The worker whose process that is, or was last. NULL: there is none in this master. */
struct worker *worker_find(const struct master *master, struct process process);

/* The one of the next number above `number`. NULL: there is none. */
struct worker *worker_after(const struct master *master, unsigned number);
/* All of the master; the body may not free it. */
#define workers_foreach(at, master)                                                            \
	for (struct worker *at = worker_after(master, 0); at;                                  \
	     at = worker_after(master, at->number))

/* Whether it can be sent notices: it is running, and its channel is open. */
bool worker_is_up(const struct worker *worker);

/* A Ping was sent; its Pong has come: so all that was sent before it has been read, the calls
 * that are over among it, which count until then. */
void worker_fence_calls(struct worker *worker);
void worker_pass_calls(struct worker *worker);

/* Let it forget a version that will not be used again, if it knows it. */
void worker_undefine(struct worker *worker, uint32_t version);

/* Its Finished has come. error: NULL: it has carried out Shutdown. */
void worker_on_finished(struct worker *worker, const char *error, int64_t peers);

/* It was asked for and could not be launched, or not in time: try again later. */
void worker_launch_failed(struct worker *worker, int error);

/* ---- for worker_death.c */
/* Let go of all that belongs to the process of this incarnation, but the page. */
void worker_forget_process(struct worker *worker);
/* It ended while it was stopping. The worker may be gone on return. */
void worker_ended(struct worker *worker);
/* It ended otherwise: start the next one, now or later. What was to run there may move. counts:
 * in which of its records; NULL: in none, for an actor or a plug-in was at fault, and is what
 * waits. */
void worker_start_next(struct worker *worker, const struct restart *counts);

#endif
