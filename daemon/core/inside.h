/* inside.h - struct runtime, for the files of core/ only: one struct that embeds every part
 * of a worker's runtime.
 *
 * Also the few inline functions that each message goes through. One thread.
 */
#ifndef CORE_INSIDE_H
#define CORE_INSIDE_H

#include "base/limits.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/overrun.h"
#include "base/poller.h"
#include "base/random.h"
#include "core/actor.h"
#include "core/budget.h"
#include "core/definition.h"
#include "core/idle.h"
#include "core/index.h"
#include "core/message.h"
#include "core/runtime.h"
#include "core/slab.h"
#include "core/slots.h"
#include "core/stacks.h"
#include "core/type.h"
#include "core/wheel.h"
#include "proto/codec.h"
#include "proto/process.h"

#define RUNTIME_TABLES  13
#define RUNTIME_INDEXES 7

/* What has nodes in the wheel. */
#define RUNTIME_CALL_NODE  1
#define RUNTIME_TIMER_NODE 2
#define RUNTIME_TASK_NODE  3 /* struct task: it sleeps */
#define RUNTIME_SCOPE_NODE 4 /* struct open_scope: its time */
#define RUNTIME_GRACE_NODE 5 /* struct tasked: how long its actor's end may take */

#define BELONGING_RECORD 16u /* bytes */

/* A state of up to so many bytes lies where the actor's slot says, so that it is on its way to
 * the cache together with the head, not behind it. */
#define STATE_NEAR 32u

#define SLICE_LOOKS  4u  /* the clock is read after each of a slice's first handlers */
#define SLICE_STRIDE 64u /* and then only so many */

/* The slice under way: slice.h. */
struct slice {
	/* Sequence numbers of the status page: at which the clock is read next, 0 when that is
	 * to be at once (the overrun's thread sets it to that, too), and at which the slice is
	 * over, even if the clock does not advance. */
	_Atomic uint64_t look_at;
	uint64_t until_sequence;
	uint64_t until_ns;
	struct overrun *overrun;
	uint32_t looks; /* so far */
	bool is_over;
	uint64_t looked_ns, looked_sequence; /* at the last look */
};

/* What waits for clients: outbox.h. */
struct client_outbox {
	struct mail *first, *last;
	size_t bytes;
	bool held;     /* they have no room for it */
	bool is_begun; /* some was handed out: on_replied() is due */
};

/* Why a value was refused last; see core/failure.h. */
struct breach {
	uint64_t sequence; /* of the handler, on the status page */
	uint32_t actor;    /* whose it was */
	struct codec_error error;
};

struct runtime {
	struct slice
		slice; /* its first word is read for each message: an address without a sum */
	struct slots actors; /* struct actor */
	struct slab messages;
	uint32_t run_first; /* the run queue: slots, SLOT_NONE when empty */
	uint32_t depth;     /* handlers on the stack */
	uint32_t *run_end;  /* where the slot of the next one queued goes */
	uint64_t now_ns;
	bool pause; /* between two turns: the slice is over, or a client had mail */

	uint64_t handled, dead_letters;
	struct page *page;

	union {
		struct {
			struct slots calls;      /* struct call */
			struct slots kept_calls; /* struct kept_call */
			struct slots kept;       /* struct troupe_kept */
			struct slots timers;     /* struct timer */
			struct slots colds;      /* struct actor_cold */
			struct slots waits;      /* struct wait */
			struct slots watches;    /* struct watch */
			struct slots inlets;     /* struct inlet */
			struct slots tasks;      /* struct task */
			struct slots scopes;     /* struct open_scope */
			struct slots belongings; /* see core/belonging.h */
			struct slots call_windows;
			struct slots items; /* struct items */
		};
		struct slots tables[RUNTIME_TABLES]; /* the same */
	};
	struct slab states;  /* those that are not near, and what few timers need */
	unsigned char *near; /* of each slot of an actor, STATE_NEAR bytes */
	struct kin *kins;    /* the same: its parent and children */
	union {
		struct {
			struct index inbound; /* struct kept_call of callers elsewhere */
			struct index waits_by_key;
			struct index peers;   /* struct peer */
			struct index clients; /* struct client */
			struct index watches_by_fd;
			struct index units_by_number;
			struct index units_spawned; /* without number, by type and origin */
		};
		struct index indexes[RUNTIME_INDEXES]; /* the same */
	};
	struct peer *last_peer;    /* the one that was found last */
	uint32_t n_actors;         /* alive */
	uint32_t n_timed;          /* of them, those whose handlers' times are kept */
	struct list *client_calls; /* struct call */
	struct list *oneways;      /* struct call of no client: sent by actors, and kept */
	struct client_outbox outbox;
	struct wheel wheel;
	uint64_t armed_ns; /* for when alarm is set; UINT64_MAX: it is not */

	struct stacks stacks;
	struct tasked *taskeds; /* of each slot of an actor */
	uint32_t n_tasked;
	struct task *running;   /* NULL: a handler runs, or nothing */
	const void *thread;     /* in which all of this is: thread_here() */
	struct task *parked;    /* nobody's, for the next handler that is a task; NULL: none */
	struct wait_seat *seat; /* of whoever waits for room that is missing; core/wait.h */
	const struct task *overflown; /* it has written below its stack: the process dies */
	uint32_t n_aside;             /* messages that abandoned tasks may still read */
	const struct task *astray;    /* its function is gone, its scope is not: likewise */
	const char *no_tasks;         /* why there are none here; NULL: there are */
	uint64_t lost; /* bytes set aside: of stacks that were abandoned, and of states */
	bool said_no_tasks;

	const struct type_serving *serving;
	struct runtime_type *types;
	uint32_t n_types;
	struct definition *units; /* those without number, too */

	struct process self;
	const struct runtime_ops *ops;
	void *context;
	const atomic_bool *watch_sleeps; /* or: */
	atomic_bool unwatched;           /* false */
	struct loop *loop;
	struct loop_work work;
	struct loop_timer alarm;
	struct poller poller;        /* of what actors watch */
	struct inlet_hub *inlet_hub; /* NULL: no actor has had an inlet */
	struct io *io;               /* of daemon/io; NULL: there is none */
	struct idle idle;
	struct budget budget;
	struct random random;
	uint64_t secret;       /* of the indexes */
	uint64_t alias_key[2]; /* see call_alias() */
	struct breach breach;
};

static inline bool is_own(const struct runtime *runtime, struct troupe_address address)
{
	return process_equal(process_of(address), runtime->self);
}

static inline bool is_own_worker(const struct runtime *runtime, struct troupe_address address)
{
	return process_is_same_worker(process_of(address), runtime->self);
}

static inline uint32_t actor_slot(const struct runtime *runtime, const struct actor *actor)
{
	return (uint32_t)(actor - (const struct actor *)(const void *)runtime->actors.base);
}

static inline struct actor *actor_at(const struct runtime *runtime, uint32_t slot)
{
	return (struct actor *)(void *)runtime->actors.base + slot;
}

static inline void *state_near(const struct runtime *runtime, uint32_t slot)
{
	return runtime->near + (size_t)slot * STATE_NEAR;
}

/* It has ended, and no queue holds it any more. */
static inline void actor_give(struct runtime *runtime, struct actor *actor)
{
	if (likely(!(actor->marks & ACTOR_LOST)))
		slots_give(&runtime->actors, actor);
}

/* Of an actor that is not closed. */
static inline struct troupe_address actor_address(const struct runtime *runtime,
						  const struct actor *actor)
{
	struct troupe_address address;

	memcpy(&address, &runtime->self, sizeof(runtime->self));
	memcpy(&address.slot, &actor->slot, sizeof(actor->slot));
	return address;
}

/* The actor of this runtime that an address names. NULL: it is gone, never was, or is
 * in another process. */
static inline struct actor *actor_find(const struct runtime *runtime,
				       struct troupe_address address)
{
	struct slot wanted;
	struct actor *actor;

	if (unlikely(!is_own(runtime, address)) ||
	    unlikely(address.slot >= runtime->actors.used))
		return NULL;
	actor = actor_at(runtime, address.slot);
	memcpy(&wanted, &address.slot, sizeof(wanted));
	return likely(slot_equal(&actor->slot, &wanted)) ? actor : NULL;
}

/* A line of a unit's in the log. */
static inline void unit_log(const struct runtime *runtime, const struct definition *unit,
			    int priority, const char *text)
{
	runtime->ops->on_log(runtime->context, unit->origin, priority, definition_kind(unit),
			     text);
}

/* What the system was asked for, for messages and states. */
static inline uint64_t runtime_bytes(const struct runtime *runtime)
{
	return slab_bytes(&runtime->messages) + slab_bytes(&runtime->states);
}

/* Set the handlers' time to that of the loop's pass, in a call from another folder. */
static inline void runtime_touch(struct runtime *runtime)
{
	uint64_t now = loop_now_ns(runtime->loop);

	if (now > runtime->now_ns)
		runtime->now_ns = now;
}

#endif
