/* queue.h - requests that wait for a place: places are limited in all and for each origin, and
 * origins that wait take turns.
 *
 * All places are spread over a few lanes, each of which has its share of them. Of the lanes
 * with room a request has the one where its origin has the fewest, and of several the first,
 * counted from the origin's own on: so what one that is done has left in its lane, the next one
 * finds.
 *
 * One actor's; by its thread only. Nothing here is ever freed by who is in it.
 */
#ifndef HTTP_CLIENT_QUEUE_H
#define HTTP_CLIENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct origin;

#define QUEUE_LANES 16 /* at most */

/* A request's place, or its wait for one; embedded in it. */
struct place {
	struct place *next, *prev;
	struct origin *origin; /* NULL: neither waits nor has a place */
	bool is_taken;
	unsigned lane; /* while it is taken */
};

struct queue {
	struct origin *by_name; /* uthash: those with a request */
	struct origin *ready;   /* those with one that waits, and room for it */
	unsigned most, most_per_origin;
	unsigned n_taken;
	unsigned n_lanes;
	unsigned n_in_lane[QUEUE_LANES]; /* of those that are taken */
};

/* lanes: 1 to QUEUE_LANES. */
void queue_init(struct queue *queue, unsigned most, unsigned most_per_origin, unsigned lanes);
/* Of an empty queue. */
void queue_fini(struct queue *queue);

/* A lane's part of `most`: together they are all of it. */
unsigned queue_share(const struct queue *queue, unsigned most, unsigned lane);

/* Wait for a place: behind the others of its origin, or before them. -ENOMEM. */
int queue_add(struct queue *queue, const char *origin, bool is_first, struct place *place);

/* Give up the place, or the wait for one. One that is not there is fine. */
void queue_remove(struct queue *queue, struct place *place);

/* The next that may have a place, which it has then; NULL: none. */
struct place *queue_next(struct queue *queue);

#endif
