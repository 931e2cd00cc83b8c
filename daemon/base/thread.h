/* thread.h - threads beside that of the loop.
 *
 * Signals are the loop's affair: these threads take none but those that their own faults raise.
 * For these they have an alternate stack, so that an overflow of their own is reported, too.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* name: up to 15 bytes, for people. stack: bytes, with the 64 KiB of the alternate one; 0: what
 * the system gives. To be joined.
 * -EAGAIN, -ENOMEM. */
int thread_start(pthread_t *ret_thread, const char *name, size_t stack,
		 void *(*run)(void *context), void *context);

/* What distinguishes the thread at hand from all others that are there: without a call, where
 * that is possible. */
static inline const void *thread_here(void)
{
	const void *pointer;

#if defined(__x86_64__) && !defined(__ILP32__)
	__asm__("movq %%fs:0, %0" : "=r"(pointer));
#elif defined(__aarch64__)
	__asm__("mrs %0, tpidr_el0" : "=r"(pointer));
#else
	pointer = (const void *)pthread_self();
#endif
	return pointer;
}

#endif
