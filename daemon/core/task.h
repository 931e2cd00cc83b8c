/* task.h - the tasks of actors, as records: who is in what, and who waits.
 *
 * A task is one of its actor's (core/tasked.h) and of the scope that it was started in
 * (core/scope.h). What wakes it is a notice in its record (MAIL_RESUME), so that it needs no
 * memory. How it runs is in core/step.h, how it ends in core/task_end.h. One runtime, one
 * thread.
 */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include "base/list.h"
#include "core/activation.h"
#include "core/chain.h"
#include "core/inside.h"
#include "core/scope.h"
#include "core/slice.h"
#include "core/stacks.h"
#include "core/tasked.h"
#include "core/wait.h"
#include <troupe/task.h>

struct task;

/* What a task that is a handler has to do beside its function. */
struct task_duty {
	/* It is about to wait, for the first time. */
	void (*on_wait)(struct task *task);
	/* It has waited, and returned `result`. */
	void (*on_end)(struct task *task, int result);
	/* It is abandoned; a thread may have its `self`, then and later. */
	void (*on_abandon)(struct runtime *runtime, struct task *task);
};

/* How far something has come that another thread does for a task. */
struct task_progress {
	_Atomic uint64_t done,
		all; /* all 0: nobody knows of how much; both 0: nothing is said */
};

/* What is under way for a task that waits, and is to be undone when the wait is cut short. */
struct task_undo {
	/* True: it is undone, and the wait returns why its scope is cut. False: that cannot be;
	 * it has been asked to end soon, and the wait goes on until it has. */
	bool (*on_cut)(struct runtime *runtime, struct task_undo *undo);
	const struct task_progress *progress; /* NULL: it says nothing */
};

enum task_state {
	TASK_NEW,     /* its notice is in the mailbox; it has no stack */
	TASK_RUNNING, /* also while it does an errand outside its stack */
	TASK_WAITING,
	TASK_FIXED, /* it waits, and is not to be cut short, unless it has something to undo */
	TASK_WOKEN, /* its notice is in the mailbox */
	TASK_ENDED, /* its result has not been taken */
};

struct task {
	struct slot slot;
	struct mail mail;        /* MAIL_RESUME */
	struct wheel_node sleep; /* while it sleeps */
	struct list of_actor, of_scope;
	struct list of_wait;
	struct list **waits_in;  /* the chain that of_wait is in; NULL: none */
	struct list *joiners;    /* struct task, of_wait */
	struct task *joins;      /* whose joiner it is; NULL: nobody's */
	struct list *answers;    /* struct troupe_kept: that it has */
	struct awaited *awaited; /* the call that it waits for; NULL: none */
	struct list *items;      /* struct items: streams that it reads */
	struct wait_seat room;   /* for room that it waits for */
	struct task_undo *undo;  /* FIXED: see there; NULL: nothing */
	struct scope root;
	struct scope *scope;          /* the innermost */
	const struct task_duty *duty; /* it is a handler: core/serve.h; NULL: it is none */
	struct stack *stack;          /* NULL: it has none */
	uint32_t stack_size;          /* NEW: that it is promised */
	const struct troupe_task_entry *entry;
	void *arg, *shared;
	void *item; /* of who waits: what is handed over comes from here, or goes here */
	/* WAITING, FIXED: a constant word for people, "sleep", which the wait sets before
	 * pause_wait(); NULL: it has set none. */
	const char *waits_for;
	uint64_t since_ns;    /* the same, and NEW: that long */
	uint64_t deadline_ns; /* of the call that it handles; UINT64_MAX: it has none */
	uint32_t actor;       /* slot */
	uint32_t state;       /* enum task_state */
	int32_t result;       /* of what it waits for; ENDED: its own */
	uint32_t refused;     /* waits refused in a row */
	uint32_t ready;       /* waits that were over at once, in a row */
	uint32_t places;      /* kept for tasks that it is to start: see struct tasked */
	bool is_named;        /* somebody has its id */
	bool is_cut;          /* `result` is that its scope is cut */
	bool is_alone;        /* it is a handler that is alone, or works for one */
	bool is_listed;       /* it counts, and is found by its actor and its scope */
	bool is_fresh;        /* a handler's that has not waited */
	bool is_parked;       /* the same, when it has returned: its flow has not ended */
	bool is_abandoned;    /* the record is never used again */
	struct troupe_self self;
};

static inline struct task *task_at(const struct runtime *runtime, uint32_t index)
{
	return slots_at(&runtime->tasks, index);
}

static inline struct actor *task_actor(const struct runtime *runtime, const struct task *task)
{
	return actor_at(runtime, task->actor);
}

/* When the call ends that it handles, and has not answered or given away. UINT64_MAX: never. */
static inline uint64_t task_call_end_ns(const struct task *task)
{
	uint32_t call = task->self.activation.outcome.call;

	return call == SELF_OPEN || call == SELF_HELD ? task->deadline_ns : UINT64_MAX;
}

/* That one with that entry is promised. */
static inline uint32_t task_stack_size(const struct actor *actor,
				       const struct troupe_task_entry *entry)
{
	return entry->stack ? (uint32_t)entry->stack : actor->unit->task_stack;
}

/* From now on it is that actor's, in that scope. */
static inline void task_place(struct task *task, const struct tasked *tasked,
			      struct scope *scope, const struct troupe_task_entry *entry,
			      void *arg)
{
	task->actor = (uint32_t)(tasked - task->self.runtime->taskeds);
	task->deadline_ns = UINT64_MAX;
	task->entry = entry;
	task->arg = arg;
	task->root.outer = scope;
	task->root.depth = scope->depth + 1;
	task->root.cut = scope->cut;
}

/* Its actor and its scope know of it. */
static inline void task_list(struct task *task)
{
	struct runtime *runtime = task->self.runtime;
	struct tasked *tasked = tasked_find(runtime, task->self.actor);
	struct scope *scope = task->root.outer;

	task->since_ns = slice_now_ns(runtime);
	chain_append(&tasked->tasks, &task->of_actor);
	chain_append(&scope->tasks, &task->of_scope);
	scope->live++;
	tasked->live++;
	tasked->count++;
	task->is_listed = true;
}

/* A handler is listed when it comes to wait, or to do what its actor's other tasks are asked
 * for: most do neither. To be called first there. */
void task_list_late(struct task *task);
static inline void task_list_self(const struct troupe_self *self)
{
	/* A handler that has returned, and has kept its `self`, is nobody's task. */
	if (self->task && unlikely(!self->task->is_listed) && !self->task->is_parked)
		task_list_late(self->task);
}

/* A task in that scope that is to run at once, and is not listed. NULL: no record, or no
 * stack. */
struct task *task_make(struct runtime *runtime, struct actor *actor, struct scope *scope,
		       const struct troupe_task_entry *entry, void *arg, void *shared);

/* A task in that scope, whose notice is in the mailbox. NULL: no record, or no stack. */
struct task *task_new(struct runtime *runtime, struct actor *actor, struct scope *scope,
		      const struct troupe_task_entry *entry, void *arg, void *shared);

/* What it waits for is there, and it is to run at once: step_resume(). */
void task_take(struct runtime *runtime, struct task *task, int result);

/* What it waits for is there. */
void task_wake(struct runtime *runtime, struct task *task, int result);

/* The same for all tasks of a chain that they wait in. */
void task_wake_all(struct runtime *runtime, struct list **chain, int result);

/* Its sleep is over: it has left the wheel. */
void task_due(struct runtime *runtime, struct task *task);

/* It waits for nothing any more. */
void task_stop_waiting(struct runtime *runtime, struct task *task);

/* A parked one's flow ends (core/task_handler.h), and it is parked no more. */
void task_unpark(struct task *task);

/* The record and the stack of the parked one are free. */
void task_drop_parked(struct runtime *runtime);

/* One that is in no chain any more counts no longer; its record is free, unless abandoned. */
void task_give(struct runtime *runtime, struct task *task);

/* An ended task's result has been taken, or nobody can ask for it any more. */
void task_forget(struct runtime *runtime, struct task *task);

/* Its notice has left the mailbox. False: it has ended before it began; where nobody can ask
 * for its result any more its record is free now. */
void task_give_late(struct runtime *runtime, struct task *task);
static inline bool task_take_notice(struct runtime *runtime, struct task *task)
{
	task->mail.flags &= (uint8_t)~MAIL_QUEUED;
	if (likely(!slots_is_closed(&task->slot) && task->state != TASK_ENDED))
		return true;
	task_give_late(runtime, task);
	return false;
}

/* It is one of the actor's: by a handle that may be made up. NULL: it is not. */
struct task *task_find(const struct runtime *runtime, const struct actor *actor,
		       struct troupe_task handle);

#endif
