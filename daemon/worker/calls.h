/* calls.h - the calls of clients that actors of this worker have not answered yet, by the
 * master's number.
 *
 * Memory of the caller, init/fini. One thread.
 */
#ifndef WORKER_CALLS_H
#define WORKER_CALLS_H

#include "base/hash.h"
#include "core/runtime.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct calls_call {
	struct runtime_client_call client_call;
	void *owner; /* struct agent */
	int64_t number;
	struct troupe_address to;
	const struct troupe_method *method;
	bool is_kept; /* the master knows */
	UT_hash_handle by_number;
};

struct calls {
	struct calls_call *by_number; /* uthash; any one of them, or NULL */
};

void calls_init(struct calls *calls);
/* Frees what is left; the runtime must not know of it any more. */
void calls_fini(struct calls *calls);

/* Make a call, zeroed but for its number. *ret_call is borrowed, until calls_remove().
 * -EEXIST; -ENOMEM, also at LIMIT_CALLS. */
int calls_add(struct calls *calls, int64_t number, struct calls_call **ret_call);
struct calls_call *calls_find(const struct calls *calls, int64_t number);
/* Take it out and free it. */
void calls_remove(struct calls *calls, struct calls_call *call);

#endif
