/* rate_limit.h - so many events in an interval, and a count of those beyond.
 *
 * A value with an owner, as systemd's: the first event opens an interval, `burst` events of it
 * pass, the others are counted, and the first event after its end opens the next one. Pure: the
 * owner passes the time (CLOCK_MONOTONIC, or any other that never goes back). One thread.
 */
#ifndef BASE_RATE_LIMIT_H
#define BASE_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
	uint64_t interval_ns; /* 0: everything passes */
	uint64_t burst;       /* 0: everything passes */
	uint64_t begin_ns;    /* of the interval under way; 0: there was none yet */
	uint64_t passed;      /* in it */
	uint64_t suppressed;  /* not yet reported by rate_limit_take_suppressed() */
};

void rate_limit_init(struct rate_limit *limit, uint64_t interval_ns, uint64_t burst);

/* Count one event. True: it passes. */
bool rate_limit_pass(struct rate_limit *limit, uint64_t now_ns);

/* How many events have been suppressed since the last call, if the interval in which they were
 * is over; else 0. To be asked before an event that passes is reported, and by a timer where a
 * flood may end without one. */
uint64_t rate_limit_take_suppressed(struct rate_limit *limit, uint64_t now_ns);

#endif
