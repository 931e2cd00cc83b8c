/* handoff.h - what many threads hand to one: each pushes, that one takes all, in their order.
 *
 * The links lie inside what is handed on, so that a push needs no memory; it takes no lock
 * either: it is one compare-and-swap, and taking is one exchange, however much there is. What a
 * thread pushes after another push has returned comes after it. Once closed it takes nothing
 * any more. Zeroed means open and empty.
 */
#ifndef BASE_HANDOFF_H
#define BASE_HANDOFF_H

#include <stdatomic.h>
#include <stdbool.h>

struct handoff_link {
	struct handoff_link *next; /* of handoff.c; behind it, in what was taken */
};

struct handoff {
	_Atomic(struct handoff_link *) newest;
};

/* Any thread. *link is not the caller's any more. 1: it was empty, so that nobody else wakes
 * who is to take it; 0; -EPIPE: it is closed, and *link is still the caller's. */
int handoff_push(struct handoff *handoff, struct handoff_link *link);

/* Any thread: whether it is closed for good. */
static inline bool handoff_is_closed(struct handoff *handoff)
{
	/* no link lies where the handoff itself does */
	return atomic_load_explicit(&handoff->newest, memory_order_seq_cst) ==
	       (struct handoff_link *)(void *)handoff;
}

/* All that was pushed, the oldest first; NULL: nothing, or it is closed. The thread that takes;
 * so for closing. */
struct handoff_link *handoff_take(struct handoff *handoff);

/* The same for the last time: from now on a push fails. */
struct handoff_link *handoff_close(struct handoff *handoff);

#endif
