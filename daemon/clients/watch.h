/* watch.h - events for the clients that watch, as they happen.
 *
 * Each is put for all watchers at once, and sent a little later: see watchers.h. Events are
 * made of values, so that any part of the master can report one. Texts may be NULL. One thread.
 */
#ifndef CLIENTS_WATCH_H
#define CLIENTS_WATCH_H

#include "clients/watchers.h"
#include "io.troupe.Control.varlink.h"
#include "proto/process.h"
#include <stdint.h>
#include <troupe/actor.h>

/* Answer the call with `watching`, and from then on with events. */
void watch_begin(struct watchers *watchers, struct control_call *call);
/* The last event for all: `stopping`. */
void watch_end(struct watchers *watchers);

void watch_worker_started(struct watchers *watchers, struct process process);
void watch_worker_died(struct watchers *watchers, unsigned worker, const char *text);
void watch_unit_state(struct watchers *watchers, const char *unit, enum api_state state,
		      const char *reason);
void watch_reloaded(struct watchers *watchers, const char *text);

/* An instance of a unit has started, or ended. */
struct watch_actor {
	const char *unit;
	unsigned instance;
	unsigned worker; /* 0: it has none */
	enum api_state state;
	enum troupe_cause cause; /* 0: it has started */
	const char *text;        /* of an end */
};
void watch_actor(struct watchers *watchers, const struct watch_actor *actor);

/* A worker has stalled, which `text` describes, or (NULL) it goes on. unit, instance: whose
 * handler it was in; NULL: none known. */
void watch_stall(struct watchers *watchers, unsigned worker, const char *unit,
		 unsigned instance, const char *text);

/* Messages of one kind that were not delivered. "": not known. */
struct watch_letters {
	const char *from, *to; /* "unit/0", or an address */
	const char *method, *reason, *text;
	int64_t count;
};
void watch_dead_letters(struct watchers *watchers, unsigned worker,
			const struct watch_letters *letters);

#endif
