#include "core/task.h"

#include "core/cold.h"
#include "core/kept_message.h"
#include "core/mailbox.h"
#include "core/page.h"
#include "core/share.h"
#include "core/slice.h"
#include <errno.h>
#include <stdio.h>

#define LOG_WARNING_LEVEL 4

COLD static struct tasked *make_tasked(struct runtime *runtime, struct actor *actor)
{
	struct tasked *tasked = runtime->taskeds + actor_slot(runtime, actor);

	*tasked = (struct tasked){0};
	(void)cold_get(runtime, actor); /* its end looks no further where there is none */
	actor->marks |= ACTOR_TASKS;
	runtime->n_tasked++;
	return tasked;
}

struct tasked *tasked_get(struct runtime *runtime, struct actor *actor)
{
	struct tasked *tasked = tasked_find(runtime, actor);

	return likely(tasked != NULL) ? tasked : make_tasked(runtime, actor);
}

/* ------------------------------------------------------------------ lives */

/* The flow of a parked one ends. */
COLD static void unpark(struct task *task)
{
	bool goes_on;

	task->is_fresh = false;
	goes_on = flow_enter(&task->stack->flow);
	check(!goes_on);
	task->is_parked = false;
}

/* The record and the stack of the parked one are free. */
COLD static void drop_parked(struct runtime *runtime)
{
	struct task *task = runtime->parked;

	runtime->parked = NULL;
	unpark(task);
	flow_drop(&task->stack->flow);
	stacks_give(&runtime->stacks, task->stack);
	slots_give(&runtime->tasks, task);
}

/* No record is free: the one that nobody has may go. */
COLD static struct task *take_parked(struct runtime *runtime, const struct definition *unit)
{
	if (!runtime->parked)
		return NULL;
	drop_parked(runtime);
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

static uint32_t stack_size_of(const struct actor *actor, const struct troupe_task_entry *entry)
{
	return entry->stack ? (uint32_t)entry->stack : actor->unit->task_stack;
}

/* From now on it is that actor's, and one of those in that scope. */
static inline void place(struct task *task, struct tasked *tasked, struct scope *scope,
			 const struct troupe_task_entry *entry, void *arg)
{
	struct runtime *runtime = task->self.runtime;

	task->actor = (uint32_t)(tasked - runtime->taskeds);
	task->deadline_ns = UINT64_MAX;
	task->entry = entry;
	task->arg = arg;
	task->since_ns = slice_now_ns(runtime);
	task->root.outer = scope;
	task->root.depth = scope->depth + 1;
	task->root.cut = scope->cut;
	chain_append(&tasked->tasks, &task->of_actor);
	chain_append(&scope->tasks, &task->of_scope);
	scope->live++;
	tasked->live++;
	tasked->count++;
}

/* One that is to run at once. */
static struct task *make(struct runtime *runtime, struct actor *actor, struct scope *scope,
			 const struct troupe_task_entry *entry, void *arg, void *shared)
{
	struct task *task = take_task(runtime, actor, stack_size_of(actor, entry));

	if (!task)
		return NULL;
	task->self.actor = actor;
	task->shared = shared;
	task->is_alone = scope->owner && scope->owner->is_alone;
	place(task, tasked_get(runtime, actor), scope, entry, arg);
	return task;
}

struct task *task_new(struct runtime *runtime, struct actor *actor, struct scope *scope,
		      const struct troupe_task_entry *entry, void *arg, void *shared)
{
	struct task *task = make(runtime, actor, scope, entry, arg, shared);

	if (task)
		mailbox_notify(runtime, actor, &task->mail, MAIL_RESUME);
	return task;
}

static void give_task(struct runtime *runtime, struct task *task)
{
	share_give(&runtime->tasks, task, task_actor(runtime, task)->unit, SHARE_TASKS);
	if (likely(!task->is_abandoned)) /* else a thread may have its `self` */
		slots_give(&runtime->tasks, task);
}

bool task_take_notice(struct runtime *runtime, struct task *task)
{
	task->mail.flags &= (uint8_t)~MAIL_QUEUED;
	if (likely(!slots_is_closed(&task->slot)))
		return task->state != TASK_ENDED;
	give_task(runtime, task);
	return false;
}

COLD void task_rest_look_slow(struct runtime *runtime, struct actor *actor)
{
	const struct tasked *tasked = tasked_find(runtime, actor);

	if (!tasked->rest.alone && tasked->live < actor->unit->tasks)
		rest_end(runtime, actor);
}

void task_forget(struct runtime *runtime, struct task *task)
{
	struct tasked *tasked = tasked_find(runtime, task_actor(runtime, task));

	chain_remove(&tasked->tasks, &task->of_actor);
	chain_remove(&task->root.outer->tasks, &task->of_scope);
	tasked->count--;
	slots_close(&task->slot);
	if (!(task->mail.flags & MAIL_QUEUED))
		give_task(runtime, task);
}

/* ------------------------------------------------------------------ handlers */

struct task *task_make_handler(struct runtime *runtime, struct actor *actor,
			       struct tasked *tasked, const struct troupe_task_entry *entry,
			       void *arg)
{
	struct task *task = runtime->parked;

	if (unlikely(!task || task->stack_size != stack_size_of(actor, entry))) {
		task = make(runtime, actor, &tasked->scope, entry, arg, NULL);
		if (!task)
			return NULL;
		task->is_fresh = true;
		return task;
	}
	runtime->parked = NULL;
	task->self.actor = actor;
	place(task, tasked, &tasked->scope, entry, arg);
	return task;
}

/* Whether what it leaves is as in a new record, but for what each one sets. One that counts for
 * its unit is not for others. */
static bool is_clean(const struct runtime *runtime, const struct task *task)
{
	return task->is_parked && !task->is_named && !task->answers && !task->root.told &&
	       !task->root.error && !share_is_scarce(&runtime->tasks, task);
}

void task_end_handler(struct actor *actor, struct tasked *tasked, struct task *task)
{
	struct runtime *runtime = task->self.runtime;

	if (unlikely(!is_clean(runtime, task) || runtime->parked)) {
		(void)task_end(runtime, task, 0);
		return;
	}
	check(task->scope == &task->root && task->root.live == 0);
	chain_remove(&tasked->tasks, &task->of_actor);
	chain_remove(&tasked->scope.tasks, &task->of_scope);
	tasked->scope.live--;
	tasked->live--;
	tasked->count--;
	task_rest_look(runtime, actor);
	task->item = NULL;
	task->refused = task->ready = 0;
	task->is_cut = false;
	runtime->parked = task;
}

/* It waits for nothing any more. */
static void stop_waiting(struct runtime *runtime, struct task *task)
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
	stop_waiting(runtime, task);
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
			unpark(task);
		flow_drop(&task->stack->flow);
		stacks_give(&runtime->stacks, task->stack);
		task->stack = NULL;
	}
	kept_message_drop_chain(runtime, &task->answers);
	task->state = TASK_ENDED;
	task->result = result;
	scope->live--;
	tasked->live--;
	task_rest_look(runtime, task_actor(runtime, task));
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

struct task *task_find(const struct runtime *runtime, const struct actor *actor,
		       struct troupe_task handle)
{
	struct task *task = slots_find_id(&runtime->tasks, handle.id);

	/* nobody has the id of one that is not named */
	return task && task->is_named && task->actor == actor_slot(runtime, actor) ? task
										   : NULL;
}

/* ------------------------------------------------------------------ scopes */

static bool is_exposed(const struct runtime *runtime, const struct task *task)
{
	return tasked_find(runtime, task_actor(runtime, task))->is_exposed;
}

struct open_scope *scope_open(struct runtime *runtime, struct task *task, uint64_t timeout_ns,
			      bool is_shield)
{
	struct open_scope *open = slots_take(&runtime->scopes);
	struct scope *outer = task->scope;

	if (!open)
		return NULL;
	open->scope = (struct scope){
		.outer = outer,
		.owner = task,
		.depth = outer->depth + 1,
		.cut = is_shield && !is_exposed(runtime, task) ? 0 : outer->cut,
		.is_shield = is_shield,
	};
	outer->inner = task->scope = &open->scope;
	if (timeout_ns)
		wheel_add(&runtime->wheel, wheel_name(RUNTIME_SCOPE_NODE, open->slot.index),
			  slice_later_ns(runtime, timeout_ns));
	return open;
}

int scope_close(struct runtime *runtime, struct open_scope *open)
{
	struct scope *scope = &open->scope, *outer = scope->outer;
	int result = scope->winner  ? (int)scope->winner - 1
		     : scope->error ? scope->error
				    : scope->told;

	check(!scope->inner && scope->live == 0);
	while (scope->tasks)
		task_forget(runtime, container_of(scope->tasks, struct task, of_scope));
	scope->owner->scope = outer;
	outer->inner = NULL;
	wheel_remove(&runtime->wheel, &open->deadline);
	slots_give(&runtime->scopes, open);
	return result;
}

void scope_tell(struct scope *scope)
{
	for (; scope && scope->cut; scope = scope->outer) {
		if (!scope->told)
			scope->told = scope->cut;
		if (scope->is_shield)
			break;
	}
}

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

struct open_scope *scope_find(const struct runtime *runtime, const struct actor *actor,
			      struct troupe_scope handle)
{
	struct open_scope *open = slots_find_id(&runtime->scopes, handle.id);

	return open && open->scope.owner->actor == actor_slot(runtime, actor) ? open : NULL;
}

/* ------------------------------------------------------------------ the actor's end */

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

/* Its stack and its record stay as they are, whoever may still point there. */
static void abandon(struct runtime *runtime, struct task *task)
{
	const struct definition *unit = task_actor(runtime, task)->unit;
	char text[256];

	snprintf(text, sizeof(text), "task %.100s did not end within TaskGrace=: abandoned",
		 task->entry->name);
	unit_log(runtime, unit, LOG_WARNING_LEVEL, text);
	flow_drop(&task->stack->flow);
	add_lost(runtime, sizeof(*task) + stacks_size(task->stack));
	stacks_abandon(&runtime->stacks, task->stack);
	task->stack = NULL;
	task->is_abandoned = true;
}

/* All that a task holds, where none of the actor's tasks goes on. */
static void drop_task(struct runtime *runtime, struct task *task)
{
	stop_waiting(runtime, task);
	while (task->scope != &task->root) {
		struct open_scope *open = scope_open_of(task->scope);

		task->scope = open->scope.outer;
		wheel_remove(&runtime->wheel, &open->deadline);
		slots_give(&runtime->scopes, open);
	}
	if (task->state == TASK_NEW)
		stacks_withdraw(&runtime->stacks, task->stack_size);
	if (task->stack) {
		if (task->duty)
			task->duty->on_abandon(runtime, task);
		abandon(runtime, task);
	}
	wait_leave(runtime, &task->room);
	kept_message_drop_chain(runtime, &task->answers);
	slots_close(&task->slot);
	if (!(task->mail.flags & MAIL_QUEUED))
		give_task(runtime, task);
}

void tasks_drop(struct runtime *runtime, struct actor *actor)
{
	struct tasked *tasked = tasked_find(runtime, actor);
	uint32_t n_abandoned = runtime->stacks.n_abandoned;

	/* One may wait for another's end: so first they all leave what they wait in. */
	chain_foreach (at, tasked->tasks)
		stop_waiting(runtime, container_of(at, struct task, of_actor));
	while (tasked->tasks) {
		struct task *task = container_of(tasked->tasks, struct task, of_actor);

		chain_remove(&tasked->tasks, &task->of_actor);
		drop_task(runtime, task);
	}
	if (runtime->stacks.n_abandoned > n_abandoned)
		set_actor_aside(runtime, actor);
	wheel_remove(&runtime->wheel, &tasked->grace);
	rest_empty(actor, &tasked->rest);
	actor->marks &= ~ACTOR_TASKS;
	if (--runtime->n_tasked == 0 && runtime->parked)
		drop_parked(runtime);
}
