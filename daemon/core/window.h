/* window.h - how many replies of streams may be on their way to whoever reads them.
 *
 * One is part of each reader: of an actor, for all streams that it reads; of a client's call;
 * and of a kept call whose caller is in another process, where replies count until that process
 * says that they were read. A replier that finds it full waits in its chain. One runtime, one
 * thread.
 */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include "base/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list;

struct window {
	struct list *waiters; /* struct wait; of an actor also those whom its mailbox refused */
	uint64_t bytes;       /* of the replies */
	uint32_t used;        /* replies */
	uint16_t limit;       /* of these */
	uint16_t halvings;    /* of LIMIT_STREAM_UNREAD_BYTES, which is that of the bytes */
};

/* The limit of the bytes; 0: one reply at a time. */
static inline uint64_t window_most_bytes(const struct window *window)
{
	return (uint64_t)LIMIT_STREAM_UNREAD_BYTES >> window->halvings;
}

/* Whether it may have one more: the first one always, so that each stream goes on. */
static inline bool window_is_open(const struct window *window)
{
	return window->used < window->limit &&
	       (window->bytes < window_most_bytes(window) || window->used == 0);
}

/* Whether at most half of it is used. */
static inline bool window_is_half_open(const struct window *window)
{
	return window->used <= window->limit / 2 &&
	       (window->bytes <= window_most_bytes(window) / 2 || window->used == 0);
}

/* A reply is on its way. */
static inline void window_claim(struct window *window, size_t bytes)
{
	window->used++;
	window->bytes += bytes;
}

/* So much was read; not more than there was is given back, whatever a peer says. */
static inline void window_give(struct window *window, uint32_t count, uint64_t bytes)
{
	window->used -= count < window->used ? count : window->used;
	window->bytes -= bytes < window->bytes ? bytes : window->bytes;
}

#endif
