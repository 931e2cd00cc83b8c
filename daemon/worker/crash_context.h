/* crash_context.h - what a fault handler can know of the code it interrupted.
 * Async-signal-safe. */
#ifndef WORKER_CRASH_CONTEXT_H
#define WORKER_CRASH_CONTEXT_H

#include <stdint.h>
#include <ucontext.h>

#if defined(__x86_64__)
static inline uintptr_t crash_context_pc(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

/* Where the call came from that led to a pc without code: nothing was pushed since. */
static inline uintptr_t crash_context_caller(const ucontext_t *context)
{
	const uintptr_t *stack = (const uintptr_t *)context->uc_mcontext.gregs[REG_RSP];

	return *stack;
}
#elif defined(__aarch64__)
static inline uintptr_t crash_context_pc(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.pc;
}

static inline uintptr_t crash_context_caller(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.regs[30];
}
#else
/* 0: not known; the backtrace then begins with the handler's own frames. */
static inline uintptr_t crash_context_pc(const ucontext_t *context)
{
	(void)context;
	return 0;
}

static inline uintptr_t crash_context_caller(const ucontext_t *context)
{
	(void)context;
	return 0;
}
#endif

#endif
