/* wheel.h - a hierarchical timer wheel: what is due when, for millions, in constant time each.
 *
 * Pure: it reads no clock and calls no callback. Nodes are memory of the caller and cannot fail
 * to be put in. Time is CLOCK_MONOTONIC in ns, in steps of WHEEL_STEP_NS: a node is never due
 * before its time, and at most one step after. Earlier steps come first, and within a step what
 * was put in first. One thread per wheel, which stays where it was initialized.
 *
 * Nodes are small, since there may be a million: they lie in tables, a table for each kind, and
 * name each other by kind and index in 32 bits.
 */
#ifndef CORE_WHEEL_H
#define CORE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_STEP_BITS 18 /* 262 microseconds */
#define WHEEL_STEP_NS   (1ull << WHEEL_STEP_BITS)
#define WHEEL_SLOT_BITS 8
#define WHEEL_LEVELS    6 /* 48 bits of steps: all of time, there is no horizon */
#define WHEEL_SLOTS     (1u << WHEEL_SLOT_BITS)

#define WHEEL_INDEX_BITS 28
#define WHEEL_KINDS      6

/* The owner sees to it that a node is in a wheel at most once; zeroed means in none. */
struct wheel_node {
	uint64_t at_ns;
	uint32_t next, previous; /* kind and index; next 0: in no wheel */
};

/* The nodes of a kind: the first one's address, and from each to the next. */
struct wheel_kind {
	unsigned char *base;
	uint32_t size;
};

struct wheel {
	uint64_t step;  /* all steps up to this one have been taken out */
	uint64_t next;  /* no marked slot begins before that step */
	uint64_t count; /* nodes */
	/* Where the last node was put, which step it had, and the wheel's then: the next most
	 * likely has the same, when deadlines are alike. */
	uint64_t last_step, last_here;
	uint32_t last_head;
	uint64_t occupied[WHEEL_LEVELS]
			 [WHEEL_SLOTS / 64]; /* a bit per slot that may hold nodes */
	/* Kind 0 are the heads of the lists: the slots level by level, then of what is
	 * due. The first head stays unused, as 0 means none. */
	struct wheel_kind kinds[WHEEL_KINDS];
	struct wheel_node heads[1 + WHEEL_LEVELS * WHEEL_SLOTS + 1];
};

void wheel_init(struct wheel *wheel, uint64_t now_ns);

/* Nodes of `kind`, 1..WHEEL_KINDS - 1, lie `size` bytes apart from `first` on. */
void wheel_set_kind(struct wheel *wheel, uint32_t kind, struct wheel_node *first,
		    uint32_t size);

/* What a node is called: never 0. */
static inline uint32_t wheel_name(uint32_t kind, uint32_t index)
{
	return kind << WHEEL_INDEX_BITS | index;
}

static inline uint32_t wheel_kind_of(uint32_t name)
{
	return name >> WHEEL_INDEX_BITS;
}

static inline uint32_t wheel_index_of(uint32_t name)
{
	return name & ((1u << WHEEL_INDEX_BITS) - 1);
}

static inline struct wheel_node *wheel_node_at(const struct wheel *wheel, uint32_t name)
{
	const struct wheel_kind *kind = &wheel->kinds[wheel_kind_of(name)];

	return (struct wheel_node *)(void *)(kind->base +
					     (uint64_t)wheel_index_of(name) * kind->size);
}

/* A time that has passed is due at the next wheel_advance(). */
void wheel_add(struct wheel *wheel, uint32_t name, uint64_t at_ns);
/* A node that is in no wheel is left alone. */
void wheel_remove(struct wheel *wheel, struct wheel_node *node);

static inline bool wheel_has(const struct wheel_node *node)
{
	return node->next != 0;
}

/* Go on to now_ns; what has become due is then handed out by wheel_take(). */
void wheel_advance(struct wheel *wheel, uint64_t now_ns);
/* The next due node, taken out of the wheel. 0: none. */
uint32_t wheel_take(struct wheel *wheel);

/* When wheel_advance() should be called next: never later than the first node is due, but
 * perhaps earlier. UINT64_MAX: there is no node, or only such as time ends before. */
uint64_t wheel_next_ns(const struct wheel *wheel);

#endif
