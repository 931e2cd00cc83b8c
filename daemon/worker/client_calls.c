/* client_calls.c - open calls by their numbers. */
#include "worker/client_calls.h"

#include "base/limits.h"
#include <errno.h>
#include <stdlib.h>

int client_calls_add(struct client_calls *calls, int64_t number, struct client_call **ret_call)
{
	struct client_call *call;

	if (client_calls_find(calls, number))
		return -EEXIST;
	call = HASH_CNT(by_number, calls->by_number) < LIMIT_CALLS ? calloc(1, sizeof(*call))
								   : NULL;
	if (!call)
		return -ENOMEM;
	call->number = number;
	HASH_ADD(by_number, calls->by_number, number, sizeof(call->number), call);
	if (!call->by_number.tbl) {
		free(call);
		return -ENOMEM;
	}
	*ret_call = call;
	return 0;
}

struct client_call *client_calls_find(const struct client_calls *calls, int64_t number)
{
	struct client_call *call;

	HASH_FIND(by_number, calls->by_number, &number, sizeof(number), call);
	return call;
}

void client_calls_remove(struct client_calls *calls, struct client_call *call)
{
	HASH_DELETE(by_number, calls->by_number, call);
	free(call);
}
