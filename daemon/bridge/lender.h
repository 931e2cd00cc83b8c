/* lender.h - this process's arena: shared memory that large payloads are written into, and
 * whose blocks are lent to peers until these have copied them.
 *
 * A memfd, made and sealed by the master; its peers can only read it. All books are kept in
 * memory of our own, so that no peer can change them. A block is a row of pieces, the lowest
 * that are free: so the same few are used again and again, and stay in the caches. Memory that
 * has not been used for two lender_age() in a row goes back to the kernel. Belongs to a bridge;
 * one thread.
 */
#ifndef BRIDGE_LENDER_H
#define BRIDGE_LENDER_H

#include "base/limits.h"
#include "proto/process.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LENDER_PIECES (LIMIT_ARENA_BYTES / LIMIT_ARENA_PIECE)

struct lender;

/* Map the arena behind `fd` (borrowed, may be closed afterwards). *ret_lender is given. -EPERM:
 * it could shrink under us; -EINVAL: not of an arena's size; -ENOMEM, and others of mmap(). */
int lender_new(int fd, struct lender **ret_lender);
/* What peers have mapped stays with them. NULL is fine. */
void lender_free(struct lender *lender);

/* A block for `size` bytes (at least one), lent to `holder`: its memory, aligned to a
 * page, with whatever was in it, and its first piece. NULL: no room. */
void *lender_lend(struct lender *lender, size_t size, struct process holder,
		  uint32_t *ret_piece);
/* The holder needs it no more, or has never seen it: its bytes, in whole pieces. 0: nothing
 * that begins with that piece is lent to that holder. */
size_t lender_take_back(struct lender *lender, uint32_t piece, struct process holder);
/* That holder is gone: all that it has is free. */
void lender_take_all_back(struct lender *lender, struct process holder);

/* Time has passed: give back to the kernel what has not been used since the time before.
 * Whether there is more to age. */
bool lender_age(struct lender *lender);

/* What a block for `size` bytes takes: whole pieces. */
static inline size_t lender_size_of(size_t size)
{
	return (size + LIMIT_ARENA_PIECE - 1) / LIMIT_ARENA_PIECE * LIMIT_ARENA_PIECE;
}

/* Bytes lent. */
size_t lender_lent(const struct lender *lender);

/* For lender and borrower: the size of the arena behind fd. Errors as of lender_new(). */
int lender_check_file(int fd, size_t *ret_size);

#endif
