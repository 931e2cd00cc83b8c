/* call_window.h - the window of one stream that an actor reads, asked for with its call.
 *
 * What such a stream's caller has not taken counts in it, beside the window of all streams that
 * the actor reads: a reply is on its way only when both have room. The actor may hold replies
 * that it was handed; they leave its mailbox and the other window, and count here until it says
 * that it has taken them. It belongs to its call and ends with it. One runtime, one thread.
 */
#ifndef CORE_CALL_WINDOW_H
#define CORE_CALL_WINDOW_H

#include "core/slots.h"
#include "core/window.h"
#include <troupe/actor.h>

struct call_window {
	struct slot slot;
	uint32_t held; /* of the replies: what the actor holds */
	uint64_t held_bytes;
	struct window window;
};

/* Whether these are flags of a call in <troupe/actor.h>, with what they say of its window. */
static inline bool call_window_is_valid(uint32_t flags)
{
	return flags <= TROUPE_MORE ||
	       (flags >= TROUPE_WINDOW(1) && flags <= TROUPE_WINDOW(TROUPE_WINDOW_MAX) &&
		(flags & 0xffffu) == TROUPE_WINDOW(0));
}

/* How many replies these valid flags ask for. 0: none, the stream has no window of its own. */
static inline uint16_t call_window_size(uint32_t flags)
{
	return (uint16_t)(flags >> 16);
}

#endif
