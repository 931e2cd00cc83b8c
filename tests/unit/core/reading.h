/* reading.h - a task that reads a stream item by item, and one that makes it.
 *
 * One stream at a time: what both did is in one place, for the test to look at.
 */
#ifndef TESTS_UNIT_CORE_READING_H
#define TESTS_UNIT_CORE_READING_H

#include "cluster.h"
#include <troupe/items.h>

#define S TROUPE_SECOND_NS

/* What the streamer did, and how its reader is to read. */
struct reading {
	int64_t total, sent, most_ahead, taken;
	int yielded; /* what the last yield returned */
	uint32_t window;
	uint64_t nap_ns;     /* of the reader, before each item */
	int64_t leave_after; /* items; 0: it reads all */
	bool closes;
	unsigned n_read;
};

extern struct reading reading;

/* What puppet 1 starts: the test says. */
extern const struct troupe_task_entry *reading_task;

/* A task: reads Num(1) of puppet 2 as `reading` says, and notes the end. */
extern const struct troupe_task_entry *const reading_reads;

/* From now on: so many items, through such a window. */
void reading_begin(int64_t total, uint32_t window);

/* By who streams; what came of it is in `reading`. */
int reading_yield(struct troupe_self *self, struct troupe_call call, int64_t n);

/* Of a behaviour: a task that streams all, and returns the last. */
int reading_starts_making(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n);

/* By who reads: a stream of Num(n) of that puppet. */
int reading_open(struct troupe_self *self, int id, int64_t n, struct troupe_items *items);

int64_t reading_num(const struct troupe_items *items);

/* Puppet 1 starts reading_task when told; what puppet 2 does is the test's. */
void reading_begin_near(struct world *world, behaviour *two);

/* The same, each in a worker. */
void reading_begin_far(struct cluster *cluster, behaviour *two);

/* Puppet 1. */
void reading_tell(struct world *world);

/* Time passes everywhere. */
void reading_sleep_all(struct cluster *cluster, uint64_t ns);

void reading_assert_over(const struct world *world);

#endif
