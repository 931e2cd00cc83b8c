/* waiter.h - clients that wait until a unit has done what they asked for: started, or stopped.
 *
 * Belongs to the master; one thread. Each is answered when the unit has come to that point, or
 * with Timeout when the times that it may take to stop and to start have passed.
 */
#ifndef REQUESTS_WAITER_H
#define REQUESTS_WAITER_H

#include "control/server.h"

struct master;
struct unit;
struct instance;

enum waiter_kind {
	WAITER_START,   /* answered with the unit */
	WAITER_RESTART, /* the same */
	WAITER_SPAWN,   /* the same; if it fails, the unit is removed and the call fails */
	WAITER_STOP,
};

/* Answer the call when the unit (or, not NULL, that instance of it) is there. */
void waiter_new(struct unit *unit, struct instance *instance, enum waiter_kind kind,
		struct control_call *call);

/* The unit has changed: answer those whose time has come. */
void waiters_check(struct unit *unit);

/* The unit is going away, as nothing of it runs, and waiters_check() has answered those who
 * wait for that: answer the others. */
void waiters_fail(struct unit *unit);

/* The daemon is about to end: nothing starts any more; answer those who wait for that with
 * WrongState. */
void waiters_end(struct master *master);

#endif
