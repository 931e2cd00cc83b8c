/* instance.h - one actor of a unit: started, lost, waited for, started again. Master process,
 * one thread. */
#ifndef UNITS_INSTANCE_H
#define UNITS_INSTANCE_H

#include "io.troupe.Control.varlink.h"
#include <stdbool.h>
#include <stdint.h>
#include <troupe/actor.h>

struct instance;
struct unit;

/* Whether there is an actor, or about to be one. */
bool instance_is_alive(const struct instance *instance);
/* One that is stopped, of the unit's current version and on no worker. */
void instance_init(struct instance *instance, struct unit *unit, uint32_t number);

/* Unless it runs; one that is stopping starts again then. */
void instance_start(struct instance *instance);
void instance_stop(struct instance *instance);
/* It runs: stop it as soon as it has done what it has to do, or when its time is over. */
void instance_drain(struct instance *instance);
/* Stop it, drained if `drain` is set and it runs, and start it again then. */
void instance_replace(struct instance *instance, bool drain);
/* It is at rest or waits: its next life is of the unit's current version. */
void instance_take_version(struct instance *instance);

/* Its worker is up: start it if it waits. */
void instance_worker_up(struct instance *instance);
/* Its worker is away, perhaps for long. */
void instance_worker_away(struct instance *instance);
/* Its worker is gone. blamed: it was its fault; why: a text for people. */
void instance_worker_down(struct instance *instance, bool blamed, const char *why);
/* It could not be started, by its own fault and for good: `failed`. The caller has set the
 * reason. */
void instance_give_up(struct instance *instance);
/* What its worker has reported of it. */
void instance_started(struct instance *instance, struct troupe_address address);
void instance_init_failed(struct instance *instance);
/* text: borrowed; NULL: there is nothing to add. */
void instance_ended(struct instance *instance, enum troupe_cause cause, const char *text);

/* Change the state to one that is not held, with all that hangs on it: counts, names, watchers,
 * waiters. */
void instance_set_state(struct instance *instance, enum api_state state);

#endif
