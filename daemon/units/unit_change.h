/* unit_change.h - how a unit takes on another definition while it runs: it is never stopped as
 * a whole when that can be avoided. Master process, one thread. */
#ifndef UNITS_UNIT_CHANGE_H
#define UNITS_UNIT_CHANGE_H

#include <stdbool.h>

struct unit;
struct unit_file;
struct version;

/* Take over a definition (emptied) that differs in nothing that needs new actors: it is in
 * force at once, in the workers too. */
void unit_change(struct unit *unit, struct unit_file *file);
/* It could not run and cannot as `file` (taken over) says, for another reason. */
void unit_stay_broken(struct unit *unit, struct unit_file *file, const char *why);

/* Start its actors anew, as `file` says (taken over) and of `version` (taken); NULL, NULL: as
 * they are. Nothing that was asked of them fails: each first does what it has to do,
 * StopTimeout= long at most, while calls go to the others or wait. Actors of a pool are
 * replaced one after the other; when a new one fails, the rest stays as it was. A new number of
 * instances, or another place for them, takes all at once. What does not run is not started,
 * but what has failed is tried again. -ENOMEM: nothing was done. */
int unit_restart(struct unit *unit, struct unit_file *file, struct version *version);

/* Whether that is still under way. */
bool unit_is_changing(const struct unit *unit);

/* Go on with it as far as is possible now, before the loop sleeps. */
void unit_go_on(struct unit *unit);

#endif
