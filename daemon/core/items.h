/* items.h - a stream that a task reads item by item: what has come of it and was not taken.
 *
 * Its replies do not lie in the actor's mailbox but here, where the window of the call bounds
 * them: so a task that is slow keeps no other stream of its actor waiting. One that comes while
 * the task waits for it wakes the task. It belongs to the task that opened it, and is closed
 * with it at the latest. One runtime, one thread.
 */
#ifndef CORE_ITEMS_H
#define CORE_ITEMS_H

#include "core/call.h"
#include "core/task.h"

struct items {
	struct slot slot;
	struct list of_task;       /* task->items */
	struct mail *first, *last; /* struct message: REPLY, and at the end ERROR or FAILURE */
	uint64_t call;             /* its id */
	const struct troupe_method *method;
	const struct troupe_interface *interface;
	struct call_end end; /* how it ended, when `last` does not say it; without detail */
	uint32_t task;       /* slot */
	uint32_t share;      /* bytes, of what such streams of the actor may hold */
	bool is_over;        /* the call has ended */
	bool has_ended;      /* and the task was handed that */
	bool is_waited;      /* the task waits for the next one */
};

/* A record for a task, without a call. NULL: the limit, or its unit's share. */
struct items *items_new(struct runtime *runtime, struct task *task);

/* Its share of half of the actor's MailboxBytes=: as bytes of a window, halved so often. What
 * is left is shared by as many streams again and again, so that each has some; when hardly
 * anything is left, it holds one reply at a time. To be given back by items_end_share(). */
uint8_t items_begin_share(struct runtime *runtime, struct items *items);
/* No more of it comes, and nothing is there; also done by items_close(). */
void items_end_share(struct runtime *runtime, struct items *items);

/* The one of this id, which may be made up, if the task has opened it; NULL: it is none. */
struct items *items_find(const struct runtime *runtime, const struct task *task, uint64_t id);

/* Of a call with CALL_ITEMS, as long as that is open. */
static inline struct items *items_of(const struct runtime *runtime, const struct call *call)
{
	return slots_at(&runtime->items, (uint32_t)call->context);
}

/* One more item, or the last; takes the message. Closes the call, unless more follow. */
void items_reply(struct runtime *runtime, struct call *call, struct message *message);

/* The call ends without an answer; takes the message, which may be NULL. Closes the call. */
void items_end(struct runtime *runtime, struct call *call, struct call_end end,
	       struct message *message);

/* The first message, which is the caller's then; there is one. */
struct message *items_pop(struct items *items);

/* Nobody reads on: the callee learns it, what has come is freed, and so is the record. */
void items_close(struct runtime *runtime, struct items *items);

/* All that a task has open. */
void items_close_all(struct runtime *runtime, struct task *task);

/* All of all tasks of an actor, which are abandoned. */
void items_close_abandoned(struct runtime *runtime, struct actor *actor);

#endif
