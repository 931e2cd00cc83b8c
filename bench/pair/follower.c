/* follower.c - the one in the other worker: sends balls back, counts and checks what else
 * comes. */
#include "pair.varlink.h"
#include <string.h>
#include <troupe/actor.h>

#define PAGE 4096

struct follower {
	int64_t each; /* Taken is sent after so many */
	int64_t taken, wrong;
};

static int on_ball(struct troupe_self *self, struct follower *me, struct pair_ball_call call,
		   const struct pair_ball *in)
{
	(void)me;
	(void)call;
	return pair_ball_send(self, troupe_sender(self), in);
}

static int on_begin(struct troupe_self *self, struct follower *me, struct pair_begin_call call,
		    const struct pair_begin *in)
{
	(void)self;
	(void)call;
	*me = (struct follower){.each = in->each};
	return 0;
}

/* Taken is two messages a window: a full mailbox at the leader cannot be. */
static int take(struct troupe_self *self, struct follower *me, bool is_right)
{
	me->wrong += !is_right;
	me->taken++;
	if (me->each == 0 || me->taken % me->each != 0)
		return 0;
	return pair_taken_send(self, troupe_sender(self),
			       &(struct pair_taken){.count = me->taken});
}

static int on_drop(struct troupe_self *self, struct follower *me, struct pair_drop_call call,
		   const struct pair_drop *in)
{
	(void)call;
	return take(self, me, in->number == me->taken && in->h == ~in->number);
}

/* The number stands at the start of each page, too. */
static int on_chunk(struct troupe_self *self, struct follower *me, struct pair_chunk_call call,
		    const struct pair_chunk *in)
{
	const char *data = (const char *)in->data.data;
	bool is_right = in->number == me->taken;
	int64_t number;

	(void)call;
	for (size_t at = 0; at + sizeof(number) <= in->data.size; at += PAGE) {
		memcpy(&number, data + at, sizeof(number));
		is_right &= number == in->number;
	}
	return take(self, me, is_right);
}

static int on_total(struct troupe_self *self, struct follower *me, struct pair_total_call call,
		    const struct pair_total *in)
{
	(void)in;
	return pair_total_return(
		self, call, &(struct pair_total_out){.taken = me->taken, .wrong = me->wrong});
}

static int on_next(struct troupe_self *self, struct follower *me, struct pair_next_call call,
		   const struct pair_next *in)
{
	(void)me;
	return pair_next_return(self, call, &(struct pair_next_out){.number = in->number + 1});
}

PAIR_HANDLERS(follower_pair, struct follower, .ball = on_ball, .drop = on_drop,
	      .chunk = on_chunk, .begin = on_begin, .total = on_total, .next = on_next)

TROUPE_ACTOR(follower) = {
	TROUPE_ABI(follower),
	.description = "the other end of a measurement",
	.state_size = sizeof(struct follower),
	.interfaces = {&follower_pair},
};
