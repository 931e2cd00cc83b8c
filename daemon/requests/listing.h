/* listing.h - the answer to List: made a piece at a time, for all who have asked by then.
 *
 * Belongs to the master; one thread. To describe 20,000 instances takes milliseconds, in which
 * no other client would be served, and a client may ask again and again. So it is made from the
 * loop, one at a time: whoever asks while nothing has changed since it was begun gets it when
 * it is made, users in turn; all others, the next one. One that took long to make is given
 * until a unit changes, and for a tenth of a second at most: a change of counters alone does
 * not make it anew.
 */
#ifndef REQUESTS_LISTING_H
#define REQUESTS_LISTING_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/loop.h"
#include "control/server.h"
#include "requests/unit_text.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LISTING_NS 2000000u /* that it is worked on at a stretch */

struct master;

struct listing {
	struct master *master;
	struct loop_timer timer; /* while there is something to do */
	struct buffer text;      /* as far as it is made */
	struct list waiting;     /* whom it is for: struct pending */
	struct list later;       /* whom the next one is for */
	bool is_making, is_made;
	uint64_t n_changes;           /* of the master, when it was begun */
	uint64_t begun_ns, worked_ns; /* worked: at making it */
	uid_t last;                   /* who was answered last */
	/* While it is being made */
	char **names; /* of the units, in order */
	size_t n_names, at;
	unsigned budget;       /* instances that may still be listed */
	struct unit_text unit; /* the one under way */
};

void listing_init(struct listing *listing, struct master *master);
/* No call may be left: the server is gone. */
void listing_fini(struct listing *listing);

/* Give back its memory when no client has asked for a while. Once a second. */
void listing_tick(struct master *master);

#endif
