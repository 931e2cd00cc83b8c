/* stacks.h - the stacks of tasks: 64 KiB and a guard of as much below, by default.
 *
 * They are reserved in runs of 64, and the one given back last is taken first, since its
 * uppermost pages are warm. A stack that has not been entered for a second gives back all of
 * its memory but what is in use, a free one all of it; a run in which all are free goes.
 *
 * What lies below a stack must not be written to. The kernel sees to that in one of two ways;
 * where it cannot, a pattern at the stack's end is looked at whenever the task leaves it:
 *
 *   MADVISE  MADV_GUARD_INSTALL (Linux 6.13): a run stays one mapping
 *   PROTECT  a mapping of its own for each guard: STACKS_PROTECTED of them
 *   CANARY   the pattern; costs a page of each stack, finds an overflow when it has happened
 *
 * One runtime, one thread. stacks_find() may be called by a signal handler of that thread.
 */
#ifndef CORE_STACKS_H
#define CORE_STACKS_H

#include "base/limits.h"
#include "base/loop.h"
#include "core/switch.h"
#include <stdint.h>

#define STACKS_GUARD ((size_t)64 << 10)
#define STACKS_RUN   64u
#define STACKS_PROTECTED                                                                       \
	30000u            /* guards that are mappings: the kernel allows 65,530 of these */
#define STACKS_CLASSES 5u /* of 64 KiB, twice as much each: LIMIT_TASK_STACK_MAX */

_Static_assert(LIMIT_TASK_STACK_MIN << (STACKS_CLASSES - 1) == LIMIT_TASK_STACK_MAX,
	       "a class for each power of two");

enum stacks_guard { STACKS_MADVISE, STACKS_PROTECT, STACKS_CANARY };

/* One of them, and the flow that runs on it. */
struct stack {
	struct stack *next; /* free ones */
	struct stack_run *run;
	unsigned char *low; /* the guard lies below */
	void *owner;        /* NULL: it is free */
	struct flow flow;
	uint32_t uses; /* how often it was entered or given back; by the sweep: */
	uint32_t seen;
	bool is_trimmed;
	bool is_abandoned; /* never to be used again, since somebody's frames lie there */
};

struct stack_run {
	struct stack_run *next;
	unsigned char *base; /* of the first one's guard */
	size_t size;         /* of each stack */
	uint32_t class;
	enum stacks_guard guard;
	uint32_t used;
	struct stack stacks[STACKS_RUN];
};

struct stacks {
	struct stack *free[STACKS_CLASSES];
	uint32_t n_free[STACKS_CLASSES];
	uint32_t n_promised[STACKS_CLASSES]; /* of those that are free */
	struct stack_run *runs;
	enum stacks_guard best; /* that is still tried */
	uint32_t n_runs, n_used, n_abandoned;
	uint32_t n_protected;
	struct loop_timer timer; /* of the sweep */
	struct stack_run *at;    /* that is next in it; NULL: it begins anew */
	bool is_unfinished;      /* something it has seen was used lately */
	bool has_idle;           /* a run all of whose stacks are free, and trimmed */
};

/* best: the first grade that is tried. */
void stacks_init(struct stacks *stacks, struct loop *loop, enum stacks_guard best);
/* All go, also those that are abandoned. */
void stacks_fini(struct stacks *stacks);

/* A stack of at least `size` bytes (0: the least there is), at most LIMIT_TASK_STACK_MAX, is to
 * be there when it is asked for. False: no memory, or no address space. */
bool stacks_promise(struct stacks *stacks, size_t size);
/* It is not wanted any more. */
void stacks_withdraw(struct stacks *stacks, size_t size);

/* One that was promised. */
struct stack *stacks_take(struct stacks *stacks, size_t size, void *owner);

/* Its flow has ended, or never began. */
void stacks_give(struct stacks *stacks, struct stack *stack);

/* Its flow will never be entered again, but has not ended: the memory stays as it is. */
void stacks_abandon(struct stacks *stacks, struct stack *stack);

/* Bytes of it. */
static inline size_t stacks_size(const struct stack *stack)
{
	return stack->run->size;
}

/* Whether what lies below was left alone; to be asked when its flow has left. */
bool stacks_is_sound_slow(const struct stack *stack);
static inline bool stacks_is_sound(const struct stack *stack)
{
	return stack->run->guard != STACKS_CANARY || stacks_is_sound_slow(stack);
}

/* Its flow is entered. */
static inline void stacks_enter(struct stacks *stacks, struct stack *stack)
{
	stack->uses++;
	if (!stacks->timer.started) {
		stacks->at = NULL;
		loop_timer_start(&stacks->timer, LIMIT_TASK_TRIM_NS);
	}
}

/* Its flow, which has left, was visited: what that has used of the stack goes back, where the
 * sweep would not come by again. */
void stacks_visited(struct stack *stack);

/* The stack in whose guard, or just below whose end, an address lies. NULL: none. */
const struct stack *stacks_find(const struct stacks *stacks, uintptr_t address);

#endif
