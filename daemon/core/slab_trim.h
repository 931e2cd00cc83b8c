/* slab_trim.h - what a slab has to know of a trim under way. For slab.c only. */
#ifndef CORE_SLAB_TRIM_H
#define CORE_SLAB_TRIM_H

#include "core/slab.h"

/* The class has no free piece: give it back those that the trim has in hand, and end it. True:
 * there were some. */
bool slab_trim_stop(struct slab *slab, const struct slab_class *class);
/* The same for whatever class, with all of them. */
void slab_trim_fini(struct slab *slab);
/* Free pieces that the trim has in hand. Walks through them. */
uint64_t slab_trim_count(const struct slab *slab);

#endif
