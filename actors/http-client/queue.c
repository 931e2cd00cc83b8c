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
	unsigned first_lane;
	unsigned n_in_lane[QUEUE_LANES]; /* of those that are taken */
	struct place *waiting;
	char name[];
};

void queue_init(struct queue *queue, unsigned most, unsigned most_per_origin, unsigned lanes)
{
	*queue = (struct queue){
		.most = most, .most_per_origin = most_per_origin, .n_lanes = lanes};
}

unsigned queue_share(const struct queue *queue, unsigned most, unsigned lane)
{
	return most / queue->n_lanes + (lane < most % queue->n_lanes);
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
		for (size_t i = 0; i < length; i++)
			origin->first_lane = origin->first_lane * 31 + (unsigned char)name[i];
		origin->first_lane %= queue->n_lanes;
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
		origin->n_in_lane[place->lane]--;
		queue->n_in_lane[place->lane]--;
		queue->n_taken--;
	} else {
		DL_DELETE(origin->waiting, place);
	}
	place->origin = NULL;
	place->is_taken = false;
	settle(queue, origin);
}

/* There is one with room whenever fewer than `most` places are taken. */
static unsigned choose_lane(const struct queue *queue, const struct origin *origin)
{
	unsigned chosen = queue->n_lanes;

	for (unsigned i = 0; i < queue->n_lanes; i++) {
		unsigned lane = (origin->first_lane + i) % queue->n_lanes;

		if (queue->n_in_lane[lane] >= queue_share(queue, queue->most, lane))
			continue;
		if (chosen == queue->n_lanes ||
		    origin->n_in_lane[lane] < origin->n_in_lane[chosen])
			chosen = lane;
	}
	return chosen;
}

struct place *queue_next(struct queue *queue)
{
	struct origin *origin = queue->ready;

	if (!origin || queue->n_taken >= queue->most)
		return NULL;
	struct place *place = origin->waiting;
	DL_DELETE(origin->waiting, place);
	place->is_taken = true;
	place->lane = choose_lane(queue, origin);
	origin->n_in_lane[place->lane]++;
	queue->n_in_lane[place->lane]++;
	origin->n_taken++;
	queue->n_taken++;
	/* To the end of the list: the others have their turn first. */
	DL_DELETE(queue->ready, origin);
	origin->is_ready = false;
	settle(queue, origin);
	return place;
}
