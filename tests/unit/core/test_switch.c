/* Flows on stacks of their own. */
#include "base/cleanup.h"
#include "core/switch.h"
#include <execinfo.h>
#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define STACK_BYTES ((size_t)256 << 10)
/* From one stack to the next: valgrind takes a step of less than 2 MB for a frame. */
#define STACK_APART ((size_t)4 << 20)

struct run {
	struct flow flow;
	void *stack;
	int steps;
	int outside;
	void *here; /* an address on the stack that an errand ran on */
	void *back; /* where waits_deep_down() returns to in the end */
	char trace[4096];
	double quotient;
};

static void begin(struct run *run, void (*function)(void *arg))
{
	*run = (struct run){.stack = mmap(NULL, STACK_APART, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)};
	assert_ptr_not_equal(run->stack, MAP_FAILED);
	flow_make(&run->flow, run->stack, STACK_BYTES, function, run);
}

static void end(struct run *run)
{
	flow_drop(&run->flow);
	munmap(run->stack, STACK_APART);
}

static bool is_on_stack(const struct run *run, const void *at)
{
	return (uintptr_t)at - (uintptr_t)run->stack < STACK_BYTES;
}

static void counts(void *arg)
{
	struct run *run = arg;

	for (int i = 0; i < 10; i++) {
		run->steps++;
		flow_leave(&run->flow);
	}
}

static void flow_goes_on_where_it_has_left(void **state)
{
	struct run a, b;

	(void)state;
	assert_null(flow_refusal());
	begin(&a, counts);
	begin(&b, counts);
	for (int i = 1; i <= 10; i++) {
		assert_true(flow_enter(&a.flow));
		assert_int_equal(a.steps, i);
		assert_true(flow_enter(&b.flow));
		assert_int_equal(b.steps, i);
		assert_true(is_on_stack(&a, flow_depth(&a.flow)));
	}
	assert_false(flow_enter(&a.flow));
	assert_false(flow_enter(&b.flow));
	end(&a);
	end(&b);
}

/* One flow lets another run. */
static void nests(void *arg)
{
	struct run *run = arg, inner;

	begin(&inner, counts);
	while (flow_enter(&inner.flow))
		flow_leave(&run->flow);
	run->steps = inner.steps;
	end(&inner);
}

static void flow_enters_another_one(void **state)
{
	struct run run;
	int left = 0;

	(void)state;
	begin(&run, nests);
	while (flow_enter(&run.flow))
		left++;
	assert_int_equal(left, 10);
	assert_int_equal(run.steps, 10);
	end(&run);
}

static void note_place(void *arg)
{
	struct run *run = arg;
	char here[16];

	memset(here, run->steps, sizeof(here));
	run->here = here;
	run->outside += here[0];
}

static void does_errands(void *arg)
{
	struct run *run = arg;
	char here[16];

	for (run->steps = 1; run->steps <= 3; run->steps++) {
		flow_outside(&run->flow, note_place, run);
		memset(here, 0, sizeof(here));
		assert_true(is_on_stack(run, here) || run->flow.fake_inside);
		flow_leave(&run->flow);
	}
}

static void errand_runs_outside_and_comes_back(void **state)
{
	struct run run;
	int left = 0;

	(void)state;
	begin(&run, does_errands);
	while (flow_enter(&run.flow)) {
		left++;
		assert_false(is_on_stack(&run, run.here));
	}
	assert_int_equal(left, 3);
	assert_int_equal(run.outside, 1 + 2 + 3);
	end(&run);
}

static __attribute__((noinline)) void note_frame(void *arg)
{
	struct run *run = arg;

	run->here = __builtin_frame_address(0);
	run->outside++;
}

static void does_many_errands(void *arg)
{
	struct run *run = arg;
	void *first;

	flow_outside(&run->flow, note_frame, run);
	first = run->here;
	for (run->steps = 1; run->steps < 1000; run->steps++)
		flow_outside(&run->flow, note_frame, run);
	assert_ptr_equal(run->here, first);
}

/* Before the flow leaves: a frame for each would use up the stack. */
static void errands_in_a_row_take_no_room(void **state)
{
	struct run run;

	(void)state;
	begin(&run, does_many_errands);
	assert_false(flow_enter(&run.flow));
	assert_int_equal(run.outside, 1000);
	end(&run);
}

/* ------------------------------------------------------------------ backtraces */

#define DEPTH 5

static __attribute__((noinline)) void waits_deep_down(struct run *run, int depth)
{
	volatile char local[64];

	if (depth == DEPTH)
		run->back = __builtin_return_address(0);
	local[0] = (char)depth;
	if (depth > 0)
		waits_deep_down(run, depth - 1);
	else
		flow_leave(&run->flow);
	run->steps += local[0];
}

static __attribute__((noinline)) void goes_down(void *arg)
{
	struct run *run = arg;

	waits_deep_down(run, DEPTH);
	run->outside++; /* so that it stays on the stack */
}

struct trace {
	void *frames[32];
	int n;
};

static void take_trace(void *arg)
{
	struct trace *trace = arg;

	trace->n = backtrace(trace->frames, 32);
}

static void backtrace_of_a_flow_that_waits(void **state)
{
	struct trace trace = {.n = 0};
	struct run run;
	int found = 0;

	(void)state;
	begin(&run, goes_down);
	assert_true(flow_enter(&run.flow));
	flow_visit(&run.flow, take_trace, &trace);
	/* twice, since the first has left it as it was */
	flow_visit(&run.flow, take_trace, &trace);
	assert_true(trace.n >= 7);
	for (int i = 0; i < trace.n; i++)
		found += trace.frames[i] == run.back;
	assert_int_equal(found, 1);
	assert_false(flow_enter(&run.flow));
	assert_int_equal(run.steps, 5 + 4 + 3 + 2 + 1);
	assert_int_equal(run.outside, 1);
	end(&run);
}

/* ------------------------------------------------------------------ registers */

static void rounds_upward(void *arg)
{
	struct run *run = arg;
	volatile double one = 1, three = 3;

	fesetround(FE_UPWARD);
	flow_leave(&run->flow);
	run->quotient = one / three;
}

static void each_side_keeps_its_rounding(void **state)
{
	volatile double one = 1, three = 3;
	double nearest = one / three;
	struct run run;

	(void)state;
	begin(&run, rounds_upward);
	assert_true(flow_enter(&run.flow));
	assert_int_equal(fegetround(), FE_TONEAREST);
	assert_true(one / three == nearest);
	assert_false(flow_enter(&run.flow));
	assert_true(run.quotient > nearest);
	assert_int_equal(fegetround(), FE_TONEAREST);
	end(&run);
}

static void given_up_flow_needs_nothing(void **state)
{
	struct run run;

	(void)state;
	begin(&run, counts);
	assert_true(flow_enter(&run.flow));
	end(&run);
	begin(&run, counts);
	end(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_goes_on_where_it_has_left),
		cmocka_unit_test(flow_enters_another_one),
		cmocka_unit_test(errand_runs_outside_and_comes_back),
		cmocka_unit_test(errands_in_a_row_take_no_room),
		cmocka_unit_test(backtrace_of_a_flow_that_waits),
		cmocka_unit_test(each_side_keeps_its_rounding),
		cmocka_unit_test(given_up_flow_needs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
