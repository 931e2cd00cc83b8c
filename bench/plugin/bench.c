/* bench.c - the message path, measured from inside a worker, with nothing that another plug-in
 * could not use.
 *
 * The boss makes the actors of a measurement, a slice at a time so that the loop goes on turning, starts the clock
 * with the first message and stops it when the last one says Finished.
 */
#include "bench.varlink.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <troupe/actor.h>
#include <unistd.h>

#define ACTORS_MAX 4000000
#define SLICE      20000 /* actors made or ended in one activation */

enum measure { NOTHING, PINGPONG, RING, CALLS, IDLE };

/* ---- those who are measured */

struct player {
	struct troupe_address boss, next;
	int64_t left;
};

static int on_meet(struct troupe_self *self, struct player *me, struct bench_meet_call call,
		   const struct bench_meet *in)
{
	(void)self;
	(void)call;
	me->boss = in->boss;
	me->next = in->next;
	return 0;
}

static int on_ball(struct troupe_self *self, struct player *me, struct bench_ball_call call,
		   const struct bench_ball *in)
{
	(void)call;
	if (in->left == 0)
		return bench_finished_send(self, me->boss, &(struct bench_finished){0});
	return bench_ball_send(self, me->next, &(struct bench_ball){.left = in->left - 1});
}

static int on_ask(struct troupe_self *self, struct player *me, struct bench_ask_call call,
		  const struct bench_ask *in)
{
	(void)me;
	return bench_ask_return(self, call,
				&(struct bench_ask_out){.number = in->number,
							.wide = in->wide,
							.ratio = in->ratio,
							.name = in->name,
							.other = in->other});
}

static int ask_again(struct troupe_self *self, struct player *me);

static int on_answer(struct troupe_self *self, struct player *me, uint64_t context,
		     const struct bench_ask_reply *reply)
{
	(void)context;
	if (reply->status != TROUPE_OK)
		return -EIO;
	if (--me->left == 0)
		return bench_finished_send(self, me->boss, &(struct bench_finished){0});
	return ask_again(self, me);
}
BENCH_ASK_REPLY(on_answer, struct player)

static int ask_again(struct troupe_self *self, struct player *me)
{
	const struct bench_ask question = {.number = me->left,
					   .wide = true,
					   .ratio = 0.5,
					   .name = "twenty characters :-)",
					   .other = 7};

	return bench_ask_ask(self, me->next, &question, &on_answer_entry, 0, 0, NULL);
}

static int on_begin(struct troupe_self *self, struct player *me, struct bench_begin_call call,
		    const struct bench_begin *in)
{
	(void)call;
	me->left = in->calls;
	return ask_again(self, me);
}

static int on_leave(struct troupe_self *self, struct player *me, struct bench_leave_call call,
		    const struct bench_leave *in)
{
	(void)me;
	(void)call;
	(void)in;
	troupe_exit(self, 0);
	return 0;
}

BENCH_HANDLERS(player_bench, struct player, .meet = on_meet, .ball = on_ball, .ask = on_ask,
	       .begin = on_begin, .leave = on_leave)

TROUPE_ACTOR(player) = {
	TROUPE_ABI(player),
	.description = "one of the actors of a measurement",
	.state_size = sizeof(struct player),
	.interfaces = {&player_bench},
	.entries = {&on_answer_entry},
};

/* ---- the boss */

struct boss {
	enum measure measure;
	struct troupe_call call;
	struct troupe_address *players;
	int64_t wanted, there, ended;
	int64_t amount; /* messages, hops, calls */
	bool shuffled;
	double began, seconds;
	double resident;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double resident_bytes(void)
{
	long all = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%ld %ld", &all, &resident) != 2)
		resident = 0;
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static int go_on(struct troupe_self *self)
{
	return bench_more_send(self, troupe_address(self), &(struct bench_more){0});
}

static int begin(struct troupe_self *self, struct boss *me, struct troupe_call call,
		 enum measure measure, int64_t actors, int64_t amount)
{
	int error;

	if (me->measure != NOTHING)
		return bench_ring_fail_busy(self, (struct bench_ring_call){call},
					    &(struct bench_busy){0});
	if (actors < 1 || actors > ACTORS_MAX)
		return bench_ring_fail_too_many(self, (struct bench_ring_call){call},
						&(struct bench_too_many){.limit = ACTORS_MAX});
	me->players = calloc((size_t)actors, sizeof(*me->players));
	if (!me->players)
		return -ENOMEM;
	me->resident = resident_bytes();
	me->began = now();
	error = go_on(self);
	if (!error)
		error = troupe_call_keep(self, &call);
	if (error) {
		free(me->players);
		me->players = NULL;
		return error;
	}
	me->call = call;
	me->measure = measure;
	me->wanted = actors;
	me->there = me->ended = 0;
	me->amount = amount;
	return 0;
}

static void shuffle(struct troupe_self *self, struct boss *me)
{
	for (int64_t i = me->wanted - 1; i > 0; i--) {
		int64_t j = (int64_t)(troupe_random(self) % (uint64_t)(i + 1));
		struct troupe_address kept = me->players[i];

		me->players[i] = me->players[j];
		me->players[j] = kept;
	}
}

/* Everybody is there: who is next to whom, and the first message. */
static int start(struct troupe_self *self, struct boss *me)
{
	int error = 0;

	if (me->measure == IDLE) {
		me->seconds = now() - me->began;
		me->resident = (resident_bytes() - me->resident) / (double)me->wanted;
		return bench_finished_send(self, troupe_address(self),
					   &(struct bench_finished){0});
	}
	if (me->shuffled)
		shuffle(self, me);
	for (int64_t i = 0; i < me->wanted && !error; i++)
		error = bench_meet_send(
			self, me->players[i],
			&(struct bench_meet){.boss = troupe_address(self),
					     .next = me->players[(i + 1) % me->wanted]});
	me->began = now();
	if (!error && me->measure == CALLS)
		error = bench_begin_send(self, me->players[0],
					 &(struct bench_begin){.calls = me->amount});
	else if (!error)
		error = bench_ball_send(self, me->players[0],
					&(struct bench_ball){.left = me->amount});
	return error;
}

static int answer(struct troupe_self *self, struct boss *me)
{
	struct troupe_call call = me->call;

	switch (me->measure) {
	case PINGPONG:
		return bench_pingpong_return(
			self, (struct bench_pingpong_call){call},
			&(struct bench_pingpong_out){.seconds = me->seconds});
	case RING:
		return bench_ring_return(self, (struct bench_ring_call){call},
					 &(struct bench_ring_out){.seconds = me->seconds});
	case CALLS:
		return bench_calls_return(self, (struct bench_calls_call){call},
					  &(struct bench_calls_out){.seconds = me->seconds});
	case IDLE:
		return bench_idle_return(
			self, (struct bench_idle_call){call},
			&(struct bench_idle_out){.seconds = me->seconds,
						 .bytesPerActor = me->resident});
	case NOTHING:
		break;
	}
	return 0;
}

/* Make, and later end, the next slice of actors. */
static int on_more(struct troupe_self *self, struct boss *me, struct bench_more_call call,
		   const struct bench_more *in)
{
	int error = 0;

	(void)call;
	(void)in;
	if (me->there < me->wanted) {
		for (int i = 0; i < SLICE && me->there < me->wanted && !error; i++) {
			error = troupe_spawn(self, TROUPE_ACTOR_TABLE(player), NULL,
					     &me->players[me->there]);
			if (!error)
				me->there++;
		}
		if (error)
			return error;
		return me->there < me->wanted ? go_on(self) : start(self, me);
	}
	for (int i = 0; i < SLICE && me->ended < me->wanted && !error; i++)
		error = bench_leave_send(self, me->players[me->ended++],
					 &(struct bench_leave){0});
	if (error || me->ended < me->wanted)
		return error ? error : go_on(self);
	free(me->players);
	me->players = NULL;
	error = answer(self, me);
	me->measure = NOTHING;
	return error;
}

static int on_finished(struct troupe_self *self, struct boss *me,
		       struct bench_finished_call call, const struct bench_finished *in)
{
	(void)call;
	(void)in;
	if (me->measure != IDLE)
		me->seconds = now() - me->began;
	return go_on(self);
}

static int on_pingpong(struct troupe_self *self, struct boss *me,
		       struct bench_pingpong_call call, const struct bench_pingpong *in)
{
	me->shuffled = false;
	return begin(self, me, call.call, PINGPONG, 2, in->messages);
}

static int on_ring(struct troupe_self *self, struct boss *me, struct bench_ring_call call,
		   const struct bench_ring *in)
{
	me->shuffled = in->shuffled;
	return begin(self, me, call.call, RING, in->actors, in->hops);
}

static int on_calls(struct troupe_self *self, struct boss *me, struct bench_calls_call call,
		    const struct bench_calls *in)
{
	me->shuffled = false;
	return begin(self, me, call.call, CALLS, 2, in->calls);
}

static int on_idle(struct troupe_self *self, struct boss *me, struct bench_idle_call call,
		   const struct bench_idle *in)
{
	return begin(self, me, call.call, IDLE, in->actors, 0);
}

static void boss_fini(struct troupe_self *self, struct boss *me, enum troupe_reason reason)
{
	(void)self;
	(void)reason;
	free(me->players);
}

TROUPE_LIFE(boss_life, struct boss, void, .fini = boss_fini)
BENCH_HANDLERS(boss_bench, struct boss, .pingpong = on_pingpong, .ring = on_ring,
	       .calls = on_calls, .idle = on_idle, .finished = on_finished, .more = on_more)

TROUPE_ACTOR(boss) = {
	TROUPE_ABI(boss),
	.description = "measures the message path",
	.state_size = sizeof(struct boss),
	.life = &boss_life,
	.interfaces = {&boss_bench},
};
