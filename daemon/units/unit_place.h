/* unit_place.h - which worker each instance of a unit runs on. Master process, one thread. */
#ifndef UNITS_UNIT_PLACE_H
#define UNITS_UNIT_PLACE_H

struct instance;
struct unit;

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
