/* scope.h - a scope of tasks: what begins in it ends with it, and is cut short with it.
 *
 * A task is started in a scope, has one of its own, and begins others inside it. So the scopes
 * of an actor are a tree, whose root belongs to the actor. A scope that is cut knows it itself
 * (`cut`): cutting one goes down the tree once, as far as the shields, so that each wait looks
 * at one word. It lies in what it belongs to: an actor's (core/tasked.h), a task's
 * (core/task.h), or one that a task has begun (core/open_scope.h). One runtime, one thread.
 */
#ifndef CORE_SCOPE_H
#define CORE_SCOPE_H

#include "base/list.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

struct task;

/* What waits in a scope that is cut return: nobody's failure. */
static inline bool scope_is_word(int result)
{
	return result == -ECANCELED || result == -ETIMEDOUT;
}

struct scope {
	struct scope *outer; /* NULL: it is an actor's own */
	struct scope *inner; /* that its owner has begun in it; NULL: none */
	struct list *tasks;  /* struct task: started in it, and not forgotten */
	struct task *owner;  /* that it is a part of, or began it; NULL: an actor's own */
	uint32_t live;       /* of the tasks: those that have not ended */
	uint32_t depth;
	int32_t cut;     /* what waits in it return: 0, -ECANCELED or -ETIMEDOUT */
	int32_t told;    /* the same, when one has returned it */
	int32_t error;   /* of the first task in it that failed; of a race: of the last */
	uint32_t winner; /* of a race: which task of it, plus 1; 0: none */
	/* Of a debug build's: that of the function that has begun it, and its name; NULL. */
	const void *frame;
	const char *function;
	bool is_shield;
	bool is_race;   /* the first of its tasks that does not fail ends it */
	bool is_ending; /* its owner waits until `live` is 0 */
};

/* What is in a scope that is cut has been told so. */
void scope_tell(struct scope *scope);

#endif
