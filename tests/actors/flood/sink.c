/* sink.c - take what a flood sends, and see whether it comes in order. */
#include "sink.varlink.h"
#include <troupe/actor.h>

struct sink {
	int64_t count;
	int64_t last;
	int64_t out_of_order;
};

static int on_take(struct troupe_self *self, struct sink *me, struct sink_take_call call,
		   const struct sink_take *in)
{
	if (me->count > 0 && in->number != me->last + 1)
		me->out_of_order++;
	me->last = in->number;
	me->count++;
	return sink_take_return(self, call, &(struct sink_take_out){0});
}

static int on_taken(struct troupe_self *self, struct sink *me, struct sink_taken_call call,
		    const struct sink_taken *in)
{
	(void)in;
	return sink_taken_return(
		self, call,
		&(struct sink_taken_out){.count = me->count, .outOfOrder = me->out_of_order});
}

SINK_HANDLERS(taking, struct sink, .take = on_take, .taken = on_taken)

TROUPE_ACTOR(sink) = {
	TROUPE_ABI(sink),
	.description = "Takes what a flood sends.",
	.state_size = sizeof(struct sink),
	.interfaces = {&taking},
};
