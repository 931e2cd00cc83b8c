/* belonging.h - what belongs to an actor and is of other folders' making: streams, listeners,
 * children, jobs.
 *
 * It is named by a number, which may be made up, and ends with its actor at the latest: core
 * knows whose it is and when that is gone, and nothing else of it. Embedded in the object,
 * which the kind's folder allocates and frees. A plain actor pays nothing for it. One runtime,
 * one thread.
 */
#ifndef CORE_BELONGING_H
#define CORE_BELONGING_H

#include "core/activation.h"
#include "core/cold.h"

struct belonging;

struct belonging_kind {
	const char *name; /* for people: "stream" */
	/* For people: what waits until it may be read waits for that. NULL: "read". */
	const char *reading;
	/* The actor is gone, and its tasks are, too: let go of the object. By then
	 * belonging_leave() has been done. */
	void (*on_gone)(struct runtime *runtime, struct belonging *belonging);
	/* Bytes that it buffers at the moment, for people. Optional. */
	uint64_t (*count_bytes)(struct belonging *belonging);
};

struct belonging {
	const struct belonging_kind *kind;
	struct list of_actor;
	uint64_t id;    /* 0: it belongs to nobody */
	uint32_t actor; /* slot */
};

/* From now on it is the actor's. -ENOMEM: the worker's limit, or the unit's share of it. In
 * fini, too: it is gone right after it. */
int belonging_join(struct troupe_self *self, struct belonging *belonging,
		   const struct belonging_kind *kind);

/* It is the actor's no more, and its number names nothing. Not in on_gone. Of one that belongs
 * to nobody: nothing. */
void belonging_leave(struct runtime *runtime, struct belonging *belonging);

/* By a number that may be made up: the actor's own, of that kind. NULL: there is none. */
struct belonging *belonging_find(const struct troupe_self *self, uint64_t id,
				 const struct belonging_kind *kind);

/* By a number that came back from the kernel or a thread. NULL: it has left. */
struct belonging *belonging_at(const struct runtime *runtime, uint64_t id);

/* Whether a number, which may be made up, named something once that has left. */
static inline bool belonging_is_past(const struct runtime *runtime, uint64_t id)
{
	return slots_is_past(&runtime->belongings, (uint32_t)id, (uint32_t)(id >> 32));
}

/* The first from *at on, for looking at all of them; *at begins with 0. NULL: that was all. */
struct belonging *belonging_next(const struct runtime *runtime, uint32_t *at);

static inline struct actor *belonging_actor(const struct runtime *runtime,
					    const struct belonging *belonging)
{
	return actor_at(runtime, belonging->actor);
}

/* Of life.c. */
void belongings_drop(struct runtime *runtime, struct actor *actor);

#endif
