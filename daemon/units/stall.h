/* stall.h - stalled workers: found by sampling their pages and by pings, reported, and ended at
 * WorkerWatchdog=.
 *
 * A worker's loop answers each Ping; one is under way at a time. A worker stalls when a handler
 * has run for over a second, or when a ping was not answered for two (its process is stopped,
 * or hangs in the host). Part of a worker; looked at once a second. Only time in which the
 * master itself ran is counted. Master process, one thread.
 */
#ifndef UNITS_STALL_H
#define UNITS_STALL_H

#include "process/activity.h"
#include <stdbool.h>
#include <stdint.h>

struct master;
struct worker;

/* Look at all workers. Once a second. */
void stall_tick(struct master *master);

/* Send a Ping before its time, unless one is under way: worker_fence_calls() holds from now. */
void stall_ping(struct worker *worker);

/* A Pong has come. false: it answers no Ping. */
bool stall_on_pong(struct worker *worker, uint64_t ping);

/* Its process is gone, or is to end: it is not stalled any more. */
void stall_forget(struct worker *worker);

/* Whether it was ended for a handler that it was still in when it died. */
struct crash;
bool stall_is_blamed(const struct worker *worker, const struct crash *crash);

/* How long a worker that is stalled has been so. */
uint64_t stall_ns(const struct worker *worker);

/* Whether a question to it would not be answered within that time, as far as is known. */
bool stall_outlasts(const struct worker *worker, uint64_t ns);

/* Whose handler it is in, and at what. false: in none. */
bool stall_name(const struct worker *worker, struct activity_names *ret_names);

#endif
