/* stall.h - handlers that do not come back: seen by sampling the workers' pages, told of once. Master process, one thread. */
#ifndef MASTER_STALL_H
#define MASTER_STALL_H

struct master;

/* Look at all workers. Once a second. */
void stall_tick(struct master *master);

#endif
