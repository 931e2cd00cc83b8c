#include "core/task.h"

#include "core/mailbox.h"
#include "core/share.h"

COLD void task_unpark(struct task *task)
{
	bool goes_on;

	task->is_fresh = false;
	goes_on = flow_enter(&task->stack->flow);
	check(!goes_on);
	task->is_parked = false;
}

COLD void task_drop_parked(struct runtime *runtime)
{
	struct task *task = runtime->parked;

	runtime->parked = NULL;
	task_unpark(task);
	flow_drop(&task->stack->flow);
	stacks_give(&runtime->stacks, task->stack);
	slots_give(&runtime->tasks, task);
}

/* No record is free: the one that nobody has may go. */
COLD static struct task *take_parked(struct runtime *runtime, const struct definition *unit)
{
	if (!runtime->parked)
		return NULL;
	task_drop_parked(runtime);
	return share_take(&runtime->tasks, unit, SHARE_TASKS);
}

/* A record that is zero, but for its slot. NULL: there is none, or no stack. */
static struct task *take_task(struct runtime *runtime, struct actor *actor, uint32_t stack_size)
{
	struct task *task = share_take(&runtime->tasks, actor->unit, SHARE_TASKS);

	if (unlikely(!task))
		task = take_parked(runtime, actor->unit);
	if (!task)
		return NULL;
	if (!stacks_promise(&runtime->stacks, stack_size)) {
		share_give(&runtime->tasks, task, actor->unit, SHARE_TASKS);
		slots_give(&runtime->tasks, task);
		return NULL;
	}
	task->stack_size = stack_size;
	task->root.owner = task;
	task->scope = &task->root;
	task->self.runtime = runtime;
	task->self.task = task;
	return task;
}

struct task *task_make(struct runtime *runtime, struct actor *actor, struct scope *scope,
		       const struct troupe_task_entry *entry, void *arg, void *shared)
{
	struct task *task = take_task(runtime, actor, task_stack_size(actor, entry));

	if (!task)
		return NULL;
	task->self.actor = actor;
	task->shared = shared;
	task->is_alone = scope->owner && scope->owner->is_alone;
	task_place(task, tasked_get(runtime, actor), scope, entry, arg);
	return task;
}

struct task *task_new(struct runtime *runtime, struct actor *actor, struct scope *scope,
		      const struct troupe_task_entry *entry, void *arg, void *shared)
{
	struct task *task = task_make(runtime, actor, scope, entry, arg, shared);

	if (!task)
		return NULL;
	task_list(task);
	mailbox_notify(runtime, actor, &task->mail, MAIL_RESUME);
	return task;
}

COLD void task_list_late(struct task *task)
{
	task_list(task);
}

void task_give(struct runtime *runtime, struct task *task)
{
	share_give(&runtime->tasks, task, task_actor(runtime, task)->unit, SHARE_TASKS);
	if (likely(!task->is_abandoned)) /* else a thread may have its `self` */
		slots_give(&runtime->tasks, task);
}

COLD void task_give_late(struct runtime *runtime, struct task *task)
{
	if (slots_is_closed(&task->slot))
		task_give(runtime, task);
}

void task_forget(struct runtime *runtime, struct task *task)
{
	struct tasked *tasked = tasked_find(runtime, task_actor(runtime, task));

	chain_remove(&tasked->tasks, &task->of_actor);
	chain_remove(&task->root.outer->tasks, &task->of_scope);
	tasked->count--;
	slots_close(&task->slot);
	if (!(task->mail.flags & MAIL_QUEUED))
		task_give(runtime, task);
}

struct task *task_find(const struct runtime *runtime, const struct actor *actor,
		       struct troupe_task handle)
{
	struct task *task = slots_find_id(&runtime->tasks, handle.id);

	/* nobody has the id of one that is not named */
	return task && task->is_named && task->actor == actor_slot(runtime, actor) ? task
										   : NULL;
}

/* ------------------------------------------------------------------ waits */

void task_stop_waiting(struct runtime *runtime, struct task *task)
{
	wheel_remove(&runtime->wheel, &task->sleep);
	if (task->waits_in)
		chain_remove(task->waits_in, &task->of_wait);
	task->waits_in = NULL;
	task->waits_for = NULL;
	task->joins = NULL;
	task->undo = NULL;
}

void task_take(struct runtime *runtime, struct task *task, int result)
{
	check(task->state == TASK_WAITING || task->state == TASK_FIXED);
	task_stop_waiting(runtime, task);
	task->result = result;
	task->state = TASK_WOKEN;
}

void task_wake(struct runtime *runtime, struct task *task, int result)
{
	task_take(runtime, task, result);
	mailbox_notify(runtime, task_actor(runtime, task), &task->mail, MAIL_RESUME);
}

void task_wake_all(struct runtime *runtime, struct list **chain, int result)
{
	while (*chain)
		task_wake(runtime, container_of(*chain, struct task, of_wait), result);
}

void task_due(struct runtime *runtime, struct task *task)
{
	task_wake(runtime, task, 0);
}
