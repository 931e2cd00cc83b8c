/* unit_place.h - which worker each instance of a unit runs on. Master process, one thread. */
#ifndef UNITS_UNIT_PLACE_H
#define UNITS_UNIT_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct instance;
struct unit;

struct placement_load {
	unsigned of_unit; /* instances of the unit that are there already */
	unsigned all;     /* instances of all units */
	bool is_away;     /* nothing can start there for some time */
};

/* The index of the best of n > 0 places for one more instance of a unit: those that
 * are not away first, then a pool is spread, then the load; of equals the first. */
size_t placement_choose(const struct placement_load *loads, size_t n);

/* Give each instance that has none a worker. -ENOSPC: Worker=own, and there are too many.
 * -ENOMEM. */
int unit_place(struct unit *unit);
/* An instance that is down is about to be started: another worker for it, where its own is away
 * for long and the unit may run anywhere, or where the unit is to have one of its own. */
void instance_find_place(struct instance *instance);
/* One of it has crashed its worker: with the second time it gets a worker of its own, to which
 * its instances move as they are started again (Isolate=). */
void unit_note_crash(struct unit *unit);
/* Let go of its own worker process, which ends, and of its crashes. Nothing of it runs. */
void unit_release_own(struct unit *unit);

#endif
