/* test_client_calls.c - open calls and defined units by their numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/client_calls.h"
#include "worker/units.h"
#include <errno.h>
#include <stdlib.h>

static void calls_are_found_by_any_number(void **state)
{
	struct client_call *call;
	struct client_calls calls = {0};

	(void)state;
	assert_null(client_calls_find(&calls, 1));
	for (int64_t i = -5000; i < 5000; i++) {
		assert_int_equal(client_calls_add(&calls, i * 64, &call), 0);
		assert_int_equal(call->number, i * 64);
	}
	assert_int_equal(client_calls_add(&calls, 640, &call), -EEXIST);
	for (int64_t i = -5000; i < 5000; i += 2)
		client_calls_remove(&calls, client_calls_find(&calls, i * 64));
	assert_int_equal(HASH_CNT(by_number, calls.by_number), 5000);
	for (int64_t i = -5000; i < 5000; i++)
		assert_int_equal(client_calls_find(&calls, i * 64) != NULL, i & 1);
	while (calls.by_number)
		client_calls_remove(&calls, calls.by_number);
}

static void units_are_found_by_their_numbers(void **state)
{
	struct units units;

	(void)state;
	units = (struct units){0};
	assert_null(units_find_unit(&units, 1));
	assert_null(units_find_plugin(&units, 1));
	for (int64_t i = 0; i < 100; i++)
		assert_int_equal(units_add_unit(&units, (i * 37) % 100, "u", malloc(1)), 0);
	assert_int_equal(units_add_unit(&units, 50, "u", malloc(1)), -EEXIST);
	for (int64_t i = 0; i < 100; i++)
		assert_int_equal(units_find_unit(&units, i)->number, i);
	assert_null(units_find_unit(&units, 100));
	assert_null(units_find_unit(&units, -1));
	assert_int_equal(units_add_plugin(&units, 2, NULL, malloc(sizeof(void *))), 0);
	assert_int_equal(units_add_plugin(&units, 1, NULL, malloc(sizeof(void *))), 0);
	assert_int_equal(units_add_plugin(&units, 1, NULL, malloc(sizeof(void *))), -EEXIST);
	assert_int_equal(units_find_plugin(&units, 2)->number, 2);
	units_fini(&units);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_found_by_any_number),
		cmocka_unit_test(units_are_found_by_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
