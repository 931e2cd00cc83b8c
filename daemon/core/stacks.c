#include "core/stacks.h"

#include "base/check.h"
#include "base/list.h"
#include "core/mapping.h"
#include "core/slab_piece.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) ((void)(low), (void)(high))
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* Sanitizers put more into each frame, and remember what lies in it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SIZE_FACTOR 4u
#define IS_TRIMMED  false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SIZE_FACTOR 4u
#define IS_TRIMMED  false
#endif
#endif
#ifndef SIZE_FACTOR
#define SIZE_FACTOR 1u
#define IS_TRIMMED  true
#endif

/* No larger than the machine's: what is discarded is whole ones of those. */
#define PAGE        4096u
#define RED_ZONE    256u /* below a flow's depth, that code may use without moving the stack */
#define SWEEP_STEPS 256u /* stacks looked at in one go */
#define SWEEP_NS    1000000u
#define CANARY      0x74726f7570652121ull

static const uint64_t canary[2] = {CANARY, ~CANARY};

/* ------------------------------------------------------------------ runs */

static size_t stride_of(const struct stack_run *run)
{
	return STACKS_GUARD + run->size;
}

static bool guard_by_madvise(struct stack_run *run)
{
	for (uint32_t i = 0; i < STACKS_RUN; i++)
		if (madvise(run->base + i * stride_of(run), STACKS_GUARD, MADV_GUARD_INSTALL) <
		    0)
			return false;
	return true;
}

/* Those that are protected stay so when it fails: it is tried once, then never again. */
static bool guard_by_mprotect(struct stacks *stacks, struct stack_run *run)
{
	if (stacks->n_protected + STACKS_RUN > STACKS_PROTECTED)
		return false;
	for (uint32_t i = 0; i < STACKS_RUN; i++)
		if (mprotect(run->base + i * stride_of(run), STACKS_GUARD, PROT_NONE) < 0)
			return false;
	stacks->n_protected += STACKS_RUN;
	return true;
}

/* By the best way that works. One that does not is not tried again, but for PROTECT, which has
 * room again when a run goes. */
static void guard(struct stacks *stacks, struct stack_run *run)
{
	run->guard = stacks->best;
	if (run->guard == STACKS_MADVISE && !guard_by_madvise(run))
		run->guard = stacks->best = STACKS_PROTECT;
	if (run->guard == STACKS_PROTECT && !guard_by_mprotect(stacks, run))
		run->guard = STACKS_CANARY;
}

static void put_free(struct stacks *stacks, struct stack *stack)
{
	stack->next = stacks->free[stack->run->class];
	stacks->free[stack->run->class] = stack;
	stacks->n_free[stack->run->class]++;
}

static bool add_run(struct stacks *stacks, uint32_t class)
{
	struct stack_run *run = calloc(1, sizeof(*run));

	if (!run)
		return false;
	run->class = class;
	run->size = ((size_t)LIMIT_TASK_STACK_MIN << class) * SIZE_FACTOR;
	run->base = mapping_reserve_small(STACKS_RUN * stride_of(run));
	if (!run->base) {
		free(run);
		return false;
	}
	guard(stacks, run);
	for (uint32_t i = STACKS_RUN; i-- > 0;) {
		struct stack *stack = &run->stacks[i];

		stack->run = run;
		stack->low = run->base + i * stride_of(run) + STACKS_GUARD;
		stack->is_trimmed = true;
		(void)VALGRIND_STACK_REGISTER(stack->low, stack->low + run->size);
		put_free(stacks, stack);
	}
	run->next = stacks->runs;
	stacks->runs = run;
	stacks->n_runs++;
	return true;
}

static void free_run(struct stacks *stacks, struct stack_run *run)
{
	if (run->guard == STACKS_PROTECT)
		stacks->n_protected -= STACKS_RUN;
	/* of a task that was given up functions have not returned */
	slab_unpoison(run->base, STACKS_RUN * stride_of(run));
	mapping_release(run->base, STACKS_RUN * stride_of(run));
	stacks->n_runs--;
	free(run);
}

/* ------------------------------------------------------------------ taking and giving */

static uint32_t class_of(size_t size)
{
	uint32_t class = 0;

	while (((size_t)LIMIT_TASK_STACK_MIN << class) < size)
		class ++;
	check(class < STACKS_CLASSES);
	return class;
}

bool stacks_promise(struct stacks *stacks, size_t size)
{
	const uint32_t class = class_of(size);

	if (stacks->n_free[class] == stacks->n_promised[class] && !add_run(stacks, class))
		return false;
	stacks->n_promised[class]++;
	return true;
}

void stacks_withdraw(struct stacks *stacks, size_t size)
{
	stacks->n_promised[class_of(size)]--;
}

struct stack *stacks_take(struct stacks *stacks, size_t size, void *owner)
{
	const uint32_t class = class_of(size);
	struct stack *stack = stacks->free[class];

	check(stack && stacks->n_promised[class] > 0);
	stacks->free[class] = stack->next;
	stacks->n_free[class]--;
	stacks->n_promised[class]--;
	stack->owner = owner;
	stack->run->used++;
	stacks->n_used++;
	if (stack->run->guard == STACKS_CANARY)
		memcpy(stack->low, canary, sizeof(canary));
	return stack;
}

void stacks_give(struct stacks *stacks, struct stack *stack)
{
	stack->owner = NULL;
	stack->uses++;
	stack->run->used--;
	stacks->n_used--;
	put_free(stacks, stack);
}

void stacks_abandon(struct stacks *stacks, struct stack *stack)
{
	stack->owner = NULL;
	stack->is_abandoned = true;
	stacks->n_used--;
	stacks->n_abandoned++;
}

bool stacks_is_sound_slow(const struct stack *stack)
{
	return memcmp(stack->low, canary, sizeof(canary)) == 0;
}

const struct stack *stacks_find(const struct stacks *stacks, uintptr_t address)
{
	for (const struct stack_run *run = stacks->runs; run; run = run->next) {
		uintptr_t offset = address - (uintptr_t)run->base;

		if (offset < STACKS_RUN * stride_of(run) &&
		    offset % stride_of(run) < STACKS_GUARD)
			return &run->stacks[offset / stride_of(run)];
	}
	return NULL;
}

/* ------------------------------------------------------------------ the sweep */

/* What its flow does not use goes back to the system. */
static void trim(struct stack *stack)
{
	unsigned char *from = stack->low, *to = stack->low + stack->run->size;

	if (stack->owner) {
		to = (unsigned char *)flow_depth(&stack->flow) - RED_ZONE;
		if (stack->run->guard == STACKS_CANARY)
			from += PAGE;
	}
	to -= (uintptr_t)to % PAGE;
	if (IS_TRIMMED && from < to)
		(void)madvise(from, (size_t)(to - from), MADV_DONTNEED);
	stack->is_trimmed = true;
}

void stacks_visited(struct stack *stack)
{
	if (stack->is_trimmed)
		trim(stack);
}

static void sweep_run(struct stacks *stacks, struct stack_run *run)
{
	bool is_idle = run->used == 0;

	for (uint32_t i = 0; i < STACKS_RUN; i++) {
		struct stack *stack = &run->stacks[i];

		if (stack->is_abandoned)
			continue;
		if (stack->uses != stack->seen) {
			stack->seen = stack->uses;
			stack->is_trimmed = false;
			stacks->is_unfinished = true;
			is_idle = false;
		} else if (!stack->is_trimmed) {
			trim(stack);
		}
	}
	if (is_idle)
		stacks->has_idle = true;
}

static bool is_idle(const struct stack_run *run)
{
	bool is_idle = run->used == 0;

	for (uint32_t i = 0; i < STACKS_RUN && is_idle; i++)
		is_idle =
			run->stacks[i].is_trimmed && run->stacks[i].seen == run->stacks[i].uses;
	return is_idle;
}

/* Runs that nobody has used for a second. While a stack is promised, which is not for long, all
 * stay. */
static void drop_idle(struct stacks *stacks)
{
	for (uint32_t class = 0; class < STACKS_CLASSES; class ++)
		if (stacks->n_promised[class] > 0)
			return;
	for (uint32_t class = 0; class < STACKS_CLASSES; class ++) {
		struct stack **at = &stacks->free[class];

		while (*at) {
			if (!is_idle((*at)->run)) {
				at = &(*at)->next;
				continue;
			}
			*at = (*at)->next;
			stacks->n_free[class]--;
		}
	}
	for (struct stack_run **at = &stacks->runs; *at;) {
		struct stack_run *run = *at;

		if (!is_idle(run)) {
			at = &run->next;
			continue;
		}
		*at = run->next;
		free_run(stacks, run);
	}
	stacks->has_idle = false;
}

static void on_timer(struct loop_timer *timer)
{
	struct stacks *stacks = container_of(timer, struct stacks, timer);

	if (!stacks->at) {
		stacks->at = stacks->runs;
		stacks->is_unfinished = stacks->has_idle = false;
	}
	for (uint32_t n = 0; n < SWEEP_STEPS && stacks->at; n += STACKS_RUN) {
		sweep_run(stacks, stacks->at);
		stacks->at = stacks->at->next;
	}
	if (stacks->at) {
		loop_timer_start(timer, SWEEP_NS);
		return;
	}
	if (stacks->has_idle)
		drop_idle(stacks);
	if (stacks->is_unfinished)
		loop_timer_start(timer, LIMIT_TASK_TRIM_NS);
}

/* ------------------------------------------------------------------ */

void stacks_init(struct stacks *stacks, struct loop *loop, enum stacks_guard best)
{
	*stacks = (struct stacks){.best = best};
	loop_timer_init(&stacks->timer, loop, on_timer);
}

void stacks_fini(struct stacks *stacks)
{
	loop_timer_stop(&stacks->timer);
	while (stacks->runs) {
		struct stack_run *run = stacks->runs;

		stacks->runs = run->next;
		free_run(stacks, run);
	}
}
