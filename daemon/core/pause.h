/* pause.h - how a task that runs comes to wait: the part of each TROUPE_AWAIT that is not its
 * own.
 *
 * A wait is refused where its scope is cut; one that is over at once costs no switch, but only
 * so many of them in a row: whoever finds all ready, or goes on although all is refused, must
 * let the others run. One runtime, one thread; on the stack of the task.
 */
#ifndef CORE_PAUSE_H
#define CORE_PAUSE_H

#include "base/thread.h"
#include "core/mailbox.h"
#include "core/slice.h"
#include "core/task.h"

/* Why nobody waits by that `self`: -EDEADLK: it is no task's; -EINVAL: another task's, or here
 * is another thread. */
int pause_refuse_self(struct troupe_self *self);

/* The function that has begun the task's innermost scope has returned without ending it: the
 * process dies. */
_Noreturn void pause_die_astray(struct task *task);

/* Whose wait it is; errors of pause_refuse_self(). Inline: in the function that the plug-in has
 * called, whose frame is below all of its own. */
__attribute__((always_inline)) static inline int pause_begin(struct troupe_self *self,
							     struct task **ret_task)
{
	struct task *task = self->task;

	*ret_task = task;
	if (unlikely(!task || self->runtime->running != task ||
		     self->runtime->thread != thread_here()))
		return pause_refuse_self(self);
	if (unlikely(task->scope->frame) && __builtin_frame_address(0) >= task->scope->frame)
		pause_die_astray(task);
	return 0;
}

/* Back to whoever let it run. */
static inline int pause_leave(struct task *task)
{
	if (unlikely(task->is_fresh))
		task->duty->on_wait(task);
	flow_leave(&task->stack->flow);
	return task->result;
}

/* Until all that lies in the mailbox now has been handled. */
static inline void pause_rest(struct task *task)
{
	struct runtime *runtime = task->self.runtime;

	task->ready = 0;
	task->result = 0;
	task->state = TASK_WOKEN;
	mailbox_notify(runtime, task->self.actor, &task->mail, MAIL_RESUME);
	(void)pause_leave(task);
}

/* What it waits for has been there already. */
static inline int pause_ready(struct task *task, int result)
{
	if (unlikely(++task->ready >= LIMIT_TASK_READY))
		pause_rest(task);
	return result;
}

/* Until task_wake(): the result. is_fixed: it is not cut short. What it waits for, in a word
 * for people, is in task->waits_for until then. */
static inline int pause_wait(struct task *task, bool is_fixed)
{
	task->ready = 0;
	if (!self_is_away(&task->self)) /* else since it was lent */
		task->since_ns = slice_now_ns(task->self.runtime);
	task->state = is_fixed ? TASK_FIXED : TASK_WAITING;
	if (likely(pause_leave(task) >= 0))
		task->refused = 0;
	if (unlikely(task->is_cut)) {
		task->is_cut = false;
		scope_tell(task->scope);
	}
	return task->result;
}

/* The same, in a chain where whoever wakes it finds it by of_wait. */
static inline int pause_wait_in(struct task *task, struct list **chain)
{
	chain_append(chain, &task->of_wait);
	task->waits_in = chain;
	return pause_wait(task, false);
}

/* Until task_wake(), with something that a cut has to undo. */
static inline int pause_wait_for(struct task *task, struct task_undo *undo)
{
	task->undo = undo;
	return pause_wait(task, true);
}

/* Whether its scope is cut; then pause_refuse() is what it returns. */
static inline bool pause_is_cut(const struct task *task)
{
	return unlikely(task->scope->cut != 0);
}
int pause_refuse(struct task *task);

/* Both: whose wait it is, unless its scope is cut. Inline like pause_begin(). */
__attribute__((always_inline)) static inline int pause_enter(struct troupe_self *self,
							     struct task **ret_task)
{
	int rc = pause_begin(self, ret_task);

	return unlikely(rc == 0 && pause_is_cut(*ret_task)) ? pause_refuse(*ret_task) : rc;
}

/* Around a wait while which another thread may have this task's `self`: the SDK refuses it. Not
 * of a fresh one, whose first wait needs it. */
void pause_lend(struct task *task);
void pause_take_back(struct task *task, struct runtime *runtime);

/* On the stack of the loop, from a task; or here, when it is none. */
void pause_outside(struct troupe_self *self, void (*errand)(void *arg), void *arg);

#endif
