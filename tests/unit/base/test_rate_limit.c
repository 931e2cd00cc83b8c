#include "base/rate_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND 1000000000ull

static void limit_passes_its_burst_in_each_interval(void **state)
{
	struct rate_limit limit;
	unsigned passed = 0;

	(void)state;
	rate_limit_init(&limit, 10 * SECOND, 3);
	for (unsigned i = 0; i < 10; i++)
		passed += rate_limit_pass(&limit, 5 * SECOND + i);
	assert_int_equal(passed, 3);
	/* The interval began with its first event, and is over exactly after its length. */
	assert_false(rate_limit_pass(&limit, 15 * SECOND - 1));
	assert_true(rate_limit_pass(&limit, 15 * SECOND));
	assert_true(rate_limit_pass(&limit, 15 * SECOND));
	assert_true(rate_limit_pass(&limit, 15 * SECOND));
	assert_false(rate_limit_pass(&limit, 15 * SECOND));
}

static void limit_counts_the_suppressed_once_their_interval_is_over(void **state)
{
	struct rate_limit limit;

	(void)state;
	rate_limit_init(&limit, SECOND, 1);
	assert_int_equal(rate_limit_take_suppressed(&limit, 0), 0);
	for (unsigned i = 0; i < 8; i++)
		(void)rate_limit_pass(&limit, SECOND);
	assert_int_equal(rate_limit_take_suppressed(&limit, 2 * SECOND - 1), 0);
	assert_int_equal(rate_limit_take_suppressed(&limit, 2 * SECOND), 7);
	assert_int_equal(rate_limit_take_suppressed(&limit, 2 * SECOND), 0);
	/* Nobody asked in between: none of them is lost. */
	for (unsigned i = 0; i < 3; i++)
		(void)rate_limit_pass(&limit, 3 * SECOND);
	for (unsigned i = 0; i < 3; i++)
		(void)rate_limit_pass(&limit, 5 * SECOND);
	assert_int_equal(rate_limit_take_suppressed(&limit, 6 * SECOND), 4);
}

static void limit_of_nothing_passes_everything(void **state)
{
	struct rate_limit limit;

	(void)state;
	rate_limit_init(&limit, 0, 5);
	for (unsigned i = 0; i < 100; i++)
		assert_true(rate_limit_pass(&limit, 1));
	rate_limit_init(&limit, SECOND, 0);
	for (unsigned i = 0; i < 100; i++)
		assert_true(rate_limit_pass(&limit, 1));
	assert_int_equal(rate_limit_take_suppressed(&limit, UINT64_MAX), 0);
}

static void limit_works_from_time_zero_on(void **state)
{
	struct rate_limit limit;

	(void)state;
	rate_limit_init(&limit, SECOND, 1);
	assert_true(rate_limit_pass(&limit, 0));
	assert_false(rate_limit_pass(&limit, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_passes_its_burst_in_each_interval),
		cmocka_unit_test(limit_counts_the_suppressed_once_their_interval_is_over),
		cmocka_unit_test(limit_of_nothing_passes_everything),
		cmocka_unit_test(limit_works_from_time_zero_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
