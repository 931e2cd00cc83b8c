/* client_calls.h - the calls of clients that actors of this worker have not answered, by the
 * master's number.
 *
 * Memory of the caller, zeroed at first, and empty at last. One thread.
 */
#ifndef WORKER_CLIENT_CALLS_H
#define WORKER_CLIENT_CALLS_H

#include "base/hash.h"
#include "core/runtime.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_call {
	struct runtime_client_call client_call;
	void *owner; /* struct agent */
	int64_t number;
	struct troupe_address to;
	const struct troupe_method *method;
	bool is_kept; /* the master knows */
	UT_hash_handle by_number;
};

struct client_calls {
	struct client_call *by_number; /* uthash; any one of them, or NULL */
};

/* Make a call, zeroed but for its number. *ret_call is borrowed, until client_calls_remove().
 * -EEXIST; -ENOMEM, also at LIMIT_CALLS. */
int client_calls_add(struct client_calls *calls, int64_t number, struct client_call **ret_call);
struct client_call *client_calls_find(const struct client_calls *calls, int64_t number);
/* Take it out and free it. */
void client_calls_remove(struct client_calls *calls, struct client_call *call);

#endif
