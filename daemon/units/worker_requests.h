/* worker_requests.h - what a worker's process is asked to make, in order, and the time limit of
 * each. Part of a worker; master process, one thread. */
#ifndef UNITS_WORKER_REQUESTS_H
#define UNITS_WORKER_REQUESTS_H

#include "base/list.h"
#include "base/loop.h"
#include "process/activity.h"
#include <stdbool.h>
#include <stdint.h>

struct worker;
struct instance;
struct version;

/* A request that was sent to the process and not answered yet; answers come in order. */
struct request {
	struct list link;
	enum request_kind { REQUEST_LOAD, REQUEST_DEFINE, REQUEST_SPAWN } kind;
	uint32_t number;   /* of the deployment or unit */
	uint32_t instance; /* SPAWN */
	uint64_t id;       /* SPAWN */
	uint64_t timeout_ns;
};

/* Start an instance that is to run here: load its plug-in and define its unit before if that
 * was not done. -ENOTCONN when the process is not up: it will be started when it is.
 * -ENOMEM. */
int worker_spawn(struct worker *worker, struct instance *instance);

/* The limits of a version's unit have changed: send them to it, if it knows that version. */
void worker_redefine(struct worker *worker, const struct version *version);

/* The request that an answer belongs to, taken out of the queue (free() it); NULL: there is
 * none. id: SPAWN only. */
struct request *worker_answered(struct worker *worker, enum request_kind kind, uint64_t number,
				uint64_t id);

/* Whether its process is at what it was asked for first, loading or starting something, as the
 * page says: that has a time limit of its own. */
bool worker_is_at_request(const struct worker *worker, const struct activity *activity);

/* For request_timer: the process has not come to the first request in time, or was not
 * ready. */
void worker_on_request_timer(struct loop_timer *timer);

/* Its process is gone: nothing is asked for any more. */
void worker_forget_requests(struct worker *worker);

#endif
