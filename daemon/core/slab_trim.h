/* slab_trim.h - a trim under way, of one class after the other. For the files of the slab. */
#ifndef CORE_SLAB_TRIM_H
#define CORE_SLAB_TRIM_H

#include "core/slab.h"

/* A chunk and its free pieces that have been found. */
struct trim_part {
	struct slab_chunk *chunk;
	struct slab_piece *first, *last;
	uint32_t count;
};

struct slab_trim {
	struct slab_class *class;
	struct slab_piece *left; /* not sorted yet */
	size_t n_parts, finished;
	size_t recent; /* where the last piece was */
	struct trim_part parts[];
};

/* The class has no free piece: give it back those that the trim has in hand, and end it. True:
 * there were some. */
bool slab_trim_stop(struct slab *slab, const struct slab_class *class);
/* The same for whatever class, with all of them. */
void slab_trim_fini(struct slab *slab);

#endif
