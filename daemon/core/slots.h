/* slots.h - records of one kind in one reserved mapping, named by index and generation.
 *
 * The mapping is as large as the limit and committed page by page as records are first used,
 * so that index -> record is an addition and a record never moves. Each record begins with a
 * struct slot, which holds its name: so a name is looked up with one comparison, and read with
 * one load. A slot that is reused gets the next generation; one that has had them all is
 * retired. The unused end of a table can be given back to the system; a record that
 * comes there later has a generation that none had before. Owned by one runtime, used in
 * its thread.
 */
#ifndef CORE_SLOTS_H
#define CORE_SLOTS_H

#include "base/check.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SLOT_NONE           UINT32_MAX       /* closed, or no record here */
#define SLOT_FREE           (UINT32_MAX - 1) /* the same, and it is in the free list */
#define SLOT_GENERATION_MAX 0x7fffffffu

/* As the second half of a struct troupe_address. */
struct slot {
	uint32_t index;      /* the record's own; SLOT_NONE, SLOT_FREE: there is none now */
	uint32_t generation; /* 0: there never was a record here */
};

/* What an unused record holds. */
struct slot_vacancy {
	struct slot slot;
	uint32_t next; /* in the free list */
};

struct slots {
	unsigned char *base;
	uint32_t size; /* of a record: its odd part times 2^shift */
	uint32_t shift;
	uint64_t inverse; /* of the odd part, modulo 2^64 */
	uint32_t limit;   /* records at most */
	uint32_t used;    /* slots that were ever taken, but for those trimmed: 0..used-1 */
	uint32_t free;    /* first of the free list */
	uint32_t count;   /* taken now */
	uint32_t floor;   /* no slot from `used` on has had a higher generation */
	const unsigned char
		*scarce; /* records from here on are the last half, see core/share.h */
};

/* size: at least 12 bytes. -ENOMEM: no address space. */
int slots_init(struct slots *slots, uint32_t size, uint32_t limit);
void slots_fini(struct slots *slots);

/* A record, zeroed but for its slot. NULL: the limit is reached. */
void *slots_take(struct slots *slots);

/* From now on slots_find_id() does not find the record; its memory stays until slots_give(). */
static inline void slots_close(struct slot *slot)
{
	slot->index = SLOT_NONE;
}

/* Whether a record that was taken has been closed since. */
static inline bool slots_is_closed(const struct slot *slot)
{
	return slot->index >= SLOT_FREE;
}

/* Closes the record, when that was not done before, and makes its slot free. */
void slots_give(struct slots *slots, void *record);

/* Give back to the system the pages behind the last record that is in use or closed, when that
 * is worth it, and have those with the lowest index taken first from now on. Costs as much as
 * there are slots, some nanoseconds each. Returns how many slots are gone: those behind
 * slots->used. */
uint32_t slots_trim(struct slots *slots);

static inline void *slots_at(const struct slots *slots, uint32_t index)
{
	return slots->base + (uint64_t)index * slots->size;
}

/* The same for those who set every member themselves: behind the slot is what was there. */
static inline void *slots_take_raw(struct slots *slots)
{
	struct slot *slot, name;
	uint64_t word;
	uint32_t index = slots->free;

	if (index != SLOT_NONE) {
		slot = slots_at(slots, index);
		slots->free = ((struct slot_vacancy *)slot)->next;
	} else {
		if (unlikely(slots->used == slots->limit))
			return NULL;
		index = slots->used++;
		slot = slots_at(slots, index);
		slot->generation = slots->floor;
	}
	/* From 0, where none was before. In one store, since the name is read as one word soon:
	 * a load that spans two stores has to wait until both have left for the cache. */
	name = (struct slot){index, slot->generation + 1};
	memcpy(&word, &name, sizeof(word));
	memcpy(slot, &word, sizeof(word));
	slots->count++;
	return slot;
}

/* Of any record, closed ones too. */
static inline uint32_t slots_index(const struct slots *slots, const void *record)
{
	uint64_t offset = (uintptr_t)record - (uintptr_t)slots->base;

	/* the division leaves no rest, so that a multiplication does it, without the wait */
	return (uint32_t)((offset >> slots->shift) * slots->inverse);
}

/* Whether a pointer that may be made up is to one of the records, closed ones too. */
static inline bool slots_has(const struct slots *slots, const void *record)
{
	uint32_t index = slots_index(slots, record);

	return index < slots->used && slots_at(slots, index) == record;
}

static inline bool slot_equal(const struct slot *a, const struct slot *b)
{
	uint64_t words[2];

	memcpy(&words[0], a, sizeof(*a));
	memcpy(&words[1], b, sizeof(*b));
	return words[0] == words[1];
}

/* Whether index and generation named a record once that is gone now. */
bool slots_is_past(const struct slots *slots, uint32_t index, uint32_t generation);

/* The name of a record that is not closed as one number, never 0, top bit clear. */
static inline uint64_t slots_id(const void *record)
{
	const struct slot *slot = record;

	return (uint64_t)slot->generation << 32 | slot->index;
}

/* The record of that name, which may be made up. */
static inline void *slots_find_id(const struct slots *slots, uint64_t id)
{
	const struct slot wanted = {(uint32_t)id, (uint32_t)(id >> 32)};
	struct slot *slot;

	if (unlikely(wanted.index >= slots->used))
		return NULL;
	slot = slots_at(slots, wanted.index);
	return likely(slot_equal(slot, &wanted)) ? slot : NULL;
}

#endif
