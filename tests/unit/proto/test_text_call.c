/* test_text_call.c - the names of methods, and the form in which calls by name travel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/codec.h"
#include "proto/text_call.h"
#include <string.h>

static void method_has_an_interface_and_a_name(void **state)
{
	static const char *const wrong[] = {"",
					    ".",
					    "Greet",
					    ".Greet",
					    "io.Greet",
					    "io.hello.",
					    "io.hello.greet",
					    "io..hello.Greet",
					    "io.hello.Gr-eet",
					    "io.hello.Greet ",
					    " io.hello.Greet",
					    "io.hello/Greet",
					    "io.hello.Greet.",
					    "io.hello.Gr\303\244t",
					    "-io.hello.Greet",
					    "io.-hello.Greet"};
	char longest[TEXT_CALL_NAME_MAX + 2];

	(void)state;
	assert_int_equal(text_call_interface("io.troupe.hello.Greet"),
			 strlen("io.troupe.hello"));
	assert_int_equal(text_call_interface("a.b.C"), 3);
	assert_int_equal(text_call_interface("xn--a.b-c.D1"), strlen("xn--a.b-c"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(text_call_interface(wrong[i]), 0);
	memset(longest, 'A', sizeof(longest));
	memcpy(longest, "a.b.", 4);
	longest[TEXT_CALL_NAME_MAX + 1] = '\0';
	assert_int_equal(text_call_interface(longest), 0);
	longest[TEXT_CALL_NAME_MAX] = '\0';
	assert_int_equal(text_call_interface(longest), 3);
}

static void longest_call_fits_a_message(void **state)
{
	static char parameters[TEXT_CALL_MAX];
	char name[TEXT_CALL_NAME_MAX + 1];
	struct text_call call = {name, {parameters, sizeof(parameters)}};
	size_t size;

	(void)state;
	memset(name, 'A', sizeof(name));
	name[TEXT_CALL_NAME_MAX] = '\0';
	assert_int_equal(codec_size(&text_call_type, &call, &size, NULL), 0);
	assert_true(size <= ENVELOPE_PAYLOAD_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(method_has_an_interface_and_a_name),
		cmocka_unit_test(longest_call_fits_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
