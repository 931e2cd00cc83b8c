/* wheel.h - a hierarchical timer wheel: what is due when, for millions, in constant time
 * each.
 *
 * Pure: it reads no clock and calls nobody. Nodes are memory of the caller and cannot fail to
 * be put in. Time is CLOCK_MONOTONIC in ns, in steps of WHEEL_STEP_NS: a node is never due
 * before its time, and at most one step after. One thread per wheel.
 */
#ifndef CORE_WHEEL_H
#define CORE_WHEEL_H

#include "base/list.h"
#include <stdbool.h>
#include <stdint.h>

#define WHEEL_STEP_BITS 18 /* 262 microseconds */
#define WHEEL_STEP_NS   (1ull << WHEEL_STEP_BITS)
#define WHEEL_SLOT_BITS 6
#define WHEEL_LEVELS    8 /* 48 bits of steps: all of time, there is no horizon */
#define WHEEL_SLOTS     (1u << WHEEL_SLOT_BITS)

/* The owner sees to it that a node is in a wheel at most once; zeroed means in none. */
struct wheel_node {
	struct list link;
	uint64_t at_ns;
};

struct wheel {
	uint64_t step;                   /* all steps up to this one have been taken out */
	uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot that may hold nodes */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	struct list due;
	uint64_t count;
};

void wheel_init(struct wheel *wheel, uint64_t now_ns);

/* A time that has passed is due at the next wheel_advance(). */
void wheel_add(struct wheel *wheel, struct wheel_node *node, uint64_t at_ns);
/* A node that is in no wheel is left alone. */
void wheel_remove(struct wheel *wheel, struct wheel_node *node);

static inline bool wheel_has(const struct wheel_node *node)
{
	return node->link.next != 0;
}

/* Go on to now_ns; what has become due is then handed out by wheel_take(), earlier steps
 * first. */
void wheel_advance(struct wheel *wheel, uint64_t now_ns);
/* The next due node, taken out of the wheel. NULL: none. */
struct wheel_node *wheel_take(struct wheel *wheel);

/* When wheel_advance() should be called next: never later than the first node is due, but
 * perhaps earlier. UINT64_MAX: there is no node, or only such as time ends before. */
uint64_t wheel_next_ns(const struct wheel *wheel);

#endif
