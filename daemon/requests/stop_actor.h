/* stop_actor.h - Stop of an actor that is no unit's: its worker is asked to stop it, and killed
 * when it has not in the time that it may take.
 *
 * That is StopTimeout= of the unit that it comes from, as its worker names it. Belongs to the
 * master; one thread.
 */
#ifndef REQUESTS_STOP_ACTOR_H
#define REQUESTS_STOP_ACTOR_H

#include "control/server.h"
#include <stdint.h>
#include <troupe/address.h>

struct master;
struct worker;

/* Answer Stop when the actor, named as `name`, has stopped. */
void stop_actor(struct master *master, struct control_call *call, struct worker *worker,
		struct troupe_address actor, const char *name);

/* A worker's answer. */
void stop_actor_answered(struct worker *worker, uint64_t request, bool found);

#endif
