/* crash_in_load.c - segfault while the dynamic linker loads it, before anybody knows its
 * types. */
#include "crash_in_load.varlink.h"
#include <troupe/actor.h>

static __attribute__((constructor)) void crash_at_once(void)
{
	volatile uintptr_t first_page = 8;

	*(volatile int *)first_page = 1;
}

static int on_ping(struct troupe_self *self, void *state, struct crash_in_load_ping_call call,
		   const struct crash_in_load_ping *in)
{
	(void)state;
	(void)in;
	return crash_in_load_ping_return(self, call, &(struct crash_in_load_ping_out){0});
}

CRASH_IN_LOAD_HANDLERS(pinged, void, .ping = on_ping)

TROUPE_ACTOR(crash_in_load) = {
	TROUPE_ABI(crash_in_load),
	.interfaces = {&pinged},
};
