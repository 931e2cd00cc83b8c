/* actor.h - the head of an actor: two cache lines in the runtime's reserved mapping.
 *
 * The first line is what a message touches; the second holds the chains of what an actor owns
 * or waits for, so that its end finds all of it without a search. Actors belong to their
 * runtime, one thread.
 */
#ifndef CORE_ACTOR_H
#define CORE_ACTOR_H

#include "base/list.h"
#include "core/message.h"
#include "core/slots.h"
#include "core/type.h"
#include <stdint.h>

#define ACTOR_QUEUED  1u /* stands in the run queue, or is at its turn */
#define ACTOR_AWAITED 2u /* somebody stands in `waiters` */
#define ACTOR_DEAD    4u /* ended; the slot waits for the run queue to let go of it */

struct actor {
	struct slot slot;
	struct mail *head, *tail; /* tail means nothing while head is NULL */
	uint32_t queued;          /* messages that count against the mailbox's bound */
	uint32_t instance;
	uint32_t charged; /* memory in units of 16 bytes: queued and kept messages */
	uint16_t flags;
	uint16_t promised; /* waiters that were told of room and have not looked yet */
	uint64_t handled;
	void *state; /* NULL when its size is 0 */
	struct unit *unit;

	struct list *calls;    /* struct call: its own, under way */
	struct list *kept;     /* struct kept_call */
	struct list *messages; /* struct troupe_kept */
	struct list *timers;   /* struct timer */
	struct list *waits;    /* struct wait: where it was refused */
	struct list *waiters;  /* struct wait: whom it refused */
	uint32_t run_next;     /* the slot behind in the run queue */
	uint32_t failed;
	uint32_t refused;
	uint32_t unread; /* stream replies in its mailbox */
};

_Static_assert(sizeof(struct actor) == 128, "an actor's head is two cache lines");

struct runtime;
struct troupe_self;

/* Make an actor and run its init. Errors: see runtime_spawn(). */
int actor_spawn(struct runtime *runtime, struct unit *unit, uint32_t instance,
		const void *config, struct troupe_address *ret_address);

/* End an actor that is in no handler: fini, then everything it owned. */
void actor_end(struct runtime *runtime, struct actor *actor, enum troupe_reason reason,
	       int error);

#endif
