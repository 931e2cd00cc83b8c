#include "core/slots.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)

/* A large table lies in huge pages, but for its beginning: a million records then cost dozens
 * of page faults instead of thousands, and few misses of the TLB; who has few records stays as
 * small as with small pages. NULL: no address space. */
static void *map_table(size_t size)
{
	size_t more = size > 2 * HUGE_BYTES ? HUGE_BYTES : 0, before;
	unsigned char *at;

	size = (size + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
	at = mmap(NULL, size + more, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	if (!more)
		return at;
	/* aligned, and what is left over given back */
	before = -(uintptr_t)at & (HUGE_BYTES - 1);
	if (before)
		munmap(at, before);
	at += before;
	if (more > before)
		munmap(at + size, more - before);
	/* where the system has none, small ones do */
	(void)madvise(at + HUGE_BYTES, size - HUGE_BYTES, MADV_HUGEPAGE);
	return at;
}

int slots_init(struct slots *slots, uint32_t size, uint32_t limit)
{
	void *base = map_table((size_t)size * limit);
	uint32_t shift = (uint32_t)__builtin_ctz(size);
	uint64_t odd = size >> shift, inverse = odd;

	check(size >= sizeof(struct slot_vacancy));
	if (!base)
		return -ENOMEM;
	/* Newton's method: each step doubles the bits that are right */
	for (int bits = 3; bits < 64; bits *= 2)
		inverse *= 2 - odd * inverse;
	*slots = (struct slots){.base = base,
				.size = size,
				.shift = shift,
				.inverse = inverse,
				.limit = limit,
				.free = SLOT_NONE};
	return 0;
}

void slots_fini(struct slots *slots)
{
	size_t size = (size_t)slots->size * slots->limit;

	if (slots->base)
		munmap(slots->base, (size + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	slots->base = NULL;
}

void *slots_take(struct slots *slots)
{
	/* the mapping is zero where nobody was before */
	bool is_used = slots->free != SLOT_NONE;
	struct slot *slot = slots_take_raw(slots);

	if (slot && is_used)
		memset(slot + 1, 0, slots->size - sizeof(*slot));
	return slot;
}

void slots_give(struct slots *slots, void *record)
{
	struct slot_vacancy *vacancy = record;

	slots_close(&vacancy->slot);
	slots->count--;
	if (vacancy->slot.generation == SLOT_GENERATION_MAX)
		return; /* retired: its next name would be an old one */
	vacancy->next = slots->free;
	slots->free = slots_index(slots, vacancy);
}

bool slots_is_past(const struct slots *slots, uint32_t index, uint32_t generation)
{
	const struct slot *slot;

	if (index >= slots->used || generation == 0 || generation > SLOT_GENERATION_MAX)
		return false;
	slot = slots_at(slots, index);
	if (slots_is_closed(slot))
		return generation <= slot->generation;
	return generation < slot->generation;
}
