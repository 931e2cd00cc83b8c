/* crash.c - end the worker, in every way there is. */
#include "crash.varlink.h"
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <troupe/actor.h>
#include <unistd.h>

/* What a compiler cannot see through, so that it neither warns nor removes the fault. */
static void *opaque(uintptr_t value)
{
	__asm__ volatile("" : "+r"(value));
	return (void *)value;
}

static __attribute__((noinline)) void write_to_first_page(void)
{
	*(volatile int *)opaque(8) = 1;
}

static int on_later(struct troupe_self *self, void *state, uint64_t context)
{
	(void)self;
	(void)state;
	(void)context;
	write_to_first_page();
	return 0;
}
TROUPE_TIMER(on_later, void)

static int on_ping(struct troupe_self *self, void *state, struct crash_ping_call call,
		   const struct crash_ping *in)
{
	(void)state;
	(void)in;
	return crash_ping_return(self, call, &(struct crash_ping_out){0});
}

static int on_segfault(struct troupe_self *self, void *state, struct crash_segfault_call call,
		       const struct crash_segfault *in)
{
	(void)self;
	(void)state;
	(void)call;
	(void)in;
	write_to_first_page();
	return 0;
}

static int on_raise(struct troupe_self *self, void *state, struct crash_raise_call call,
		    const struct crash_raise *in)
{
	(void)state;
	if (raise((int)in->signal) != 0)
		return -errno;
	return crash_raise_return(self, call, &(struct crash_raise_out){0});
}

static int on_abort(struct troupe_self *self, void *state, struct crash_abort_call call,
		    const struct crash_abort *in)
{
	(void)self;
	(void)state;
	(void)call;
	(void)in;
	abort();
}

/* A sanitizer would make a report of it, and an exit status. */
static __attribute__((no_sanitize("undefined"))) int on_divide(struct troupe_self *self,
							       void *state,
							       struct crash_divide_call call,
							       const struct crash_divide *in)
{
	/* Both, or a compiler may know the quotient of 1 without dividing. */
	volatile int one = 1, zero = 0;

	(void)self;
	(void)state;
	(void)call;
	(void)in;
	return one / zero;
}

static __attribute__((noinline)) int descend(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	/* It never comes to that. Not a tail call: the frame is used afterwards. */
	return depth < 0 ? 0 : descend(depth + 1) + frame[0];
}

static int on_stack_overflow(struct troupe_self *self, void *state,
			     struct crash_stack_overflow_call call,
			     const struct crash_stack_overflow *in)
{
	(void)self;
	(void)state;
	(void)call;
	(void)in;
	return descend(0);
}

static int on_jump(struct troupe_self *self, void *state, struct crash_jump_call call,
		   const struct crash_jump *in)
{
	void *nowhere = opaque((uintptr_t)in->address);
	int (*function)(void);

	(void)self;
	(void)state;
	(void)call;
	memcpy(&function, &nowhere, sizeof(function));
	return function() + 1; /* not a tail call */
}

static int on_loop(struct troupe_self *self, void *state, struct crash_loop_call call,
		   const struct crash_loop *in)
{
	(void)self;
	(void)state;
	(void)call;
	(void)in;
	for (volatile bool forever = true; forever;)
		;
	return 0;
}

static int on_hang(struct troupe_self *self, void *state, struct crash_hang_call call,
		   const struct crash_hang *in)
{
	(void)self;
	(void)state;
	(void)call;
	(void)in;
	for (volatile bool forever = true; forever;)
		(void)pause();
	return 0;
}

static int on_leave(struct troupe_self *self, void *state, struct crash_exit_call call,
		    const struct crash_exit *in)
{
	(void)self;
	(void)state;
	(void)call;
	exit((int)in->code);
}

static int on_fork(struct troupe_self *self, void *state, struct crash_fork_call call,
		   const struct crash_fork *in)
{
	pid_t pid = fork();

	(void)state;
	if (pid < 0)
		return -errno;
	if (pid == 0 && in->code)
		_exit((int)in->code);
	if (pid == 0)
		write_to_first_page();
	(void)waitpid(pid, NULL, 0);
	return crash_fork_return(self, call, &(struct crash_fork_out){0});
}

static int on_wild_free(struct troupe_self *self, void *state, struct crash_wild_free_call call,
			const struct crash_wild_free *in)
{
	(void)self;
	(void)state;
	(void)call;
	(void)in;
	free(opaque(0x1230));
	return 0;
}

static int on_eat_memory(struct troupe_self *self, void *state,
			 struct crash_eat_memory_call call, const struct crash_eat_memory *in)
{
	const size_t size = (size_t)1 << 20;

	(void)self;
	(void)state;
	(void)call;
	(void)in;
	for (volatile bool forever = true; forever;) {
		volatile char *memory = malloc(size);

		for (size_t i = 0; memory && i < size; i += 512)
			memory[i] = 1;
	}
	return 0;
}

static int on_maybe(struct troupe_self *self, void *state, struct crash_maybe_call call,
		    const struct crash_maybe *in)
{
	struct timespec time = {.tv_nsec = in->ms % 1000 * 1000000};

	(void)state;
	if (in->crash)
		write_to_first_page();
	while (nanosleep(&time, &time) < 0 && errno == EINTR)
		;
	return crash_maybe_return(self, call, &(struct crash_maybe_out){0});
}

static int on_segfault_later(struct troupe_self *self, void *state,
			     struct crash_segfault_later_call call,
			     const struct crash_segfault_later *in)
{
	(void)state;
	if (in->delayMs < 0)
		return crash_segfault_later_fail_parameter(self, call, "delayMs",
							   "must not be negative");
	int r = troupe_timer_start(self, &on_later_entry, (uint64_t)in->delayMs * TROUPE_MS_NS,
				   0, 0, NULL);
	if (r < 0)
		return r;
	return crash_segfault_later_return(self, call, &(struct crash_segfault_later_out){0});
}

CRASH_HANDLERS(crasher, void, .ping = on_ping, .segfault = on_segfault, .raise = on_raise,
	       .abort = on_abort, .divide = on_divide, .stack_overflow = on_stack_overflow,
	       .jump = on_jump, .loop = on_loop, .hang = on_hang, .exit = on_leave,
	       .fork = on_fork, .wild_free = on_wild_free, .eat_memory = on_eat_memory,
	       .segfault_later = on_segfault_later, .maybe = on_maybe)

TROUPE_ACTOR(crash) = {
	TROUPE_ABI(crash),
	.description = "Ends its worker, in every way there is.",
	.interfaces = {&crasher},
	.entries = {&on_later_entry},
};
