/* runq.h - the actors that have something to do, in the order in which they got it.
 *
 * An actor stands in it at most once (ACTOR_QUEUED). The links are the actors' own; one
 * runtime, one thread.
 */
#ifndef CORE_RUNQ_H
#define CORE_RUNQ_H

#include "core/inside.h"

static inline void runq_push(struct runtime *runtime, struct actor *actor)
{
	uint32_t slot = actor_slot(runtime, actor);

	actor->flags |= ACTOR_QUEUED;
	actor->run_next = SLOT_NONE;
	if (runtime->run_first == SLOT_NONE)
		runtime->run_first = slot;
	else
		actor_at(runtime, runtime->run_last)->run_next = slot;
	runtime->run_last = slot;
}

/* The first, taken out; it keeps ACTOR_QUEUED. NULL: none. */
static inline struct actor *runq_pop(struct runtime *runtime)
{
	struct actor *actor;

	if (runtime->run_first == SLOT_NONE)
		return NULL;
	actor = actor_at(runtime, runtime->run_first);
	runtime->run_first = actor->run_next;
	return actor;
}

#endif
