/* task_handler.h - the record of a handler that is a task: most return without having waited.
 *
 * Then the record and the stack are parked, as they are, for the next such handler: it goes on
 * with a flow that has not ended (core/step.h), which saves the making of all three. One
 * runtime, one thread.
 */
#ifndef CORE_TASK_HANDLER_H
#define CORE_TASK_HANDLER_H

#include "core/task.h"
#include "core/tasked.h"

/* One that is a handler, and has no scope but the actor's: it is to run at once. It gets the
 * record and the stack of the last that did not wait, where they fit. */
struct task *task_make_handler(struct runtime *runtime, struct actor *actor,
			       struct tasked *tasked, const struct troupe_task_entry *entry,
			       void *arg);

/* It has returned without having waited, which concerns nobody but who has let it begin. */
void task_end_handler(struct actor *actor, struct tasked *tasked, struct task *task);

#endif
