/* slab_count.h - how many pieces of a slab are out, and a trim from end to end. */
#ifndef TESTS_CORE_SLAB_COUNT_H
#define TESTS_CORE_SLAB_COUNT_H

#include "core/slab_trim.h"

static inline uint64_t slab_count_list(struct slab_piece *piece)
{
	uint64_t count = 0;

	for (struct slab_piece *next; piece; piece = next, count++) {
		slab_unpoison(piece, sizeof(*piece));
		next = piece->next;
		slab_poison(piece, sizeof(*piece));
	}
	return count;
}

static inline uint64_t slab_count(const struct slab *slab)
{
	const struct slab_trim *trim = slab->trim;
	uint64_t count = slab->large.n_out;

	for (unsigned i = 0; i < SLAB_CLASSES; i++)
		count += slab->classes[i].carved - slab_count_list(slab->classes[i].free);
	if (!trim)
		return count;
	for (size_t i = trim->finished; i < trim->n_parts; i++)
		count -= trim->parts[i].count;
	return count - slab_count_list(trim->left);
}

/* All that is not in use goes back to the system. */
static inline void slab_trim_whole(struct slab *slab)
{
	while (slab_trim(slab))
		;
}

#endif
