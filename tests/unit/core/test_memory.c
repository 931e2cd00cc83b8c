/* Slabs, slots, chains and indexes: what the runtime keeps its things in. */
#include "base/random.h"
#include "core/chain.h"
#include "core/index.h"
#include "core/mapping.h"
#include "core/slab.h"
#include "core/slots.h"
#include "slab_count.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void slab_gives_aligned_memory_of_any_size(void **state)
{
	struct slab slab;

	(void)state;
	slab_init(&slab, SLAB_SMALL);
	for (size_t size = 0; size < 3 * SLAB_MAX; size += size < 300 ? 1 : 97) {
		unsigned char *a = slab_take(&slab, size), *b = slab_take(&slab, size);

		assert_non_null(a);
		assert_non_null(b);
		assert_int_equal((uintptr_t)a % 16, 0);
		memset(a, 1, size);
		memset(b, 2, size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(a[i], 1);
		slab_give(&slab, a, size);
		slab_give(&slab, b, size);
	}
	assert_int_equal(slab_count(&slab), 0);
	slab_fini(&slab);
	assert_int_equal(slab.large.bytes, 0);
}

static void slab_gives_the_warmest_piece_first(void **state)
{
	struct slab slab;
	void *a, *b;

	(void)state;
	slab_init(&slab, SLAB_SMALL);
	a = slab_take(&slab, 100);
	b = slab_take(&slab, 100);
	slab_give(&slab, a, 100);
	slab_give(&slab, b, 100);
	assert_ptr_equal(slab_take(&slab, 101), b);
	assert_ptr_equal(slab_take(&slab, 100), a);
	slab_fini(&slab);
}

/* As a mailbox does it: filled, then emptied from its start. Only the first time costs memory
 * of the system. */
static void slab_asks_for_large_pieces_once(void **state)
{
	enum { DEEP = 100, ROUNDS = 50, SIZE = 100000 };
	void *pieces[DEEP];
	struct slab slab;

	(void)state;
	slab_init(&slab, SLAB_SMALL);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < DEEP; i++) {
			pieces[i] = slab_take(&slab, SIZE);
			assert_non_null(pieces[i]);
			memset(pieces[i], round, SIZE);
		}
		for (int i = 0; i < DEEP; i++)
			slab_give(&slab, pieces[i], SIZE);
	}
	assert_int_equal(slab.large.allocated, DEEP);
	slab_fini(&slab);
}

static void slab_keeps_large_pieces_up_to_a_limit(void **state)
{
	enum { SIZE = 1 << 20, FITTING = LARGE_KEPT / SIZE, DEEP = FITTING + 8 };
	void *pieces[DEEP];
	struct slab slab;

	(void)state;
	slab_init(&slab, SLAB_HUGE);
	for (int i = 0; i < DEEP; i++)
		assert_non_null(pieces[i] = slab_take(&slab, SIZE));
	assert_int_equal(slab_bytes(&slab), (uint64_t)DEEP * SIZE);
	for (int i = 0; i < DEEP; i++)
		slab_give(&slab, pieces[i], SIZE);
	assert_int_equal(slab_count(&slab), 0);
	assert_int_equal(slab_bytes(&slab), LARGE_KEPT);
	slab_fini(&slab);
}

/* Those of a size that is not asked for any more go when there are others. */
static void slab_keeps_the_sizes_that_are_of_use(void **state)
{
	enum { OLD = 5000, NEW = 8 << 20, N_OLD = LARGE_KEPT / 5120, N_NEW = 4 };
	static void *old[N_OLD];
	void *new[N_NEW];
	struct slab slab;

	(void)state;
	slab_init(&slab, SLAB_HUGE);
	for (int i = 0; i < N_OLD; i++)
		assert_non_null(old[i] = slab_take(&slab, OLD));
	for (int i = 0; i < N_OLD; i++)
		slab_give(&slab, old[i], OLD);
	assert_true(slab_bytes(&slab) > LARGE_KEPT - 5120);
	for (int i = 0; i < N_NEW; i++)
		assert_non_null(new[i] = slab_take(&slab, NEW));
	for (int i = 0; i < N_NEW; i++)
		slab_give(&slab, new[i], NEW);
	assert_int_equal(slab_bytes(&slab), N_NEW * NEW);
	slab_fini(&slab);
}

/* Past its small beginning a slab goes on in huge pages; pieces are the same. */
static void slab_grows_past_its_small_pages(void **state)
{
	enum { SIZE = 1024, PIECES = (8 << 20) / SIZE };
	static unsigned char *pieces[PIECES];
	struct slab slab;

	(void)state;
	slab_init(&slab, SLAB_HUGE);
	for (int i = 0; i < PIECES; i++) {
		assert_non_null(pieces[i] = slab_take(&slab, SIZE));
		memset(pieces[i], i & 0xff, SIZE);
	}
	assert_in_range(slab_bytes(&slab), 8 << 20, 12 << 20);
	for (int i = 0; i < PIECES; i++) {
		assert_int_equal(pieces[i][0], i & 0xff);
		assert_int_equal(pieces[i][SIZE - 1], i & 0xff);
		slab_give(&slab, pieces[i], SIZE);
	}
	assert_int_equal(slab_count(&slab), 0);
	slab_fini(&slab);
}

/* Beyond the largest size nothing is kept. */
static void slab_gives_the_largest_back_at_once(void **state)
{
	enum { SIZE = (16 << 20) + 1 };
	struct slab slab;
	void *piece;

	(void)state;
	slab_init(&slab, SLAB_HUGE);
	piece = slab_take(&slab, SIZE);
	assert_non_null(piece);
	assert_int_equal(slab_bytes(&slab), SIZE);
	slab_give(&slab, piece, SIZE);
	assert_int_equal(slab_bytes(&slab), 0);
	slab_fini(&slab);
}

struct record {
	struct slot slot;
	uint64_t value;
};

static void trim_whole(struct slab *slab)
{
	while (slab_trim(slab))
		;
}

static void slab_gives_back_what_is_not_in_use(void **state)
{
	enum { MANY = 200000, SIZE = 100, LARGE = 50000 };
	static void *pieces[MANY];
	const enum slab_pages kinds[] = {SLAB_SMALL, SLAB_HUGE};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct slab slab;
		void *few[10];

		slab_init(&slab, kinds[k]);
		for (int i = 0; i < MANY; i++)
			pieces[i] = slab_take(&slab, SIZE);
		for (int i = 0; i < 10; i++)
			few[i] = slab_take(&slab, LARGE);
		for (int i = 0; i < 10; i++)
			slab_give(&slab, few[i], LARGE);
		/* every other piece is out: nothing can go, and nothing is lost */
		for (int i = 0; i < MANY; i += 2)
			slab_give(&slab, pieces[i], SIZE);
		trim_whole(&slab);
		assert_true(slab_bytes(&slab) >= (uint64_t)MANY * SIZE);
		assert_int_equal(slab.large.kept_bytes, 0);
		assert_int_equal(slab_count(&slab), MANY / 2);
		for (int i = 0; i < MANY; i += 2)
			pieces[i] = slab_take(&slab, SIZE);
		assert_int_equal(slab_count(&slab), MANY);
		assert_true(slab_bytes(&slab) < (uint64_t)MANY * SIZE * 3 / 2);
		/* but for the first thousand, all of it */
		for (int i = 1000; i < MANY; i++)
			slab_give(&slab, pieces[i], SIZE);
		trim_whole(&slab);
		assert_true(slab_bytes(&slab) <= 1000 * SIZE + 2 * MAPPING_HUGE);
		assert_int_equal(slab_count(&slab), 1000);
		for (int i = 0; i < 1000; i++)
			slab_give(&slab, pieces[i], SIZE);
		trim_whole(&slab);
		assert_int_equal(slab_bytes(&slab), 0);
		assert_int_equal(slab_count(&slab), 0);
		assert_non_null(slab_take(&slab, SIZE)); /* it goes on */
		slab_fini(&slab);
	}
}

/* Between two steps of a trim the slab is used as ever: no piece is given to two, nor lost. */
static void slab_is_used_while_it_is_trimmed(void **state)
{
	enum { MANY = 60000 };
	static unsigned char *pieces[MANY];
	static uint32_t sizes[MANY];

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		uint64_t out = 0;
		struct random random;
		struct slab slab;

		random_init(&random, seed);
		slab_init(&slab, SLAB_SMALL);
		memset(pieces, 0, sizeof(pieces));
		for (int round = 0; round < 300000; round++) {
			uint64_t i = random_below(&random, MANY);
			/* waves: now most are taken, now most are given */
			bool takes =
				random_below(&random, 100) < (round / 50000 % 2 ? 15u : 85u);

			if (takes && !pieces[i]) {
				sizes[i] = 16u << random_below(&random, 5);
				pieces[i] = slab_take(&slab, sizes[i]);
				memset(pieces[i], (int)(i & 255), sizes[i]);
				out++;
			} else if (!takes && pieces[i]) {
				assert_int_equal(pieces[i][0], i & 255);
				assert_memory_equal(pieces[i], pieces[i] + 1, sizes[i] - 1);
				slab_give(&slab, pieces[i], sizes[i]);
				pieces[i] = NULL;
				out--;
			}
			if (random_below(&random, 50) == 0)
				slab_trim(&slab);
			if (random_below(&random, 20000) == 0)
				assert_int_equal(slab_count(&slab), out);
		}
		assert_int_equal(slab_count(&slab), out);
		for (int i = 0; i < MANY; i++)
			if (pieces[i])
				slab_give(&slab, pieces[i], sizes[i]);
		assert_int_equal(slab_count(&slab), 0);
		/* one that is under way may have missed some: two have not */
		trim_whole(&slab);
		trim_whole(&slab);
		assert_int_equal(slab_bytes(&slab), 0);
		slab_fini(&slab);
	}
}

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
		cmocka_unit_test(slab_gives_aligned_memory_of_any_size),
		cmocka_unit_test(slab_gives_the_warmest_piece_first),
		cmocka_unit_test(slab_asks_for_large_pieces_once),
		cmocka_unit_test(slab_keeps_large_pieces_up_to_a_limit),
		cmocka_unit_test(slab_keeps_the_sizes_that_are_of_use),
		cmocka_unit_test(slab_grows_past_its_small_pages),
		cmocka_unit_test(slab_gives_the_largest_back_at_once),
		cmocka_unit_test(slab_gives_back_what_is_not_in_use),
		cmocka_unit_test(slab_is_used_while_it_is_trimmed),
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
