#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define SIGNAL_STACK (64u << 10)

struct start {
	void *(*run)(void *context);
	void *context;
};

/* The alternate stack lies at the beginning of the thread's own, which is its end last reached
 * when that overflows. */
static void *run_thread(void *given)
{
	_Alignas(64) unsigned char memory[SIGNAL_STACK];
	const stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
	struct start start = *(struct start *)given;
	stack_t before;
	void *result;

	free(given);
	(void)sigaltstack(&stack, &before);
	result = start.run(start.context);
	(void)sigaltstack(&before, NULL); /* a sanitizer has one of its own */
	return result;
}

static void block_signals(sigset_t *ret_before)
{
	const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(&set, own[i]);
	pthread_sigmask(SIG_SETMASK, &set, ret_before);
}

int thread_start(pthread_t *ret_thread, const char *name, size_t stack,
		 void *(*run)(void *context), void *context)
{
	struct start *start = malloc(sizeof(*start));
	pthread_attr_t attributes;
	sigset_t before;
	int error;

	if (!start)
		return -ENOMEM;
	*start = (struct start){run, context};
	pthread_attr_init(&attributes);
	if (stack)
		pthread_attr_setstacksize(&attributes, stack);
	block_signals(&before);
	error = pthread_create(ret_thread, &attributes, run_thread, start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (error) {
		free(start);
		return -error;
	}
	(void)pthread_setname_np(*ret_thread, name);
	return 0;
}
