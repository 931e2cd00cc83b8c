/* slab_trim.c - find the chunks of which all pieces are free, and give them back.
 *
 * Nothing on the way of a message counts how many pieces of a chunk are out, so a trim finds it
 * out: class by class, it takes the free list in hand, sorts its pieces by the chunks they
 * lie in, and lets go of the chunks that are whole. The rest goes back to the free list, chunk
 * by chunk: so what is taken from now on lies together, too. */
#include "core/slab_trim.h"

#include "core/mapping.h"
#include <stdlib.h>

#define PIECES_AT_ONCE 16384 /* a piece takes some 10 ns, mostly a miss of the cache */
#define CHUNKS_AT_ONCE 16    /* to let go of one takes some 20 us */

/* ---- pieces, which the address sanitizer guards */

static struct slab_piece *next_of(struct slab_piece *piece)
{
	struct slab_piece *next;

	slab_unpoison(piece, sizeof(*piece));
	next = piece->next;
	slab_poison(piece, sizeof(*piece));
	return next;
}

static void set_next(struct slab_piece *piece, struct slab_piece *next)
{
	slab_unpoison(piece, sizeof(*piece));
	piece->next = next;
	slab_poison(piece, sizeof(*piece));
}

/* ---- one class */

static int compare_parts(const void *a, const void *b)
{
	uintptr_t one = (uintptr_t)((const struct trim_part *)a)->chunk;
	uintptr_t two = (uintptr_t)((const struct trim_part *)b)->chunk;

	return one < two ? -1 : one > two;
}

/* Take the free list of a class in hand. False: no memory for it. */
static bool begin_class(struct slab *slab, struct slab_class *class)
{
	struct slab_trim *trim;
	size_t n = 0;

	for (struct slab_chunk *chunk = slab->chunks; chunk; chunk = chunk->next)
		n += chunk->class == class;
	trim = calloc(1, sizeof(*trim) + n * sizeof(trim->parts[0]));
	if (!trim)
		return false;
	for (struct slab_chunk *chunk = slab->chunks; chunk; chunk = chunk->next)
		if (chunk->class == class)
			trim->parts[trim->n_parts++].chunk = chunk;
	qsort(trim->parts, n, sizeof(trim->parts[0]), compare_parts);
	trim->class = class;
	trim->left = class->free;
	class->free = NULL;
	slab->trim = trim;
	return true;
}

static bool holds(const struct trim_part *part, const void *piece)
{
	return (const char *)piece > (const char *)part->chunk &&
	       (const char *)piece < (const char *)part->chunk + part->chunk->size;
}

static struct trim_part *find_part(struct slab_trim *trim, const void *piece)
{
	size_t low = 0, high = trim->n_parts;

	if (holds(&trim->parts[trim->recent], piece))
		return &trim->parts[trim->recent];
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if ((const char *)trim->parts[middle].chunk <= (const char *)piece)
			low = middle;
		else
			high = middle;
	}
	check(holds(&trim->parts[low], piece));
	trim->recent = low;
	return &trim->parts[low];
}

static void sort_pieces(struct slab_trim *trim)
{
	for (unsigned n = 0; n < PIECES_AT_ONCE && trim->left; n++) {
		struct slab_piece *piece = trim->left;
		struct trim_part *part = find_part(trim, piece);

		trim->left = next_of(piece);
		__builtin_prefetch(trim->left);
		set_next(piece, part->first);
		if (!part->first)
			part->last = piece;
		part->first = piece;
		part->count++;
	}
}

/* How many pieces of a chunk were ever taken. */
static uint32_t count_carved(const struct slab_class *class, const struct slab_chunk *chunk)
{
	const unsigned char *begin = (const unsigned char *)chunk + SLAB_HEAD;
	const unsigned char *end = (const unsigned char *)chunk + chunk->size;

	if (class->fresh_end == end)
		end = class->fresh;
	return (uint32_t)((size_t)(end - begin) / class->size);
}

static void give_back(struct trim_part *part)
{
	if (part->first) {
		set_next(part->last, part->chunk->class->free);
		part->chunk->class->free = part->first;
	}
	part->first = NULL;
}

static void free_chunk(struct slab *slab, struct slab_class *class, struct slab_chunk *chunk,
		       uint32_t carved)
{
	size_t size = chunk->size;

	class->carved -= carved;
	if (class->fresh_end == (unsigned char *)chunk + size)
		class->fresh = class->fresh_end = NULL;
	if (chunk->previous)
		chunk->previous->next = chunk->next;
	else
		slab->chunks = chunk->next;
	if (chunk->next)
		chunk->next->previous = chunk->previous;
	slab->mapped -= size;
	slab_unpoison(chunk, size);
	mapping_release(chunk, size);
}

/* Let go of the chunks that are whole. */
static void finish_parts(struct slab *slab, struct slab_trim *trim)
{
	for (unsigned n = 0; n < CHUNKS_AT_ONCE && trim->finished < trim->n_parts;) {
		struct trim_part *part = &trim->parts[trim->finished++];

		if (part->count == count_carved(trim->class, part->chunk)) {
			free_chunk(slab, trim->class, part->chunk, part->count);
			n++;
		} else {
			give_back(part);
		}
	}
}

static void end_class(struct slab *slab)
{
	free(slab->trim);
	slab->trim = NULL;
}

/* ---- all of them */

/* The class after `class` (NULL: the first) that has free pieces. NULL: none. */
static struct slab_class *next_class(struct slab *slab, const struct slab_class *class)
{
	size_t i = class ? (size_t)(class - slab->classes) + 1 : 0;

	for (; i < SLAB_CLASSES; i++)
		if (slab->classes[i].free)
			return &slab->classes[i];
	return NULL;
}

bool slab_trim(struct slab *slab)
{
	struct slab_trim *trim = slab->trim;
	struct slab_class *class;

	if (trim && trim->left) {
		sort_pieces(trim);
		return true;
	}
	if (trim && trim->finished < trim->n_parts) {
		finish_parts(slab, trim);
		return true;
	}
	if (!trim && large_trim(&slab->large))
		return true;
	class = next_class(slab, trim ? trim->class : NULL);
	end_class(slab);
	return class && begin_class(slab, class);
}

bool slab_trim_stop(struct slab *slab, const struct slab_class *class)
{
	struct slab_trim *trim = slab->trim;

	if (trim->class != class)
		return false;
	trim->class->free = trim->left;
	for (size_t i = trim->finished; i < trim->n_parts; i++)
		give_back(&trim->parts[i]);
	end_class(slab);
	return class->free != NULL;
}

void slab_trim_fini(struct slab *slab)
{
	end_class(slab);
}
