/* connections.h - the few connections to one daemon that map spreads its calls over.
 *
 * Memory of the caller, one loop. A connection that is lost is made again, with growing pauses;
 * for how long no daemon may be there at all has a limit.
 */
#ifndef CTL_CONNECTIONS_H
#define CTL_CONNECTIONS_H

#include "ctl/varlink.h"
#include <stdbool.h>
#include <stdint.h>

#define CONNECTIONS_MAX 64

struct map_connection {
	struct varlink *client; /* NULL: lost */
	uint64_t in_flight;     /* calls; kept by the owner */
	bool unflushed;         /* something was put in since the last flush */
};

struct connections {
	struct loop *loop;
	const char *path; /* borrowed */
	struct map_connection items[CONNECTIONS_MAX];
	uint64_t count, window; /* connections; calls in flight on each */
	uint64_t lost_ns;       /* since when there is none; 0: there is */
	uint64_t again_ns;      /* not before then is connecting tried again */
	uint64_t pause_ns;      /* after the next failure */
};

/* `first` is taken: the first of count connections; the others are made by the first repair. */
void connections_init(struct connections *connections, struct loop *loop, const char *path,
		      uint64_t count, uint64_t window, struct varlink *first);

/* Close them all; open calls get no reply any more. May be called twice. */
void connections_fini(struct connections *connections);

/* Let go of broken connections and make those that lack, if their pause is over. Not from a
 * client's callback. -ENOTCONN: for ten seconds none has been there. */
int connections_repair(struct connections *connections);

/* Whether one of them lacks or is broken. */
bool connections_need_repair(const struct connections *connections);

/* The connection with the fewest calls in flight that has room for one more; NULL: none. */
struct map_connection *connections_find(struct connections *connections);

/* Write what was put into those that are marked unflushed. */
void connections_flush(struct connections *connections);

#endif
