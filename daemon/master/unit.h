/* unit.h - an actor or a pool of them, as configured or spawned: its definition, its instances,
 * their lives.
 *
 * Units belong to the master, found by name; what their instances are made of is a version,
 * found by number (see version.h). One thread. Instances are placed on workers once and stay
 * with the worker's number through its restarts, unless that is away for long or their unit is
 * to be alone.
 *
 * A unit that is changed while it runs is never stopped as a whole when that can be avoided:
 * see unit_restart().
 */
#ifndef MASTER_UNIT_H
#define MASTER_UNIT_H

#include "base/hash.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/rate_limit.h"
#include "config/unit_file.h"
#include "io.troupe.Control.varlink.h"
#include "supervise/restart.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <troupe/actor.h>

struct master;
struct worker;
struct version;
struct unit;

#define STATES (API_STATE_STALLED + 1)

struct instance {
	struct unit *unit;
	struct version *version; /* that it is made of; perhaps not the unit's current one */
	uint32_t number;
	enum api_state state; /* never STALLED: that is only shown */
	/* STARTING: its worker has not been asked to, for it is not up yet. STOPPING: it drains,
	 * which is to say that it does what it has to do and gets no more. */
	bool is_held;
	bool comes_back;       /* when it has stopped, start it again */
	struct list ready;     /* in unit->ready: it has, and comes back */
	struct worker *worker; /* NULL: not placed */
	struct list on_worker; /* in worker->instances */
	uint64_t request;      /* STARTING, and STOPPING before it was made: the Spawn */
	struct troupe_address address; /* RUNNING, STOPPING; null otherwise */
	unsigned outstanding;          /* calls of clients */
	uint64_t stop_ns;              /* STOPPING: since when */
	struct restart restart;        /* what became of its former lives */
	uint64_t wait_ns;              /* BACKOFF: for which the timer was started */
	struct loop_timer timer;       /* BACKOFF */
	uint64_t since_ns;             /* when it began to run; 0: it does not */
	const struct end *end;         /* why it ends, while that is dealt with; else NULL */
};

struct unit {
	struct master *master;
	char *name; /* as file.name, but the same for life: a key */
	struct unit_file file;
	bool is_configured; /* from a file; not: spawned by an operator */
	bool has_bad_file; /* nothing is known of it but its name: its file could not be read */
	bool is_broken;    /* cannot run as it is defined: see reason */
	struct rate_limit ends; /* of lines about them; see ends.h */
	struct rate_limit given_up;
	char *reason;               /* of the last failure; NULL: none */
	struct version *version;    /* the current one; never NULL */
	struct instance *instances; /* file.instances of them; none when broken */
	unsigned n_instances;
	unsigned n_coming_back;
	struct list ready; /* those of them that have stopped */
	/* Instances from here on may be of an older version, to be replaced a few at a time;
	 * n_instances: none is. */
	unsigned replaced;
	struct loop_timer drain_timer; /* the end of our patience with those that drain */
	unsigned n_in[STATES];         /* of the instances */
	unsigned n_held[STATES];       /* of those in a state, is_held */
	unsigned next;                 /* where round-robin goes on */
	struct worker *own; /* Worker=own, or isolated; instances may still be elsewhere */
	unsigned crashes;   /* since it was started */
	bool is_pinned;     /* in worker_on_death(): to blame, though no handler of it ran */
	bool is_isolated;   /* see unit_note_crash() */
	uint64_t restarts;
	bool names_changed; /* the running instances are not those that workers were sent */
	bool told_between_lives;      /* they were sent that it comes back */
	uint64_t names_told_ns;       /* when they were sent; 0: never */
	struct list changed;          /* in master->changed_units */
	struct list waiters;          /* struct waiter */
	struct list calls;            /* that wait for it to run; of route.c */
	struct loop_timer stop_timer; /* of stopping.c */
	enum api_state told;          /* the state that watchers were sent last */
	/* What to do when all instances have stopped */
	bool is_removed;
	bool is_resumed;              /* start again */
	struct unit_file *next_file;  /* NULL: as it is, else with this */
	struct version *next_version; /* and this */
	UT_hash_handle by_name;
};

/* What a unit as a whole is at. */
enum api_state unit_state(const struct unit *unit);
/* Whether it waits for its worker, to be started; whether it drains. */
static inline bool instance_waits(const struct instance *instance)
{
	return instance->state == API_STATE_STARTING && instance->is_held;
}

static inline bool instance_drains(const struct instance *instance)
{
	return instance->state == API_STATE_STOPPING && instance->is_held;
}

/* For people: the same, or `stalled` where it would be `running` and a handler of it does not
 * return. */
enum api_state unit_shown(const struct unit *unit);
enum api_state instance_shown(const struct instance *instance);

/* Whether an actor of the unit provides the interface, as far as is known. */
bool unit_provides(const struct unit *unit, const char *interface, size_t size);
/* Whether it runs, or will: not one that was stopped, has ended or has failed. */
bool unit_has_future(const struct unit *unit);

/* The instance whose handler stalls a worker; NULL: none, or not known. */
struct instance *instance_stalling(const struct worker *worker);
/* The worker that this instance stalls, or any one of the unit; NULL: it does not. */
const struct worker *instance_stalls(const struct instance *instance);
const struct worker *unit_stalls(const struct unit *unit);

/* Take a definition in: file is taken over (emptied). config: JSON text of a spawned unit,
 * NULL: made from file->config. The unit is there even if it is broken; mistakes of its file
 * are noted in `problems`. -ENOMEM; -ENOSPC: LIMIT_UNITS. */
int unit_new(struct master *master, struct unit_file *file, const char *config,
	     bool is_configured, struct problems *problems, struct unit **ret_unit);
/* A unit whose file could not be read, for people to see. reason: copied. */
int unit_new_broken(struct master *master, const char *name, const char *file,
		    const char *reason, struct unit **ret_unit);
/* It cannot be found by its name any more. */
void unit_hide(struct unit *unit);
/* At once, without a word to its actors. Nobody waits for it any more. NULL is fine. */
void unit_free(struct unit *unit);

struct unit *unit_find(struct master *master, const char *name);
/* The unit that has or had a version of that number, and still has instances of it. NULL:
 * none. */
struct unit *unit_by_number(struct master *master, uint64_t number);
/* The instance that runs as that version. NULL: no such version or instance number, or it is of
 * another one. */
struct instance *unit_instance(struct master *master, uint64_t version, uint64_t instance);
/* The instance that is the actor of that address. NULL: there is none, it is another's child,
 * or the address null. */
struct instance *instance_by_address(struct master *master, struct troupe_address address);

/* Start what does not run, with a clean record. */
void unit_start(struct unit *unit);
/* Stop all instances; then it is `stopped`. */
void unit_stop(struct unit *unit);
/* Stop it, then forget it. */
void unit_remove(struct unit *unit);

/* ---- changing one that may run; of unit_change.c */
/* Take over a definition (emptied) that differs in nothing that needs new actors: it is in
 * force at once, in the workers too. */
void unit_change(struct unit *unit, struct unit_file *file);

/* Start its actors anew, as `file` says (taken over) and of `version` (taken); NULL, NULL: as
 * they are. Nothing that was asked of them fails: each first does what it has to do,
 * StopTimeout= long at most, while calls go to the others or wait. Actors of a pool are
 * replaced one after the other; when a new one fails, the rest stays as it was. A new number of
 * instances, or another place for them, takes all at once. What does not run is not started,
 * but what has failed is tried again. -ENOMEM: nothing was done. */
int unit_restart(struct unit *unit, struct unit_file *file, struct version *version);

/* Whether that is still under way. */
bool unit_is_changing(const struct unit *unit);

/* Go on with it as far as is possible now, before the loop sleeps. */
void unit_go_on(struct unit *unit);
/* For instance.c: one more of it drains, from now on and StopTimeout= long at most. Of
 * unit.c. */
void unit_limit_drain(struct unit *unit);
/* For unit_define.c: those that drain have had their time. Of unit_end.c. */
void unit_on_drain_timer(struct loop_timer *timer);

/* It cannot run: stops what runs. reason is printed. */
void unit_break(struct unit *unit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* It could not run and cannot as `file` (taken over) says, for another reason. */
void unit_stay_broken(struct unit *unit, struct unit_file *file, const char *why);
/* It cannot run on that worker, for good: its instances there that were to start are given up,
 * the others go on. */
void unit_fail_on(struct unit *unit, const struct worker *worker, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for all units that are made of the deployment of that number, which it could not
 * load. Other workers still try it, for a worker's page may hold anything. */
void units_fail_on(struct worker *worker, uint32_t deployment, const char *why);
/* Cut to a length that fits a line. */
void unit_set_reason(struct unit *unit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void unit_set_reason_v(struct unit *unit, const char *format, va_list arguments);

/* Give each instance that has none a worker. false: there is none to be had, and the unit is
 * broken. */
bool unit_place_or_break(struct unit *unit);

/* ---- of unit_define.c, for unit.c */
/* Try again to make of its file what broke it. */
void unit_redefine(struct unit *unit);
/* Nothing of it runs: become what next_file and next_version say. */
void unit_renew(struct unit *unit);

/* ---- of unit_place.c */
/* Give each instance that has none a worker. -ENOSPC: Worker=own, and there are too many.
 * -ENOMEM. */
int unit_place(struct unit *unit);
/* An instance that is down is about to be started: another worker for it, where its own is away
 * for long and the unit may run anywhere, or where the unit is to have one of its own. */
void instance_find_place(struct instance *instance);
/* One of it has crashed its worker: with the second time it gets a worker of its own, to which
 * its instances move as they are started again (Isolate=). */
void unit_note_crash(struct unit *unit);
/* Let go of its own worker process, which ends, and of its crashes. Nothing of it runs. */
void unit_release_own(struct unit *unit);

/* ---- one instance; of instance.c */
/* Whether there is an actor, or about to be one. */
bool instance_is_alive(const struct instance *instance);
/* One that is stopped, of the unit's current version and on no worker. */
void instance_init(struct instance *instance, struct unit *unit, uint32_t number);
/* Take it off its worker, without a word. */
void instance_fini(struct instance *instance);
/* Its former lives do not count any more, and it does not wait for the next one. */
void instance_clear_record(struct instance *instance);
/* Unless it runs; one that is stopping starts again then. */
void instance_start(struct instance *instance);
void instance_stop(struct instance *instance);
/* It runs: stop it as soon as it has done what it has to do, or when its time is over. */
void instance_drain(struct instance *instance);
/* Stop it, drained if `drain` is set and it runs, and start it again then. */
void instance_replace(struct instance *instance, bool drain);
/* It is at rest or waits: its next life is of the unit's current version. */
void instance_take_version(struct instance *instance);

/* Its worker is up: start it if it waits. */
void instance_worker_up(struct instance *instance);
/* Its worker is away, perhaps for long. */
void instance_worker_away(struct instance *instance);
/* Its worker is gone. blamed: it was its fault; why: a text for people. */
void instance_worker_down(struct instance *instance, bool blamed, const char *why);
/* It could not be started, by its own fault and for good: `failed`. The caller has set the
 * reason. */
void instance_give_up(struct instance *instance);
/* News of its life. */
void instance_started(struct instance *instance, struct troupe_address address);
void instance_init_failed(struct instance *instance);
/* text: borrowed; NULL: there is nothing to add. */
void instance_ended(struct instance *instance, enum troupe_cause cause, const char *text);

/* Change the state to one that is not held, with all that hangs on it: counts, names, watchers,
 * waiters. */
void instance_set_state(struct instance *instance, enum api_state state);

/* Look at it before the loop sleeps: see unit_flush.h. */
void unit_mark_changed(struct unit *unit);

#endif
