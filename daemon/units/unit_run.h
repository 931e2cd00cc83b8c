/* unit_run.h - how a unit starts, and goes for good. Master process, one thread. */
#ifndef UNITS_UNIT_RUN_H
#define UNITS_UNIT_RUN_H

#include <stdbool.h>

struct unit;

/* Give each instance that has none a worker. false: there is none to be had, and the unit is
 * broken. */
bool unit_place_or_break(struct unit *unit);

/* Start what does not run, with a clean record. */
void unit_start(struct unit *unit);
/* Stop it, then forget it. */
void unit_remove(struct unit *unit);

#endif
