/* arenas.h - the memory that large messages between workers travel through: made, and handed
 * out.
 *
 * A worker that has large messages to send asks for an arena of its own, once in its life, and
 * a worker that is offered some asks for that of its peer. The master makes the memory, so that
 * its seals can be relied on, and keeps the descriptor that peers get. It never maps it. Master
 * process, one thread.
 */
#ifndef MASTER_ARENAS_H
#define MASTER_ARENAS_H

#include "proto/process.h"

struct worker;

/* That worker asks for the arena of a process: made now if that is itself, else one that can
 * only be read. What cannot be had, or not now, is not answered: it will ask again. */
void arenas_lend(struct worker *worker, struct process process);

/* The process is gone. Those who have mapped its arena keep it. */
void arenas_forget(struct worker *worker);

#endif
