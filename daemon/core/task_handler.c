#include "core/task_handler.h"

#include "core/share.h"
#include "core/task_end.h"

struct task *task_make_handler(struct runtime *runtime, struct actor *actor,
			       struct tasked *tasked, const struct troupe_task_entry *entry,
			       void *arg)
{
	struct task *task = runtime->parked;

	if (unlikely(!task || task->stack_size != task_stack_size(actor, entry))) {
		task = task_make(runtime, actor, &tasked->scope, entry, arg, NULL);
		if (!task)
			return NULL;
		task->is_fresh = true;
		return task;
	}
	runtime->parked = NULL;
	task->self.actor = actor;
	task_place(task, tasked, &tasked->scope, entry, arg);
	return task;
}

/* Whether what it leaves is as in a new record, but for what each one sets. One that counts for
 * its unit is not for others. */
static bool is_clean(const struct runtime *runtime, const struct task *task)
{
	return task->is_parked && !task->is_named && !task->answers && !task->root.told &&
	       !task->root.error && !share_is_scarce(&runtime->tasks, task);
}

void task_end_handler(struct actor *actor, struct tasked *tasked, struct task *task)
{
	struct runtime *runtime = task->self.runtime;

	if (unlikely(!is_clean(runtime, task) || runtime->parked)) {
		(void)task_end(runtime, task, 0);
		return;
	}
	check(task->scope == &task->root && task->root.live == 0);
	chain_remove(&tasked->tasks, &task->of_actor);
	chain_remove(&tasked->scope.tasks, &task->of_scope);
	tasked->scope.live--;
	tasked->live--;
	tasked->count--;
	tasked_rest_look(runtime, actor);
	task->item = NULL;
	task->refused = task->ready = 0;
	task->is_cut = false;
	runtime->parked = task;
}
