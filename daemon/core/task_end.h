/* task_end.h - how tasks end, and scopes are cut: each brings about the other.
 *
 * A task that fails cuts the scope that it was started in, and a scope that is cut ends the
 * tasks in it that have not begun, and the waits of the others. One runtime, one thread.
 */
#ifndef CORE_TASK_END_H
#define CORE_TASK_END_H

#include "core/open_scope.h"
#include "core/task.h"

/* It has returned, or never will have begun. Whom this concerns gets to know it. True: nobody
 * but the actor's OnError= is concerned with the failure. */
bool task_end(struct runtime *runtime, struct task *task, int result);

/* Cut all that is in it short; `through`: in the shields, too. */
void scope_cut(struct runtime *runtime, struct scope *scope, int code, bool through);

/* Its time is up: it has left the wheel. */
void scope_due(struct runtime *runtime, struct open_scope *open);

#endif
