/* Slots, chains and indexes: what the runtime finds its things by. */
#include "base/random.h"
#include "core/chain.h"
#include "core/index.h"
#include "core/slots.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct record {
	struct slot slot;
	uint64_t value;
};

/* Pages that are in memory, of a table. */
static size_t count_pages(const struct slots *slots, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	static unsigned char present[1 << 16];

	assert_true(bytes / page < sizeof(present));
	assert_int_equal(mincore(slots->base, bytes, present), 0);
	for (size_t i = 0; i < bytes / page; i++)
		n += present[i] & 1;
	return n;
}

static void slots_give_back_their_end(void **state)
{
	enum { MANY = 200000, KEPT = 1000, SIZE = 96 };
	static uint64_t ids[MANY];
	struct slots slots;
	char *record;

	(void)state;
	assert_int_equal(slots_init(&slots, SIZE, 1 << 20), 0);
	for (int i = 0; i < MANY; i++)
		ids[i] = slots_id(slots_take(&slots));
	/* one of them has had more lives than the others */
	for (int i = 0; i < 7; i++) {
		slots_give(&slots, slots_find_id(&slots, ids[MANY / 2]));
		ids[MANY / 2] = slots_id(slots_take(&slots));
	}
	for (int i = KEPT; i < MANY; i++)
		slots_give(&slots, slots_find_id(&slots, ids[i]));
	assert_true(count_pages(&slots, (size_t)MANY * SIZE) > 4000);
	assert_int_equal(slots_trim(&slots), MANY - KEPT);
	assert_true(count_pages(&slots, (size_t)MANY * SIZE) < 200);
	assert_int_equal(slots_trim(&slots), 0);
	/* those that live are where they were, and the names of the dead are no one's */
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(slots_find_id(&slots, ids[i]) != NULL, i < KEPT);
		assert_int_equal(
			slots_is_past(&slots, (uint32_t)ids[i], (uint32_t)(ids[i] >> 32)),
			i >= KEPT);
	}
	for (int i = KEPT; i < MANY; i++) {
		record = slots_take(&slots);
		assert_int_equal(slots_index(&slots, record), i);
		for (size_t k = sizeof(struct slot); k < SIZE; k++)
			assert_int_equal(record[k], 0);
		memset(record + sizeof(struct slot), 1, SIZE - sizeof(struct slot));
		assert_null(slots_find_id(&slots, ids[i]));
		assert_true(slots_is_past(&slots, (uint32_t)ids[i], (uint32_t)(ids[i] >> 32)));
	}
	slots_fini(&slots);
}

static void slots_in_use_or_closed_hold_what_is_before_them(void **state)
{
	enum { MANY = 10000 };
	struct slots slots;
	struct slot *records[MANY];

	(void)state;
	assert_int_equal(slots_init(&slots, 64, 1 << 20), 0);
	for (int i = 0; i < MANY; i++)
		records[i] = slots_take(&slots);
	for (int i = 0; i < MANY - 1; i++)
		slots_give(&slots, records[i]);
	assert_int_equal(slots_trim(&slots), 0);
	slots_close(records[MANY - 1]); /* its memory is still somebody's */
	assert_int_equal(slots_trim(&slots), 0);
	slots_give(&slots, records[MANY - 1]);
	assert_int_equal(slots_trim(&slots), MANY);
	assert_int_equal(slots.used, 0);
	assert_non_null(slots_take(&slots));
	slots_fini(&slots);
}

static void *find(const struct slots *slots, uint32_t index, uint32_t generation)
{
	return slots_find_id(slots, (uint64_t)generation << 32 | index);
}

static void slots_turn_away_stale_and_made_up_names(void **state)
{
	struct slots slots;
	struct record *record;
	uint64_t id;

	(void)state;
	assert_int_equal(slots_init(&slots, sizeof(*record), 3), 0);
	record = slots_take(&slots);
	record->value = 5;
	id = slots_id(record);
	assert_ptr_equal(slots_find_id(&slots, id), record);
	assert_null(find(&slots, 0, 0));
	assert_null(find(&slots, 1, 0)); /* never used: its generation is 0 */
	assert_null(find(&slots, 2, 1));
	assert_null(find(&slots, UINT32_MAX, 1));
	slots_close(&record->slot);
	assert_null(slots_find_id(&slots, id));
	assert_null(find(&slots, SLOT_NONE, 1)); /* what now stands there */
	slots_give(&slots, record);
	assert_null(slots_find_id(&slots, id));
	assert_null(find(&slots, SLOT_NONE, 1));
	assert_true(slots_is_past(&slots, 0, 1));
	assert_false(slots_is_past(&slots, 0, 2));
	assert_ptr_equal(slots_take(&slots), record);
	assert_int_equal(record->value, 0);
	assert_int_equal(record->slot.generation, 2);
	assert_true(slots_is_past(&slots, 0, 1));
	assert_false(slots_is_past(&slots, 0, 2));
	slots_fini(&slots);
}

static void slots_know_the_index_of_a_record_of_any_size(void **state)
{
	(void)state;
	for (uint32_t size = 12; size < 300; size += 4) {
		struct slots slots;

		assert_int_equal(slots_init(&slots, size, 1000), 0);
		for (uint32_t i = 0; i < 1000; i++)
			assert_int_equal(slots_index(&slots, slots_at(&slots, i)), i);
		slots_fini(&slots);
	}
}

/* Large enough for huge pages beyond its beginning. */
static void slots_of_a_large_table_keep_what_is_written(void **state)
{
	const uint32_t count = 1000000;
	struct slots slots;

	(void)state;
	assert_int_equal(slots_init(&slots, sizeof(struct record), count), 0);
	assert_int_equal((uintptr_t)slots.base % 4096, 0);
	for (uint64_t i = 0; i < count; i++) {
		struct record *record = slots_take(&slots);

		assert_int_equal(record->value, 0);
		record->value = i;
	}
	assert_null(slots_take(&slots));
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(((struct record *)slots_at(&slots, i))->value, i);
	slots_fini(&slots);
}

static void slots_give_raw_records_as_they_were_left(void **state)
{
	struct slots slots;
	struct record *record;

	(void)state;
	assert_int_equal(slots_init(&slots, sizeof(*record), 1), 0);
	record = slots_take_raw(&slots);
	assert_int_equal(record->slot.index, 0);
	assert_int_equal(record->slot.generation, 1);
	assert_null(slots_take_raw(&slots));
	record->value = 5;
	slots_give(&slots, record);
	assert_ptr_equal(slots_take_raw(&slots), record);
	assert_int_equal(record->slot.generation, 2);
	slots_give(&slots, record);
	record->value = 5;
	assert_ptr_equal(slots_take(&slots), record);
	assert_int_equal(record->value, 0);
	slots_fini(&slots);
}

static void slots_stop_at_the_limit(void **state)
{
	struct slots slots;

	(void)state;
	assert_int_equal(slots_init(&slots, sizeof(struct record), 3), 0);
	for (int i = 0; i < 3; i++)
		assert_non_null(slots_take(&slots));
	assert_null(slots_take(&slots));
	slots_give(&slots, slots_at(&slots, 1));
	assert_ptr_equal(slots_take(&slots), slots_at(&slots, 1));
	slots_fini(&slots);
}

static void slots_retire_a_slot_that_has_had_all_generations(void **state)
{
	struct slots slots;
	struct record *record;

	(void)state;
	assert_int_equal(slots_init(&slots, sizeof(*record), 2), 0);
	record = slots_take(&slots);
	record->slot.generation = SLOT_GENERATION_MAX;
	slots_give(&slots, record);
	assert_ptr_equal(slots_take(&slots), slots_at(&slots, 1));
	assert_null(slots_take(&slots));
	assert_null(find(&slots, 0, SLOT_GENERATION_MAX));
	slots_fini(&slots);
}

static void chain_keeps_order_and_finds_its_new_head(void **state)
{
	struct list links[3], *head = NULL;

	(void)state;
	for (int i = 0; i < 3; i++)
		chain_append(&head, &links[i]);
	chain_remove(&head, &links[0]);
	assert_ptr_equal(head, &links[1]);
	assert_ptr_equal(head->next, &links[2]);
	chain_remove(&head, &links[2]);
	chain_remove(&head, &links[1]);
	assert_null(head);
}

static void index_finds_after_growing_and_removing(void **state)
{
	static struct index_link links[1000];
	struct index index;

	(void)state;
	assert_int_equal(index_init(&index), 0);
	for (uint64_t i = 0; i < 1000; i++)
		index_put(&index, &links[i], index_hash(9, i, 0));
	for (uint64_t i = 0; i < 1000; i += 2)
		index_remove(&index, &links[i]);
	for (uint64_t i = 0; i < 1000; i++) {
		struct index_link *link = index_bucket(&index, index_hash(9, i, 0));

		while (link && link != &links[i])
			link = link->next;
		assert_int_equal(link != NULL, i % 2);
	}
	assert_int_equal(index.count, 500);
	index_fini(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_give_back_their_end),
		cmocka_unit_test(slots_in_use_or_closed_hold_what_is_before_them),
		cmocka_unit_test(slots_turn_away_stale_and_made_up_names),
		cmocka_unit_test(slots_know_the_index_of_a_record_of_any_size),
		cmocka_unit_test(slots_of_a_large_table_keep_what_is_written),
		cmocka_unit_test(slots_give_raw_records_as_they_were_left),
		cmocka_unit_test(slots_stop_at_the_limit),
		cmocka_unit_test(slots_retire_a_slot_that_has_had_all_generations),
		cmocka_unit_test(chain_keeps_order_and_finds_its_new_head),
		cmocka_unit_test(index_finds_after_growing_and_removing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
