/* wait.h - a sender that was refused and waits for room: once per sender,
 * address refused and chain.
 *
 * A wait stands in the chain of the receiver (or of the link to it), in order of refusal,
 * until it is woken; then it is the on_room notice in the sender's mailbox. Owned by the
 * sender, one thread.
 */
#ifndef CORE_WAIT_H
#define CORE_WAIT_H

#include "core/index.h"
#include "core/inside.h"

struct wait {
	struct slot slot;
	struct mail mail;
	struct list of_sender;
	struct list of_receiver;
	struct list **chain; /* that of_receiver is in; NULL: woken */
	struct index_link link;
	struct troupe_address where;
	uint32_t sender; /* slot */
	bool is_replier; /* it was a stream's reply that was refused */
};

/* Let `sender` wait for room at `where`, whose chain is given. is_replier: what was refused is a
 * stream's reply, for which the mailbox's bounds do not matter. 0 also when it waits already;
 * -ENOMEM. */
int wait_add(struct runtime *runtime, struct actor *sender, struct troupe_address where,
	     struct list **chain, bool is_replier);

/* Tell as many waiters as there is room for, if the mailbox is half empty. Cheap when nobody
 * waits. */
void wait_wake_slow(struct runtime *runtime, struct actor *receiver);
static inline void wait_wake(struct runtime *runtime, struct actor *receiver)
{
	if (unlikely(receiver->marks & ACTOR_AWAITED))
		wait_wake_slow(runtime, receiver);
}

/* Tell all who stand in a chain: the receiver is gone, or the link has room. */
void wait_wake_all(struct runtime *runtime, struct list **chain);

/* The notice has left the mailbox: the wait is over and freed, the address it was for
 * returned. wait_settle() is to follow when the sender has had its chance. */
struct troupe_address wait_finish(struct runtime *runtime, struct wait *wait);

/* The room promised to `sender` is used or not wanted: if so, the next may have it. */
void wait_settle(struct runtime *runtime, uint32_t sender, struct troupe_address where);

/* The sender is gone; its mailbox is drained already. */
void wait_forget_all(struct runtime *runtime, struct actor *sender);

#endif
