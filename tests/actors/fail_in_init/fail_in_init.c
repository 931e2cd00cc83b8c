/* fail_in_init.c - refuse to begin, with the error asked for. */
#include "fail_in_init.varlink.h"
#include <errno.h>
#include <troupe/actor.h>

static int on_ping(struct troupe_self *self, void *state, struct fail_in_init_ping_call call,
		   const struct fail_in_init_ping *in)
{
	(void)state;
	(void)in;
	return fail_in_init_ping_return(self, call, &(struct fail_in_init_ping_out){0});
}

static int begin(struct troupe_self *self, void *state,
		 const struct fail_in_init_config *config)
{
	(void)self;
	(void)state;
	return config ? (int)config->code : -EPERM;
}

FAIL_IN_INIT_HANDLERS(pinged, void, .ping = on_ping)
TROUPE_LIFE(life, void, struct fail_in_init_config, .init = begin)

TROUPE_ACTOR(fail_in_init) = {
	TROUPE_ABI(fail_in_init),
	.life = &life,
	.interfaces = {&pinged},
	.config = &fail_in_init_config_type,
};
