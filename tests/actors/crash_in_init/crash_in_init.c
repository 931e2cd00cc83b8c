/* crash_in_init.c - segfault before the first message. */
#include "crash_in_init.varlink.h"
#include <troupe/actor.h>

static int on_ping(struct troupe_self *self, void *state, struct crash_in_init_ping_call call,
		   const struct crash_in_init_ping *in)
{
	(void)state;
	(void)in;
	return crash_in_init_ping_return(self, call, &(struct crash_in_init_ping_out){0});
}

static int begin(struct troupe_self *self, void *state, const void *config)
{
	volatile uintptr_t first_page = 8;

	(void)self;
	(void)state;
	(void)config;
	*(volatile int *)first_page = 1;
	return 0;
}

CRASH_IN_INIT_HANDLERS(pinged, void, .ping = on_ping)
TROUPE_LIFE(life, void, void, .init = begin)

TROUPE_ACTOR(crash_in_init) = {
	TROUPE_ABI(crash_in_init),
	.life = &life,
	.interfaces = {&pinged},
};
