/* lending.h - two bridges, one of which lends to the other: what the tests of large payloads
 * share.
 */
#ifndef TESTS_UNIT_BRIDGE_LENDING_H
#define TESTS_UNIT_BRIDGE_LENDING_H

#include "pair.h"

#define SECOND_NS 1000000000ull
#define MIB       (1u << 20)

/* Two that are up. */
void lending_begin_pair(struct pair *f);
/* a has an arena that b can read; two numbers have been sent. */
void lending_begin(struct pair *f, size_t arena);

/* Both bridges look at their descriptors, n times. */
void lending_passes(struct pair *f, unsigned n);

int lending_send_text(struct pair *f, struct pair_process *from, const struct pair_process *to,
		      enum envelope_kind kind, int64_t number, size_t length);
/* A SEND from a to b. */
int lending_send(struct pair *f, int64_t number, size_t length);

/* Bytes that a has lent. */
uint64_t lending_lent(const struct pair *f);
/* Bytes that the file of an arena has in memory. */
size_t lending_memory_of(int fd);

#endif
