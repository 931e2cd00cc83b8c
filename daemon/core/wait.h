/* wait.h - a sender that was refused and waits for room: once per sender, address refused,
 * stream and chain.
 *
 * A wait is in the chain of the receiver (or of the link to it), in order of refusal,
 * until it is woken; then it is the on_room notice in the sender's mailbox. Owned by the
 * sender, one thread.
 */
#ifndef CORE_WAIT_H
#define CORE_WAIT_H

#include "core/index.h"
#include "core/inside.h"
#include "core/window.h"

struct wait {
	struct slot slot;
	struct mail mail;
	struct list of_sender;
	struct list of_receiver;
	struct list **chain; /* that of_receiver is in; NULL: woken */
	struct index_link link;
	struct troupe_address where;
	uint64_t stream;        /* whose reply was refused; 0: it was a message */
	uint64_t handle;        /* of the stream, when the sender has kept it */
	uint32_t sender;        /* slot */
	struct wait_seat *seat; /* of a task of it that waits; NULL: it is the sender's */
	bool is_left;           /* its task has left */
	bool is_promised;       /* it was woken for room in a mailbox that is counted as its */
};

/* Where a task has its wait. A wait that is added while runtime->seat points to one is its
 * task's: that is woken in place of on_room. */
struct wait_seat {
	struct wait *wait; /* NULL: none */
};

/* A wait that is over. */
struct wait_past {
	struct troupe_address where;
	uint64_t stream, handle;
	struct wait_seat *seat; /* NULL also when its task has left */
	bool is_of_task;
	bool is_promised;
};

/* Let `sender`, or the task of it whose seat is runtime->seat, wait for room at `where`, whose
 * chain is given. stream: the id of the caller's
 * struct call, or of the kept call for a caller elsewhere, when what was refused is a stream's
 * reply, for which the mailbox's bounds do not matter; else 0, as is handle. 0 also when it
 * waits already; -ENOMEM. */
int wait_add(struct runtime *runtime, struct actor *sender, struct troupe_address where,
	     struct list **chain, uint64_t stream, uint64_t handle);

/* The sender, which may wait for room in a stream already, keeps it by this handle now. */
void wait_keep(struct runtime *runtime, struct actor *sender, struct troupe_address where,
	       struct list **chain, uint64_t stream, uint64_t handle);

/* Wake as many waiters as there is room for, if the mailbox is half empty. Cheap when none
 * waits. */
void wait_wake_slow(struct runtime *runtime, struct actor *receiver);
static inline void wait_wake(struct runtime *runtime, struct actor *receiver)
{
	if (unlikely(receiver->marks & ACTOR_AWAITED))
		wait_wake_slow(runtime, receiver);
}

/* Wake all waiters of a chain: the receiver is gone, or the link has room. */
void wait_wake_all(struct runtime *runtime, struct list **chain);

/* window_give(); all who wait for it are woken if half of it is free then. */
void wait_give(struct runtime *runtime, struct window *window, uint32_t count, uint64_t bytes);

/* The notice has left the mailbox: the wait is over and freed. wait_pass_on() is to follow when
 * the sender has had its chance. */
struct wait_past wait_finish(struct runtime *runtime, struct wait *wait);

/* The room promised to `sender` is used or not wanted: if so, the next may have it. */
void wait_pass_on(struct runtime *runtime, uint32_t sender, const struct wait_past *past);

/* A task waits no more, be it woken or not. */
void wait_leave(struct runtime *runtime, struct wait_seat *seat);

/* The sender gets no on_room any more. of_tasks: nor do its tasks: it is gone, and its mailbox
 * drained already. */
void wait_forget_all(struct runtime *runtime, struct actor *sender, bool of_tasks);

#endif
