#include "core/slots.h"
#include "core/mapping.h"
#include <errno.h>
#include <string.h>

#define TRIM_LEAST ((uint64_t)16 << 10) /* bytes */

int slots_init(struct slots *slots, uint32_t size, uint32_t limit)
{
	void *base = mapping_reserve((size_t)size * limit);
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
				.free = SLOT_NONE,
				.scarce = (unsigned char *)base + (size_t)size * (limit / 2)};
	return 0;
}

void slots_fini(struct slots *slots)
{
	mapping_release(slots->base, (size_t)slots->size * slots->limit);
	slots->base = NULL;
}

void *slots_take(struct slots *slots)
{
	/* the mapping is zero where no record was before */
	bool is_used = slots->free != SLOT_NONE;
	struct slot *slot = slots_take_raw(slots);

	if (slot && is_used)
		memset(slot + 1, 0, slots->size - sizeof(*slot));
	return slot;
}

void slots_give(struct slots *slots, void *record)
{
	struct slot_vacancy *vacancy = record;

	slots->count--;
	if (unlikely(vacancy->slot.generation == SLOT_GENERATION_MAX)) {
		slots_close(&vacancy->slot); /* retired: its next name would be an old one */
		return;
	}
	vacancy->slot.index = SLOT_FREE;
	vacancy->next = slots->free;
	slots->free = slots_index(slots, vacancy);
}

bool slots_is_past(const struct slots *slots, uint32_t index, uint32_t generation)
{
	const struct slot *slot;

	if (generation == 0 || generation > SLOT_GENERATION_MAX)
		return false;
	if (index >= slots->used)
		return index < slots->limit && generation <= slots->floor;
	slot = slots_at(slots, index);
	if (slots_is_closed(slot))
		return generation <= slot->generation;
	return generation < slot->generation;
}

/* The free list anew, lowest first. */
static void sort_free(struct slots *slots)
{
	slots->free = SLOT_NONE;
	for (uint32_t index = slots->used; index-- > 0;) {
		struct slot_vacancy *vacancy = slots_at(slots, index);

		if (vacancy->slot.index != SLOT_FREE)
			continue;
		vacancy->next = slots->free;
		slots->free = index;
	}
}

uint32_t slots_trim(struct slots *slots)
{
	uint32_t used = slots->used, trimmed, floor = slots->floor;

	for (; used > 0; used--) {
		const struct slot *slot = slots_at(slots, used - 1);

		if (slot->index != SLOT_FREE)
			break;
		if (slot->generation > floor)
			floor = slot->generation;
	}
	trimmed = slots->used - used;
	/* A retired slot's generation has no next: so floor has one. */
	if ((uint64_t)trimmed * slots->size < TRIM_LEAST)
		return 0;
	mapping_discard(slots_at(slots, used), (size_t)trimmed * slots->size);
	slots->used = used;
	slots->floor = floor;
	sort_free(slots);
	return trimmed;
}
