/* kill.h - processes of workers that an operator has killed, and the clients that wait for
 * their ends.
 *
 * Belongs to the master; one thread.
 */
#ifndef REQUESTS_KILL_H
#define REQUESTS_KILL_H

#include "control/server.h"
#include <stdint.h>

struct master;
struct worker;
struct unit;
struct instance;

/* What is meant; its worker's process goes with all that lives there. */
struct kill_target {
	const struct unit *unit;   /* NULL: an address was given */
	struct instance *instance; /* NULL, or only that one */
	const char *address;       /* NULL, or as it was named */
};

/* Kill the processes of `workers` (bit N - 1: number N, which has one), and answer Kill when
 * they are gone. */
void kill_workers(struct master *master, struct control_call *call, uint64_t workers,
		  const struct kill_target *target);

#endif
