/* flood.c - fill a mailbox faster than it is emptied, and go on when there is room. */
#include "flood.varlink.h"
#include "sink.varlink.h"
#include <errno.h>
#include <troupe/actor.h>

/* One flood at a time. */
struct flood {
	struct troupe_address sink;
	struct flood_flood_call call;
	bool under_way;
	int64_t next, count;
	int64_t refusals;
};

/* Send until it is refused or all is sent. */
static int pour(struct troupe_self *self, struct flood *me)
{
	for (; me->next < me->count; me->next++) {
		int r = sink_take_send(self, me->sink, &(struct sink_take){.number = me->next});

		if (r == -EAGAIN) {
			me->refusals++;
			return 0;
		}
		if (r < 0) {
			me->under_way = false;
			(void)flood_flood_drop(self, me->call);
			return r;
		}
	}
	me->under_way = false;
	return flood_flood_return(self, me->call,
				  &(struct flood_flood_out){.refusals = me->refusals});
}

static int on_flood(struct troupe_self *self, struct flood *me, struct flood_flood_call call,
		    const struct flood_flood *in)
{
	if (me->under_way)
		return -EBUSY;
	if (troupe_find(self, in->sink, &me->sink) < 0)
		return flood_flood_fail_no_such_sink(
			self, call, &(struct flood_no_such_sink){.sink = in->sink});
	int r = flood_flood_keep(self, &call);
	if (r < 0)
		return r;
	me->call = call;
	me->under_way = true;
	me->next = 0;
	me->count = in->count;
	me->refusals = 0;
	return pour(self, me);
}

static int on_room(struct troupe_self *self, struct flood *me, struct troupe_address where,
		   struct troupe_call call)
{
	(void)where;
	(void)call;
	return me->under_way ? pour(self, me) : 0;
}

static int on_cancel(struct troupe_self *self, struct flood *me, struct troupe_call call)
{
	(void)self;
	if (call.id == me->call.call.id)
		me->under_way = false;
	return 0;
}

FLOOD_HANDLERS(flooding, struct flood, .flood = on_flood)
TROUPE_LIFE(flood_life, struct flood, void, .on_room = on_room, .on_cancel = on_cancel)

TROUPE_ACTOR(flood) = {
	TROUPE_ABI(flood),
	.description = "Fills mailboxes.",
	.state_size = sizeof(struct flood),
	.life = &flood_life,
	.interfaces = {&flooding},
};
