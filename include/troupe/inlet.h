/* inlet.h - what threads of the plug-in's own hand to an actor.
 *
 * A plug-in may have threads (of a library, for work that blocks, for a device); none of them
 * may call the functions of actor.h. What such a thread has for an actor it posts to an inlet
 * of that actor, where it arrives at an entry, as a reply or a tick does:
 *
 *   init                 troupe_inlet_open(self, &on_item_entry, 0, 0, &me->inlet)
 *   any thread           troupe_post(inlet, &item, sizeof(item)), as often as it likes
 *   the actor's thread   on_item(), once for each
 *   fini, or the thread that uses it last
 *                        troupe_inlet_release(inlet)
 *
 * Posting takes no lock, and wakes the worker once for all that is posted until it looks. An
 * inlet holds so many posts and bytes and no more: then a thread gets -EAGAIN, or waits, see
 * troupe_post_wait(). A post needs no room in the mailbox. Since ABI 2.1.
 */
#ifndef TROUPE_INLET_H
#define TROUPE_INLET_H

#include <troupe/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TROUPE_INLET_POSTS_MAX (1u << 20) /* posts that one may hold */

/* Opened in the actor's thread, and from then on used by any thread. */
struct troupe_inlet;

/* The event of a post entry. */
struct troupe_post_event {
	struct troupe_event_head head;
	uint32_t size; /* bytes */
	uint32_t reserved;
	const void *data; /* a copy of what was posted, aligned to 16; NULL: size is 0 */
};

/* Define a post entry named FUNCTION_entry, for troupe_inlet_open() and the .entries table:
 *
 *   static int on_item(struct troupe_self *self, struct me *me, uint64_t context,
 *                      const struct troupe_post_event *event);
 *   TROUPE_POST(on_item, struct me)
 */
#define TROUPE_POST(function, state_type)                                                      \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context,   \
				    const void *event)                                         \
	{                                                                                      \
		return function(self, (state_type *)state, context,                            \
				(const struct troupe_post_event *)event);                      \
	}                                                                                      \
	static const struct troupe_entry function##_entry = {                                  \
		.table_size = sizeof(struct troupe_entry),                                     \
		.kind = TROUPE_ENTRY_POST,                                                     \
		.name = #function,                                                             \
		.on_event = function##_thunk,                                                  \
	};

/* Open an inlet of this actor; what is posted arrives at `entry`, with `context`. capacity:
 * posts that it holds at most, up to TROUPE_INLET_POSTS_MAX; 0: as many as the unit's Mailbox=.
 * Together they may have as many bytes as its MailboxBytes=, as that is when it is opened. What
 * lies in the mailbox counts until its handler has returned.
 *
 * *ret_inlet is the plug-in's until it is released, also when the actor has ended. In the
 * actor's thread. -EINVAL: not a post entry of this actor type, capacity is too large, or in
 * fini; -ENOMEM: no memory, or the worker's limit of inlets, or this unit's share of it;
 * -EMFILE, -ENFILE: the first one of a worker takes a descriptor. */
int troupe_inlet_open(struct troupe_self *self, const struct troupe_entry *entry,
		      uint64_t context, uint32_t capacity,
		      struct troupe_inlet **ret_inlet) TROUPE_WARN_UNUSED;

/* Hand `size` bytes to the actor; they are copied (what they point to is not). Any thread, the
 * actor's own too; never waits. What was posted when another post begins arrives before it.
 *
 * 0: it will arrive, unless the actor ends before. -EAGAIN: the inlet is full. -EPIPE: the
 * actor has ended, or this is a process that the plug-in has forked. -EMSGSIZE: more bytes than
 * the inlet ever holds, or than TROUPE_MESSAGE_MAX. -ENOMEM. */
int troupe_post(struct troupe_inlet *inlet, const void *data, size_t size) TROUPE_WARN_UNUSED;

/* The same, but a full inlet is waited for: for timeout_ns at most, 0 without end. -ETIMEDOUT;
 * -EDEADLK: the inlet is full, and this is the worker's own thread, which alone can empty it.
 * The actor's end ends the wait with -EPIPE, before its fini is called: there the threads can
 * be joined. */
int troupe_post_wait(struct troupe_inlet *inlet, const void *data, size_t size,
		     uint64_t timeout_ns) TROUPE_WARN_UNUSED;

/* The plug-in uses the inlet no more: any thread, once, when no other thread is in
 * troupe_post() or will be. What was posted still arrives. NULL is fine. */
void troupe_inlet_release(struct troupe_inlet *inlet);

#ifdef __cplusplus
}
#endif

#endif
