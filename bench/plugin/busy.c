/* busy.c - actors that keep one worker busy each, so that several workers can be measured at
 * once: with a partner made for that they play ping-pong; called over the control socket they
 * compute for a while.
 */
#include "busy.varlink.h"
#include "watch.h"
#include <errno.h>
#include <stdbool.h>
#include <troupe/actor.h>

#define ROUNDS_MAX 1000000000

struct busy {
	int64_t rounds;
	bool is_playing;
	struct busy_play_call call;
	double began;
};

TROUPE_ACTOR_DECLARE(partner);

static int busy_init(struct troupe_self *self, struct busy *me,
		     const struct busy_config *config)
{
	(void)self;
	if (config->rounds < 0 || config->rounds > ROUNDS_MAX)
		return -EINVAL;
	me->rounds = config->rounds;
	return 0;
}

/* Each step needs the one before it: no compiler and no processor can do several at once. Any
 * start but 0 stays one. */
static uint64_t compute(uint64_t start, int64_t rounds)
{
	uint64_t x = start | 1;

	for (int64_t i = 0; i < rounds; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

static int on_next(struct troupe_self *self, struct busy *me, struct busy_next_call call,
		   const struct busy_next *in)
{
	/* The arithmetic cannot come to 0, but only we know that. */
	if (compute((uint64_t)in->number, me->rounds) == 0)
		return -EIO;
	return busy_next_return(self, call, &(struct busy_next_out){.number = in->number + 1});
}

/* ---- ping-pong */

static int on_play(struct troupe_self *self, struct busy *me, struct busy_play_call call,
		   const struct busy_play *in)
{
	struct troupe_address partner;
	int error;

	if (me->is_playing)
		return busy_play_fail_playing(self, call, &(struct busy_playing){0});
	if (in->throws < 2 || in->throws % 2 != 0)
		return busy_play_fail_parameter(self, call, "throws", NULL);
	error = troupe_spawn(self, TROUPE_ACTOR_TABLE(partner), NULL, 0, &partner);
	if (!error)
		error = busy_play_keep(self, &call);
	if (error)
		return error;
	me->is_playing = true;
	me->call = call;
	me->began = watch_seconds();
	return busy_ball_send(self, partner, &(struct busy_ball){.left = in->throws - 1});
}

/* The number of throws is even: the last one comes here. */
static int on_ball(struct troupe_self *self, struct busy *me, struct busy_ball_call call,
		   const struct busy_ball *in)
{
	(void)call;
	if (!me->is_playing)
		return 0;
	if (in->left > 0)
		return busy_ball_send(self, troupe_sender(self),
				      &(struct busy_ball){.left = in->left - 1});
	me->is_playing = false;
	return busy_play_return(
		self, me->call,
		&(struct busy_play_out){.seconds = watch_seconds() - me->began});
}

static int on_partner_ball(struct troupe_self *self, void *me, struct busy_ball_call call,
			   const struct busy_ball *in)
{
	(void)me;
	(void)call;
	if (in->left == 1)
		troupe_exit(self, 0);
	return busy_ball_send(self, troupe_sender(self),
			      &(struct busy_ball){.left = in->left - 1});
}

TROUPE_LIFE(busy_life, struct busy, struct busy_config, .init = busy_init)
BUSY_HANDLERS(busy_busy, struct busy, .next = on_next, .play = on_play, .ball = on_ball)
BUSY_HANDLERS(partner_busy, void, .ball = on_partner_ball)

TROUPE_ACTOR(busy) = {
	TROUPE_ABI(busy),
	.description = "keeps a worker busy",
	.state_size = sizeof(struct busy),
	.config = &busy_config_type,
	.life = &busy_life,
	.interfaces = {&busy_busy},
};

TROUPE_ACTOR(partner) = {
	TROUPE_ABI(partner),
	.description = "plays ping-pong with one that is busy",
	.interfaces = {&partner_busy},
};
