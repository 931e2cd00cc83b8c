/* watchers.h - clients that hear what happens: each event is text once, and all who watch read the same text.
 *
 * Belongs to the master; one thread. Events wait in one ring for all watchers, each of which knows how far it has come; what
 * they have not heard is sent a bounded time in each pass of the loop. A watcher that does not read loses what the ring had no room
 * for, and hears how many events that were before it hears the next.
 */
#ifndef MASTER_WATCHERS_H
#define MASTER_WATCHERS_H

#include "base/limits.h"
#include "base/list.h"
#include "base/loop.h"
#include "control/server.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct master;
struct api_watch_out;

struct watchers_event {
	char *text; /* JSON; NULL: there was no memory for it */
	size_t size;
};

struct watchers {
	struct list list; /* struct watcher, the one that is served next first */
	struct master *master;
	struct watchers_event *ring; /* of LIMIT_WATCH_EVENTS; NULL: nobody has watched yet */
	uint64_t first, next;    /* numbers of the oldest event in it, and of the next one */
	size_t bytes;            /* of the texts */
	struct loop_timer retry; /* for those who did not read */
};

void watchers_init(struct watchers *watchers, struct master *master);
void watchers_fini(struct watchers *watchers);

bool watchers_any(const struct watchers *watchers);

/* The call hears of all that is put from now on; `begin` is its first reply. It is answered in any case: with Overloaded when
 * its user watches too often already, or all together do. */
void watchers_add(struct watchers *watchers, struct control_call *call,
		  const struct api_watch_out *begin);

/* Let all hear of an event: soon, when watchers_flush() is called. */
void watchers_put(struct watchers *watchers, const struct api_watch_out *event);

/* Send for a bounded time what has not been heard. true: there is more to send at once. */
bool watchers_flush(struct watchers *watchers);

/* Send what can be sent, and end all calls with this last reply. */
void watchers_end(struct watchers *watchers, const struct api_watch_out *last);

#endif
