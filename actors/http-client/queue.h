/* queue.h - requests that wait for a place: places are limited in all and for each origin, and
 * origins that wait take turns.
 *
 * One actor's; by its thread only. Nothing here is ever freed by who is in it.
 */
#ifndef HTTP_CLIENT_QUEUE_H
#define HTTP_CLIENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct origin;

/* A request's place, or its wait for one; embedded in it. */
struct place {
	struct place *next, *prev;
	struct origin *origin; /* NULL: neither waits nor has a place */
	bool is_taken;
};

struct queue {
	struct origin *by_name; /* uthash: those with a request */
	struct origin *ready;   /* those with one that waits, and room for it */
	unsigned most, most_per_origin;
	unsigned n_taken;
};

void queue_init(struct queue *queue, unsigned most, unsigned most_per_origin);
/* Of an empty queue. */
void queue_fini(struct queue *queue);

/* Wait for a place: behind the others of its origin, or before them. -ENOMEM. */
int queue_add(struct queue *queue, const char *origin, bool is_first, struct place *place);

/* Give up the place, or the wait for one. One that is not there is fine. */
void queue_remove(struct queue *queue, struct place *place);

/* The next that may have a place, which it has then; NULL: none. */
struct place *queue_next(struct queue *queue);

#endif
