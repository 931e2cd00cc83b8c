/* address.h - the name of one actor, for all time: 128 bits, passed by value.
 *
 * An address is plain data: it may be copied, compared, stored and sent in messages, from any
 * thread. It never comes to mean another actor: once the actor is gone, whatever is sent to its
 * address is answered with NoSuchActor (calls) or counted as a dead letter (sends).
 */
#ifndef TROUPE_ADDRESS_H
#define TROUPE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text form: the five numbers in decimal with dots between,
 * "node.worker.incarnation.slot.generation", for instance "0.2.1.4711.3". The longest text,
 * with its NUL, fits TROUPE_ADDRESS_TEXT bytes. */
#define TROUPE_ADDRESS_TEXT 48

struct troupe_address {
	uint16_t node;        /* 0: this node; other numbers are local to this node */
	uint16_t worker;      /* 1..; 0 is the master, which hosts no actors */
	uint32_t incarnation; /* of that worker: 1.., one more with each restart */
	uint32_t slot;        /* the actor's place in its worker */
	/* 1.., one more with each actor that takes the slot; 0: no address */
	uint32_t generation;
};

/* Whether the two name the same actor. */
static inline bool troupe_address_equal(struct troupe_address a, struct troupe_address b)
{
	return a.slot == b.slot && a.generation == b.generation &&
	       a.incarnation == b.incarnation && a.worker == b.worker && a.node == b.node;
}

/* Whether this is no address at all: what a zeroed struct holds. */
static inline bool troupe_address_is_null(struct troupe_address a)
{
	return a.generation == 0;
}

#ifdef __cplusplus
}
#endif

#endif
