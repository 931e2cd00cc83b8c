/* borrower.h - a peer's arena as this process sees it: mapped to be read, and the blocks of it
 * that are to be given back.
 *
 * Memory of the caller, zeroed; part of a link. What lies in the arena is hostile, and can
 * change at any moment: it is copied first, and only the copy is looked at. What is to be given
 * back is a set, so that whatever the peer sends it takes no more memory. One thread.
 */
#ifndef BRIDGE_BORROWER_H
#define BRIDGE_BORROWER_H

#include "bridge/lender.h"

struct borrower {
	const unsigned char *memory; /* NULL: not mapped */
	size_t size;
	uint64_t used[LENDER_PIECES / 64]; /* first pieces of blocks to be given back */
	uint32_t n_used;
};

/* Zeroed, it holds nothing. */
void borrower_fini(struct borrower *borrower);

/* Map the arena behind fd (borrowed). Errors as of lender_new(); -EEXIST: there is one. */
int borrower_map(struct borrower *borrower, int fd);

/* Where a block of `size` bytes that begins with that piece can be read. NULL: outside of the
 * arena, or there is none. */
const void *borrower_find(const struct borrower *borrower, uint32_t piece, size_t size);

/* A block that borrower_find() found is needed no more. */
void borrower_use(struct borrower *borrower, uint32_t piece);
/* The first pieces of those, lowest first; the set is empty then. `pieces` has room for n_used
 * of them. */
void borrower_take_used(struct borrower *borrower, uint32_t *pieces);

#endif
