/* Bytes as base64. */
#include "proto/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void base64_reads_back_all_bytes(void **state)
{
	unsigned char data[257], read[300];
	char text[400];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	for (size_t i = 0; i <= sizeof(data); i++) {
		base64_print(data, i, text);
		assert_int_equal(base64_parse(text, base64_text_size(i), read, &size), 0);
		assert_int_equal(size, i);
		assert_memory_equal(read, data, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_reads_back_all_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
