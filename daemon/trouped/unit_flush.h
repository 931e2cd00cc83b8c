/* unit_flush.h - what hangs on the state of units: names, watchers, clients that wait. Master
 * process, one thread. */
#ifndef TROUPED_UNIT_FLUSH_H
#define TROUPED_UNIT_FLUSH_H

struct master;

/* The loop is about to sleep: report what has changed, and do what waited for it. Units that
 * were to be removed are gone afterwards; nowhere else does a unit go away. */
void units_flush(struct master *master);

#endif
