#include "core/abandon.h"

#include "core/kept_message.h"
#include "core/open_scope.h"
#include "core/page.h"
#include "core/task.h"
#include "core/tasked.h"
#include <stdio.h>

#define LOG_WARNING_LEVEL 4
#define LOG_PLACE         1000 /* bytes of a backtrace in a line */
#define LOG_PLACES        16u  /* of one actor's tasks; a backtrace takes time */

static void add_lost(struct runtime *runtime, size_t bytes)
{
	runtime->lost += bytes;
	page_store(&runtime->page->lost, runtime->lost);
}

/* The actor stays, too, with its state and its unit's names: their addresses lie on a stack
 * that was abandoned, and what runs elsewhere on behalf of such a task may still read them, and
 * write to the state. */
static void set_actor_aside(struct runtime *runtime, struct actor *actor)
{
	size_t size = actor->unit->type->table.state_size;

	add_lost(runtime, sizeof(*actor) + size);
	if (size > STATE_NEAR)
		actor->state = NULL; /* nobody frees it */
	actor->marks |= ACTOR_LOST;
}

/* Whose fault it is: its stack says where it still waits. */
static void warn(struct runtime *runtime, const struct task *task, bool has_place)
{
	char place[LOG_PLACE] = "", text[LOG_PLACE + 200];

	if (has_place && runtime->ops->print_place)
		runtime->ops->print_place(runtime->context, slots_id(task), place,
					  sizeof(place));
	snprintf(text, sizeof(text), "task %.100s did not end within TaskGrace=: abandoned%s%s",
		 task->entry->name, place[0] ? ", in " : "", place);
	unit_log(runtime, task_actor(runtime, task)->unit, LOG_WARNING_LEVEL, text);
}

/* Its stack and its record stay as they are, whoever may still point there. */
static void abandon(struct runtime *runtime, struct task *task)
{
	flow_drop(&task->stack->flow);
	add_lost(runtime, sizeof(*task) + stacks_size(task->stack));
	stacks_abandon(&runtime->stacks, task->stack);
	task->stack = NULL;
	task->is_abandoned = true;
}

/* All that a task holds, where none of the actor's tasks goes on. */
static void drop_task(struct runtime *runtime, struct task *task, bool has_place)
{
	task_stop_waiting(runtime, task);
	scope_drop_all(runtime, task);
	if (task->state == TASK_NEW)
		stacks_withdraw(&runtime->stacks, task->stack_size);
	if (task->stack) {
		if (task->duty)
			task->duty->on_abandon(runtime, task);
		warn(runtime, task, has_place);
		abandon(runtime, task);
	}
	wait_leave(runtime, &task->room);
	kept_message_drop_chain(runtime, &task->answers);
	slots_close(&task->slot);
	if (!(task->mail.flags & MAIL_QUEUED))
		task_give(runtime, task);
}

void tasks_drop(struct runtime *runtime, struct actor *actor)
{
	struct tasked *tasked = tasked_find(runtime, actor);
	uint32_t n_abandoned = runtime->stacks.n_abandoned;

	/* One may wait for another's end: so first they all leave what they wait in. */
	chain_foreach (at, tasked->tasks)
		task_stop_waiting(runtime, container_of(at, struct task, of_actor));
	while (tasked->tasks) {
		struct task *task = container_of(tasked->tasks, struct task, of_actor);

		chain_remove(&tasked->tasks, &task->of_actor);
		drop_task(runtime, task,
			  runtime->stacks.n_abandoned - n_abandoned < LOG_PLACES);
	}
	if (runtime->stacks.n_abandoned > n_abandoned)
		set_actor_aside(runtime, actor);
	wheel_remove(&runtime->wheel, &tasked->grace);
	rest_empty(actor, &tasked->rest);
	actor->marks &= ~ACTOR_TASKS;
	if (--runtime->n_tasked == 0 && runtime->parked)
		task_drop_parked(runtime);
}
