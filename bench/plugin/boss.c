/* boss.c - makes the players a slice at a time, so that the loop goes on turning; starts the
 * clock with the first message and stops it when all who should have said Finished; then asks
 * everybody for the number of messages it got.
 */
#include "boss.h"
#include "watch.h"
#include <errno.h>
#include <string.h>

#define ACTORS_MAX 4000000
#define NAME       "bench"
#define FIRST_NAME "first" /* a unit of this name, if there is one, is the first player */
/* Actors made, told or asked in one activation: as many replies find room in a mailbox. */
#define SLICE 1000

/* ---- for the players */

static int find_boss(struct troupe_self *self, struct troupe_address *ret_boss)
{
	return troupe_find(self, NAME, ret_boss);
}

int boss_tell_finished(struct troupe_self *self)
{
	struct troupe_address boss;
	int error = find_boss(self, &boss);

	return error ? error : play_finished_send(self, boss, &(struct play_finished){0});
}

int boss_tell_error(struct troupe_self *self, int error)
{
	struct troupe_address boss;

	if (find_boss(self, &boss) == 0 &&
	    play_failed_send(self, boss, &(struct play_failed){.error = -error}) < 0)
		troupe_log(self, 3, "cannot tell the boss of: %s", strerror(-error));
	return error;
}

int boss_leave(struct troupe_self *self, struct play_leave_call call, int64_t count)
{
	troupe_exit(self, 0);
	return play_leave_return(self, call, &(struct play_leave_out){.count = count});
}

/* ---- from the first actor to the answer */

/* The first of those players, and the one behind the last. */
static int64_t first_of(enum who who)
{
	return who == OTHERS ? 1 : 0;
}

static int64_t end_of(const struct boss *me, enum who who)
{
	return who == NOBODY ? 0 : who == FIRST ? 1 : me->wanted;
}

static int go_on(struct troupe_self *self)
{
	return play_more_send(self, troupe_address(self), &(struct play_more){0});
}

static int answer(struct troupe_self *self, struct boss *me)
{
	const struct bench_run_out out = {
		.seconds = me->seconds, .count = me->count, .bytesPerActor = me->resident};
	struct bench_run_call call = {me->call};

	free(me->players);
	me->players = NULL;
	me->measure = NULL;
	if (me->error)
		return bench_run_fail_broken(self, call, &(struct bench_broken){me->error});
	return bench_run_return(self, call, &out);
}

/* The clock has stopped, or something failed: the players go. */
static int end(struct troupe_self *self, struct boss *me, int error)
{
	if (me->phase == ENDING)
		return 0;
	me->phase = ENDING;
	me->error = -error;
	return me->there > 0 ? go_on(self) : answer(self, me);
}

static int stop_clock(struct troupe_self *self, struct boss *me)
{
	me->seconds = watch_seconds() - me->began;
	return end(self, me, 0);
}

static int on_total(struct troupe_self *self, struct boss *me, uint64_t context,
		    const struct play_total_reply *reply)
{
	(void)context;
	return reply->status == TROUPE_OK ? stop_clock(self, me) : end(self, me, -EIO);
}
PLAY_TOTAL_REPLY(on_total, struct boss)

static int finish(struct troupe_self *self, struct boss *me)
{
	if (!me->measure->has_total)
		return stop_clock(self, me);
	return play_total_ask(self, me->players[0], &(struct play_total){0}, &on_total_entry, 0,
			      0, NULL);
}

static int on_finished(struct troupe_self *self, struct boss *me,
		       struct play_finished_call call, const struct play_finished *in)
{
	(void)call;
	(void)in;
	if (!me->measure || me->phase != RUNNING || --me->unfinished > 0)
		return 0;
	return finish(self, me);
}

static int on_failed(struct troupe_self *self, struct boss *me, struct play_failed_call call,
		     const struct play_failed *in)
{
	(void)call;
	return me->measure ? end(self, me, (int)-in->error) : 0;
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

static int make_slice(struct troupe_self *self, struct boss *me)
{
	const struct measure *measure = me->measure;
	int error;

	/* A unit has a mailbox of the size that is configured, what an actor makes has not. */
	if (me->there == 0 && troupe_find(self, FIRST_NAME, &me->players[0]) == 0)
		me->there++;
	for (int i = 0; i < SLICE && me->there < me->wanted; i++) {
		error = troupe_spawn(self, me->there ? measure->others : measure->first, NULL,
				     0, &me->players[me->there]);
		if (error)
			return error;
		me->there++;
	}
	if (me->there < me->wanted)
		return go_on(self);
	me->resident = (watch_resident_bytes() - me->resident) / (double)me->wanted;
	if (measure->starts == NOBODY)
		return stop_clock(self, me);
	if (measure->shuffled)
		shuffle(self, me);
	me->phase = MEETING;
	me->met = first_of(measure->meets);
	return go_on(self);
}

static int meet_slice(struct troupe_self *self, struct boss *me)
{
	int64_t behind = end_of(me, me->measure->meets);

	for (int i = 0; i < SLICE && me->met < behind; i++, me->met++) {
		struct play_meet meet = me->measure->meet(me, me->met);
		int error = play_meet_send(self, me->players[me->met], &meet);

		if (error)
			return error;
	}
	/* Before the clock starts they have all handled it: whoever was told stands before us
	 * in the queue. */
	if (me->met == behind)
		me->phase = RUNNING;
	return go_on(self);
}

static int start(struct troupe_self *self, struct boss *me)
{
	const struct measure *measure = me->measure;
	int error = 0;

	me->unfinished = end_of(me, measure->finishes) - first_of(measure->finishes);
	me->began = watch_seconds();
	for (int64_t i = first_of(measure->starts); i < end_of(me, measure->starts) && !error;
	     i++)
		error = play_start_send(self, me->players[i], &(struct play_start){0});
	return error;
}

/* One more is gone, or cannot be asked. */
static int count_gone(struct troupe_self *self, struct boss *me, int error)
{
	if (!me->error)
		me->error = -error;
	if (++me->left == me->there)
		return answer(self, me);
	return me->left % SLICE == 0 ? go_on(self) : 0;
}

static int on_left(struct troupe_self *self, struct boss *me, uint64_t context,
		   const struct play_leave_reply *reply)
{
	(void)context;
	if (reply->status == TROUPE_OK)
		me->count += reply->out->count;
	return count_gone(self, me, reply->status == TROUPE_OK ? 0 : -EIO);
}
PLAY_LEAVE_REPLY(on_left, struct boss)

static int end_slice(struct troupe_self *self, struct boss *me)
{
	int64_t first = me->left, there = me->there;
	int failed = 0;

	for (int64_t i = first; i < first + SLICE && i < there; i++) {
		int error = play_leave_ask(self, me->players[i], &(struct play_leave){0},
					   &on_left_entry, 0, 0, NULL);

		failed = error ? error : failed;
		if (error)
			error = count_gone(self, me, error);
		if (error)
			return error;
	}
	return failed;
}

static int on_more(struct troupe_self *self, struct boss *me, struct play_more_call call,
		   const struct play_more *in)
{
	int error = 0;

	(void)call;
	(void)in;
	switch (me->phase) {
	case MAKING:
		error = make_slice(self, me);
		break;
	case MEETING:
		error = meet_slice(self, me);
		break;
	case RUNNING:
		error = start(self, me);
		break;
	case ENDING:
		return end_slice(self, me);
	}
	return error ? end(self, me, error) : 0;
}

static const struct measure *const measures[] = {
	[BENCH_WHAT_PINGPONG] = &ring_measure,     [BENCH_WHAT_RING] = &ring_measure,
	[BENCH_WHAT_SHUFFLED] = &shuffled_measure, [BENCH_WHAT_COUNTING] = &counting_measure,
	[BENCH_WHAT_STRINGS] = &strings_measure,   [BENCH_WHAT_BIG] = &big_measure,
	[BENCH_WHAT_CALL] = &call_measure,         [BENCH_WHAT_SERVED] = &served_measure,
	[BENCH_WHAT_AWAIT] = &await_measure,       [BENCH_WHAT_BROADCAST] = &broadcast_measure,
	[BENCH_WHAT_IDLE] = &idle_measure,
};

static int on_run(struct troupe_self *self, struct boss *me, struct bench_run_call call,
		  const struct bench_run *in)
{
	const struct measure *measure = measures[in->what];
	int64_t most = measure->most ? measure->most : ACTORS_MAX;
	size_t size = (size_t)in->actors * sizeof(*me->players);
	int error;

	if (me->measure)
		return bench_run_fail_busy(self, call, &(struct bench_busy){0});
	if (in->actors < measure->least || in->actors > most)
		return bench_run_fail_wrong_number(
			self, call,
			&(struct bench_wrong_number){.least = measure->least, .most = most});
	if (in->amount < 1)
		return bench_run_fail_parameter(self, call, "amount", NULL);
	me->players = malloc(size);
	if (!me->players)
		return -ENOMEM;
	/* Touched before memory is looked at: it is the boss's, not the players'. */
	memset(me->players, 0xff, size);
	error = go_on(self);
	if (!error)
		error = bench_run_keep(self, &call);
	if (error) {
		free(me->players);
		me->players = NULL;
		return error;
	}
	*me = (struct boss){
		.measure = measure,
		.call = call.call,
		.players = me->players,
		.wanted = in->actors,
		.amount = in->amount,
		.resident = watch_resident_bytes(),
		.began = watch_seconds(),
	};
	return 0;
}

static void boss_fini(struct troupe_self *self, struct boss *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	free(me->players);
}

TROUPE_LIFE(boss_life, struct boss, void, .fini = boss_fini)
BENCH_HANDLERS(boss_bench, struct boss, .run = on_run)
PLAY_HANDLERS(boss_play, struct boss, .finished = on_finished, .failed = on_failed,
	      .more = on_more)

TROUPE_ACTOR(boss) = {
	TROUPE_ABI(boss),
	.description = "measures how actors of one worker talk",
	.state_size = sizeof(struct boss),
	.life = &boss_life,
	.interfaces = {&boss_bench, &boss_play},
	.entries = {&on_total_entry, &on_left_entry},
};
