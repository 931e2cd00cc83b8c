/* calls.c - open calls by their numbers. */
#include "worker/calls.h"

#include "base/limits.h"
#include <errno.h>
#include <stdlib.h>

void calls_init(struct calls *calls)
{
	*calls = (struct calls){0};
}

void calls_fini(struct calls *calls)
{
	while (calls->by_number)
		calls_remove(calls, calls->by_number);
}

int calls_add(struct calls *calls, int64_t number, struct calls_call **ret_call)
{
	struct calls_call *call;

	if (calls_find(calls, number))
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

struct calls_call *calls_find(const struct calls *calls, int64_t number)
{
	struct calls_call *call;

	HASH_FIND(by_number, calls->by_number, &number, sizeof(number), call);
	return call;
}

void calls_remove(struct calls *calls, struct calls_call *call)
{
	HASH_DELETE(by_number, calls->by_number, call);
	free(call);
}
