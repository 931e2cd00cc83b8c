/* The stacks of tasks: their guards by each of the three ways, and that they give memory
 * back. */
#include "core/stacks.h"
#include "tests/unit/sim/sim.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 200u
#define PAGE 4096u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_PLAIN false
#else
#define IS_PLAIN true
#endif

struct bed {
	struct loop *loop;
	struct stacks stacks;
};

static void begin(struct bed *bed, enum stacks_guard best)
{
	assert_int_equal(loop_new(&bed->loop), 0);
	stacks_init(&bed->stacks, bed->loop, best);
}

static void end(struct bed *bed)
{
	assert_int_equal(bed->stacks.n_used, 0);
	stacks_fini(&bed->stacks);
	loop_free(bed->loop);
}

static int owner;

static struct stack *take_raw(struct bed *bed, size_t size)
{
	assert_true(stacks_promise(&bed->stacks, size));
	return stacks_take(&bed->stacks, size, &owner);
}

static size_t resident(const struct stack *stack)
{
	unsigned char pages[LIMIT_TASK_STACK_MAX / PAGE];
	size_t n = stacks_size(stack) / PAGE, count = 0;

	assert_int_equal(mincore(stack->low, stacks_size(stack), pages), 0);
	for (size_t i = 0; i < n; i++)
		count += pages[i] & 1;
	return count;
}

static void sleeps_deep(void *arg)
{
	struct stack *stack = arg;
	volatile char local[40 << 10];

	for (size_t i = 0; i < sizeof(local); i += PAGE)
		local[i] = 1;
	flow_leave(&stack->flow);
}

static void sleeps_after(void *arg)
{
	struct stack *stack = arg;

	sleeps_deep(stack);
	flow_leave(&stack->flow);
}

static void enter(struct bed *bed, struct stack *stack)
{
	stacks_enter(&bed->stacks, stack);
	assert_true(flow_enter(&stack->flow));
	assert_true(stacks_is_sound(stack));
}

static struct stack *take(struct bed *bed, void (*run)(void *arg))
{
	struct stack *stack = take_raw(bed, 0);

	assert_non_null(stack);
	flow_make(&stack->flow, stack->low, stacks_size(stack), run, stack);
	enter(bed, stack);
	return stack;
}

static void give(struct bed *bed, struct stack *stack)
{
	flow_drop(&stack->flow);
	stacks_give(&bed->stacks, stack);
}

static void last_one_given_is_taken_first(void **state)
{
	struct stack *a, *b;
	struct bed bed;

	(void)state;
	begin(&bed, STACKS_MADVISE);
	a = take_raw(&bed, 0);
	b = take_raw(&bed, 0);
	assert_true(a && b && a != b);
	stacks_give(&bed.stacks, a);
	stacks_give(&bed.stacks, b);
	assert_ptr_equal(take_raw(&bed, 0), b);
	assert_ptr_equal(take_raw(&bed, 0), a);
	stacks_give(&bed.stacks, a);
	stacks_give(&bed.stacks, b);
	end(&bed);
}

static void sizes_are_rounded_up(void **state)
{
	struct stack *stack;
	struct bed bed;

	(void)state;
	begin(&bed, STACKS_MADVISE);
	stack = take_raw(&bed, LIMIT_TASK_STACK_MIN + 1);
	assert_true(stacks_size(stack) >= 2 * LIMIT_TASK_STACK_MIN);
	stacks_give(&bed.stacks, stack);
	stack = take_raw(&bed, LIMIT_TASK_STACK_MAX);
	assert_true(stacks_size(stack) >= LIMIT_TASK_STACK_MAX);
	stacks_give(&bed.stacks, stack);
	end(&bed);
}

/* What a child process dies of that writes just below a stack. */
static int signal_of_overflow(const struct stack *stack)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		stack->low[-1] = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Of each grade: whether a write below the stack is refused by the kernel. Sanitizers of today
 * have handlers of their own, but the write is refused all the same. */
static void guards_refuse(enum stacks_guard best)
{
	struct stack *stacks[MANY];
	struct bed bed;

	begin(&bed, best);
	for (uint32_t i = 0; i < MANY; i++)
		stacks[i] = take(&bed, sleeps_after);
	for (uint32_t i = 0; i < MANY; i += MANY / 4) {
		const struct stack *found =
			stacks_find(&bed.stacks, (uintptr_t)stacks[i]->low - 1);

		assert_ptr_equal(found, stacks[i]);
		assert_null(stacks_find(&bed.stacks, (uintptr_t)stacks[i]->low));
		assert_ptr_equal(
			stacks_find(&bed.stacks, (uintptr_t)stacks[i]->low - STACKS_GUARD),
			stacks[i]);
		if (stacks[i]->run->guard != STACKS_CANARY)
			assert_int_equal(signal_of_overflow(stacks[i]), SIGSEGV);
	}
	assert_null(stacks_find(&bed.stacks, 0));
	for (uint32_t i = 0; i < MANY; i++)
		give(&bed, stacks[i]);
	end(&bed);
}

static void guard_by_each_grade(void **state)
{
	(void)state;
	guards_refuse(STACKS_MADVISE); /* or PROTECT, where the kernel is older */
	guards_refuse(STACKS_PROTECT);
	guards_refuse(STACKS_CANARY);
}

static void grade_falls_to_canaries_when_mappings_run_out(void **state)
{
	struct stack *stack;
	struct bed bed;

	(void)state;
	begin(&bed, STACKS_PROTECT);
	bed.stacks.n_protected = STACKS_PROTECTED - STACKS_RUN / 2;
	stack = take(&bed, sleeps_after);
	assert_int_equal(stack->run->guard, STACKS_CANARY);
	give(&bed, stack);
	bed.stacks.n_protected = 0;
	end(&bed);
}

static void overflows(void *arg)
{
	struct stack *stack = arg;

	memset(stack->low - 16, 0x55, 32);
	flow_leave(&stack->flow);
}

/* Trap 25: where nothing guards the stack. */
static void canary_finds_an_overflow(void **state)
{
	struct stack *stack;
	struct bed bed;

	(void)state;
	begin(&bed, STACKS_CANARY);
	stack = take_raw(&bed, 0);
	flow_make(&stack->flow, stack->low, stacks_size(stack), overflows, stack);
	assert_true(flow_enter(&stack->flow));
	assert_false(stacks_is_sound(stack));
	give(&bed, stack);
	/* the next one on that stack has it anew */
	assert_ptr_equal(take_raw(&bed, 0), stack);
	assert_true(stacks_is_sound(stack));
	stacks_give(&bed.stacks, stack);
	end(&bed);
}

static void trims_by(enum stacks_guard best)
{
	struct stack *waiting, *busy;
	struct bed bed;

	begin(&bed, best);
	waiting = take(&bed, sleeps_after);
	enter(&bed, waiting); /* has returned from the depth that it had */
	busy = take(&bed, sleeps_after);
	if (IS_PLAIN) /* else locals may lie elsewhere */
		assert_true(resident(waiting) >= 10);
	for (int i = 0; i < 2; i++) {
		sim_run_until(bed.loop, loop_clock_ns(bed.loop) + LIMIT_TASK_TRIM_NS);
		busy->uses++; /* as if it were entered all the time */
	}
	sim_run_until(bed.loop, loop_clock_ns(bed.loop) + LIMIT_TASK_TRIM_NS / 2);
	if (IS_PLAIN) {
		assert_true(resident(waiting) <= 2 + (waiting->run->guard == STACKS_CANARY));
		assert_true(resident(busy) >= 10);
	}
	assert_true(stacks_is_sound(waiting));
	assert_false(flow_enter(&waiting->flow));
	give(&bed, waiting);
	give(&bed, busy);
	end(&bed);
}

static void waiting_stack_gives_back_what_it_does_not_use(void **state)
{
	(void)state;
	trims_by(STACKS_MADVISE);
	trims_by(STACKS_PROTECT);
	trims_by(STACKS_CANARY);
}

static void idle_stacks_go_and_the_timer_with_them(void **state)
{
	struct stack *stacks[MANY];
	struct bed bed;

	(void)state;
	begin(&bed, STACKS_PROTECT);
	for (uint32_t i = 0; i < MANY; i++)
		stacks[i] = take(&bed, sleeps_after);
	assert_int_equal(bed.stacks.n_runs, (MANY + STACKS_RUN - 1) / STACKS_RUN);
	for (uint32_t i = 1; i < MANY; i++)
		give(&bed, stacks[i]);
	sim_run_until(bed.loop, loop_clock_ns(bed.loop) + 5 * LIMIT_TASK_TRIM_NS);
	assert_int_equal(bed.stacks.n_runs, 1);
	assert_int_equal(bed.stacks.n_protected, STACKS_RUN);
	assert_false(bed.stacks.timer.started);
	/* what is left still serves */
	stacks[1] = take(&bed, sleeps_after);
	give(&bed, stacks[1]);
	give(&bed, stacks[0]);
	end(&bed);
}

/* Whoever was promised one finds it, whatever becomes of the others. */
static void promised_stack_stays(void **state)
{
	struct stack *stacks[STACKS_RUN];
	struct bed bed;

	(void)state;
	begin(&bed, STACKS_MADVISE);
	assert_true(stacks_promise(&bed.stacks, 0));
	assert_int_equal(bed.stacks.n_runs, 1);
	for (uint32_t i = 0; i < STACKS_RUN; i++)
		stacks[i] = take(&bed, sleeps_after);
	/* one more than a run has was needed */
	assert_int_equal(bed.stacks.n_runs, 2);
	for (uint32_t i = 0; i < STACKS_RUN; i++)
		give(&bed, stacks[i]);
	sim_run_until(bed.loop, loop_clock_ns(bed.loop) + 5 * LIMIT_TASK_TRIM_NS);
	assert_int_equal(bed.stacks.n_runs, 2);
	stacks_give(&bed.stacks, stacks_take(&bed.stacks, 0, &owner));
	give(&bed, take(&bed, sleeps_after));
	sim_run_until(bed.loop, loop_clock_ns(bed.loop) + 5 * LIMIT_TASK_TRIM_NS);
	assert_int_equal(bed.stacks.n_runs, 0);
	end(&bed);
}

static void abandoned_stack_is_never_taken_again(void **state)
{
	struct stack *stack, *others[STACKS_RUN];
	struct bed bed;

	(void)state;
	begin(&bed, STACKS_MADVISE);
	stack = take(&bed, sleeps_after);
	flow_drop(&stack->flow);
	stacks_abandon(&bed.stacks, stack);
	assert_int_equal(bed.stacks.n_abandoned, 1);
	for (uint32_t i = 0; i < STACKS_RUN; i++) {
		others[i] = take(&bed, sleeps_after);
		assert_ptr_not_equal(others[i], stack);
	}
	for (uint32_t i = 0; i < STACKS_RUN; i++)
		give(&bed, others[i]);
	sim_run_until(bed.loop, loop_clock_ns(bed.loop) + 5 * LIMIT_TASK_TRIM_NS);
	assert_int_equal(bed.stacks.n_runs, 1);
	end(&bed);
}

/* The address sanitizer marks what lies between the locals of a function that has not returned:
 * whoever has this memory next may touch all of it. */
static void memory_of_abandoned_stacks_is_as_any_other_when_it_is_back(void **state)
{
	unsigned char *low, *again;
	struct stack *stack;
	struct bed bed;
	size_t size;

	(void)state;
	begin(&bed, STACKS_MADVISE);
	stack = take(&bed, sleeps_deep);
	low = stack->low;
	size = stacks_size(stack);
	flow_drop(&stack->flow);
	stacks_abandon(&bed.stacks, stack);
	stacks_fini(&bed.stacks);
	again = mmap(low, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(again, low);
	memset(again, 1, size);
	assert_int_equal(munmap(again, size), 0);
	loop_free(bed.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_one_given_is_taken_first),
		cmocka_unit_test(sizes_are_rounded_up),
		cmocka_unit_test(guard_by_each_grade),
		cmocka_unit_test(grade_falls_to_canaries_when_mappings_run_out),
		cmocka_unit_test(canary_finds_an_overflow),
		cmocka_unit_test(waiting_stack_gives_back_what_it_does_not_use),
		cmocka_unit_test(idle_stacks_go_and_the_timer_with_them),
		cmocka_unit_test(promised_stack_stays),
		cmocka_unit_test(abandoned_stack_is_never_taken_again),
		cmocka_unit_test(memory_of_abandoned_stacks_is_as_any_other_when_it_is_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
