/* wrong_abi.c - made for an ABI that no host has. */
#include "wrong_abi.varlink.h"
#include <troupe/actor.h>

#undef TROUPE_ABI_MAJOR
#define TROUPE_ABI_MAJOR 99

static int on_ping(struct troupe_self *self, void *state, struct wrong_abi_ping_call call,
		   const struct wrong_abi_ping *in)
{
	(void)state;
	(void)in;
	return wrong_abi_ping_return(self, call, &(struct wrong_abi_ping_out){0});
}

WRONG_ABI_HANDLERS(pinged, void, .ping = on_ping)

TROUPE_ACTOR(wrong_abi) = {
	TROUPE_ABI(wrong_abi),
	.interfaces = {&pinged},
};
