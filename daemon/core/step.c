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

static void give_stack(struct runtime *runtime, struct task *task)
{
	task->stack = stacks_take(&runtime->stacks, task->stack_size, task);
	flow_make(&task->stack->flow, task->stack->low, stacks_size(task->stack), run_task,
		  task);
}

/* It has written below its stack, where somebody else's memory may have been. */
COLD _Noreturn static void die_of_overflow(struct runtime *runtime, const struct task *task)
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

/* What troupe_exit() asked for holds when the task has left. */
static void take_exit(struct troupe_self *self, struct task *task)
{
	if (likely(!task->self.activation.outcome.exiting))
		return;
	task->self.activation.outcome.exiting = false;
	if (!self->activation.outcome.exiting)
		activation_exit(self, task->self.activation.exit_error);
}

/* Until it waits (true) or has returned. */
static bool enter(struct runtime *runtime, struct task *task)
{
	bool goes_on;

	if (!task->stack)
		give_stack(runtime, task);
	task->state = TASK_RUNNING;
	runtime->running = task;
	stacks_enter(&runtime->stacks, task->stack);
	goes_on = flow_enter(&task->stack->flow) && !task->is_parked;
	runtime->running = NULL;
	if (unlikely(!stacks_is_sound(task->stack)))
		die_of_overflow(runtime, task);
	return goes_on;
}

bool step_begin(struct troupe_self *self, struct task *task)
{
	bool goes_on = enter(self->runtime, task);

	if (goes_on)
		take_exit(self, task);
	return goes_on;
}

static void end(struct troupe_self *self, struct task *task)
{
	const char *name = task->entry->name;
	int result = task->result;

	if (task->duty) {
		task->duty->on_end(task, result);
		result = 0;
	}
	take_exit(self, task);
	if (task_end(self->runtime, task, result)) {
		self->activation.task = name;
		take_result(self, result);
		self->activation.task = NULL;
	}
	look_for_end(self);
}

static void advance(struct troupe_self *self, struct task *task)
{
	if (enter(self->runtime, task))
		take_exit(self, task);
	else
		end(self, task);
}

/* What the status page says of a step: the message that began the task, if one did. */
static void say_doing(struct runtime *runtime, const struct task *task)
{
	page_doing(runtime, task->duty ? task->self.activation.handler->hash : PAGE_DOING_TASK);
}

void step_run(struct troupe_self *self, struct task *task)
{
	struct runtime *runtime = self->runtime;

	say_doing(runtime, task);
	if (!task_take_notice(runtime, task))
		look_for_end(self);
	else
		advance(self, task);
}

void step_resume(struct troupe_self *self, struct task *task, int result)
{
	say_doing(self->runtime, task);
	task_take(self->runtime, task, result);
	advance(self, task);
}
