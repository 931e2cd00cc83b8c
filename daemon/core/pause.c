#include "core/pause.h"

#include "core/mailbox.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_WARNING_LEVEL 4

static void warn(struct task *task, const char *what)
{
	struct runtime *runtime = task->self.runtime;
	const struct definition *unit = task_actor(runtime, task)->unit;
	char text[256];

	snprintf(text, sizeof(text), "task %.100s %s", task->entry->name, what);
	unit_log(runtime, unit, LOG_WARNING_LEVEL, text);
}

COLD int pause_refuse_self(struct troupe_self *self)
{
	if (!self->task)
		return -EDEADLK;
	if (self_is_away(self) || self->runtime->thread != thread_here())
		return -EINVAL;
	warn(self->task, "does not run, but its `self` is waited with");
	return -EINVAL;
}

COLD _Noreturn void pause_die_astray(struct task *task)
{
	task->self.runtime->astray = task;
	abort();
}

int pause_refuse(struct task *task)
{
	const int code = task->scope->cut;

	scope_tell(task->scope);
	if (++task->refused >= LIMIT_TASK_REFUSED) {
		if (task->refused == LIMIT_TASK_REFUSED)
			warn(task, "is cancelled and goes on waiting: it is put behind the "
				   "others from now on");
		pause_rest(task);
	}
	return code;
}

void pause_lend(struct task *task)
{
	check(!task->is_fresh);
	task->since_ns = slice_now_ns(task->self.runtime);
	task->self.is_last = true;
	task->self.runtime = (struct runtime *)(uintptr_t)&runtime_of_nobody;
}

void pause_take_back(struct task *task, struct runtime *runtime)
{
	task->self.runtime = runtime;
	task->self.is_last = false;
}

/* While another stack is at work no task runs: whoever waits there is refused. */
void pause_outside(struct troupe_self *self, void (*errand)(void *arg), void *arg)
{
	struct runtime *runtime = self->runtime;
	struct task *task = self->task;

	if (!task || runtime->running != task) {
		errand(arg);
		return;
	}
	runtime->running = NULL;
	flow_outside(&task->stack->flow, errand, arg);
	runtime->running = task;
}
