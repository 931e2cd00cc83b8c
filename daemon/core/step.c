#include "core/step.h"

#include "core/await.h"
#include "core/handler.h"
#include "core/items.h"
#include "core/page.h"
#include "core/task_end.h"
#include "core/tasked.h"
#include <stdlib.h>

static void run_once(struct task *task)
{
	int result =
		task->entry->run(&task->self, task->self.actor->state, task->arg, task->shared);

	/* who streams to it learns that before anybody learns of its end */
	if (unlikely(task->items))
		items_close_all(task->self.runtime, task);
	await_end_scopes(task);
	task->result = result;
}

/* On the task's stack, from its first step to its last: where that is the same, as often as it
 * is given to another handler. Who has left another arithmetic behind was the last. */
static void run_task(void *arg)
{
	struct task *task = arg;
	const uint64_t arithmetic = flow_arithmetic();

	do {
		task->is_parked = false;
		run_once(task);
		if (!task->is_fresh || unlikely(flow_arithmetic() != arithmetic))
			return;
		task->is_parked = true;
		flow_leave(&task->stack->flow);
	} while (task->is_fresh);
}

void step_give_stack(struct runtime *runtime, struct task *task)
{
	task->stack = stacks_take(&runtime->stacks, task->stack_size, task);
	flow_make(&task->stack->flow, task->stack->low, stacks_size(task->stack), run_task,
		  task);
}

COLD void step_die_of_overflow(struct runtime *runtime, const struct task *task)
{
	runtime->overflown = task;
	abort();
}

/* The actor has ended already as far as others see: its last task is what that waited for. */
static void look_for_end(struct troupe_self *self)
{
	if (unlikely(self->actor->marks & ACTOR_ENDING) &&
	    tasks_count(self->runtime, self->actor) == 0)
		activation_exit(self, 0);
}

void step_end(struct troupe_self *self, struct task *task)
{
	const char *name = task->entry->name;
	int result = task->result;

	if (task->duty) {
		task->duty->on_end(task, result);
		result = 0;
	}
	step_take_exit(self, task);
	if (task_end(self->runtime, task, result)) {
		self->activation.task = name;
		take_result(self, result);
		self->activation.task = NULL;
	}
	look_for_end(self);
}

COLD void step_end_late(struct troupe_self *self)
{
	look_for_end(self);
}

void step_resume(struct troupe_self *self, struct task *task, int result)
{
	step_say_doing(self->runtime, task);
	task_take(self->runtime, task, result);
	step_advance(self, task);
}
