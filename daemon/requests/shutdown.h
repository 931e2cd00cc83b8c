/* shutdown.h - the daemon's end, in order: clients are answered, workers end, then the loop.
 * Master process, one thread. */
#ifndef REQUESTS_SHUTDOWN_H
#define REQUESTS_SHUTDOWN_H

#include "base/clock.h"

struct master;

/* For clients to read what is left, when the workers are gone. */
#define SHUTDOWN_LAST_WORDS_NS CLOCK_SECOND_NS

/* Stop everything in order, then leave master_run(). Once more: without waiting. */
void master_stop(struct master *master);

#endif
