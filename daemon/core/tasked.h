/* tasked.h - what an actor with tasks has beside its head.
 *
 * At the place of the actor's slot, in a table that is touched only for actors that have or had
 * a task (ACTOR_TASKS). One runtime, one thread.
 */
#ifndef CORE_TASKED_H
#define CORE_TASKED_H

#include "core/inside.h"
#include "core/rest.h"
#include "core/scope.h"

struct tasked {
	struct wheel_node grace; /* while it ends */
	struct list *tasks;      /* struct task, of_actor */
	struct scope scope;      /* TROUPE_OF_ACTOR */
	uint32_t count;          /* of the tasks */
	uint32_t live;           /* of these: those that have not ended */
	uint32_t places;      /* beside them: kept for those that some of them are to start */
	uint64_t items_bytes; /* that the streams which they read have a share of */
	struct rest rest;
	/* ACTOR_ENDING: whether it ends by itself, not with its parent, and then why */
	bool has_cause;
	bool said_unjoined; /* the log: of tasks that have ended and count in Tasks= */
	bool is_late;       /* its family's shields are cut */
	bool is_exposed;    /* its own are: no new one holds */
	enum troupe_cause cause;
	int error;
};

/* NULL: it never had a task. */
static inline struct tasked *tasked_find(const struct runtime *runtime,
					 const struct actor *actor)
{
	return actor->marks & ACTOR_TASKS ? runtime->taskeds + actor_slot(runtime, actor)
					  : NULL;
}

/* The same of one that has none yet. */
struct tasked *tasked_make(struct runtime *runtime, struct actor *actor);

/* Made when it is not there. */
static inline struct tasked *tasked_get(struct runtime *runtime, struct actor *actor)
{
	struct tasked *tasked = tasked_find(runtime, actor);

	return likely(tasked != NULL) ? tasked : tasked_make(runtime, actor);
}

/* The mailbox goes on, when it rests and nothing keeps it from that any more. */
void tasked_rest_look_slow(struct runtime *runtime, struct actor *actor);
static inline void tasked_rest_look(struct runtime *runtime, struct actor *actor)
{
	if (unlikely(actor->marks & ACTOR_RESTS))
		tasked_rest_look_slow(runtime, actor);
}

/* Tasks that have not ended. */
static inline uint32_t tasks_count(const struct runtime *runtime, const struct actor *actor)
{
	const struct tasked *tasked = tasked_find(runtime, actor);

	return tasked ? tasked->live : 0;
}

#endif
