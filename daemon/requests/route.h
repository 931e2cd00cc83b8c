/* route.h - clients' calls of actors find their way: at once to an actor that runs; when it is
 * being started, as soon as it runs.
 *
 * Belongs to the master; one thread. A call that waits is queued at its unit, in the order in
 * which it came, until the unit has settled, the call's own timeout has passed or its client
 * has gone.
 */
#ifndef REQUESTS_ROUTE_H
#define REQUESTS_ROUTE_H

#include "requests/relays.h"

struct unit;

/* What a client wants. Borrowed for the call. */
struct route_wish {
	/* Of a unit, instance or address; NULL: whoever provides the method's interface */
	const char *name;
	struct relay_wish call; /* its deadline is filled in once the unit is known, from: */
	uint64_t timeout_ns;    /* 0: that of the unit for a direct call, else of all calls */
};

/* Forward the call, now or later; it is answered in any case. */
void route_begin(struct master *master, struct control_call *client,
		 const struct route_wish *wish);

/* The unit has changed, or is going and cannot be found any more: see where the calls that wait
 * for it can go now. */
void route_again(struct unit *unit);

/* The daemon is stopping: answer all calls that wait with WrongState. */
void route_end(struct master *master);

#endif
