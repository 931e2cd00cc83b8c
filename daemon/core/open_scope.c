#include "core/open_scope.h"

#include "core/slice.h"
#include "core/tasked.h"

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

static void give(struct runtime *runtime, struct open_scope *open)
{
	wheel_remove(&runtime->wheel, &open->deadline);
	slots_give(&runtime->scopes, open);
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
	give(runtime, open);
	return result;
}

void scope_drop_all(struct runtime *runtime, struct task *task)
{
	while (task->scope != &task->root) {
		struct open_scope *open = scope_open_of(task->scope);

		task->scope = open->scope.outer;
		give(runtime, open);
	}
}

struct open_scope *scope_find(const struct runtime *runtime, const struct actor *actor,
			      struct troupe_scope handle)
{
	struct open_scope *open = slots_find_id(&runtime->scopes, handle.id);

	return open && open->scope.owner->actor == actor_slot(runtime, actor) ? open : NULL;
}
