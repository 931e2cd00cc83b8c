/* host.h - the inside of a server: what its connections, calls and listeners share, and what
 * each of them may ask of it.
 *
 * Known inside control/ only; calls none of them. Everything here belongs to the server's
 * thread.
 */
#ifndef CONTROL_HOST_H
#define CONTROL_HOST_H

#include "base/list.h"
#include "base/rate_limit.h"
#include "control/ledger.h"
#include "control/server.h"

struct control_server {
	struct control_config config; /* limits filled in */
	struct ledger ledger;
	struct list connections;  /* struct connection, link */
	uint64_t last_connection; /* the number of the newest */
	struct list turns;        /* accounts whose connections have something to do */
	uint64_t pass;       /* the number of this one: each connection has one turn in it */
	struct list doomed;  /* connections to be freed at the end of this pass */
	struct list orphans; /* open calls whose connection has gone */
	struct list listeners;
	struct loop_work work;   /* started while turns or doomed has something */
	struct loop_timer sweep; /* looks for those that have lingered long enough */
	struct loop_timer drained;
	bool draining, is_drained;
	void (*on_drained)(void *context);
	void *drain_context;
	struct rate_limit trouble; /* lines of it to the host */
};

/* There is something to do: have the loop come by before it sleeps. */
void host_wake(struct control_server *server);

/* Have the connections swept in a second: some linger. */
void host_sweep_soon(struct control_server *server);

/* Report trouble to the host, in at most a few lines a second. */
void host_trouble(struct control_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
