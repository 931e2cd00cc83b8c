/* What the SDK exports. */
#include "proto/sdk_symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void sdk_symbols_are_those_that_the_linker_exports(void **state)
{
	char line[256], name[256];
	unsigned n = 0;
	FILE *file = fopen("daemon/plugin/sdk.symbols", "re");

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %255[a-z0-9_];", name) != 1)
			continue;
		assert_string_equal(name, sdk_symbol(n));
		assert_true(sdk_has_symbol(name));
		n++;
	}
	fclose(file);
	assert_null(sdk_symbol(n));
	assert_false(sdk_has_symbol("troupe_"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sdk_symbols_are_those_that_the_linker_exports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
