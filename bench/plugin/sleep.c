/* sleep.c - actors that each sleep for a while, tell the one who made them that they are awake,
 * and end.
 *
 * They are made a slice at a time; the clock runs from before the first until the last one has
 * told. One actor with one timer is how users of other hosts would sleep as well.
 */
#include "boss.h"
#include "watch.h"
#include <errno.h>

#define ACTORS_MAX 4000000

/* ---- who sleeps */

struct sleeper {
	struct troupe_address boss;
};

/* The boss's mailbox may be full of others who woke; then on_room comes. */
static int tell(struct troupe_self *self, const struct sleeper *me)
{
	int error = play_finished_send(self, me->boss, &(struct play_finished){0});

	if (error == -EAGAIN)
		return 0;
	troupe_exit(self, error);
	return error;
}

static int on_awake(struct troupe_self *self, struct sleeper *me, uint64_t context)
{
	(void)context;
	return tell(self, me);
}
TROUPE_TIMER(on_awake, struct sleeper)

static int on_room(struct troupe_self *self, struct sleeper *me, struct troupe_address where,
		   struct troupe_call call)
{
	(void)where;
	(void)call;
	return tell(self, me);
}

static int sleeper_init(struct troupe_self *self, struct sleeper *me,
			const struct play_nap *nap)
{
	me->boss = nap->boss;
	return troupe_timer_start(self, &on_awake_entry, (uint64_t)nap->ns, 0, 0, NULL);
}

TROUPE_LIFE(sleeper_life, struct sleeper, struct play_nap, .init = sleeper_init,
	    .on_room = on_room)

TROUPE_ACTOR(sleeper) = {
	TROUPE_ABI(sleeper),
	.description = "sleeps for a while, and ends",
	.state_size = sizeof(struct sleeper),
	.config = &play_nap_type,
	.life = &sleeper_life,
	.entries = {&on_awake_entry},
};

/* ---- who makes them, and waits */

struct waker {
	bool is_busy;
	struct bench_sleep_call call;
	int64_t wanted, there, awake, slice;
	uint64_t longest_ns;
	double began;
};

static int make_slice(struct troupe_self *self, struct waker *me)
{
	for (int64_t i = 0; i < me->slice && me->there < me->wanted; i++, me->there++) {
		const struct play_nap nap = {
			.boss = troupe_address(self),
			.ns = (int64_t)(troupe_random(self) % me->longest_ns),
		};
		struct troupe_address sleeper;
		int error;

		error = troupe_spawn(self, TROUPE_ACTOR_TABLE(sleeper), &nap, 0, &sleeper);
		if (error)
			return error;
	}
	if (me->there == me->wanted)
		return 0;
	return play_more_send(self, troupe_address(self), &(struct play_more){0});
}

/* While those who are there sleep on: they find nobody who waits, and end. */
static int fail(struct troupe_self *self, struct waker *me, int error)
{
	me->is_busy = false;
	return bench_sleep_fail_broken(self, me->call, &(struct bench_broken){.error = -error});
}

static int make_more(struct troupe_self *self, struct waker *me)
{
	int error = me->is_busy ? make_slice(self, me) : 0;

	/* Our own mailbox is full of those who woke: on_room brings us back here. */
	if (error == -EAGAIN)
		return 0;
	return error ? fail(self, me, error) : 0;
}

static int on_more(struct troupe_self *self, struct waker *me, struct play_more_call call,
		   const struct play_more *in)
{
	(void)call;
	(void)in;
	return make_more(self, me);
}

static int waker_on_room(struct troupe_self *self, struct waker *me,
			 struct troupe_address where, struct troupe_call call)
{
	(void)where;
	(void)call;
	return make_more(self, me);
}

static int on_finished(struct troupe_self *self, struct waker *me,
		       struct play_finished_call call, const struct play_finished *in)
{
	(void)call;
	(void)in;
	if (!me->is_busy || ++me->awake < me->wanted)
		return 0;
	me->is_busy = false;
	return bench_sleep_return(
		self, me->call,
		&(struct bench_sleep_out){.seconds = watch_seconds() - me->began,
					  .count = me->awake});
}

static int on_sleep(struct troupe_self *self, struct waker *me, struct bench_sleep_call call,
		    const struct bench_sleep *in)
{
	int error;

	if (me->is_busy)
		return bench_sleep_fail_busy(self, call, &(struct bench_busy){0});
	if (in->actors < 1 || in->actors > ACTORS_MAX)
		return bench_sleep_fail_wrong_number(
			self, call,
			&(struct bench_wrong_number){.least = 1, .most = ACTORS_MAX});
	if (in->slice < 1)
		return bench_sleep_fail_parameter(self, call, "slice", NULL);
	if (in->longestMs < 1 || in->longestMs > 3600000)
		return bench_sleep_fail_parameter(self, call, "longestMs", NULL);
	error = bench_sleep_keep(self, &call);
	if (error)
		return error;
	*me = (struct waker){.is_busy = true,
			     .call = call,
			     .wanted = in->actors,
			     .slice = in->slice,
			     .longest_ns = (uint64_t)in->longestMs * TROUPE_MS_NS,
			     .began = watch_seconds()};
	return make_more(self, me);
}

TROUPE_LIFE(waker_life, struct waker, void, .on_room = waker_on_room)
BENCH_HANDLERS(waker_bench, struct waker, .sleep = on_sleep)
PLAY_HANDLERS(waker_play, struct waker, .more = on_more, .finished = on_finished)

TROUPE_ACTOR(waker) = {
	TROUPE_ABI(waker),
	.description = "measures how actors sleep",
	.state_size = sizeof(struct waker),
	.life = &waker_life,
	.interfaces = {&waker_bench, &waker_play},
};
