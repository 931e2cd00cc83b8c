/* lender.c - pieces in rows, first fit. */
#include "bridge/lender.h"

#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct lender_piece {
	uint16_t length; /* pieces of the block that begins here; 0: none does */
	struct process holder;
	bool is_lent;   /* part of a block */
	bool is_held;   /* may hold memory */
	bool is_recent; /* lent since lender_age() looked last */
};

struct lender {
	unsigned char *memory;
	size_t size;
	uint32_t count; /* pieces */
	size_t lent;    /* of them */
	struct lender_piece pieces[LENDER_PIECES];
};

int lender_check_file(int fd, size_t *ret_size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;

	if (seals < 0)
		return errno == EBADF ? -EBADF : -EPERM;
	if (!(seals & F_SEAL_SHRINK))
		return -EPERM;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_size <= 0 || status.st_size > (off_t)LIMIT_ARENA_BYTES ||
	    status.st_size % LIMIT_ARENA_PIECE != 0)
		return -EINVAL;
	*ret_size = (size_t)status.st_size;
	return 0;
}

int lender_new(int fd, struct lender **ret_lender)
{
	struct lender *lender;
	size_t size;
	int r = lender_check_file(fd, &size);

	if (r < 0)
		return r;
	lender = calloc(1, sizeof(*lender));
	if (!lender)
		return -ENOMEM;
	lender->size = size;
	lender->count = (uint32_t)(size / LIMIT_ARENA_PIECE);
	lender->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (lender->memory == MAP_FAILED) {
		r = -errno;
		free(lender);
		return r;
	}
	/* Messages on their way are many, and of little use in a core dump. */
	(void)madvise(lender->memory, size, MADV_DONTDUMP);
	*ret_lender = lender;
	return 0;
}

void lender_free(struct lender *lender)
{
	if (!lender)
		return;
	(void)munmap(lender->memory, lender->size);
	free(lender);
}

/* The lowest row of so many free pieces; lender->count: there is none. */
static uint32_t find_row(const struct lender *lender, uint32_t length)
{
	uint32_t row = 0;

	for (uint32_t at = 0; at < lender->count;) {
		if (lender->pieces[at].is_lent) {
			at += lender->pieces[at].length;
			row = at;
			continue;
		}
		at++;
		if (at - row == length)
			return row;
	}
	return lender->count;
}

void *lender_lend(struct lender *lender, size_t size, struct process holder,
		  uint32_t *ret_piece)
{
	uint32_t length, first;

	if (size == 0 || size > lender->size)
		return NULL;
	length = (uint32_t)(lender_size_of(size) / LIMIT_ARENA_PIECE);
	first = find_row(lender, length);
	if (first == lender->count)
		return NULL;
	for (uint32_t i = first; i < first + length; i++)
		lender->pieces[i] = (struct lender_piece){
			.is_lent = true, .is_held = true, .is_recent = true};
	lender->pieces[first].length = (uint16_t)length;
	lender->pieces[first].holder = holder;
	lender->lent += length;
	*ret_piece = first;
	return lender->memory + (size_t)first * LIMIT_ARENA_PIECE;
}

static size_t free_block(struct lender *lender, uint32_t first)
{
	uint32_t length = lender->pieces[first].length;

	for (uint32_t i = first; i < first + length; i++)
		lender->pieces[i].is_lent = false;
	lender->pieces[first].length = 0;
	check(lender->lent >= length);
	lender->lent -= length;
	return (size_t)length * LIMIT_ARENA_PIECE;
}

size_t lender_take_back(struct lender *lender, uint32_t piece, struct process holder)
{
	if (piece >= lender->count || lender->pieces[piece].length == 0 ||
	    !process_equal(lender->pieces[piece].holder, holder))
		return 0;
	return free_block(lender, piece);
}

void lender_take_all_back(struct lender *lender, struct process holder)
{
	for (uint32_t i = 0; i < lender->count; i++)
		if (lender->pieces[i].length > 0 &&
		    process_equal(lender->pieces[i].holder, holder))
			(void)free_block(lender, i);
}

static bool is_idle(const struct lender_piece *piece)
{
	return piece->is_held && !piece->is_lent && !piece->is_recent;
}

bool lender_age(struct lender *lender)
{
	bool is_held = false;

	for (uint32_t i = 0; i < lender->count;) {
		struct lender_piece *piece = &lender->pieces[i];
		uint32_t first = i;

		while (i < lender->count && is_idle(&lender->pieces[i]))
			i++;
		if (i > first) {
			/* Where that fails it is memory for the next message. */
			if (madvise(lender->memory + (size_t)first * LIMIT_ARENA_PIECE,
				    (size_t)(i - first) * LIMIT_ARENA_PIECE, MADV_REMOVE) == 0)
				for (uint32_t at = first; at < i; at++)
					lender->pieces[at].is_held = false;
			continue;
		}
		/* What is lent now was in use until it comes back. */
		piece->is_recent = piece->is_lent;
		is_held = is_held || piece->is_held;
		i++;
	}
	return is_held;
}

size_t lender_lent(const struct lender *lender)
{
	return lender->lent * LIMIT_ARENA_PIECE;
}
