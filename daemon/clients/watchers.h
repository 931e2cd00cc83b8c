/* watchers.h - clients that watch: each event, in the words of io.troupe.Control, is made
 * text once, and the same text is sent to all of them.
 *
 * Belongs to the master; one thread. Events wait in one ring for all watchers, each of which
 * has a place in it; what they were not sent yet is sent for a bounded time in each pass of the
 * loop. A watcher that does not read loses what the ring has no room for, and is sent the
 * number of those events before the next one.
 */
#ifndef CLIENTS_WATCHERS_H
#define CLIENTS_WATCHERS_H

#include "base/list.h"
#include "control/server.h"
#include "io.troupe.Control.varlink.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct master;

struct watchers_event {
	char *text; /* JSON; NULL: there was no memory for it */
	size_t size;
};

struct watchers {
	struct list list; /* struct watcher's pendings, the one that is served next first */
	struct master *master;
	struct watchers_event *ring; /* of LIMIT_WATCH_EVENTS; NULL before the first watcher */
	uint64_t first, next; /* numbers of the oldest event in it, and of the next one */
	size_t bytes;         /* of the texts */
};

void watchers_init(struct watchers *watchers, struct master *master);
void watchers_fini(struct watchers *watchers);

bool watchers_any(const struct watchers *watchers);

/* The call is sent `watching`, and all events that are put from now on. It is answered in any
 * case: with Overloaded when its user watches too often already, or all together do. */
void watchers_add(struct watchers *watchers, struct control_call *call);

/* Queue an event, whose time is put in, for all watchers: watchers_flush() sends it. */
void watchers_put(struct watchers *watchers, const struct api_watch_out *event);

/* Send queued events for a bounded time. true: there is more to send at once. */
bool watchers_flush(struct watchers *watchers);

/* Send what can be sent, and end all calls with `stopping`. */
void watchers_end(struct watchers *watchers);

#endif
