/* globals.c - a mutable static: it would be shared by all actors, and by the threads of
 * later hosts. */
#include "globals.varlink.h"
#include <troupe/actor.h>

static int64_t count;

static int on_ping(struct troupe_self *self, void *state, struct globals_ping_call call,
		   const struct globals_ping *in)
{
	(void)state;
	(void)in;
	count++;
	return globals_ping_return(self, call, &(struct globals_ping_out){0});
}

GLOBALS_HANDLERS(pinged, void, .ping = on_ping)

TROUPE_ACTOR(globals) = {
	TROUPE_ABI(globals),
	.interfaces = {&pinged},
};
