/* queue.c - see queue.h. */
#include "queue.h"
#include "hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct origin {
	UT_hash_handle hh;
	struct origin *next, *prev; /* in queue->ready */
	bool is_ready;
	unsigned n_taken;
	struct place *waiting;
	char name[];
};

void queue_init(struct queue *queue, unsigned most, unsigned most_per_origin)
{
	*queue = (struct queue){.most = most, .most_per_origin = most_per_origin};
}

void queue_fini(struct queue *queue)
{
	struct origin *origin, *next;

	HASH_ITER (hh, queue->by_name, origin, next) {
		HASH_DEL(queue->by_name, origin);
		free(origin);
	}
	*queue = (struct queue){0};
}

/* Let the list of those that are ready, and the table, be as they must after a change. */
static void settle(struct queue *queue, struct origin *origin)
{
	bool should_be = origin->waiting && origin->n_taken < queue->most_per_origin;

	if (should_be && !origin->is_ready)
		DL_APPEND(queue->ready, origin);
	if (!should_be && origin->is_ready)
		DL_DELETE(queue->ready, origin);
	origin->is_ready = should_be;
	if (!origin->waiting && origin->n_taken == 0) {
		HASH_DEL(queue->by_name, origin);
		free(origin);
	}
}

int queue_add(struct queue *queue, const char *name, bool is_first, struct place *place)
{
	size_t length = strlen(name);
	struct origin *origin;

	HASH_FIND(hh, queue->by_name, name, length, origin);
	if (!origin) {
		origin = calloc(1, sizeof(*origin) + length + 1);
		if (!origin)
			return -ENOMEM;
		memcpy(origin->name, name, length + 1);
		HASH_ADD_KEYPTR(hh, queue->by_name, origin->name, length, origin);
		if (!origin->hh.tbl) {
			free(origin);
			return -ENOMEM;
		}
	}
	place->origin = origin;
	place->is_taken = false;
	if (is_first)
		DL_PREPEND(origin->waiting, place);
	else
		DL_APPEND(origin->waiting, place);
	settle(queue, origin);
	return 0;
}

void queue_remove(struct queue *queue, struct place *place)
{
	struct origin *origin = place->origin;

	if (!origin)
		return;
	if (place->is_taken) {
		origin->n_taken--;
		queue->n_taken--;
	} else {
		DL_DELETE(origin->waiting, place);
	}
	place->origin = NULL;
	place->is_taken = false;
	settle(queue, origin);
}

struct place *queue_next(struct queue *queue)
{
	struct origin *origin = queue->ready;

	if (!origin || queue->n_taken >= queue->most)
		return NULL;
	struct place *place = origin->waiting;
	DL_DELETE(origin->waiting, place);
	place->is_taken = true;
	origin->n_taken++;
	queue->n_taken++;
	/* To the end of the list: the others have their turn first. */
	DL_DELETE(queue->ready, origin);
	origin->is_ready = false;
	settle(queue, origin);
	return place;
}
