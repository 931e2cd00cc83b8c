/* listing.h - the answer to List; of a large installation kept for all who ask before anything changes.
 *
 * Belongs to the master; one thread. To describe 20,000 instances takes milliseconds, in which nobody else is served, and whoever
 * may look may ask again and again. So such an answer is given until a unit changes, and for a tenth of a second at most: counters
 * in it change without a word. One that is made quickly is made anew each time.
 */
#ifndef MASTER_LISTING_H
#define MASTER_LISTING_H

#include "control/server.h"
#include <stddef.h>
#include <stdint.h>

struct master;

struct listing {
	char *text; /* NULL: none is kept */
	size_t size;
	uint64_t made_ns;
	uint64_t n_changes; /* of the master, when it was made */
};

void listing_reply(struct master *master, struct control_call *call);

/* Give back its memory when nobody has asked for a while. Once a second. */
void listing_tick(struct master *master);
void listing_fini(struct listing *listing);

#endif
