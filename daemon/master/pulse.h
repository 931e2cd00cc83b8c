/* pulse.h - when the master looks again at what has changed, and whether it has been awake.
 *
 * Uses nothing of the master but its loop, so that every part of it may call this. One thread.
 */
#ifndef MASTER_PULSE_H
#define MASTER_PULSE_H

#include <stdbool.h>
#include <stdint.h>

struct loop_timer;
struct master;

/* Units have changed: look at them before the loop sleeps, whoever reports it. */
void master_flush_soon(struct master *master);

/* Something started, failed or ended: look again, before the loop sleeps, whether all is up. */
void master_check_soon(struct master *master);

/* Whether the master itself did not run for some seconds up to just now: it was stopped,
 * suspended, or starved of processor time. What workers sent meanwhile may not have been read,
 * so no deadline of theirs holds. */
bool master_has_slept(const struct master *master);
/* The timer of such a deadline is due. Whether the master has slept: then the timer is started
 * again, for the time that it slept, in which workers may not have run either; for no longer
 * than it was started for, which is all that they have, and for MASTER_AWAKE_NS at least. */
bool master_slept_over(const struct master *master, struct loop_timer *timer);
#define MASTER_AWAKE_NS 2000000000ull
/* A clock that stands still while the master sleeps, for deadlines that are looked at now and
 * then. */
uint64_t master_awake_ns(const struct master *master);
/* The second's tick, for that. */
void master_note_tick(struct master *master);

#endif
