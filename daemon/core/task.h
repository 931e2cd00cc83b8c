/* task.h - the tasks of actors and their scopes, as records: who is in what, who waits, who is
 * cut short.
 *
 * A task is started in a scope, has one of its own (`root`), and begins others inside it. So
 * the scopes of an actor are a tree, whose root belongs to the actor. A scope that is cut
 * knows it itself (`cut`): cutting one goes down the tree once, as far as the shields, so that
 * each wait looks at one word.
 *
 * What wakes a task is a notice in its record (MAIL_RESUME), so that it needs no memory. How it
 * runs is in core/step.h. One runtime, one thread.
 */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include "base/list.h"
#include "core/activation.h"
#include "core/chain.h"
#include "core/inside.h"
#include "core/rest.h"
#include "core/stacks.h"
#include "core/wait.h"
#include <errno.h>
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

/* One that a task has begun. */
struct open_scope {
	struct slot slot;
	struct wheel_node deadline;
	struct scope scope;
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
	bool is_named;        /* somebody has its id */
	bool is_cut;          /* `result` is that its scope is cut */
	bool is_alone;        /* it is a handler that is alone, or works for one */
	bool is_fresh;        /* a handler's that has not waited */
	bool is_parked;       /* the same, when it has returned: its flow has not ended */
	bool is_abandoned;    /* the record is never used again */
	struct troupe_self self;
};

/* What an actor with tasks has: at the place of its slot, in a table that is touched only for
 * those (ACTOR_TASKS). */
struct tasked {
	struct wheel_node grace; /* while it ends */
	struct list *tasks;      /* struct task, of_actor */
	struct scope scope;      /* TROUPE_OF_ACTOR */
	uint32_t count;          /* of the tasks */
	uint32_t live;           /* of these: those that have not ended */
	uint64_t items_bytes;    /* that the streams which they read have a share of */
	struct rest rest;
	/* ACTOR_ENDING: whether it ends by itself, not with its parent, and then why */
	bool has_cause;
	bool said_unjoined; /* the log: of tasks that have ended and count in Tasks= */
	bool is_late;       /* its family's shields are cut */
	bool is_exposed;    /* its own are: no new one holds */
	enum troupe_cause cause;
	int error;
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

/* NULL: it never had a task. */
static inline struct tasked *tasked_find(const struct runtime *runtime,
					 const struct actor *actor)
{
	return actor->marks & ACTOR_TASKS ? runtime->taskeds + actor_slot(runtime, actor)
					  : NULL;
}

/* Made when it is not there. */
struct tasked *tasked_get(struct runtime *runtime, struct actor *actor);

/* A task in that scope, whose notice is in the mailbox. NULL: no record, or no stack. */
struct task *task_new(struct runtime *runtime, struct actor *actor, struct scope *scope,
		      const struct troupe_task_entry *entry, void *arg, void *shared);

/* One that is a handler, and has no scope but the actor's: it is to run at once. It gets the
 * record and the stack of the last that did not wait, where they fit. */
struct task *task_make_handler(struct runtime *runtime, struct actor *actor,
			       struct tasked *tasked, const struct troupe_task_entry *entry,
			       void *arg);

/* It has returned without having waited, which concerns nobody but who has let it begin. */
void task_end_handler(struct actor *actor, struct tasked *tasked, struct task *task);

/* It has returned, or never will have begun. Whom this concerns gets to know it. True: nobody
 * but the actor's OnError= is concerned with the failure. */
bool task_end(struct runtime *runtime, struct task *task, int result);

/* What it waits for is there, and it is to run at once: step_resume(). */
void task_take(struct runtime *runtime, struct task *task, int result);

/* What it waits for is there. */
void task_wake(struct runtime *runtime, struct task *task, int result);

/* The same for all tasks of a chain that they wait in. */
void task_wake_all(struct runtime *runtime, struct list **chain, int result);

/* Its sleep is over: it has left the wheel. */
void task_due(struct runtime *runtime, struct task *task);

/* An ended task's result has been taken, or nobody can ask for it any more. */
void task_forget(struct runtime *runtime, struct task *task);

/* Its notice has left the mailbox. False: it has ended before it began; where nobody can ask
 * for its result any more its record is free now. */
bool task_take_notice(struct runtime *runtime, struct task *task);

/* It is one of the actor's: by a handle that may be made up. NULL: it is not. */
struct task *task_find(const struct runtime *runtime, const struct actor *actor,
		       struct troupe_task handle);

/* The mailbox goes on, when it rests and nothing keeps it from that any more. */
void task_rest_look_slow(struct runtime *runtime, struct actor *actor);
static inline void task_rest_look(struct runtime *runtime, struct actor *actor)
{
	if (unlikely(actor->marks & ACTOR_RESTS))
		task_rest_look_slow(runtime, actor);
}

/* Tasks that have not ended. */
static inline uint32_t tasks_count(const struct runtime *runtime, const struct actor *actor)
{
	const struct tasked *tasked = tasked_find(runtime, actor);

	return tasked ? tasked->live : 0;
}

/* An actor that has or had tasks is gone, and whoever has not ended is abandoned: named in the
 * log. Then its state is set aside, too: it is not to be freed. */
void tasks_drop(struct runtime *runtime, struct actor *actor);

/* ------------------------------------------------------------------ scopes */

/* Begin one inside that at hand. NULL: no record. */
struct open_scope *scope_open(struct runtime *runtime, struct task *task, uint64_t timeout_ns,
			      bool is_shield);

/* The innermost of its owner's, in which no task lives any more, ends. What its end returns. */
int scope_close(struct runtime *runtime, struct open_scope *open);

/* Cut all that is in it short; `through`: in the shields, too. */
void scope_cut(struct runtime *runtime, struct scope *scope, int code, bool through);

/* What is in a scope that is cut has been told so. */
void scope_tell(struct scope *scope);

/* Its time is up: it has left the wheel. */
void scope_due(struct runtime *runtime, struct open_scope *open);

static inline struct open_scope *scope_open_of(struct scope *scope)
{
	return container_of(scope, struct open_scope, scope);
}

/* By a handle that may be made up: of a task of that actor. NULL: there is none. */
struct open_scope *scope_find(const struct runtime *runtime, const struct actor *actor,
			      struct troupe_scope handle);

#endif
