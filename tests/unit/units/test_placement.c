/* test_placement.c - which worker an actor goes to. */
#include "units/unit_place.h"

#include "base/cleanup.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void placement_spreads_a_pool_evenly_when_workers_are_loaded_unevenly(void **state)
{
	struct placement_load loads[3] = {{.all = 9}, {.all = 0}, {.all = 5}};

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		size_t best = placement_choose(loads, 3);

		loads[best].of_unit++;
		loads[best].all++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(loads[i].of_unit, 3);
}

static void placement_takes_the_least_loaded_when_a_pool_is_even(void **state)
{
	const struct placement_load loads[3] = {{1, 4, false}, {1, 2, false}, {1, 3, false}};

	(void)state;
	assert_int_equal(placement_choose(loads, 3), 1);
}

static void placement_avoids_workers_that_are_away(void **state)
{
	struct placement_load loads[3] = {{0, 0, true}, {3, 9, false}, {0, 1, true}};

	(void)state;
	assert_int_equal(placement_choose(loads, 3), 1);
	/* They will come back. */
	loads[1].is_away = true;
	assert_int_equal(placement_choose(loads, 3), 0);
}

static void placement_takes_the_first_when_all_are_equal(void **state)
{
	const struct placement_load loads[4] = {{0}};

	(void)state;
	assert_int_equal(placement_choose(loads, 4), 0);
	assert_int_equal(placement_choose(loads, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			placement_spreads_a_pool_evenly_when_workers_are_loaded_unevenly),
		cmocka_unit_test(placement_takes_the_least_loaded_when_a_pool_is_even),
		cmocka_unit_test(placement_avoids_workers_that_are_away),
		cmocka_unit_test(placement_takes_the_first_when_all_are_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
