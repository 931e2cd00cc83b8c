#include "core/task_end.h"

#include "core/kept_message.h"
#include "core/tasked.h"
#include <errno.h>

/* Those who wait for its end. */
static bool wake_joiners(struct runtime *runtime, struct task *task)
{
	bool has_any = task->joiners != NULL;

	while (task->joiners) {
		struct task *joiner = container_of(task->joiners, struct task, of_wait);

		if (joiner->item)
			*(int *)joiner->item = task->result;
		task_wake(runtime, joiner, 0);
	}
	return has_any;
}

/* Whether it says only what it has been told. */
static bool is_told(const struct task *task, int result)
{
	return task->root.told && scope_is_word(result);
}

/* In the order in which the tasks in that scope were started. */
static uint32_t place_of(const struct scope *scope, const struct task *task)
{
	uint32_t place = 0;

	chain_foreach (at, scope->tasks) {
		if (at == &task->of_scope)
			break;
		place++;
	}
	return place;
}

/* The first that has not failed has won: the others are in vain. */
static void end_race(struct runtime *runtime, struct scope *scope, const struct task *task)
{
	if (task->result < 0) {
		scope->error = task->result;
	} else if (!scope->winner) {
		scope->winner = place_of(scope, task) + 1;
		scope_cut(runtime, scope, -ECANCELED, false);
	}
}

/* A task in that scope has failed: the others are in vain. */
static bool fail_scope(struct runtime *runtime, struct scope *scope, int result)
{
	if (!scope->owner)
		return !scope_is_word(result);
	if (!scope->error)
		scope->error = result;
	scope_cut(runtime, scope, -ECANCELED, false);
	return false;
}

bool task_end(struct runtime *runtime, struct task *task, int result)
{
	struct scope *scope = task->root.outer;
	struct tasked *tasked = tasked_find(runtime, task_actor(runtime, task));
	bool is_known, is_failure = false;

	check(task->state != TASK_ENDED && task->scope == &task->root && task->root.live == 0);
	if (task->state == TASK_NEW)
		stacks_withdraw(&runtime->stacks, task->stack_size);
	if (task->stack) {
		if (unlikely(task->is_parked))
			task_unpark(task);
		flow_drop(&task->stack->flow);
		stacks_give(&runtime->stacks, task->stack);
		task->stack = NULL;
	}
	kept_message_drop_chain(runtime, &task->answers);
	task->state = TASK_ENDED;
	task->result = result;
	scope->live--;
	tasked->live--;
	tasked->places -= task->places;
	task->places = 0;
	tasked_rest_look(runtime, task_actor(runtime, task));
	is_known = wake_joiners(runtime, task);
	if (unlikely(scope->is_race))
		end_race(runtime, scope, task);
	else if (result < 0 && !is_told(task, result))
		is_failure = fail_scope(runtime, scope, result);
	if (is_known || !task->is_named)
		task_forget(runtime, task);
	/* unless one that was cut short with it has been the last */
	if (scope->is_ending && scope->live == 0 && scope->owner->state == TASK_FIXED)
		task_wake(runtime, scope->owner, 0);
	return is_failure;
}

/* ------------------------------------------------------------------ cuts */

static bool can_leave(struct runtime *runtime, struct task *task)
{
	return task->state == TASK_WAITING || (task->state == TASK_FIXED && task->undo &&
					       task->undo->on_cut(runtime, task->undo));
}

/* The wait of a task whose innermost scope is cut. */
static void interrupt(struct runtime *runtime, struct task *task, int code)
{
	if (can_leave(runtime, task)) {
		task->is_cut = true;
		task_wake(runtime, task, code);
	} else if (task->state == TASK_NEW) {
		scope_tell(&task->root);
		(void)task_end(runtime, task, code);
	}
}

void scope_cut(struct runtime *runtime, struct scope *scope, int code, bool through)
{
	if (scope->cut && !through)
		return;
	if (!scope->cut)
		scope->cut = code;
	/* as deep as LIMIT_TASK_DEPTH at most */
	chain_foreach (at, scope->tasks)
		scope_cut(runtime, &container_of(at, struct task, of_scope)->root, code,
			  through);
	if (!scope->inner) {
		if (scope->owner)
			interrupt(runtime, scope->owner, scope->cut);
	} else if (through || !scope->inner->is_shield) {
		scope_cut(runtime, scope->inner, code, through);
	}
}

void scope_due(struct runtime *runtime, struct open_scope *open)
{
	scope_cut(runtime, &open->scope, -ETIMEDOUT, false);
}
