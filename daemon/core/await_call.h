/* await_call.h - what waits for answers of every kind have in common.
 *
 * On the stack of the task. One runtime, one thread.
 */
#ifndef CORE_AWAIT_CALL_H
#define CORE_AWAIT_CALL_H

#include "core/task.h"
#include <troupe/await.h>

/* Until somebody has room, the deadline or the end of the scope: 0 or more, it is worth another
 * try of what was refused with -EAGAIN while runtime->seat was the task's. */
int await_room(struct task *task, uint64_t deadline_ns);

/* When a call of the task ends. is_default: none of its scopes has an end. */
uint64_t await_deadline_ns(const struct task *task, bool *ret_is_default);

/* What an answer is read by; it takes much of a stack. */
struct await_reading {
	struct task *task;
	const struct troupe_method *method;
	const struct troupe_interface *interface;
	struct troupe_kept *kept; /* of the task, without a message */
	struct troupe_reply reply;
};

/* Read what a call has answered: a message, which is taken, and kept with `kept`; or NULL, and
 * `end` says how it ended. The reply was zero before. */
void await_read(struct await_reading *reading, struct message *message, struct call_end end);

/* What was read is the answer; what it lies in, too. Returns what troupe_await() would. */
int await_give(const struct await_reading *reading, struct troupe_answer *answer);

#endif
