/* test_random.c - the same seed, the same numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

/* The generator's published first outputs for seed 0, so that seeds mean the same in every
 * release. */
static void numbers_are_those_of_the_algorithm(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 0);
	assert_true(random_next(&random) == 0x99ec5f36cb75f2b4u);
	assert_true(random_next(&random) == 0xbf6e1f784956452au);
	assert_true(random_next(&random) == 0x1a5f849d4933e6e0u);
}

static void below_stays_below_and_reaches_all(void **state)
{
	struct random random;
	unsigned counts[7] = {0};

	(void)state;
	random_init(&random, 42);
	for (unsigned i = 0; i < 70000; i++)
		counts[random_below(&random, 7)]++;
	for (unsigned i = 0; i < 7; i++)
		assert_in_range(counts[i], 9500, 10500);
	assert_int_equal(random_below(&random, 0), 0);
	assert_int_equal(random_below(&random, 1), 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(random_below(&random, UINT64_MAX / 3 * 2 + 5) <
			    UINT64_MAX / 3 * 2 + 5);
}

static void seeds_of_the_kernel_differ(void **state)
{
	(void)state;
	assert_true(random_seed_from_kernel() != random_seed_from_kernel());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_the_algorithm),
		cmocka_unit_test(below_stays_below_and_reaches_all),
		cmocka_unit_test(seeds_of_the_kernel_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
