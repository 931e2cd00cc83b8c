#include "bridge/borrower.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void borrower_fini(struct borrower *borrower)
{
	if (borrower->memory)
		(void)munmap((void *)(uintptr_t)borrower->memory, borrower->size);
	*borrower = (struct borrower){0};
}

int borrower_map(struct borrower *borrower, int fd)
{
	void *memory;
	size_t size;
	int r;

	if (borrower->memory)
		return -EEXIST;
	r = lender_check_file(fd, &size);
	if (r < 0)
		return r;
	memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	(void)madvise(memory, size, MADV_DONTDUMP);
	borrower->memory = memory;
	borrower->size = size;
	return 0;
}

const void *borrower_find(const struct borrower *borrower, uint32_t piece, size_t size)
{
	size_t offset = (size_t)piece * LIMIT_ARENA_PIECE;

	if (!borrower->memory || size == 0 || size > LIMIT_MESSAGE_BYTES)
		return NULL;
	if (offset >= borrower->size || size > borrower->size - offset)
		return NULL;
	return borrower->memory + offset;
}

void borrower_use(struct borrower *borrower, uint32_t piece)
{
	uint64_t bit = 1ull << (piece % 64);

	if (borrower->used[piece / 64] & bit)
		return;
	borrower->used[piece / 64] |= bit;
	borrower->n_used++;
}

void borrower_take_used(struct borrower *borrower, uint32_t *pieces)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < LENDER_PIECES / 64; i++)
		for (uint64_t bits = borrower->used[i]; bits != 0; bits &= bits - 1)
			pieces[n++] = i * 64 + (uint32_t)__builtin_ctzll(bits);
	memset(borrower->used, 0, sizeof(borrower->used));
	borrower->n_used = 0;
}
