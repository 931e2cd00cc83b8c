/* worker_parts.h - the parts that a worker holds for others, and the callbacks for what happens
 * to it. Master process, one thread. */
#ifndef TROUPED_WORKER_PARTS_H
#define TROUPED_WORKER_PARTS_H

#include "master/worker.h"

extern const struct worker_ops worker_parts;

#endif
