/* unit.h - an actor or a pool of them, as configured or spawned: its definition, its instances,
 * their lives.
 *
 * Units belong to the master, found by name; what their instances are made of is a version,
 * found by number (see version.h). One thread. Instances are placed on workers once and stay
 * with the worker's number through its restarts, unless that is away for long or their unit is
 * to be alone.
 *
 * What is done to them: unit_life.h, unit_place.h, unit_change.h and instance.h.
 */
#ifndef UNITS_UNIT_H
#define UNITS_UNIT_H

#include "base/hash.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/rate_limit.h"
#include "config/unit_file.h"
#include "io.troupe.Control.varlink.h"
#include "supervise/restart.h"
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
	/* STARTING: its worker has not been asked to, for it is not up yet. STOPPING: it
	 * drains, which is to say that it does what it has to do and gets no more. */
	bool is_held;
	bool comes_back;       /* when it has stopped, start it again */
	struct list ready;     /* in unit->ready: it has, and comes back */
	struct worker *worker; /* NULL: not placed */
	struct list on_worker; /* in worker->instances */
	uint64_t request;      /* STARTING, and STOPPING before it was made: the Spawn */
	struct troupe_address address; /* RUNNING, STOPPING; null otherwise */
	unsigned outstanding;          /* calls of clients */
	uint64_t stop_ns;              /* STOPPING: since when, by master_awake_ns() */
	struct restart restart;        /* what became of its former lives */
	uint64_t wait_ns;              /* BACKOFF: for which the timer was started */
	struct loop_timer timer;       /* BACKOFF */
	uint64_t since_ns;             /* when it began to run; 0: it does not */
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
	unsigned n_in[STATES]; /* of the instances */
	unsigned n_waiting;    /* that wait for their workers, to be started */
	unsigned next;         /* where round-robin goes on */
	struct worker *own;    /* Worker=own, or isolated; instances may still be elsewhere */
	unsigned crashes;      /* since it was started */
	bool is_pinned;        /* in worker_on_death(): to blame, though no handler of it ran */
	bool is_isolated;      /* see unit_note_crash() */
	uint64_t restarts;
	uint64_t slow_handlers; /* longer than SlowHandler=, as far as was seen */
	bool names_changed;     /* the running instances are not those that workers were sent */
	bool sent_between_lives;      /* they were sent that it comes back */
	uint64_t names_sent_ns;       /* when they were sent; 0: never */
	struct list changed;          /* in master->changed_units */
	struct list waiters;          /* struct waiter */
	struct list calls;            /* that wait for it to run; of route.c */
	struct loop_timer stop_timer; /* of stopping.c */
	enum api_state reported;      /* the state that watchers were sent last */
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

/* What its actors are, or will be; NULL: it is not known. */
const struct plugin_actor *unit_type(const struct unit *unit);
/* Whether an actor of the unit provides the interface, as far as is known. */
bool unit_provides(const struct unit *unit, const char *interface, size_t size);
/* Whether any of it runs, or will: not one that was stopped, has ended or has failed. */
bool unit_has_future(const struct unit *unit);

/* The instance whose handler stalls a worker; NULL: none, or not known. */
struct instance *instance_stalling(const struct worker *worker);
/* A worker that an instance of the unit stalls; NULL: none does. */
const struct worker *unit_stalls(const struct unit *unit);

/* All of the master; the body may free `at`. */
#define units_foreach(at, master)                                                              \
	for (struct unit *at = (master)->units_by_name, *at##_next = NULL;                     \
	     at && (at##_next = at->by_name.next, true); at = at##_next)

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

/* Cut to a length that fits a line. */
void unit_set_reason(struct unit *unit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Take it off its worker, without a word. */
void instance_fini(struct instance *instance);
/* Its former lives do not count any more, and it does not wait for the next one. */
void instance_clear_record(struct instance *instance);

/* Look at it before the loop sleeps: see unit_flush.h. */
void unit_mark_changed(struct unit *unit);

#endif
