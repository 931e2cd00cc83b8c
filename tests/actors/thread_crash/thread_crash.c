/* thread_crash.c - a thread of a plug-in's own, which ends the worker outside of all
 * handlers. */
#include "thread_crash.varlink.h"
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <troupe/actor.h>
#include <unistd.h>

static void *run(void *context)
{
	struct thread_crash_config config = *(struct thread_crash_config *)context;
	volatile uintptr_t first_page = 8;

	free(context);
	(void)usleep((useconds_t)config.afterMs * 1000);
	switch (config.how) {
	case THREAD_CRASH_CONFIG_HOW_EXIT:
		exit(9);
	case THREAD_CRASH_CONFIG_HOW_LEAVE:
		_exit(9);
	case THREAD_CRASH_CONFIG_HOW_VANISH:
		syscall(SYS_exit_group, 9);
		break;
	case THREAD_CRASH_CONFIG_HOW_FAULT:
		break;
	}
	*(volatile int *)first_page = 1;
	return NULL;
}

static int begin(struct troupe_self *self, void *state,
		 const struct thread_crash_config *config)
{
	struct thread_crash_config *copy = malloc(sizeof(*copy));
	pthread_t thread;
	int r;

	(void)self;
	(void)state;
	if (!copy)
		return -ENOMEM;
	*copy = *config;
	r = pthread_create(&thread, NULL, run, copy);
	if (r != 0) {
		free(copy);
		return -r;
	}
	(void)pthread_detach(thread);
	return 0;
}

static int on_ping(struct troupe_self *self, void *state, struct thread_crash_ping_call call,
		   const struct thread_crash_ping *in)
{
	(void)state;
	(void)in;
	return thread_crash_ping_return(self, call, &(struct thread_crash_ping_out){0});
}

THREAD_CRASH_HANDLERS(pinged, void, .ping = on_ping)
TROUPE_LIFE(life, void, struct thread_crash_config, .init = begin)

TROUPE_ACTOR(thread_crash) = {
	TROUPE_ABI(thread_crash),
	.life = &life,
	.interfaces = {&pinged},
	.config = &thread_crash_config_type,
};
