/* crew.h - a few threads that do, one after the other, what would hold up the loop.
 *
 * Work is a record that lies in its owner's object: the loop's thread gives it, one thread of
 * the crew runs it, and when that is done the loop's thread hears of it. First come, first
 * served. Threads are made when there is work for them, and end when they had none for a while.
 * Work may belong to a line, which has a bound of its own: what is beyond it waits for others
 * of the same line, not for a thread, so that whoever brings much does not stand before all
 * others.
 *
 * A work that never returns cannot be ended. It can be lost: nobody hears of it any more, and
 * its thread, which may come back or not, is no longer one of the crew. A second body of this
 * header, tests/unit/sim/crew.c, has no threads. All functions: the loop's thread; run() is
 * called in another one, and on_lost() may be.
 */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include "base/handoff.h"
#include "base/loop.h"
#include <stdint.h>

/* Threads that a crew may have, with those that were lost. */
#define CREW_THREADS_MAX 64u

struct crew;
struct crew_work;

/* Zeroed at first. No work of it is left when it goes. */
struct crew_line {
	uint32_t most;     /* of its works that are run, or are next when a thread is free */
	uint32_t admitted; /* those; the rest is crew.c's, too */
	struct crew_work *first, *last;
};

enum crew_state {
	CREW_NOT_GIVEN,
	CREW_IN_LINE, /* its line is at its bound */
	CREW_NEXT,    /* it waits for a thread */
	CREW_RUNNING,
	CREW_DONE,
};

struct crew_work {
	/* thread: its place among those of the crew, from 0 on. */
	void (*run)(struct crew_work *work, unsigned thread);
	/* It has been run; not called when it was lost. */
	void (*on_done)(struct crew_work *work);
	/* It has been run, and was lost: what it has brought is nobody's. In the thread that
	 * ran it, or in crew_lose(). NULL: it brings nothing. */
	void (*on_lost)(struct crew_work *work);
	/* of crew.c */
	struct crew_line *line;
	struct handoff_link done;
	struct crew_work *next;
	enum crew_state state;
	bool is_lost;
};

struct crew_config {
	struct loop *loop;
	const char *name; /* of its threads, up to 15 bytes; borrowed for as long as it lives */
	uint32_t most;    /* threads, 1 to CREW_THREADS_MAX */
	uint64_t rest_ns; /* that a thread without work stays */
	uint64_t stack;   /* bytes of each thread's */
};

/* *ret_crew is given. -ENOMEM, -EMFILE. */
int crew_new(const struct crew_config *config, struct crew **ret_crew);

/* Threads that have nothing to do end, and the others do when they have done what they are at.
 * Nothing may be waiting. What was lost keeps the crew's memory, but touches nothing else. NULL
 * is fine. */
void crew_free(struct crew *crew);

void crew_set_most(struct crew *crew, uint32_t most);

/* line, most: where it waits until fewer than `most` of that line are under way; NULL: only the
 * threads bound it. -EAGAIN, -ENOMEM: there is no thread, and none can be made. */
int crew_give(struct crew *crew, struct crew_line *line, uint32_t most, struct crew_work *work);

/* No thread has begun it, and none will. False: it is run, or has been; on_done will be called.
 */
bool crew_take_back(struct crew *crew, struct crew_work *work);

/* Of a work that was given: on_done is not called any more, on_lost is when it has been run or
 * ever comes back, and where it is run its thread counts no more, until it comes back. True: it
 * is run, and its memory must stay until the process ends. */
bool crew_lose(struct crew *crew, struct crew_work *work);

/* Works under way now, in whatever state, and threads that were lost and have not come back. */
struct crew_count {
	uint32_t threads, running, waiting, lost;
};
struct crew_count crew_count(struct crew *crew);

#endif
