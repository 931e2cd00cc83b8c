/* slab.h - memory in size classes, taken and given back without a system call or a lock.
 *
 * A slab belongs to one runtime and is used in its thread. What was given back last is taken
 * first, while it is warm; memory of the classes stays with the slab until slab_trim() finds it
 * unused or slab_fini(), of larger pieces some does: large.h. The caller remembers the size.
 */
#ifndef CORE_SLAB_H
#define CORE_SLAB_H

#include "base/check.h"
#include "core/large.h"
#include "core/slab_piece.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLAB_CLASSES 28
#define SLAB_HEAD    64u /* of a chunk; keeps the pieces at the alignment of a cache line */
#define SLAB_MAX     LARGE_FROM /* bytes; beyond: large.h */

/* What the system is asked for: a head, and pieces of one class. */
struct slab_chunk {
	struct slab_chunk *next, *previous;
	size_t size;
	struct slab_class *class;
};

struct slab_class {
	struct slab_piece *free; /* given back, warm first */
	unsigned char *fresh;    /* never used, up to fresh_end */
	unsigned char *fresh_end;
	uint32_t size;
	uint32_t carved; /* pieces that were ever taken */
};

struct slab_trim;

struct slab {
	struct slab_class classes[SLAB_CLASSES];
	struct slab_chunk *chunks;
	struct slab_trim *trim; /* while one is under way: slab_trim.c */
	size_t huge_from;       /* bytes mapped from which on pages are huge */
	uint64_t mapped;        /* bytes of the chunks */
	struct large large;
	void (*on_growth)(void *context); /* NULL: none */
	void *context;
	/* By size in units of 16 bytes: where its class is, in bytes from `classes` on. */
	uint16_t class_at[SLAB_MAX / 16 + 1];
};

/* Huge pages are for what stays and is reached at random. For what passes through, one after
 * the other, they gain nothing, and clearing one takes longer than faulting in small pages that
 * were in use lately. */
enum slab_pages { SLAB_SMALL, SLAB_HUGE };

void slab_init(struct slab *slab, enum slab_pages pages);
/* Everything taken must have been given back, else it is gone under its user. */
void slab_fini(struct slab *slab);

/* Have a function called whenever more memory was asked of the system, for some pieces or for a
 * large one; it may look at the slab, but neither take nor give. */
void slab_watch(struct slab *slab, void (*on_growth)(void *context), void *context);

/* Give back to the system what holds no piece that is out, a bounded amount of work at a time:
 * call it while it returns true. It costs as much as there are free pieces, so it is for when
 * there is nothing else to do; the slab may be used between two calls. */
bool slab_trim(struct slab *slab);

/* Bytes that the system was asked for, and has not got back. */
static inline uint64_t slab_bytes(const struct slab *slab)
{
	return slab->mapped + slab->large.bytes;
}

/* What slab_take() leaves to a call: an empty class, and the large. */
void *slab_take_slow(struct slab *slab, size_t size);

static inline size_t slab_units(size_t size)
{
	return (size + 15) / 16;
}

/* The class of a size of so many units, up to SLAB_MAX. */
static inline struct slab_class *slab_class(struct slab *slab, size_t units)
{
	return (struct slab_class *)(void *)((char *)slab->classes + slab->class_at[units]);
}

/* `size` bytes that were given back before. NULL: none of that class, or too large; that says
 * nothing about slab_take(). Calls no callback. */
static inline void *slab_take_warm(struct slab *slab, size_t size)
{
	size_t units = slab_units(size);
	struct slab_class *class;
	struct slab_piece *piece;

	if (unlikely(units > SLAB_MAX / 16))
		return NULL;
	class = slab_class(slab, units);
	piece = class->free;
	if (likely(piece != NULL)) {
		slab_unpoison(piece, class->size);
		class->free = piece->next;
		/* the next one's link will be asked for, and is most likely not near */
		__builtin_prefetch(class->free);
	}
	return piece;
}

/* `size` bytes at 16-byte alignment, not zeroed. NULL: no memory. */
static inline void *slab_take(struct slab *slab, size_t size)
{
	void *piece = slab_take_warm(slab, size);

	return likely(piece != NULL) ? piece : slab_take_slow(slab, size);
}

/* Give back what slab_take() gave for the same size. */
static inline void slab_give(struct slab *slab, void *at, size_t size)
{
	size_t units = slab_units(size);

	if (likely(units <= SLAB_MAX / 16)) {
		struct slab_class *class = slab_class(slab, units);
		struct slab_piece *piece = at;

		piece->next = class->free;
		class->free = piece;
		slab_poison(piece, class->size);
		return;
	}
	large_give(&slab->large, at, size);
}

#endif
