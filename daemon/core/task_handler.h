/* task_handler.h - the record of a handler that is a task: most return without having waited.
 *
 * Then the record and the stack are parked, as they are, for the next such handler: it goes on
 * with a flow that has not ended (core/step.h), which saves the making of all three. Nor is it
 * listed until it is asked for. One runtime, one thread.
 */
#ifndef CORE_TASK_HANDLER_H
#define CORE_TASK_HANDLER_H

#include "core/share.h"
#include "core/task.h"
#include "core/tasked.h"

/* One that is a handler, and has no scope but the actor's: it is to run at once, and is not
 * listed. It gets the record and the stack of the last that did not wait, where they fit.
 * NULL: no record, or no stack. */
struct task *task_make_handler_anew(struct runtime *runtime, struct actor *actor,
				    struct tasked *tasked,
				    const struct troupe_task_entry *entry, void *arg);
static inline struct task *task_make_handler(struct runtime *runtime, struct actor *actor,
					     struct tasked *tasked,
					     const struct troupe_task_entry *entry, void *arg)
{
	struct task *task = runtime->parked;

	if (unlikely(!task || task->stack_size != task_stack_size(actor, entry)))
		return task_make_handler_anew(runtime, actor, tasked, entry, arg);
	runtime->parked = NULL;
	task->self.actor = actor;
	task_place(task, tasked, &tasked->scope, entry, arg);
	return task;
}

/* Whether what it leaves is as in a new record, but for what each one sets. One that counts for
 * its unit is not for others. */
static inline bool task_is_clean(const struct runtime *runtime, const struct task *task)
{
	return task->is_parked && !task->is_named && !task->is_listed && !task->answers &&
	       !(task->root.told | task->root.error) && !share_is_scarce(&runtime->tasks, task);
}

/* It has returned without having waited, which concerns nobody but who has let it begin. */
void task_end_handler_slow(struct task *task);
static inline void task_end_handler(struct runtime *runtime, struct task *task)
{
	if (unlikely(!task_is_clean(runtime, task) || runtime->parked)) {
		task_end_handler_slow(task);
		return;
	}
	check(task->scope == &task->root && task->root.live == 0);
	task->item = NULL;
	task->refused = task->ready = 0;
	task->is_cut = false;
	runtime->parked = task;
}

#endif
