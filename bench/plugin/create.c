/* create.c - actors that get one message and end, and the one who makes them.
 *
 * A slice of them is made in one turn of the creator; then they have theirs, in order, and the
 * last of them tells the creator, who makes the next slice in memory that is warm. With slices
 * of 1,000 the loop is never kept for longer than other turns keep it. A slice of all of them
 * is what hosts do that make actors in one loop: none ends before the last is made.
 */
#include "boss.h"
#include "watch.h"

#define ACTORS_MAX 4000000

/* ---- who is made */

struct mayfly {
	int64_t lived;
};

static int on_live(struct troupe_self *self, struct mayfly *me, struct play_live_call call,
		   const struct play_live *in)
{
	(void)call;
	me->lived = 1;
	troupe_exit(self, 0);
	return in->tells ? boss_tell_finished(self) : 0;
}

PLAY_HANDLERS(mayfly_play, struct mayfly, .live = on_live)

TROUPE_ACTOR(mayfly) = {
	TROUPE_ABI(mayfly),
	.description = "gets one message, and ends",
	.state_size = sizeof(struct mayfly),
	.interfaces = {&mayfly_play},
};

/* ---- who makes them */

struct creator {
	bool is_busy;
	struct bench_create_call call;
	int64_t left, slice;
	double began;
};

static int make_slice(struct troupe_self *self, struct creator *me)
{
	int64_t slice = me->slice < me->left ? me->slice : me->left;

	for (int64_t i = 0; i < slice; i++) {
		struct troupe_address mayfly;
		int error;

		error = troupe_spawn(self, TROUPE_ACTOR_TABLE(mayfly), NULL, 0, &mayfly);
		if (!error)
			error = play_live_send(self, mayfly,
					       &(struct play_live){.tells = i == slice - 1});
		if (error)
			return error;
	}
	me->left -= slice;
	return 0;
}

static int fail(struct troupe_self *self, struct creator *me, int error)
{
	me->is_busy = false;
	return bench_create_fail_broken(self, me->call,
					&(struct bench_broken){.error = -error});
}

static int on_finished(struct troupe_self *self, struct creator *me,
		       struct play_finished_call call, const struct play_finished *in)
{
	int error;

	(void)call;
	(void)in;
	if (!me->is_busy)
		return 0;
	if (me->left > 0) {
		error = make_slice(self, me);
		return error ? fail(self, me, error) : 0;
	}
	me->is_busy = false;
	return bench_create_return(
		self, me->call,
		&(struct bench_create_out){.seconds = watch_seconds() - me->began});
}

static int on_create(struct troupe_self *self, struct creator *me,
		     struct bench_create_call call, const struct bench_create *in)
{
	int error;

	if (me->is_busy)
		return bench_create_fail_busy(self, call, &(struct bench_busy){0});
	if (in->actors < 1 || in->actors > ACTORS_MAX)
		return bench_create_fail_wrong_number(
			self, call,
			&(struct bench_wrong_number){.least = 1, .most = ACTORS_MAX});
	if (in->slice < 1)
		return bench_create_fail_parameter(self, call, "slice", NULL);
	error = bench_create_keep(self, &call);
	if (error)
		return error;
	*me = (struct creator){.is_busy = true,
			       .call = call,
			       .left = in->actors,
			       .slice = in->slice,
			       .began = watch_seconds()};
	error = make_slice(self, me);
	return error ? fail(self, me, error) : 0;
}

BENCH_HANDLERS(creator_bench, struct creator, .create = on_create)
PLAY_HANDLERS(creator_play, struct creator, .finished = on_finished)

TROUPE_ACTOR(creator) = {
	TROUPE_ABI(creator),
	.description = "measures how actors are made",
	.state_size = sizeof(struct creator),
	.interfaces = {&creator_bench, &creator_play},
};
