/* storm.h - a world in trouble: what is there, who calls, and what the seed does to them. */
#ifndef TESTS_UNIT_WORLD_STORM_H
#define TESTS_UNIT_WORLD_STORM_H

#include "caller.h"
#include "process.h"

#define STORM_WORKERS 3
#define STORM_CALLERS 10
#define STORM_ADMIN   STORM_CALLERS /* the number of the one that manages */
#define STORM_UNITS   11
#define STORM_TASKED  2 /* of them, whose actors have tasks */
#define STORM_SHARED  3 /* what the tasks of such an actor share: tests/actors/chaos */

/* What is there, and what each of them answers in the end. */
extern const struct storm_unit {
	const char *name, *keys, *method, *parameters;
	bool is_innocent; /* nothing that is asked of it is a reason to end */
} storm_units[STORM_UNITS];

struct storm {
	struct world *world;
	struct caller callers[STORM_CALLERS + 1];
	struct client watcher;
	struct caller_sums sums;
	uint64_t trouble_ns; /* the next */
	bool rages;
};

/* A random number below bound. */
uint64_t storm_draw(struct storm *storm, uint64_t bound);

/* The files of two units, which trouble changes. */
void storm_write_one(struct storm *storm, bool is_changed);
void storm_write_pool(struct storm *storm, unsigned instances);

/* Somebody watches the daemon, anew. */
void storm_watch(struct storm *storm);
/* Hurt a process, an actor or the machine, or manage units; and say when next. */
void storm_make_trouble(struct storm *storm);

#endif
