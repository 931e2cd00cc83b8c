/* test_cause.c - each way in which an actor ends has a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/cause.h"

static void cause_has_one_word_for_each_end(void **state)
{
	(void)state;
	assert_string_equal(cause_name(TROUPE_CAUSE_COUNT), "unknown");
	for (int i = 0; i < TROUPE_CAUSE_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(cause_name((enum troupe_cause)i),
						cause_name((enum troupe_cause)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cause_has_one_word_for_each_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
