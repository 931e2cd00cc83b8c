/* cluster.h - three workers whose runtimes exchange envelopes over a simulated link. */
#ifndef TESTS_UNIT_CORE_CLUSTER_H
#define TESTS_UNIT_CORE_CLUSTER_H

#include "world.h"

/* Three workers with puppet I in worker I; puppet 1 calls puppet 2 by Num(n) when told
 * Num(100 + n). */
struct cluster {
	struct net net;
	struct world worlds[4];
};

struct troupe_address cluster_address(struct world *world, int id);
/* The same by a handler, and of a world without others, too. */
struct troupe_address cluster_puppet(struct troupe_self *self, int id);
/* What puppets do when told Num(n): puppet 1 calls puppet 2, the others do what `two` does. */
int cluster_call_two(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n);
/* `two` is what all puppets but 1 do when told Num(n). Worker 1 is on node 0, the others on
 * `node`. */
void cluster_begin_on(struct cluster *cluster, behaviour *two, uint16_t node);
void cluster_begin(struct cluster *cluster, behaviour *two);
/* Let puppet 1 be told Num(n). */
void cluster_ask(struct cluster *cluster, int64_t n);

#endif
