/* The text of addresses. */
#include "proto/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void address_text_reads_back(void **state)
{
	static const struct troupe_address widest = {UINT16_MAX, UINT16_MAX, UINT32_MAX,
						     UINT32_MAX, UINT32_MAX};
	struct troupe_address address;
	char text[TROUPE_ADDRESS_TEXT];

	(void)state;
	address_print(widest, text);
	assert_string_equal(text, "65535.65535.4294967295.4294967295.4294967295");
	assert_int_equal(address_parse(text, &address), 0);
	assert_true(troupe_address_equal(address, widest));
	assert_int_equal(address_parse("0.2.1.4711.3", &address), 0);
	assert_int_equal(address.node, 0);
	assert_int_equal(address.worker, 2);
	assert_int_equal(address.incarnation, 1);
	assert_int_equal(address.slot, 4711);
	assert_int_equal(address.generation, 3);
}

static void address_parse_refuses_other_text(void **state)
{
	static const char *const bad[] = {
		"",
		"0.0.0.0",
		"0.0.0.0.0.0",
		"0.0.0.0.",
		".0.0.0.0",
		"00.0.0.0.0",
		"0.0.0.0.01",
		"-1.0.0.0.0",
		"+1.0.0.0.0",
		" 0.0.0.0.0",
		"0.0.0.0.0 ",
		"65536.0.0.0.0",
		"0.0.4294967296.0.0",
		"0.0.0.0.99999999999999999999999",
		"a.0.0.0.0",
		"0,0,0,0,0",
	};
	struct troupe_address address;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(address_parse(bad[i], &address), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_text_reads_back),
		cmocka_unit_test(address_parse_refuses_other_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
