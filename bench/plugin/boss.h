/* boss.h - the actor that measures: it makes the actors of a measurement, has them begin, and
 * stops the clock.
 *
 * A measurement is a const table: which actors there are, and what each is told before it
 * begins. What the actors do then stands in a file for each kind; they find the boss by its
 * name.
 */
#ifndef BENCH_BOSS_H
#define BENCH_BOSS_H

#include "bench.varlink.h"
#include "play.varlink.h"
#include <stdbool.h>
#include <stdlib.h>
#include <troupe/actor.h>

struct boss {
	const struct measure *measure; /* NULL: none is under way */
	struct troupe_call call;
	struct troupe_address *players;
	enum { MAKING, MEETING, RUNNING, ENDING } phase;
	int64_t wanted, there, met, left; /* players asked for; made; told what to do; gone */
	int64_t amount;
	int64_t unfinished; /* have not said yet that they are done */
	int64_t count;      /* messages the players got */
	double began, seconds, resident;
	int error;
};

enum who { NOBODY, FIRST, OTHERS, ALL };

struct measure {
	int64_t least, most; /* players; most: 0 where it does not matter */
	/* The type of the first player, and of the others. */
	const struct troupe_actor *first, *others;
	/* What a player is told before the clock starts. */
	struct play_meet (*meet)(const struct boss *boss, int64_t player);
	enum who meets;    /* is told that */
	enum who starts;   /* gets Start when the clock runs; NOBODY: being there is all */
	enum who finishes; /* tells when it is done */
	bool shuffled;     /* mix the players once they are there */
	bool has_total;    /* the clock stops when the first player has told its total */
};

extern const struct measure ring_measure, shuffled_measure, counting_measure, strings_measure,
	big_measure, call_measure, served_measure, await_measure, broadcast_measure,
	idle_measure;

/* ---- for the players */

/* A player is done. */
int boss_tell_finished(struct troupe_self *self);
/* A player cannot go on, and the measurement fails. Returns error. */
int boss_tell_error(struct troupe_self *self, int error);
/* The same when there is an error. */
static inline int boss_check(struct troupe_self *self, int error)
{
	return error < 0 ? boss_tell_error(self, error) : error;
}
/* The end of a player that got so many messages. */
int boss_leave(struct troupe_self *self, struct play_leave_call call, int64_t count);

#endif
