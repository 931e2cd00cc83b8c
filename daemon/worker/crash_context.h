/* crash_context.h - what a fault handler can know of the code it interrupted.
 * Async-signal-safe. */
#ifndef WORKER_CRASH_CONTEXT_H
#define WORKER_CRASH_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

/* Where it was interrupted. false, and 0: not known; a backtrace then begins with the handler's
 * own frames. */
static inline bool crash_context_pc(const ucontext_t *context, uintptr_t *ret_pc);

#if defined(__x86_64__)
static inline bool crash_context_pc(const ucontext_t *context, uintptr_t *ret_pc)
{
	*ret_pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
	return true;
}

/* Where the call came from that led to a pc without code: nothing was pushed since. */
static inline uintptr_t crash_context_caller(const ucontext_t *context)
{
	const uintptr_t *stack = (const uintptr_t *)context->uc_mcontext.gregs[REG_RSP];

	return *stack;
}
#elif defined(__aarch64__)
static inline bool crash_context_pc(const ucontext_t *context, uintptr_t *ret_pc)
{
	*ret_pc = (uintptr_t)context->uc_mcontext.pc;
	return true;
}

static inline uintptr_t crash_context_caller(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.regs[30];
}
#else
static inline bool crash_context_pc(const ucontext_t *context, uintptr_t *ret_pc)
{
	(void)context;
	*ret_pc = 0;
	return false;
}

static inline uintptr_t crash_context_caller(const ucontext_t *context)
{
	(void)context;
	return 0;
}
#endif

#endif
