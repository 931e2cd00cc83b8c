#include "core/task_handler.h"

#include "core/task_end.h"

struct task *task_make_handler_anew(struct runtime *runtime, struct actor *actor,
				    struct tasked *tasked,
				    const struct troupe_task_entry *entry, void *arg)
{
	struct task *task = task_make(runtime, actor, &tasked->scope, entry, arg, NULL);

	if (task)
		task->is_fresh = true;
	return task;
}

/* It has started others, which it does not wait for. */
static void unlist(struct task *task)
{
	struct runtime *runtime = task->self.runtime;
	struct tasked *tasked = tasked_find(runtime, task->self.actor);

	chain_remove(&tasked->tasks, &task->of_actor);
	chain_remove(&tasked->scope.tasks, &task->of_scope);
	tasked->scope.live--;
	tasked->live--;
	tasked->count--;
	task->is_listed = false;
	tasked_rest_look(runtime, task->self.actor);
}

COLD void task_end_handler_slow(struct task *task)
{
	struct runtime *runtime = task->self.runtime;

	if (task->is_listed) {
		unlist(task);
		task_end_handler(runtime, task);
		return;
	}
	task_list(task);
	(void)task_end(runtime, task, 0);
}
