/* switch.h - a flow of control on a stack of its own, entered and left like a function that can
 * pause.
 *
 * With switch.c the only file that knows libboost_context: its make_fcontext(), jump_fcontext()
 * and ontop_fcontext(), which are plain functions of a C ABI, and what sanitizers have to be
 * told of a change of stacks. A switch keeps the registers that functions keep, with the
 * control words of the floating-point units; errno and all else belong to the thread, in which
 * a flow stays. Owns nothing; one thread.
 *
 * A flow runs on nobody's behalf but its owner's: flow_enter() returns when the flow has left
 * or ended. Inside it, what needs more of a stack than the flow has is done on that of who
 * entered it (flow_outside()).
 */
#ifndef CORE_SWITCH_H
#define CORE_SWITCH_H

#include "base/check.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

struct flow {
	void *inside;  /* while it does not run: where its stack is at */
	void *outside; /* while it runs: the same of who entered it */
	void (*run)(void *arg);
	void *arg;
	void (*errand)(void *arg); /* to be done outside */
	void *errand_arg;
	bool has_ended;
	bool is_visited; /* it has been visited since it left */
	/* Of sanitizers; unused without them. */
	void *fake_inside, *fake_outside; /* AddressSanitizer's stacks for locals */
	const void *bottom_inside, *bottom_outside;
	size_t size_inside, size_outside;
	void *fiber_inside, *fiber_outside; /* ThreadSanitizer's */
};

/* ------------------------------------------------------------------ libboost_context */

/* What the other side gets: where it came from, to return there, and a pointer. */
struct flow_transfer {
	void *context;
	void *data;
};

void *make_fcontext(void *top, size_t size, void (*run)(struct flow_transfer));
struct flow_transfer jump_fcontext(void *to, void *data);
struct flow_transfer ontop_fcontext(void *to, void *data,
				    struct flow_transfer (*run)(struct flow_transfer));

/* jump_fcontext(to, data), gone to without a call: a processor guesses where functions return
 * to by the calls that it has seen. After a call that nobody returns from by a return, all
 * guesses would be wrong as far as the loop. It pushes like one, so the code around it must
 * keep nothing below its stack's end: the Makefile has -mno-red-zone. A function with this must
 * have a true call, too, so that its stack is aligned as for one. Not where there are registers
 * that a call may change and this does not name. */
#if defined(__x86_64__) && !defined(__AVX512F__) && !defined(__APX_F__)
__attribute__((always_inline)) static inline struct flow_transfer flow_jump(void *to,
									    void *data)
{
	struct flow_transfer from;

	__asm__ volatile("leaq 0f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "jmp jump_fcontext@PLT\n"
			 "0:"
			 : "=a"(from.context), "=d"(from.data), "+D"(to), "+S"(data)
			 :
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1",
			   "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
			   "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)",
			   "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
	return from;
}
#else
#define flow_jump(to, data) jump_fcontext(to, data)
#endif

/* ------------------------------------------------------------------ sanitizers */

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define flow_asan_begin(fake, bottom, size) __sanitizer_start_switch_fiber(fake, bottom, size)
#define flow_asan_end(fake, bottom, size)   __sanitizer_finish_switch_fiber(fake, bottom, size)
/* What lay in the same memory before may have been abandoned in the middle of its frames. */
#define flow_asan_clear(low, size) __asan_unpoison_memory_region(low, size)
#else
#define flow_asan_begin(fake, bottom, size) ((void)0)
#define flow_asan_end(fake, bottom, size)   ((void)0)
#define flow_asan_clear(low, size)          ((void)0)
#endif

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define flow_tsan_current()     __tsan_get_current_fiber()
#define flow_tsan_make()        __tsan_create_fiber(0)
#define flow_tsan_drop(fiber)   __tsan_destroy_fiber(fiber)
#define flow_tsan_change(fiber) __tsan_switch_to_fiber(fiber, 0)
#else
#define flow_tsan_current()     NULL
#define flow_tsan_make()        NULL
#define flow_tsan_drop(fiber)   ((void)(fiber))
#define flow_tsan_change(fiber) ((void)(fiber))
#endif

/* ------------------------------------------------------------------ the two sides */

/* To the stack of who entered it. NULL as `fake`: for good. */
static inline void flow_before_out(struct flow *flow, void **fake)
{
	(void)fake;
	flow_asan_begin(fake, flow->bottom_outside, flow->size_outside);
	flow_tsan_change(flow->fiber_outside);
}

/* On the flow's stack, which was gone to from outside. */
static inline void flow_after_in(struct flow *flow)
{
	(void)flow;
	flow_asan_end(flow->fake_inside, &flow->bottom_outside, &flow->size_outside);
}

static inline void flow_before_in(struct flow *flow)
{
	flow_asan_begin(&flow->fake_outside, flow->bottom_inside, flow->size_inside);
	flow->fiber_outside = flow_tsan_current();
	flow_tsan_change(flow->fiber_inside);
}

static inline void flow_after_out(struct flow *flow)
{
	(void)flow;
	flow_asan_end(flow->fake_outside, NULL, NULL);
}

/* NULL: flows can be made here. Otherwise why not, a constant text: the process runs with
 * shadow stacks, which the library's switches do not keep in step. */
const char *flow_refusal(void);

/* A flow that calls run(arg) on the `size` bytes of stack from `low` on, which stay the
 * caller's, when it is first entered. */
void flow_make(struct flow *flow, void *low, size_t size, void (*run)(void *arg), void *arg);

/* For flow_enter(): what is to be done outside. */
void flow_do_errand(struct flow *flow);

/* Let it run until it leaves, or its function returns: false then. Not from inside it. Inline,
 * as is flow_leave(): after each change of stacks the processor guesses wrongly where functions
 * return to, so that there are to be few of them. */
static inline bool flow_enter(struct flow *flow)
{
	for (;;) {
		struct flow_transfer from;

		flow_before_in(flow);
		from = flow_jump(flow->inside, flow);
		flow_after_out(flow);
		flow->inside = from.context;
		if (likely(!flow->errand))
			return !flow->has_ended;
		flow_do_errand(flow);
	}
}

/* From inside: go back to who entered it, until it is entered again. */
static inline void flow_leave(struct flow *flow)
{
	struct flow_transfer from;

	flow_before_out(flow, &flow->fake_inside);
	from = flow_jump(flow->outside, flow);
	flow->outside = from.context;
	flow_after_in(flow);
}

/* From inside: call errand(arg) on the stack of who entered it. It must neither enter nor leave
 * this flow. */
void flow_outside(struct flow *flow, void (*errand)(void *arg), void *arg);

/* Call visit(arg) on the stack of a flow that has left and not ended, as if it had called it
 * where it left: a backtrace taken there is the flow's. */
void flow_visit(struct flow *flow, void (*visit)(void *arg), void *arg);

/* What this side of a switch does with floating-point numbers: rounding, traps, denormals. A
 * flow keeps its own. 0: not known on this machine. */
static inline uint64_t flow_arithmetic(void)
{
#if defined(__x86_64__)
	uint32_t sse;
	uint16_t x87;

	__asm__ volatile("stmxcsr %0" : "=m"(sse));
	__asm__ volatile("fnstcw %0" : "=m"(x87));
	return (uint64_t)x87 << 32 | (sse & ~0x3fu); /* without what has happened */
#elif defined(__aarch64__)
	uint64_t control;

	__asm__ volatile("mrs %0, fpcr" : "=r"(control));
	return control;
#else
	return 0;
#endif
}

/* The lowest address that a flow uses which has left: what is below may go. */
static inline void *flow_depth(const struct flow *flow)
{
	return flow->inside;
}

/* It is not entered any more: it has ended, or is given up where it is. */
void flow_drop(struct flow *flow);

#endif
