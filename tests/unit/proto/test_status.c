/* test_status.c - each way in which a call ends has a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/status.h"

static void status_has_one_name_for_each_end_of_the_runtimes_own(void **state)
{
	(void)state;
	assert_null(status_error_name(TROUPE_OK));
	assert_null(status_error_name(TROUPE_ERROR));
	assert_null(status_error_name(TROUPE_STATUS_COUNT));
	for (int i = TROUPE_NO_SUCH_ACTOR; i < TROUPE_STATUS_COUNT; i++) {
		const char *name = status_error_name((enum troupe_status)i);

		assert_true(strncmp(name, "io.troupe.Control.", 18) == 0 ||
			    strncmp(name, "org.varlink.service.", 20) == 0);
		for (int k = TROUPE_NO_SUCH_ACTOR; k < i; k++)
			assert_string_not_equal(name, status_error_name((enum troupe_status)k));
		assert_true(strlen(status_phrase((enum troupe_status)i)) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_has_one_name_for_each_end_of_the_runtimes_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
