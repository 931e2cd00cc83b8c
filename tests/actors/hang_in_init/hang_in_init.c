/* hang_in_init.c - never come back from init. */
#include "hang_in_init.varlink.h"
#include <troupe/actor.h>

static int on_ping(struct troupe_self *self, void *state, struct hang_in_init_ping_call call,
		   const struct hang_in_init_ping *in)
{
	(void)state;
	(void)in;
	return hang_in_init_ping_return(self, call, &(struct hang_in_init_ping_out){0});
}

static int begin(struct troupe_self *self, void *state, const void *config)
{
	(void)self;
	(void)state;
	(void)config;
	for (volatile bool forever = true; forever;)
		;
	return 0;
}

HANG_IN_INIT_HANDLERS(pinged, void, .ping = on_ping)
TROUPE_LIFE(life, void, void, .init = begin)

TROUPE_ACTOR(hang_in_init) = {
	TROUPE_ABI(hang_in_init),
	.life = &life,
	.interfaces = {&pinged},
};
