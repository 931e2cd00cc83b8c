/* rest.h - a mailbox that rests: its messages are set aside, in order, until it goes on.
 *
 * That is while a task handler that wants to be alone waits, and where a unit's Tasks= are all
 * at work. Messages are set aside when their turn comes, and count in the mailbox as before, so
 * that it pushes back on senders when it is full; what else lies in it (replies, ticks, tasks
 * that go on) is handled. When it goes on they are put before all others, between two turns.
 * Only actors whose type has handlers that are tasks come to rest. One runtime, one thread.
 */
#ifndef CORE_REST_H
#define CORE_REST_H

#include "core/activation.h"

/* What an actor has set aside. */
struct rest {
	struct mail *first, *last;
	uint32_t count;
	struct task *alone; /* that waits; NULL: none */
};

/* From now on it rests. */
static inline void rest_begin(struct actor *actor)
{
	actor->marks |= ACTOR_RESTS;
}

/* Whether the message being handled is to be set aside: also when it has come before those that
 * were, in the turn at whose end these follow. */
static inline bool rest_is_due(const struct actor *actor)
{
	return unlikely(actor->marks & (ACTOR_RESTS | ACTOR_RELEASED));
}
void rest_hold(struct troupe_self *self, struct rest *rest);

/* It rests no more, from its next turn on. */
void rest_end(struct runtime *runtime, struct actor *actor);

/* What was set aside is in the mailbox again; between two turns. */
void rest_empty(struct actor *actor, struct rest *rest);

#endif
