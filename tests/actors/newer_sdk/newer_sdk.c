/* newer_sdk.c - calls a function of the SDK that this host lacks. */
#include "newer_sdk.varlink.h"
#include <troupe/actor.h>

int troupe_from_the_future(struct troupe_self *self);

static int on_ping(struct troupe_self *self, void *state, struct newer_sdk_ping_call call,
		   const struct newer_sdk_ping *in)
{
	(void)state;
	(void)in;
	if (troupe_from_the_future(self))
		return 0;
	return newer_sdk_ping_return(self, call, &(struct newer_sdk_ping_out){0});
}

NEWER_SDK_HANDLERS(pinged, void, .ping = on_ping)

TROUPE_ACTOR(newer_sdk) = {
	TROUPE_ABI(newer_sdk),
	.interfaces = {&pinged},
};
