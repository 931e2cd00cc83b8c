/* large.h - pieces of memory that are too large for a slab's classes: malloc's, some of them
 * kept for the next.
 *
 * What is given back goes to a list of its size and is taken from there first, while it is
 * warm. malloc alone would return it to the system as soon as the heap's end is free, and then
 * each page of each large message were a page fault. At most LARGE_KEPT bytes are kept, of
 * sizes that were of use last. Belongs to one slab, is used in its thread.
 */
#ifndef CORE_LARGE_H
#define CORE_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LARGE_FROM    4096 /* bytes; pieces are larger */
#define LARGE_CLASSES 48 /* four sizes to each doubling, up to 16 MiB; beyond nothing is kept */
#define LARGE_KEPT    ((size_t)32 << 20) /* as much as a mailbox holds by default */

struct slab_piece;

struct large {
	struct slab_piece *kept[LARGE_CLASSES];
	uint64_t has_kept; /* a bit for each class that has any */
	uint64_t bytes;    /* of all pieces, those that are out and those that are kept */
	uint64_t n_out;
	size_t kept_bytes;
	uint64_t allocated; /* how often malloc was asked */
};

/* Free what is kept; what is out is its users'. */
void large_fini(struct large *large);

/* Free a part of what is kept. False: nothing is kept any more. */
bool large_trim(struct large *large);

/* `size` bytes, more than LARGE_FROM. NULL: no memory. */
void *large_take(struct large *large, size_t size);
/* Give back what large_take() gave for the same size. */
void large_give(struct large *large, void *piece, size_t size);

#endif
