/* slow.h - the handlers of a worker that took longer than SlowHandler=, found while they ran.
 *
 * The worker writes each into its page; here they are read with distrust, logged, counted for
 * the units whose they are, and the last ones kept, beyond the end of the process. Looked at
 * once a second and whenever people ask. Part of a worker. Master process, one thread.
 */
#ifndef UNITS_SLOW_H
#define UNITS_SLOW_H

#include "base/limits.h"
#include "base/rate_limit.h"
#include "process/activity.h"
#include "process/crash.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct master;
struct worker;

struct slow_handler {
	uint64_t number; /* of the worker's process */
	uint32_t incarnation;
	uint64_t time_ms; /* Unix time, when it was found here */
	uint64_t for_ns;  /* so far, or in all */
	bool is_over;
	struct activity activity;
	struct activity_names names;
	unsigned n_frames;
	struct crash_frame frames[PAGE_SLOW_FRAMES]; /* innermost first */
};

/* NULL in a worker: it never had a slow handler. */
struct slow {
	uint64_t seen;   /* the highest number that was read of this process */
	uint32_t over;   /* incarnation: all that its page had was read */
	uint64_t missed; /* of it: that were written over before they were read */
	struct rate_limit logged;
	size_t n, next; /* of `handlers`; where the next one goes */
	struct slow_handler handlers[LIMIT_SLOW_KEPT];
};

/* Read what the page has. */
void slow_look(struct worker *worker);
/* At all workers. Once a second. */
void slow_tick(struct master *master);

/* Its process is gone: read its page for the last time; none runs any more. */
void slow_forget(struct worker *worker);
/* So is the worker. */
void slow_free(struct worker *worker);

/* The i-th of those that are kept, the last one first. NULL: so many there are not. */
const struct slow_handler *slow_at(const struct worker *worker, size_t i);

#endif
