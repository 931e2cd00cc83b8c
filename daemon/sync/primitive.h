/* primitive.h - what tasks of one actor meet at: the part that channels, semaphores and events
 * have in common.
 *
 * A belonging of the actor's, in memory that the actor keeps. Who waits lies in a chain of it
 * by task->of_wait, first come first; whoever wakes a task hands over what it waits for in the
 * same moment (task->item), so that nothing is between the two that a cancellation could lose,
 * and nobody comes in between. One runtime, one thread.
 */
#ifndef SYNC_PRIMITIVE_H
#define SYNC_PRIMITIVE_H

#include "core/belonging.h"
#include "core/pause.h"

struct primitive {
	struct belonging belonging;
	struct list *waiters; /* struct task */
	size_t size;          /* of what it is embedded in, at its beginning */
};

/* One of `size` bytes, not zeroed behind the primitive itself. Errors of keeping_take() and
 * belonging_join(). */
int primitive_open(struct troupe_self *self, size_t size, const struct belonging_kind *kind,
		   struct primitive **ret_primitive);

/* Whoever waits gets -EPIPE, and it is gone. */
void primitive_close(struct runtime *runtime, struct primitive *primitive);

/* By a handle that may be made up. NULL: there is none, and primitive_missing() returns why:
 * -EPIPE: it was closed; -EINVAL: it never was. */
struct primitive *primitive_find(const struct troupe_self *self, uint64_t id,
				 const struct belonging_kind *kind);
int primitive_missing(const struct troupe_self *self, uint64_t id);

/* The first in a chain, which is woken next. NULL: nobody waits. */
static inline struct task *primitive_first(struct list *waiters)
{
	return waiters ? container_of(waiters, struct task, of_wait) : NULL;
}

/* The on_gone of each kind: its actor is gone, and nobody waits. */
void primitive_on_gone(struct runtime *runtime, struct belonging *belonging);

#endif
