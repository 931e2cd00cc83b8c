/* routes.h - from the name of a process to its link.
 *
 * There is one route to each other worker of this node, whichever of its incarnations is up.
 * The processes of other nodes have none: no transport leads there. Part of the bridge, one
 * thread.
 */
#ifndef BRIDGE_ROUTES_H
#define BRIDGE_ROUTES_H

#include "base/check.h"
#include "base/limits.h"
#include "bridge/link.h"
#include "proto/process.h"

struct route {
	struct link *link;  /* NULL: not up */
	uint32_t announced; /* the incarnation that the master reported up; 0: none */
	uint32_t gone;      /* incarnations up to this one are down */
};

struct routes {
	struct process own;
	unsigned highest; /* worker that ever had a link */
	struct route by_worker[LIMIT_WORKERS + 1];
};

/* The route to that process, or to another incarnation of its worker. NULL: there is none, as
 * for this worker itself. */
static inline struct route *routes_find(struct routes *routes, struct process process)
{
	if (unlikely(process.node != routes->own.node || process.worker == 0 ||
		     process.worker > LIMIT_WORKERS || process.worker == routes->own.worker))
		return NULL;
	return &routes->by_worker[process.worker];
}

/* The link to that very process. NULL: it is not up. */
static inline struct link *routes_link(struct routes *routes, struct process process)
{
	struct route *route = routes_find(routes, process);

	return likely(route && route->link && process_equal(route->link->peer, process))
		       ? route->link
		       : NULL;
}

/* All that ever had a link. */
#define routes_foreach(route, routes)                                                          \
	for (struct route *route = &(routes)->by_worker[1];                                    \
	     route <= &(routes)->by_worker[(routes)->highest]; route++)

#endif
