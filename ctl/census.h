/* census.h - actors counted by what they belong to: worker, unit and type, its own instances
 * apart from what those spawned.
 *
 * Memory of the caller.
 */
#ifndef CTL_CENSUS_H
#define CTL_CENSUS_H

#include "ctl/ctl.h"

/* Actors of one worker that belong together. */
struct census_kind {
	int64_t worker;
	char *unit; /* NULL: spawned by other actors, of a unit that is gone */
	char *type;
	bool is_spawned; /* by other actors of that unit */
	int64_t count;
};

struct census {
	struct census_kind
		*kinds; /* by worker; in it by unit, its own first; last those without unit */
	size_t count;
	int64_t more; /* actors of kinds beyond the limit of 4096 */
};

/* Ask the daemon and count. An exit status, explained. */
int census_take(struct ctl *ctl, struct census *ret_census);
void census_fini(struct census *census);

#endif
