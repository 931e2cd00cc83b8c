/* calls.c - a hash table of open calls. */
#include "worker/calls.h"

#include "base/cleanup.h"
#include "base/limits.h"

#define ROOM_MIN 64u

void calls_init(struct calls *calls)
{
	*calls = (struct calls){0};
}

void calls_fini(struct calls *calls)
{
	struct calls_call *call;

	while ((call = calls_any(calls)))
		calls_remove(calls, call);
	free(calls->buckets);
	calls_init(calls);
}

/* The master counts its calls up, so the lowest bits are spread as well as can be. */
static struct calls_call **find_bucket(const struct calls *calls, int64_t number)
{
	return &calls->buckets[(uint64_t)number & (calls->room - 1)];
}

static int grow_table(struct calls *calls)
{
	struct calls larger = {.room = calls->room ? 2 * calls->room : ROOM_MIN,
			       .count = calls->count};

	larger.buckets = calloc(larger.room, sizeof(struct calls_call *));
	if (!larger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < calls->room; i++)
		for (struct calls_call *call = calls->buckets[i], *next; call; call = next) {
			struct calls_call **bucket = find_bucket(&larger, call->number);

			next = call->next;
			call->next = *bucket;
			*bucket = call;
		}
	free(calls->buckets);
	*calls = larger;
	return 0;
}

int calls_add(struct calls *calls, int64_t number, struct calls_call **ret_call)
{
	struct calls_call *call, **bucket;

	if (calls_find(calls, number))
		return -EEXIST;
	if (calls->count >= LIMIT_CALLS ||
	    (calls->count == calls->room && grow_table(calls) < 0))
		return -ENOMEM;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	bucket = find_bucket(calls, number);
	call->number = number;
	call->next = *bucket;
	*bucket = call;
	calls->count++;
	*ret_call = call;
	return 0;
}

struct calls_call *calls_find(const struct calls *calls, int64_t number)
{
	struct calls_call *call = calls->room ? *find_bucket(calls, number) : NULL;

	while (call && call->number != number)
		call = call->next;
	return call;
}

void calls_remove(struct calls *calls, struct calls_call *call)
{
	struct calls_call **place = find_bucket(calls, call->number);

	while (*place != call)
		place = &(*place)->next;
	*place = call->next;
	calls->count--;
	free(call);
}

struct calls_call *calls_any(const struct calls *calls)
{
	for (size_t i = 0; calls->count > 0 && i < calls->room; i++)
		if (calls->buckets[i])
			return calls->buckets[i];
	return NULL;
}
