/* awaited.h - a call that a task waits for, from its beginning until the task goes on.
 *
 * It lies on the task's stack. What the call ended with is attached to it, and wakes the task;
 * one whose scope was cut meanwhile, and that has not gone on yet, has it all the same: a
 * result that is there wins. One runtime, one thread.
 */
#ifndef CORE_AWAITED_H
#define CORE_AWAITED_H

#include "core/call.h"
#include "core/task.h"

struct awaited {
	const struct troupe_interface *interface;
	uint64_t call; /* its id */
	/* When it is over: the REPLY, ERROR or FAILURE; NULL: there is none but `end` */
	struct message *message;
	struct call_end end; /* without detail */
	bool is_over;
	bool was_refused; /* by the callee's process, which has not run it: Overloaded */
};

/* Of a CALL_TASK, as long as that is open. */
static inline struct awaited *awaited_of(const struct runtime *runtime, const struct call *call)
{
	return task_at(runtime, (uint32_t)call->context)->awaited;
}

/* It is answered; takes the message. Closes the call. */
void awaited_reply(struct runtime *runtime, struct call *call, struct message *message);

/* It ends without an answer; takes the message, which may be NULL. Closes the call. */
void awaited_end(struct runtime *runtime, struct call *call, struct call_end end,
		 struct message *message);

#endif
