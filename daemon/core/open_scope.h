/* open_scope.h - a scope that a task has begun inside that at hand, and ends itself.
 *
 * The record is the runtime's, from a table of its own, since a handle may outlive it. One
 * runtime, one thread.
 */
#ifndef CORE_OPEN_SCOPE_H
#define CORE_OPEN_SCOPE_H

#include "core/scope.h"
#include "core/task.h"

struct open_scope {
	struct slot slot;
	struct wheel_node deadline;
	struct scope scope;
};

static inline struct open_scope *scope_open_of(struct scope *scope)
{
	return container_of(scope, struct open_scope, scope);
}

/* Begin one inside that at hand. NULL: no record. */
struct open_scope *scope_open(struct runtime *runtime, struct task *task, uint64_t timeout_ns,
			      bool is_shield);

/* The innermost of its owner's, in which no task lives any more, ends. What its end returns. */
int scope_close(struct runtime *runtime, struct open_scope *open);

/* By a handle that may be made up: of a task of that actor. NULL: there is none. */
struct open_scope *scope_find(const struct runtime *runtime, const struct actor *actor,
			      struct troupe_scope handle);

/* All that the task has begun is given back, without a word to anybody. */
void scope_drop_all(struct runtime *runtime, struct task *task);

#endif
