/* stopping.h - the time that an actor may take to stop: its unit's StopTimeout=. One that
 * drains is stopped then; of one that is to stop the worker's process is killed.
 *
 * Part of a unit, which has one timer for all its instances that stop. For those that do not
 * drain the time begins anew whenever their worker gets something done that it was asked for,
 * and whenever one of its actors ends (a child of one that stops), so that a large pool may
 * take as long as it needs, and one actor that hangs may not. Master process, one thread.
 */
#ifndef UNITS_STOPPING_H
#define UNITS_STOPPING_H

#include "base/clock.h"

struct unit;
struct instance;

/* Between looks at whether the worker gets anything done. */
#define STOPPING_LOOK_NS (CLOCK_SECOND_NS / 4)
/* What may pass after StopTimeout= until an actor is gone: the crash record's time, SIGKILL's
 * time, and some more. */
#define STOPPING_GRACE_NS (8 * CLOCK_SECOND_NS)

void stopping_init(struct unit *unit);
void stopping_fini(struct unit *unit);

/* The unit has changed: watch those of it that stop, if any do. */
void stopping_watch(struct unit *unit);

/* How long a client is to wait for one that stops: LIMIT_WAIT_NS at most. */
uint64_t stopping_wait_ns(const struct unit *unit);

#endif
