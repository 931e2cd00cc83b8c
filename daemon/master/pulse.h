/* pulse.h - when the master looks again at what has changed, and whether it has been awake.
 *
 * Uses nothing of the master but its loop, so that every part of it may call this. One thread.
 */
#ifndef MASTER_PULSE_H
#define MASTER_PULSE_H

#include <stdbool.h>

struct master;

/* Units have changed: look at them before the loop sleeps, whoever reports it. */
void master_flush_soon(struct master *master);

/* Something started, failed or ended: look again, before the loop sleeps, whether all is up. */
void master_check_soon(struct master *master);

/* Whether the master itself did not run for some seconds up to just now: it was stopped,
 * suspended, or starved of processor time. What workers sent meanwhile may not have been read,
 * so no deadline of theirs holds: ask again MASTER_AWAKE_NS later. */
bool master_has_slept(const struct master *master);
#define MASTER_AWAKE_NS 2000000000ull
/* The second's tick, for that. */
void master_note_tick(struct master *master);

#endif
