#include "core/switch.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static void flow_main(struct flow_transfer from)
{
	struct flow *flow = from.data;

	flow->outside = from.context;
	flow_after_in(flow);
	flow->run(flow->arg);
	flow->has_ended = true;
	flow_before_out(flow, NULL);
	jump_fcontext(flow->outside, flow);
	__builtin_unreachable();
}

void flow_make(struct flow *flow, void *low, size_t size, void (*run)(void *arg), void *arg)
{
	*flow = (struct flow){
		.run = run,
		.arg = arg,
		.bottom_inside = low,
		.size_inside = size,
		.fiber_inside = flow_tsan_make(),
	};
	flow_asan_clear(low, size);
	flow->inside = make_fcontext((char *)low + size, size, flow_main);
}

void flow_do_errand(struct flow *flow)
{
	flow->errand(flow->errand_arg);
	flow->errand = NULL;
}

void flow_outside(struct flow *flow, void (*errand)(void *arg), void *arg)
{
	flow->errand = errand;
	flow->errand_arg = arg;
	flow_leave(flow);
}

/* What flow_visit() runs on the flow's stack before it goes back. */
struct visit {
	struct flow *flow;
	void (*run)(void *arg);
	void *arg;
};

/* It stays there, so that the next visit finds it: a frame for each would use up the stack. */
static struct flow_transfer run_visits(struct flow_transfer from)
{
	const struct visit *visit = from.data;
	struct flow *flow = visit->flow;

	do {
		visit = from.data;
		flow->outside = from.context;
		flow_after_in(flow);
		visit->run(visit->arg);
		flow_before_out(flow, &flow->fake_inside);
		from = jump_fcontext(flow->outside, flow);
	} while (from.data != flow);
	/* Entered again, and so returns to where the flow had left, which goes on from here. */
	flow->is_visited = false;
	flow->outside = from.context;
	return from;
}

void flow_visit(struct flow *flow, void (*visit)(void *arg), void *arg)
{
	struct visit what = {flow, visit, arg};
	struct flow_transfer from;

	flow_before_in(flow);
	from = flow->is_visited ? jump_fcontext(flow->inside, &what)
				: ontop_fcontext(flow->inside, &what, run_visits);
	flow_after_out(flow);
	flow->is_visited = true;
	flow->inside = from.context;
}

void flow_drop(struct flow *flow)
{
	flow_tsan_drop(flow->fiber_inside);
}

/* ------------------------------------------------------------------ */

#define SHADOW_STACK_STATUS  0x5005 /* a question of the system call's below */
#define SHADOW_STACK_ENABLED 1ull

const char *flow_refusal(void)
{
#ifdef SYS_arch_prctl
	uint64_t features = 0;

	if (syscall(SYS_arch_prctl, SHADOW_STACK_STATUS, &features) == 0 &&
	    features & SHADOW_STACK_ENABLED)
		return "the process runs with shadow stacks";
#endif
	return NULL;
}
