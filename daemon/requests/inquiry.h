/* inquiry.h - questions of clients that only workers can answer: which actors live there, and
 * how they fare.
 *
 * Belongs to the master; one thread. A worker that does not answer within two seconds, because
 * it is in a long handler, is left out: the client gets what is known.
 */
#ifndef REQUESTS_INQUIRY_H
#define REQUESTS_INQUIRY_H

#include "base/clock.h"
#include <stdint.h>

#define INQUIRY_NS (2 * CLOCK_SECOND_NS) /* that a worker has for an answer */

struct master;
struct worker;
struct unit;
struct worker_census;
struct worker_task_census;
struct pending;

/* The one of the master's inquiries for which workers were asked under that number; NULL: it
 * needs no answer any more. */
struct pending *inquiries_find(struct master *master, uint64_t request);
/* A worker's answer, to whichever of the master's inquiries has asked; its process is gone. */
void inquiries_census(struct worker *worker, const struct worker_census *census);
void inquiries_worker_down(struct worker *worker);

#endif
