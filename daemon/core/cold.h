/* cold.h - the part of an actor that most never need: what it owns beside timers, children,
 * whom it waits for, what went wrong.
 *
 * An actor's head is one cache line, so that idle ones are small and a message touches no more.
 * The first call, child, kept message, refusal or failure gets the actor its cold part, which
 * it has until it ends. One runtime, one thread.
 */
#ifndef CORE_COLD_H
#define CORE_COLD_H

#include "core/inside.h"
#include "core/window.h"

struct actor_cold {
	struct slot slot;
	struct list *calls;    /* struct call: its own, under way */
	struct list *kept;     /* struct kept_call */
	struct list *messages; /* struct troupe_kept */
	struct list *waits;    /* struct wait: where it was refused */
	struct list *watches;  /* struct watch */
	struct list *inlets;   /* struct inlet */
	struct list *belongings;
	struct window
		window;   /* of all streams that it reads; senders it refused wait there, too */
	uint32_t failed;  /* negative returns */
	uint32_t refused; /* messages that found the mailbox full */
	struct load keeping; /* of `messages`, both halves, with the mailbox's bounds */
	uint16_t promised;   /* waiters woken whose on_room has not run yet */
	/* How much a woken waiter sends when it finds room, reckoned from those that were woken
	 * since the last time: how many, and what they sent; `before`: it was in the mailbox
	 * when the one under way began. */
	uint32_t share, users, used, before;
	uint32_t newest; /* the slot of its child that was spawned last, see core/family.h */
	struct histogram *times; /* of its handlers, see core/slice.h; NULL: it has none */
};

/* Make one. There is a place for each actor, so that it cannot fail. */
struct actor_cold *cold_new(struct runtime *runtime, struct actor *actor);
/* The actor ends; all chains are empty. */
void cold_free(struct runtime *runtime, struct actor *actor);

/* NULL: it never needed one, and all its fields would be 0. */
static inline struct actor_cold *cold_find(const struct runtime *runtime,
					   const struct actor *actor)
{
	return actor->cold ? (struct actor_cold *)slots_at(&runtime->colds, actor->cold - 1)
			   : NULL;
}

static inline struct actor_cold *cold_get(struct runtime *runtime, struct actor *actor)
{
	return likely(actor->cold != 0) ? cold_find(runtime, actor) : cold_new(runtime, actor);
}

#endif
