/* kiosk.c - a plug-in with an actor type of each kind: with configuration and without, of
 * one interface, two, none. */
#include "kiosk.varlink.h"
#include "stock.varlink.h"
#include <troupe/actor.h>

struct keeper {
	int64_t left;
};

static int on_sell(struct troupe_self *self, struct keeper *me, struct kiosk_sell_call call,
		   const struct kiosk_sell *in)
{
	const struct kiosk_sell_out out = {};

	me->left -= in->order ? in->order->copies : 1;
	return kiosk_sell_return(self, call, &out);
}

static int on_count(struct troupe_self *self, struct keeper *me, struct stock_count_call call,
		    const struct stock_count *in)
{
	const struct stock_count_out out = {me->left};

	(void)in;
	return stock_count_return(self, call, &out);
}

KIOSK_HANDLERS(selling, struct keeper, .sell = on_sell)
STOCK_HANDLERS(counting, struct keeper, .count = on_count)

TROUPE_ACTOR(kiosk) = {
	TROUPE_ABI(kiosk),
	.description = "Sells papers, and hüte.",
	.state_size = sizeof(struct keeper),
	.config = &kiosk_config_type,
	.interfaces = {&selling, &counting},
};

TROUPE_ACTOR(stock) = {
	TROUPE_ABI(stock),
	.state_size = sizeof(struct keeper),
	.config = &stock_config_type,
	.interfaces = {&counting},
};

/* Of a type that no interface declares under a name. */
TROUPE_ACTOR(helper) = {
	TROUPE_ABI(helper),
	.config = &kiosk_sell_type,
};

TROUPE_ACTOR(idle) = {
	TROUPE_ABI(idle),
};
