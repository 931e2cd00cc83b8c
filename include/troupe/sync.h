/* sync.h - between the tasks of one actor: channels, semaphores, events.
 *
 * They are the actor's that opens them, and go with it; what is opened for a while is closed.
 * What does not wait is for handlers, too: so a handler wakes a task. First come, first served:
 * whoever waits gets what comes in, and nobody overtakes him. What was handed to a task that
 * waits is that task's, if it is cancelled before it runs: it returns with it, and the next
 * TROUPE_AWAIT says the rest. A task that is cancelled while it waits has got nothing, and the
 * one behind it is next.
 *
 * TROUPE_AWAIT functions return as those of task.h do. In a scope that is cancelled they take
 * and give nothing, also where they would not have to wait; the others do as ever. All return
 *
 *   -EINVAL   no such thing of this actor's was ever opened
 *   -EPIPE    it is closed
 *
 * and opening one gives -ENOBUFS where the actor keeps too much already: the memory of its
 * channels, semaphores and events counts with its kept messages, MailboxBytes= in all. -ENOMEM:
 * a limit of the worker, or this unit's share of it. Since 2.1.
 */
#ifndef TROUPE_SYNC_H
#define TROUPE_SYNC_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ channels
 *
 * Items of one size, copied in and out, in order.
 */

struct troupe_channel {
	uint64_t id;
};

/* One that holds up to `capacity` items of item_size bytes (1 to 64 KiB), 16 MiB in all. 0: who
 * puts one waits until it is taken. */
int troupe_channel_open(struct troupe_self *self, size_t item_size, size_t capacity,
			struct troupe_channel *ret_channel) TROUPE_WARN_UNUSED;

/* Put an item behind the others; while it is full, wait. 0. */
TROUPE_AWAIT int troupe_put(struct troupe_self *self, struct troupe_channel to,
			    const void *item) TROUPE_WARN_UNUSED;
/* The same at once; -EAGAIN: it is full. */
int troupe_try_put(struct troupe_self *self, struct troupe_channel to,
		   const void *item) TROUPE_WARN_UNUSED;

/* Take the first item; while there is none, wait. 1; 0: it is closed, and empty. */
TROUPE_AWAIT int troupe_get(struct troupe_self *self, struct troupe_channel from,
			    void *ret_item) TROUPE_WARN_UNUSED;
/* The same at once; -EAGAIN: it is empty. */
int troupe_try_get(struct troupe_self *self, struct troupe_channel from,
		   void *ret_item) TROUPE_WARN_UNUSED;

/* Nothing more is put: who waits to do so gets -EPIPE. What is in it can be taken, then it is
 * gone. Twice is fine. */
void troupe_channel_close(struct troupe_self *self, struct troupe_channel channel);

/* ------------------------------------------------------------------ semaphores
 *
 * Opened with 1 it is a lock over waits; with 0, a count of what there is to do.
 */

struct troupe_semaphore {
	uint64_t id;
};

int troupe_semaphore_open(struct troupe_self *self, uint32_t count,
			  struct troupe_semaphore *ret_semaphore) TROUPE_WARN_UNUSED;

/* Take one of the count; while that is 0, wait. 0. */
TROUPE_AWAIT int troupe_acquire(struct troupe_self *self,
				struct troupe_semaphore semaphore) TROUPE_WARN_UNUSED;
/* The same at once; -EAGAIN: it is 0. */
int troupe_try_acquire(struct troupe_self *self,
		       struct troupe_semaphore semaphore) TROUPE_WARN_UNUSED;

/* Add one to the count, or hand it to the first who waits. 0; -EOVERFLOW: beyond 2^32 - 1. */
int troupe_give_back(struct troupe_self *self, struct troupe_semaphore semaphore);

/* Who waits gets -EPIPE. Twice is fine. */
void troupe_semaphore_close(struct troupe_self *self, struct troupe_semaphore semaphore);

/* ------------------------------------------------------------------ events
 *
 * Something that has happened, for all who wait for it.
 */

struct troupe_event {
	uint64_t id;
};

/* One that has not happened. */
int troupe_event_open(struct troupe_self *self,
		      struct troupe_event *ret_event) TROUPE_WARN_UNUSED;

/* Wait until it is set. 0, also when it was cleared again before the task runs. */
TROUPE_AWAIT int troupe_event_wait(struct troupe_self *self,
				   struct troupe_event event) TROUPE_WARN_UNUSED;

/* From now on it is set, and all who wait go on. 0. */
int troupe_event_set(struct troupe_self *self, struct troupe_event event);
/* From now on it is not. 0. */
int troupe_event_clear(struct troupe_self *self, struct troupe_event event);

/* Who waits gets -EPIPE. Twice is fine. */
void troupe_event_close(struct troupe_self *self, struct troupe_event event);

#ifdef __cplusplus
}
#endif

#endif
