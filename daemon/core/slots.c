#include "core/slots.h"
#include "core/pages.h"
#include <errno.h>
#include <string.h>

int slots_init(struct slots *slots, uint32_t size, uint32_t limit)
{
	void *base = pages_reserve((size_t)size * limit);
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
	pages_release(slots->base, (size_t)slots->size * slots->limit);
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
