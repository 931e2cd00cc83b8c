/* worker_requests.h - what a worker's process is asked to make, in order, and the time limit of
 * each. Part of a worker; master process, one thread. */
#ifndef UNITS_WORKER_REQUESTS_H
#define UNITS_WORKER_REQUESTS_H

#include "base/list.h"
#include "base/loop.h"
#include "master/worker.h"
#include <stdbool.h>
#include <stdint.h>

struct instance;
struct version;

/* A request that was sent to the process and not answered yet; answers come in order. */
struct request {
	struct list link;
	struct request_what what;
	uint64_t id; /* SPAWN */
	uint64_t timeout_ns;
};

/* Start an instance that is to run here: load its plug-in and define its unit before if that
 * was not done. -ENOTCONN when the process is not up: it will be started when it is.
 * -ENOMEM. */
int worker_spawn(struct worker *worker, struct instance *instance);

/* The limits of a version's unit have changed: send them to it, if it knows that version. */
void worker_redefine(struct worker *worker, const struct version *version);

/* A request was answered. id, ret_instance: of a SPAWN; else 0 and NULL. false: nothing of the
 * kind was asked, and the worker is killed. */
bool worker_answered(struct worker *worker, enum request_kind kind, int64_t number, int64_t id,
		     uint32_t *ret_instance);

/* The request that the process has come to first, if it is loading, defining or starting that,
 * as the page says, for which there is a time limit of its own. NULL: it is at none. */
const struct request *worker_request_at(const struct worker *worker,
					const struct activity *activity);

/* For request_timer: the process has not come to the first request in time, or was not
 * ready. */
void worker_on_request_timer(struct loop_timer *timer);

/* Its process is gone: nothing is asked for any more. */
void worker_forget_requests(struct worker *worker);

#endif
