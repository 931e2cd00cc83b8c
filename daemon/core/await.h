/* await.h - the bodies of <troupe/task.h>, and what of them the host needs itself. One runtime,
 * one thread.
 */
#ifndef CORE_AWAIT_H
#define CORE_AWAIT_H

#include "core/task.h"

/* As troupe_start(), for a task that is to start `places` others: they are kept for the first
 * that it starts, until it ends, whoever else wants some. -EAGAIN: there are not that many. */
int await_start(struct troupe_self *self, struct troupe_scope scope,
		const struct troupe_task_entry *entry, void *arg, void *shared, uint32_t places,
		struct task **ret_task);

/* The running task's function has returned: what scopes it has left open are cancelled and
 * ended. On its stack. */
void await_end_scopes_slow(struct task *task);
static inline void await_end_scopes(struct task *task)
{
	if (unlikely(task->scope != &task->root))
		await_end_scopes_slow(task);
}

/* This machine has none (runtime->no_tasks): -EOPNOTSUPP. The log says it once. */
int await_refuse_tasks(struct troupe_self *self);

/* Whether a plug-in's entry is what it should be; it may be NULL. */
bool await_is_sound(const struct troupe_task_entry *entry);

#endif
