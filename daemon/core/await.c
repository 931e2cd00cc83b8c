#include "core/await.h"

#include "core/open_scope.h"
#include "core/pause.h"
#include "core/slice.h"
#include "core/task_end.h"
#include "core/tasked.h"
#include <errno.h>
#include <stdio.h>

/* Those of a debug build are for plug-ins. */
#undef troupe_scope_begin
#undef troupe_scope_shield

#define LOG_ERROR_LEVEL   3
#define LOG_WARNING_LEVEL 4

/* ------------------------------------------------------------------ scopes */

static int begin_scope(struct troupe_self *self, uint64_t timeout_ns, bool is_shield,
		       struct troupe_scope *ret_scope)
{
	struct open_scope *open;
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	if (task->scope->depth >= LIMIT_TASK_DEPTH)
		return -EAGAIN;
	open = scope_open(self->runtime, task, timeout_ns, is_shield);
	if (!open)
		return -ENOMEM;
	ret_scope->id = slots_id(open);
	return 0;
}

int troupe_scope_begin(struct troupe_self *self, uint64_t timeout_ns,
		       struct troupe_scope *ret_scope)
{
	return begin_scope(self, timeout_ns, false, ret_scope);
}

int troupe_scope_shield(struct troupe_self *self, uint64_t grace_ns,
			struct troupe_scope *ret_scope)
{
	if (grace_ns == 0 || grace_ns > TROUPE_SHIELD_MAX_NS)
		return -EINVAL;
	return begin_scope(self, grace_ns, true, ret_scope);
}

void troupe_scope_cancel(struct troupe_self *self, struct troupe_scope handle)
{
	struct runtime *runtime = self->runtime;
	struct tasked *tasked;
	struct open_scope *open;

	if (self_is_away(self))
		return;
	task_list_self(self);
	tasked = tasked_find(runtime, self->actor);
	open = scope_find(runtime, self->actor, handle);
	if (open)
		scope_cut(runtime, &open->scope, -ECANCELED, false);
	else if (handle.id == 0 && tasked)
		chain_foreach (at, tasked->scope.tasks)
			scope_cut(runtime, &container_of(at, struct task, of_scope)->root,
				  -ECANCELED, false);
}

void troupe_scope_mark(struct troupe_self *self, struct troupe_scope handle, const void *frame,
		       const char *function)
{
	struct open_scope *open = scope_find(self->runtime, self->actor, handle);

	if (!open)
		return;
	open->scope.frame = frame;
	open->scope.function = function;
}

/* The task's innermost scope ends when all in it have. */
static int end_innermost(struct task *task)
{
	struct scope *scope = task->scope;

	if (scope->live > 0) {
		scope->is_ending = true;
		task->waits_for = "scope end";
		(void)pause_wait(task, true);
	}
	return scope_close(task->self.runtime, scope_open_of(scope));
}

/* What has failed in it is the outer one's failure, too. */
static void cancel_innermost(struct task *task)
{
	struct scope *outer = task->scope->outer;
	int rc;

	scope_cut(task->self.runtime, task->scope, -ECANCELED, false);
	rc = end_innermost(task);
	if (rc < 0 && rc != -ECANCELED && rc != -ETIMEDOUT && !outer->error)
		outer->error = rc;
}

int troupe_scope_end(struct troupe_self *self, struct troupe_scope handle)
{
	struct open_scope *open = scope_find(self->runtime, self->actor, handle);
	struct task *task = self->task;
	int rc;

	/* This may be the last call of the function that has begun it, in whose frame's place
	 * the compiler has put this one's. */
	if (open && open->scope.owner == task && task->scope == &open->scope)
		open->scope.frame = NULL;
	rc = pause_begin(self, &task);
	if (rc < 0)
		return rc;
	if (!open || open->scope.owner != task)
		return -EINVAL;
	while (task->scope != &open->scope)
		cancel_innermost(task);
	if (open->scope.live == 0)
		return pause_ready(task, end_innermost(task));
	return end_innermost(task);
}

struct troupe_scope_guard troupe_scope_enter(struct troupe_self *self, uint64_t timeout_ns,
					     struct troupe_scope *scope)
{
	(void)begin_scope(self, timeout_ns, false, scope);
	return (struct troupe_scope_guard){self, scope};
}

void troupe_scope_leave(struct troupe_scope_guard *guard)
{
	struct troupe_self *self = guard->self;
	struct open_scope *open = scope_find(self->runtime, self->actor, *guard->scope);

	if (!open)
		return;
	troupe_scope_cancel(self, *guard->scope);
	(void)troupe_scope_end(self, *guard->scope);
}

void await_end_scopes_slow(struct task *task)
{
	while (task->scope != &task->root) {
		if (unlikely(task->scope->frame && task->scope->live > 0))
			pause_die_astray(task);
		cancel_innermost(task);
	}
}

/* ------------------------------------------------------------------ tasks */

/* NULL: it has ended, is another actor's, or is on its way out. */
static struct scope *scope_of(const struct troupe_self *self, struct troupe_scope handle)
{
	struct open_scope *open;

	if (handle.id == 0)
		return &tasked_get(self->runtime, self->actor)->scope;
	open = scope_find(self->runtime, self->actor, handle);
	return open ? &open->scope : NULL;
}

/* Why this machine has no tasks: said once. */
COLD int await_refuse_tasks(struct troupe_self *self)
{
	struct runtime *runtime = self->runtime;
	char text[128];

	snprintf(text, sizeof(text), "no tasks here: %s", runtime->no_tasks);
	if (!runtime->said_no_tasks)
		unit_log(runtime, self->actor->unit, LOG_ERROR_LEVEL, text);
	runtime->said_no_tasks = true;
	return -EOPNOTSUPP;
}

bool await_is_sound(const struct troupe_task_entry *entry)
{
	return entry && entry->table_size >= sizeof(*entry) && !entry->reserved && entry->run &&
	       entry->name && entry->stack <= LIMIT_TASK_STACK_MAX;
}

/* Tasks= are there. Those that have ended count until somebody has asked for their results: an
 * actor in which nobody does has made a mistake, and is told once. */
COLD static int refuse_more(const struct troupe_self *self, struct tasked *tasked)
{
	const struct definition *unit = self->actor->unit;
	char text[160];

	if (tasked->live == tasked->count || tasked->said_unjoined)
		return -EAGAIN;
	tasked->said_unjoined = true;
	snprintf(text, sizeof(text),
		 "Tasks=%u is reached: %u of them have ended, but were started with a handle, "
		 "and nobody has joined them",
		 unit->tasks, tasked->count - tasked->live);
	unit_log(self->runtime, unit, LOG_WARNING_LEVEL, text);
	return -EAGAIN;
}

/* Whether there is room for one more and what it is to start; or a place is kept for it. */
static bool has_place(const struct troupe_self *self, const struct tasked *tasked,
		      uint32_t places)
{
	const uint64_t taken = (uint64_t)tasked->count + tasked->places;

	return likely(taken + places < self->actor->unit->tasks) ||
	       (self->task && self->task->places && !places);
}

/* One of those that are kept for who starts it is taken. */
static void take_place(const struct troupe_self *self, struct tasked *tasked)
{
	if (likely(!self->task || !self->task->places))
		return;
	self->task->places--;
	tasked->places--;
}

int await_start(struct troupe_self *self, struct troupe_scope handle,
		const struct troupe_task_entry *entry, void *arg, void *shared, uint32_t places,
		struct task **ret_task)
{
	struct runtime *runtime = self->runtime;
	struct tasked *tasked;
	struct scope *scope;
	struct task *task;

	if (!await_is_sound(entry) || (!self->task && !self_can_receive(self)) ||
	    self_is_away(self))
		return -EINVAL;
	if (unlikely(runtime->no_tasks))
		return await_refuse_tasks(self);
	scope = scope_of(self, handle);
	if (!scope)
		return -EINVAL;
	if (scope->cut) {
		scope_tell(scope);
		return scope->cut;
	}
	if (scope->depth >= LIMIT_TASK_DEPTH)
		return -EAGAIN;
	tasked = tasked_get(runtime, self->actor);
	task_list_self(self);
	if (unlikely(!has_place(self, tasked, places)))
		return refuse_more(self, tasked);
	task = task_new(runtime, self->actor, scope, entry, arg, shared);
	if (!task)
		return -ENOMEM;
	take_place(self, tasked);
	task->places = places;
	tasked->places += places;
	*ret_task = task;
	return 0;
}

int troupe_start(struct troupe_self *self, struct troupe_scope scope,
		 const struct troupe_task_entry *entry, void *arg, void *shared,
		 struct troupe_task *ret_task)
{
	struct task *task;
	int rc = await_start(self, scope, entry, arg, shared, 0, &task);

	if (rc < 0 || !ret_task)
		return rc;
	task->is_named = true;
	ret_task->id = slots_id(task);
	return 0;
}

int troupe_task_cancel(struct troupe_self *self, struct troupe_task handle)
{
	struct task *task = task_find(self->runtime, self->actor, handle);

	if (!task || task->state == TASK_ENDED)
		return -ESRCH;
	scope_cut(self->runtime, &task->root, -ECANCELED, false);
	return 0;
}

/* Whether `task` waits for `me`: by joins, or by ending a scope that I am in. */
static bool waits_for(const struct task *task, const struct task *me)
{
	for (; task; task = task->joins) {
		if (task == me)
			return true;
		for (const struct scope *at = &me->root; at; at = at->outer)
			if (at->owner == task && at->is_ending)
				return true;
	}
	return false;
}

int troupe_join(struct troupe_self *self, struct troupe_task handle, int *ret_result)
{
	struct task *task, *other;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	other = task_find(self->runtime, self->actor, handle);
	if (!other)
		return -ESRCH;
	if (other->state == TASK_ENDED) {
		if (ret_result)
			*ret_result = other->result;
		task_forget(self->runtime, other);
		return pause_ready(task, 0);
	}
	if (waits_for(other, task))
		return -EDEADLK;
	if (pause_is_cut(task))
		return pause_refuse(task);
	task->joins = other;
	task->item = ret_result;
	task->waits_for = "join";
	return pause_wait_in(task, &other->joiners);
}

int troupe_sleep(struct troupe_self *self, uint64_t ns)
{
	struct runtime *runtime = self->runtime;
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	if (ns == 0) {
		pause_rest(task);
		return 0;
	}
	wheel_add(&runtime->wheel, wheel_name(RUNTIME_TASK_NODE, task->slot.index),
		  slice_later_ns(runtime, ns));
	task->waits_for = "sleep";
	return pause_wait(task, false);
}

/* Not by way of troupe_sleep(): see pause_begin(). */
int troupe_yield(struct troupe_self *self)
{
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc == 0)
		pause_rest(task);
	return rc;
}
