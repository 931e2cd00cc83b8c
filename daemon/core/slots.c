#include "core/slots.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* What a record is while nobody lives in it. */
struct vacancy {
	struct slot slot;
	uint32_t next; /* in the free list */
};

int slots_init(struct slots *slots, uint32_t size, uint32_t limit)
{
	void *base = mmap(NULL, (size_t)size * limit, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t shift = (uint32_t)__builtin_ctz(size);
	uint64_t odd = size >> shift, inverse = odd;

	check(size >= sizeof(struct vacancy));
	if (base == MAP_FAILED)
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
	if (slots->base)
		munmap(slots->base, (size_t)slots->size * slots->limit);
	slots->base = NULL;
}

void *slots_take(struct slots *slots)
{
	struct slot *slot;
	uint32_t index;

	if (slots->free != SLOT_NONE) {
		index = slots->free;
		slot = slots_at(slots, index);
		slots->free = ((struct vacancy *)slot)->next;
		memset(slot + 1, 0, slots->size - sizeof(*slot));
		slot->generation++;
	} else {
		if (slots->used == slots->limit)
			return NULL;
		index = slots->used++;
		slot = slots_at(slots, index);
		slot->generation = 1; /* the mapping is zero where nobody was before */
	}
	slot->index = index;
	slots->count++;
	return slot;
}

void slots_give(struct slots *slots, void *record)
{
	struct vacancy *vacancy = record;

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
