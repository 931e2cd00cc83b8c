/* watch.h - events for the clients that watch, as they happen.
 *
 * Belongs to the master; one thread. Each is put for all watchers at once, and sent a little later: see watchers.h.
 */
#ifndef MASTER_WATCH_H
#define MASTER_WATCH_H

#include "control/server.h"
#include <stdint.h>

struct master;
struct worker;
struct unit;
struct instance;

/* Answer the call with `watching`, and from then on with events. */
void watch_begin(struct master *master, struct control_call *call);
/* The last event for all: `stopping`. */
void watch_end(struct master *master);

/* ---- events; texts may be NULL */
void watch_worker_started(struct master *master, const struct worker *worker);
void watch_worker_died(struct master *master, const struct worker *worker, const char *text);
void watch_unit_state(struct master *master, const struct unit *unit);
void watch_actor(struct master *master, const struct instance *instance, const char *text);
/* A worker has stalled, as `text` tells, or (NULL) it has not any more. instance: whose handler it was in; NULL: none known. */
void watch_stall(struct master *master, const struct worker *worker,
		 const struct instance *instance, const char *text);
void watch_reloaded(struct master *master, const char *text);

/* Messages of one kind that were not delivered. "": not known. */
struct watch_letters {
	const char *from, *to; /* "unit/0", or an address */
	const char *method, *reason, *text;
	int64_t count;
};
void watch_dead_letters(struct master *master, const struct worker *worker,
			const struct watch_letters *letters);

#endif
