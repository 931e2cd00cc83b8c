/* test_histogram.c - how long things took, in powers of two. */
#include "base/histogram.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void buckets_are_powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bucket(1023), 0);
	assert_int_equal(histogram_bucket(1024), 1);
	assert_int_equal(histogram_bucket(2047), 1);
	assert_int_equal(histogram_bucket(2048), 2);
	for (unsigned i = 1; i < HISTOGRAM_BUCKETS; i++) {
		assert_int_equal(histogram_bucket(512ull << i), i);
		assert_int_equal(histogram_bucket((512ull << i) - 1), i - 1);
	}
	/* whatever is longer is in the last one */
	assert_int_equal(histogram_bucket(1024ull << HISTOGRAM_BUCKETS), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void what_is_added_is_counted_and_the_longest_known(void **state)
{
	struct histogram histogram = {0};

	(void)state;
	histogram_add(&histogram, 3000, 5);
	histogram_add(&histogram, 2100, 1);
	histogram_add(&histogram, 10, 7);
	assert_int_equal(histogram.counts[2], 6);
	assert_int_equal(histogram.counts[0], 7);
	assert_int_equal(histogram.counts[1], 0);
	assert_int_equal(histogram.max_ns, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_powers_of_two),
		cmocka_unit_test(what_is_added_is_counted_and_the_longest_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
