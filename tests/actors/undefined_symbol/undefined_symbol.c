/* undefined_symbol.c - calls a function that nobody has. */
#include "undefined_symbol.varlink.h"
#include <troupe/actor.h>

int nobody_has_this(void);

static int on_ping(struct troupe_self *self, void *state,
		   struct undefined_symbol_ping_call call,
		   const struct undefined_symbol_ping *in)
{
	(void)state;
	(void)in;
	if (nobody_has_this())
		return 0;
	return undefined_symbol_ping_return(self, call, &(struct undefined_symbol_ping_out){0});
}

UNDEFINED_SYMBOL_HANDLERS(pinged, void, .ping = on_ping)

TROUPE_ACTOR(undefined_symbol) = {
	TROUPE_ABI(undefined_symbol),
	.interfaces = {&pinged},
};
