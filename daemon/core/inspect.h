/* inspect.h - what an actor has, and what its tasks wait for: for people who look in.
 *
 * For the host, between handlers: nothing here changes what is seen. One runtime, one thread.
 */
#ifndef CORE_INSPECT_H
#define CORE_INSPECT_H

#include "core/runtime.h"

enum inspect_state {
	INSPECT_NEW,     /* it has not begun */
	INSPECT_WAITING, /* for something that has not come */
	INSPECT_READY,   /* its next step is in the mailbox */
	INSPECT_ENDED,   /* its result was not taken */
};

struct inspect_task {
	uint64_t id; /* no other task of this process ever has the same */
	enum inspect_state state;
	const char *name;      /* of its entry; the plug-in's, borrowed */
	const char *waits_for; /* a constant word; NULL: nothing, or it is not known */
	uint64_t for_ns;       /* NEW, WAITING: so long, a millisecond more or less; else 0 */
	bool is_cut;           /* its scope was cancelled, or its time is up */
	uint64_t done, all;    /* WAITING: how far that has come; both 0: nothing is known */
};

/* The next task of an actor, from the record *at on (0: the first): 1. 0: there is none left.
 * -EAGAIN: `*steps` records were looked at, for which there may be a million: more is left; go
 * on from *at. -ESRCH: no such actor. */
int inspect_next_task(struct runtime *runtime, struct troupe_address actor, uint32_t *at,
		      uint32_t *steps, struct inspect_task *ret_task);

/* Call visit(arg) on the stack of a task that waits, as if what it waits in had called it: a
 * backtrace taken there is the task's. False: it has no stack, or too little of it is left. */
bool inspect_visit(struct runtime *runtime, uint64_t task, void (*visit)(void *arg), void *arg);

/* How many things of a kind an actor has. */
struct inspect_owned {
	const char *kind; /* "watch"; a constant */
	uint32_t count;
	uint64_t bytes; /* that they buffer, where that is counted */
};

#define INSPECT_OWNED_MAX 24

/* Of each kind that it has: how many kinds. Takes as long as it has things. 0 also for an actor
 * that is gone. */
size_t inspect_owned(struct runtime *runtime, struct troupe_address actor,
		     struct inspect_owned owned[static INSPECT_OWNED_MAX]);

/* How the stacks of tasks are guarded, PAGE_GUARD_*: the weakest of those in use. */
uint32_t inspect_guard(const struct runtime *runtime);

/* Stacks of tasks that did not end in time: set aside, for as long as the process lives. */
uint32_t inspect_abandoned(const struct runtime *runtime);

#endif
