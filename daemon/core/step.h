/* step.h - a task's step: from one wait to the next, as a handler of its actor's turn.
 *
 * Inline as far as it is usual, in the loop over a mailbox: a function that a step returns
 * through costs as much as a message, since the processor guesses wrongly where to (see
 * core/switch.h). One runtime, one thread.
 */
#ifndef CORE_STEP_H
#define CORE_STEP_H

#include "core/task.h"

/* ------------------------------------------------------------------ what is rare */

/* It begins. */
void step_give_stack(struct runtime *runtime, struct task *task);

/* It has written below its stack, where somebody else's memory may have been. */
_Noreturn void step_die_of_overflow(struct runtime *runtime, const struct task *task);

/* It has returned. */
void step_end(struct troupe_self *self, struct task *task);

/* It had ended before its notice came. */
void step_end_late(struct troupe_self *self);

/* ------------------------------------------------------------------ */

/* Until it waits (true) or has returned. */
__attribute__((always_inline)) static inline bool step_enter(struct runtime *runtime,
							     struct task *task)
{
	bool goes_on;

	if (!task->stack)
		step_give_stack(runtime, task);
	task->state = TASK_RUNNING;
	runtime->running = task;
	stacks_enter(&runtime->stacks, task->stack);
	goes_on = flow_enter(&task->stack->flow) && !task->is_parked;
	runtime->running = NULL;
	if (unlikely(!stacks_is_sound(task->stack)))
		step_die_of_overflow(runtime, task);
	return goes_on;
}

/* What troupe_exit() asked for holds when the task has left. */
static inline void step_take_exit(struct troupe_self *self, struct task *task)
{
	if (likely(!task->self.activation.outcome.exiting))
		return;
	task->self.activation.outcome.exiting = false;
	if (!self->activation.outcome.exiting)
		activation_exit(self, task->self.activation.exit_error);
}

__attribute__((always_inline)) static inline void step_advance(struct troupe_self *self,
							       struct task *task)
{
	if (likely(step_enter(self->runtime, task)))
		step_take_exit(self, task);
	else
		step_end(self, task);
}

/* What the status page says of a step: the message that began the task, if one did. */
static inline void step_say_doing(struct runtime *runtime, const struct task *task)
{
	page_doing(runtime, task->duty ? task->self.activation.handler->hash : PAGE_DOING_TASK);
}

/* Its notice has left the mailbox, in a turn: let it run until it waits or returns. */
__attribute__((always_inline)) static inline void step_run(struct troupe_self *self,
							   struct task *task)
{
	activation_begin_notice(self);
	step_say_doing(self->runtime, task);
	if (likely(task_take_notice(self->runtime, task)))
		step_advance(self, task);
	else
		step_end_late(self);
}

/* Likewise one that waits, whose wait is over with this result. */
void step_resume(struct troupe_self *self, struct task *task, int result);

/* One that has never run begins, in a turn. False: it has returned task->result without having
 * waited, and is not ended yet; its self says what else it has done. */
__attribute__((always_inline)) static inline bool step_begin(struct troupe_self *self,
							     struct task *task)
{
	bool goes_on = step_enter(self->runtime, task);

	if (goes_on)
		step_take_exit(self, task);
	return goes_on;
}

#endif
