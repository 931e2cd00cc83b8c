#include "core/slab.h"
#include "core/mapping.h"
#include "core/slab_trim.h"

/* A slab grows by small chunks while it is small. One with huge pages goes on in these past
 * HUGE_FROM bytes: one page fault and one entry of the TLB for what would be hundreds. */
#define SMALL_BYTES ((size_t)256 << 10)
#define HUGE_FROM   ((size_t)2 << 20)

_Static_assert(sizeof(struct slab_chunk) <= SLAB_HEAD, "the head has room");

void slab_init(struct slab *slab, enum slab_pages pages)
{
	/* Steps of 16 up to 128, then four to each doubling: at most a fifth is wasted. */
	uint32_t size = 0, step = 16, class = 0;

	*slab = (struct slab){.huge_from = pages == SLAB_HUGE ? HUGE_FROM : SIZE_MAX};
	while (class < SLAB_CLASSES) {
		uint32_t previous = size;

		size += step;
		for (uint32_t unit = previous / 16 + 1; unit <= size / 16; unit++)
			slab->class_at[unit] = (uint16_t)(class * sizeof(struct slab_class));
		slab->classes[class ++].size = size;
		if (size >= 128 && (size & (size - 1)) == 0)
			step = size / 4;
	}
	check(size == SLAB_MAX);
}

void slab_fini(struct slab *slab)
{
	slab_trim_fini(slab);
	large_fini(&slab->large);
	while (slab->chunks) {
		struct slab_chunk *chunk = slab->chunks;

		slab->chunks = chunk->next;
		slab_unpoison(chunk, chunk->size);
		mapping_release(chunk, chunk->size);
	}
}

void slab_watch(struct slab *slab, void (*on_growth)(void *context), void *context)
{
	slab->on_growth = on_growth;
	slab->context = context;
}

static void report_growth(const struct slab *slab)
{
	if (slab->on_growth)
		slab->on_growth(slab->context);
}

static void *take_large(struct slab *slab, size_t size)
{
	uint64_t before = slab->large.bytes;
	void *piece = large_take(&slab->large, size);

	if (slab->large.bytes != before)
		report_growth(slab);
	return piece;
}

/* Fresh pages are touched one by one as they are used, and never before. */
static int grow_class(struct slab *slab, struct slab_class *class)
{
	size_t size = slab->mapped < slab->huge_from ? SMALL_BYTES : MAPPING_HUGE;
	struct slab_chunk *chunk = mapping_take(size);

	if (!chunk)
		return -1;
	*chunk = (struct slab_chunk){.next = slab->chunks, .size = size, .class = class};
	if (slab->chunks)
		slab->chunks->previous = chunk;
	slab->chunks = chunk;
	slab->mapped += size;
	class->fresh = (unsigned char *)chunk + SLAB_HEAD;
	class->fresh_end = (unsigned char *)chunk + size;
	slab_poison(class->fresh, size - SLAB_HEAD);
	report_growth(slab);
	return 0;
}

void *slab_take_slow(struct slab *slab, size_t size)
{
	struct slab_class *class;
	void *piece;

	if (size > SLAB_MAX)
		return take_large(slab, size);
	class = slab_class(slab, slab_units(size));
	if (slab->trim && slab_trim_stop(slab, class))
		return slab_take_warm(slab, size);
	if ((size_t)(class->fresh_end - class->fresh) < class->size &&
	    grow_class(slab, class) < 0)
		return NULL;
	piece = class->fresh;
	class->fresh += class->size;
	class->carved++;
	slab_unpoison(piece, class->size);
	return piece;
}
