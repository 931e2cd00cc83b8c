/* more.h - what few actors have: what they own beside timers, whom they wait for, what went
 * wrong.
 *
 * An actor's head is one cache line, so that idle ones are small and a message touches no
 * more. The first call, kept message, refusal or failure gets the actor a `more`, which it has
 * until it ends. One runtime, one thread.
 */
#ifndef CORE_MORE_H
#define CORE_MORE_H

#include "core/inside.h"

struct more {
	struct slot slot;
	struct list *calls;    /* struct call: its own, under way */
	struct list *kept;     /* struct kept_call */
	struct list *messages; /* struct troupe_kept */
	struct list *waits;    /* struct wait: where it was refused */
	struct list *waiters;  /* struct wait: whom it refused */
	uint32_t failed;       /* negative returns */
	uint32_t refused;      /* messages that found the mailbox full */
	uint32_t unread;       /* stream replies in the mailbox */
	struct load keeping;   /* of `messages`, both halves, with the mailbox's bounds */
	uint16_t promised;     /* waiters that were told of room and have not looked yet */
	/* What a waiter sends that is told of room and finds it, reckoned from those that were told
	 * since the last time: how many, and what they sent; `before`: it was in the mailbox when
	 * the one under way began. */
	uint32_t share, users, used, before;
};

/* Make one. There is a place for each actor, so that it cannot fail. */
struct more *more_new(struct runtime *runtime, struct actor *actor);
/* The actor ends; all chains are empty. */
void more_free(struct runtime *runtime, struct actor *actor);

/* NULL: it never needed one, and all that would stand there is 0. */
static inline struct more *more_find(const struct runtime *runtime, const struct actor *actor)
{
	return actor->more ? (struct more *)slots_at(&runtime->mores, actor->more - 1) : NULL;
}

static inline struct more *more_get(struct runtime *runtime, struct actor *actor)
{
	return likely(actor->more != 0) ? more_find(runtime, actor) : more_new(runtime, actor);
}

#endif
