/* runq.h - the actors that have something to do, in the order in which they got it.
 *
 * An actor is in it at most once (ACTOR_QUEUED). The links are the actors' own; one
 * runtime, one thread.
 */
#ifndef CORE_RUNQ_H
#define CORE_RUNQ_H

#include "core/inside.h"

static inline void runq_push(struct runtime *runtime, struct actor *actor)
{
	actor->marks |= ACTOR_QUEUED;
	actor->run_next = SLOT_NONE;
	*runtime->run_end = actor->slot.index;
	runtime->run_end = &actor->run_next;
}

static inline bool runq_is_empty(const struct runtime *runtime)
{
	return runtime->run_first == SLOT_NONE;
}

/* The first, taken out; it keeps ACTOR_QUEUED. NULL: none. */
static inline struct actor *runq_pop(struct runtime *runtime)
{
	struct actor *actor;

	if (runq_is_empty(runtime))
		return NULL;
	actor = actor_at(runtime, runtime->run_first);
	runtime->run_first = actor->run_next;
	if (runq_is_empty(runtime))
		runtime->run_end = &runtime->run_first;
	return actor;
}

#endif
