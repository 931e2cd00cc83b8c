/* ring.c - players who throw a ball to the one next to them; two of them play ping-pong, one
 * juggles. */
#include "boss.h"

struct thrower {
	struct troupe_address next;
	int64_t amount, count;
};

static int on_meet(struct troupe_self *self, struct thrower *me, struct play_meet_call call,
		   const struct play_meet *in)
{
	(void)self;
	(void)call;
	me->next = in->next;
	me->amount = in->amount;
	return 0;
}

static int on_start(struct troupe_self *self, struct thrower *me, struct play_start_call call,
		    const struct play_start *in)
{
	(void)call;
	(void)in;
	return play_ball_send(self, me->next, &(struct play_ball){.left = me->amount - 1});
}

static int on_ball(struct troupe_self *self, struct thrower *me, struct play_ball_call call,
		   const struct play_ball *in)
{
	int error;

	(void)call;
	me->count++;
	if (in->left == 0)
		return boss_tell_finished(self);
	error = play_ball_send(self, me->next, &(struct play_ball){.left = in->left - 1});
	return boss_check(self, error);
}

static int on_leave(struct troupe_self *self, struct thrower *me, struct play_leave_call call,
		    const struct play_leave *in)
{
	(void)in;
	return boss_leave(self, call, me->count);
}

PLAY_HANDLERS(thrower_play, struct thrower, .meet = on_meet, .start = on_start, .ball = on_ball,
	      .leave = on_leave)

TROUPE_ACTOR(thrower) = {
	TROUPE_ABI(thrower),
	.description = "throws the ball to the next one",
	.state_size = sizeof(struct thrower),
	.interfaces = {&thrower_play},
};

static struct play_meet meet_next(const struct boss *boss, int64_t player)
{
	return (struct play_meet){.next = boss->players[(player + 1) % boss->wanted],
				  .amount = boss->amount};
}

#define RING                                                                                   \
	.least = 1, .first = TROUPE_ACTOR_TABLE(thrower),                                      \
	.others = TROUPE_ACTOR_TABLE(thrower), .meet = meet_next, .meets = ALL,                \
	.starts = FIRST, .finishes = FIRST

const struct measure ring_measure = {RING};
const struct measure shuffled_measure = {RING, .shuffled = true};
