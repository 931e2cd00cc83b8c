/* worker_death.h - what follows from the end of a worker's process: whose fault it was, and to
 * which parts it is reported. Master process, one thread. */
#ifndef TROUPED_WORKER_DEATH_H
#define TROUPED_WORKER_DEATH_H

struct worker;
struct crash;

/* The process has died, and its last notices were read. The worker may be gone on return. */
void worker_on_death(struct worker *worker);

/* The symbolizer has looked for the places of a crash: log its frames, and keep the places. */
void worker_on_places(void *context, const struct crash *crash);

#endif
