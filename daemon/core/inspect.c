#include "core/inspect.h"

#include "core/belonging.h"
#include "core/call.h"
#include "core/cold.h"
#include "core/kept.h"
#include "core/kept_message.h"
#include "core/slice.h"
#include "core/task.h"
#include "core/timer.h"
#include <errno.h>
#include <string.h>

#define VISIT_ROOM ((size_t)8 << 10) /* a backtrace takes half of it */

/* ------------------------------------------------------------------ tasks */

static enum inspect_state state_of(const struct task *task)
{
	switch (task->state) {
	case TASK_NEW:
		return INSPECT_NEW;
	case TASK_WAITING:
	case TASK_FIXED:
		return INSPECT_WAITING;
	case TASK_ENDED:
		return INSPECT_ENDED;
	default:
		return INSPECT_READY;
	}
}

static void fill(const struct task *task, uint64_t now_ns, struct inspect_task *ret_task)
{
	enum inspect_state state = state_of(task);

	*ret_task = (struct inspect_task){
		.id = slots_id(task),
		.state = state,
		.name = task->entry->name,
		.waits_for = state == INSPECT_WAITING ? task->waits_for : NULL,
		.is_cut = task->scope->cut != 0,
	};
	if (state == INSPECT_WAITING && task->undo && task->undo->progress) {
		const struct task_progress *progress = task->undo->progress;

		ret_task->done = atomic_load_explicit(&progress->done, memory_order_relaxed);
		ret_task->all = atomic_load_explicit(&progress->all, memory_order_relaxed);
	}
	if ((state == INSPECT_NEW || state == INSPECT_WAITING) && now_ns > task->since_ns)
		ret_task->for_ns = now_ns - task->since_ns;
}

int inspect_next_task(struct runtime *runtime, struct troupe_address address, uint32_t *at,
		      uint32_t *steps, struct inspect_task *ret_task)
{
	const struct actor *actor = actor_find(runtime, address);

	if (!actor)
		return -ESRCH;
	if (!tasked_find(runtime, actor))
		return 0;
	while (*at < runtime->tasks.used) {
		const struct task *task;

		if (*steps == 0)
			return -EAGAIN;
		--*steps;
		task = task_at(runtime, (*at)++);
		if (slots_is_closed(&task->slot) || task == runtime->parked ||
		    task_actor(runtime, task) != actor)
			continue;
		fill(task, loop_clock_ns(runtime->loop), ret_task);
		return 1;
	}
	return 0;
}

bool inspect_visit(struct runtime *runtime, uint64_t id, void (*visit)(void *arg), void *arg)
{
	struct task *task = slots_find_id(&runtime->tasks, id);
	const unsigned char *depth;

	if (!task || !task->stack || task->state == TASK_RUNNING || task->state == TASK_ENDED)
		return false;
	depth = flow_depth(&task->stack->flow);
	if (depth < task->stack->low + VISIT_ROOM)
		return false;
	flow_visit(&task->stack->flow, visit, arg);
	stacks_visited(task->stack);
	return true;
}

/* ------------------------------------------------------------------ what actors have */

struct owned_list {
	struct inspect_owned *items;
	size_t n;
};

static void add(struct owned_list *list, const char *kind, uint32_t count, uint64_t bytes)
{
	struct inspect_owned *item = list->items;

	if (count == 0)
		return;
	for (; item < list->items + list->n; item++)
		if (strcmp(item->kind, kind) == 0)
			break;
	if (item == list->items + INSPECT_OWNED_MAX)
		return;
	if (item == list->items + list->n)
		list->items[list->n++] = (struct inspect_owned){.kind = kind};
	item->count += count;
	item->bytes += bytes;
}

static uint32_t count(struct list *chain)
{
	uint32_t n = 0;

	chain_foreach (at, chain)
		n++;
	return n;
}

static uint32_t count_timers(const struct runtime *runtime, const struct actor *actor)
{
	uint32_t first = actor->timers, n = 0;

	for (uint32_t at = first; at && (n == 0 || at != first); n++)
		at = ((const struct timer *)slots_at(&runtime->timers, at - 1))->next + 1;
	return n;
}

static void add_belongings(struct owned_list *list, struct list *belongings)
{
	chain_foreach (at, belongings) {
		struct belonging *belonging = container_of(at, struct belonging, of_actor);

		add(list, belonging->kind->name, 1,
		    belonging->kind->count_bytes ? belonging->kind->count_bytes(belonging) : 0);
	}
}

size_t inspect_owned(struct runtime *runtime, struct troupe_address address,
		     struct inspect_owned owned[static INSPECT_OWNED_MAX])
{
	const struct actor *actor = actor_find(runtime, address);
	const struct actor_cold *cold = actor ? cold_find(runtime, actor) : NULL;
	const struct tasked *tasked = actor ? tasked_find(runtime, actor) : NULL;
	struct owned_list list = {owned, 0};

	if (!actor)
		return 0;
	if (tasked) {
		add(&list, "task", tasked->live, 0);
		add(&list, "unjoined task", tasked->count - tasked->live, 0);
	}
	add(&list, "timer", count_timers(runtime, actor), 0);
	if (!cold)
		return list.n;
	add(&list, "call", count(cold->calls), 0);
	add(&list, "kept call", count(cold->kept), 0);
	add(&list, "kept message", cold->keeping.queued, (uint64_t)cold->keeping.charged * 16);
	add(&list, "watch", count(cold->watches), 0);
	add(&list, "inlet", count(cold->inlets), 0);
	add_belongings(&list, cold->belongings);
	return list.n;
}

_Static_assert(PAGE_GUARD_MADVISE == STACKS_MADVISE + 1 &&
		       PAGE_GUARD_CANARY == STACKS_CANARY + 1,
	       "the page's numbers are those of the grades, 0 apart");

uint32_t inspect_guard(const struct runtime *runtime)
{
	const struct stacks *stacks = &runtime->stacks;
	enum stacks_guard weakest = stacks->best;

	for (const struct stack_run *run = stacks->runs; run; run = run->next)
		if (run->guard > weakest)
			weakest = run->guard;
	return stacks->runs || weakest != STACKS_MADVISE ? weakest + 1 : PAGE_GUARD_UNKNOWN;
}

uint32_t inspect_abandoned(const struct runtime *runtime)
{
	return runtime->stacks.n_abandoned;
}
