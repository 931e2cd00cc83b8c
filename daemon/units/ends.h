/* ends.h - the line of the log that each end of a unit's actor gets: why, after how long, and
 * what next.
 *
 * At most ENDS_BURST lines of a unit in ENDS_INTERVAL_NS, then their number. Master; one
 * thread.
 */
#ifndef UNITS_ENDS_H
#define UNITS_ENDS_H

#include "base/clock.h"
#include <stdbool.h>
#include <stddef.h>
#include <troupe/actor.h>

#define ENDS_INTERVAL_NS (30 * CLOCK_SECOND_NS)
#define ENDS_BURST       10

struct master;
struct unit;
struct instance;

/* Why an actor ends; of the caller, for as long as it lasts. */
struct end {
	enum troupe_cause cause;
	const char *text; /* what is known of it; NULL: nothing */
	bool must_log;    /* its worker ended by its fault: logged whatever the limit */
};

/* Log that an actor, or one that was being started, has ended; instance->state is what comes
 * next. */
void ends_log(struct instance *instance, const struct end *end);

/* The same as a text without its name: "ended: crashed after 3s 20ms: SIGSEGV in ...; it is
 * started again in 124ms". Cut to size; ENDS_TEXT always suffices for what is known. */
#define ENDS_TEXT 2560
void ends_print(const struct instance *instance, const struct end *end, char *text,
		size_t size);

/* It has ended too often, and will not be started again. how: "failed", "quarantined". Limited
 * as the ends are, apart from them. */
void ends_log_given_up(struct instance *instance, const char *how);

/* Once a second: report the ends beyond the limit of intervals that are over. */
void ends_tick(struct master *master);
/* The unit goes: report those that are left. */
void ends_flush(struct unit *unit);

#endif
