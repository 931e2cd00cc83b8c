#include "core/slots.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int slots_init(struct slots *slots, uint32_t size, uint32_t limit)
{
	void *base = mmap(NULL, (size_t)size * limit, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t shift = (uint32_t)__builtin_ctz(size);
	uint64_t odd = size >> shift, inverse = odd;

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
	uint32_t generation;

	if (slots->free != SLOT_NONE) {
		slot = slots_at(slots, slots->free);
		slots->free = slot->next;
		generation = (slot->generation & SLOT_GENERATION_MAX) + 1;
		memset(slot, 0, slots->size);
		slot->generation = generation;
	} else {
		if (slots->used == slots->limit)
			return NULL;
		slot = slots_at(slots, slots->used++);
		slot->generation = 1; /* the mapping is zero where nobody was before */
	}
	slots->count++;
	return slot;
}

void slots_give(struct slots *slots, void *record)
{
	struct slot *slot = record;

	slots_close(slot);
	slots->count--;
	if ((slot->generation & SLOT_GENERATION_MAX) == SLOT_GENERATION_MAX)
		return; /* retired: its next name would be an old one */
	slot->next = slots->free;
	slots->free = slots_index(slots, slot);
}

bool slots_is_past(const struct slots *slots, uint32_t index, uint32_t generation)
{
	const struct slot *slot;

	if (index >= slots->used || generation == 0 || generation > SLOT_GENERATION_MAX)
		return false;
	slot = slots_at(slots, index);
	if (slot->generation & SLOT_CLOSED)
		return generation <= (slot->generation & SLOT_GENERATION_MAX);
	return generation < slot->generation;
}
