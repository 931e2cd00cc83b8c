/* letters.h - dead letters, messages of actors that were not delivered: a worker's notices of
 * them, for watchers and the log.
 *
 * Part of a worker's record in the master; one thread. Watchers are sent an event for each
 * notice; the first few notices in a while are logged, then the number of messages in the
 * others. The worker is hostile: one that sends more notices than it ever has to is killed.
 */
#ifndef TROUPED_LETTERS_H
#define TROUPED_LETTERS_H

#include "base/rate_limit.h"
#include <stdint.h>

struct worker;
struct worker_dead_letter;

struct letters {
	unsigned n_notices;      /* in this second */
	struct rate_limit limit; /* of lines */
	uint64_t unlogged;       /* messages beyond it */
};

void letters_init(struct letters *letters);

void letters_on_notice(struct worker *worker, const struct worker_dead_letter *notice);

/* Once a second. */
void letters_tick(struct worker *worker);
/* The process is gone: log the number of its dead letters that were not logged yet. */
void letters_end(struct worker *worker);

#endif
