/* placement.h - which worker an actor goes to. Pure; master process, one thread. */
#ifndef UNITS_PLACEMENT_H
#define UNITS_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>

struct placement_load {
	unsigned of_unit; /* instances of the unit that are there already */
	unsigned all;     /* instances of all units */
	bool is_away;     /* nothing can start there for some time */
};

/* The index of the best of n > 0 places for one more instance of a unit: those that
 * are not away first, then a pool is spread, then the load; of equals the first. */
size_t placement_choose(const struct placement_load *loads, size_t n);

#endif
