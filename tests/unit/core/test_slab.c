/* Slabs: memory for messages, and what of it goes back to the system. */
#include "core/mapping.h"
#include "core/slab.h"
#include "slab_count.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
		slab_trim_whole(&slab);
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
		slab_trim_whole(&slab);
		assert_true(slab_bytes(&slab) <= 1000 * SIZE + 2 * MAPPING_HUGE);
		assert_int_equal(slab_count(&slab), 1000);
		for (int i = 0; i < 1000; i++)
			slab_give(&slab, pieces[i], SIZE);
		slab_trim_whole(&slab);
		assert_int_equal(slab_bytes(&slab), 0);
		assert_int_equal(slab_count(&slab), 0);
		assert_non_null(slab_take(&slab, SIZE)); /* it goes on */
		slab_fini(&slab);
	}
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
