/* large.c - a list for each size, as long as all of them together are not too long. */
#include "core/large.h"

#include "core/slab_piece.h"
#include <stdlib.h>

#define TRIM 64 /* pieces freed at a stretch */

/* The class of a size, and the bytes that pieces of it have. LARGE_CLASSES: none, and the size
 * itself. */
static unsigned class_of(size_t size, size_t *ret_bytes)
{
	/* 4097 to 5120 is class 0, to 6144 1, to 7168 2, to 8192 3, to 10240 4 ... */
	unsigned power = 63u - (unsigned)__builtin_clzll(size - 1);
	size_t step = (size_t)1 << (power - 2);
	size_t part = (size - 1) / step; /* 4 to 7 */
	unsigned class = (power - 12) * 4 + (unsigned)part - 4;

	*ret_bytes = class < LARGE_CLASSES ? (part + 1) * step : size;
	return class < LARGE_CLASSES ? class : LARGE_CLASSES;
}

static void *pop(struct large *large, unsigned class, size_t bytes)
{
	struct slab_piece *piece = large->kept[class];

	slab_unpoison(piece, bytes);
	large->kept[class] = piece->next;
	if (!piece->next)
		large->has_kept &= ~(1ull << class);
	large->kept_bytes -= bytes;
	return piece;
}

static void drop(struct large *large, unsigned class)
{
	size_t bytes;

	/* a size of that class: the least */
	(void)class_of(((size_t)(class % 4 + 4) << (class / 4 + 10)) + 1, &bytes);
	large->bytes -= bytes;
	free(pop(large, class, bytes));
}

void large_fini(struct large *large)
{
	while (large->has_kept)
		drop(large, (unsigned)__builtin_ctzll(large->has_kept));
}

bool large_trim(struct large *large)
{
	for (unsigned n = 0; n < TRIM && large->has_kept; n++)
		drop(large, 63u - (unsigned)__builtin_clzll(large->has_kept));
	return large->has_kept != 0;
}

void *large_take(struct large *large, size_t size)
{
	size_t bytes;
	unsigned class = class_of(size, &bytes);
	void *piece;

	if (class < LARGE_CLASSES && large->kept[class]) {
		piece = pop(large, class, bytes);
	} else {
		piece = malloc(bytes);
		if (!piece)
			return NULL;
		large->allocated++;
		large->bytes += bytes;
	}
	large->n_out++;
	return piece;
}

/* Room for one of `class`, at the cost of others, which are of no use now: the largest first,
 * there are fewest of them. Each that goes was given once, so that giving costs the same
 * however many are kept. */
static int make_room(struct large *large, unsigned class, size_t bytes)
{
	while (large->kept_bytes + bytes > LARGE_KEPT) {
		uint64_t others = large->has_kept & ~(1ull << class);

		if (!others)
			return -1;
		drop(large, 63u - (unsigned)__builtin_clzll(others));
	}
	return 0;
}

void large_give(struct large *large, void *at, size_t size)
{
	struct slab_piece *piece = at;
	size_t bytes;
	unsigned class = class_of(size, &bytes);

	large->n_out--;
	if (class == LARGE_CLASSES || make_room(large, class, bytes) < 0) {
		large->bytes -= bytes;
		free(piece);
		return;
	}
	piece->next = large->kept[class];
	large->kept[class] = piece;
	large->has_kept |= 1ull << class;
	large->kept_bytes += bytes;
	slab_poison(piece, bytes);
}
