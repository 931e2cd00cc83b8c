/* test_text.c - numbers, sizes, spans, yes and no, UTF-8, misspellings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/random.h"
#include "base/text.h"

#define S 1000000000ull

static void bool_reads_the_words_of_systemd(void **state)
{
	static const char *const yes[] = {"yes", "YES", "true", "on", "1", "y", "t"};
	static const char *const no[] = {"no", "False", "off", "0", "n", "f"};
	bool value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		value = false;
		assert_int_equal(text_parse_bool(yes[i], &value), 0);
		assert_true(value);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		value = true;
		assert_int_equal(text_parse_bool(no[i], &value), 0);
		assert_false(value);
	}
	assert_int_equal(text_parse_bool("", &value), -EINVAL);
	assert_int_equal(text_parse_bool("yes ", &value), -EINVAL);
	assert_int_equal(text_parse_bool("2", &value), -EINVAL);
}

static void uint_keeps_to_its_range(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(text_parse_uint("18446744073709551615", 0, UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	value = 7;
	assert_int_equal(text_parse_uint("18446744073709551616", 0, UINT64_MAX, &value),
			 -ERANGE);
	assert_int_equal(text_parse_uint("99999999999999999999x", 0, UINT64_MAX, &value),
			 -EINVAL);
	assert_int_equal(text_parse_uint("3", 4, 5, &value), -ERANGE);
	assert_int_equal(text_parse_uint("6", 4, 5, &value), -ERANGE);
	assert_int_equal(text_parse_uint("", 0, 9, &value), -EINVAL);
	assert_int_equal(text_parse_uint("-1", 0, 9, &value), -EINVAL);
	assert_int_equal(text_parse_uint("+1", 0, 9, &value), -EINVAL);
	assert_int_equal(text_parse_uint(" 1", 0, 9, &value), -EINVAL);
	assert_int_equal(value, 7);
	assert_int_equal(text_parse_uint("0005", 4, 5, &value), 0);
	assert_int_equal(value, 5);
}

static void size_knows_suffixes_and_overflow(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"512", 0, 512},
		{"512B", 0, 512},
		{"64K", 0, 65536},
		{"64k", 0, 65536},
		{"1KB", 0, 1024},
		{"16M", 0, 16u << 20},
		{"3G", 0, 3ull << 30},
		{"2T", 0, 2ull << 40},
		{"16777216T", -ERANGE, 0},
		{"16777215T", 0, 16777215ull << 40},
		{"K", -EINVAL, 0},
		{"1.5K", -EINVAL, 0},
		{"1KK", -EINVAL, 0},
		{"1 K", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t value = 0;

		assert_int_equal(text_parse_size(cases[i].text, 0, UINT64_MAX, &value),
				 cases[i].result);
		assert_true(value == cases[i].value);
	}
}

static void span_adds_up_numbers_with_units(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} cases[] = {
		{"5s", 0, 5 * S},
		{"5", 0, 5 * S},
		{"0", 0, 0},
		{"500ms", 0, S / 2},
		{"1min 30s", 0, 90 * S},
		{"1min30s", 0, 90 * S},
		{"1m", 0, 60 * S},
		{"2 h", 0, 7200 * S},
		{"1d 1w", 0, 8 * 86400 * S},
		{"1.5s", 0, 1500000000},
		{"0.000000001s", 0, 1},
		{"1.25h", 0, 4500 * S},
		{"7us 3ns", 0, 7003},
		{"3\xc2\xb5s", 0, 3000},
		{"2 seconds  4 minutes", 0, 242 * S},
		{"infinity", 0, TEXT_INFINITY},
		{"", -EINVAL, 0},
		{" ", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"5 parsecs", -EINVAL, 0},
		{"5s-", -EINVAL, 0},
		{"-5s", -EINVAL, 0},
		{"1.s", -EINVAL, 0},
		{".5s", -EINVAL, 0},
		{"1.2.3s", -EINVAL, 0},
		{"infinity 5s", -EINVAL, 0},
		{"18446744073s", 0, 18446744073000000000u},
		{"18446744074s", -ERANGE, 0},
		{"18446744073s 709551615ns", -ERANGE, 0}, /* would be infinity */
		{"99999999999999999999999s", -ERANGE, 0},
		{"99999999999999999999999s x", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t value = 0;

		assert_int_equal(text_parse_span_ns(cases[i].text, &value), cases[i].result);
		assert_true(value == cases[i].value);
	}
}

static void span_prints_what_reads_back_the_same(void **state)
{
	struct random random;
	char text[64];
	uint64_t value;

	(void)state;
	random_init(&random, 3);
	text_print_span_ns(90 * S, text, sizeof(text));
	assert_string_equal(text, "1min 30s");
	text_print_span_ns(0, text, sizeof(text));
	assert_string_equal(text, "0");
	text_print_span_ns(TEXT_INFINITY, text, sizeof(text));
	assert_string_equal(text, "infinity");
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t ns = random_next(&random) >> random_below(&random, 64);

		text_print_span_ns(ns, text, sizeof(text));
		assert_int_equal(text_parse_span_ns(text, &value), 0);
		assert_true(value == ns);
	}
	text_print_span_ns(UINT64_MAX - 1, text, sizeof(text));
	assert_int_equal(text_parse_span_ns(text, &value), 0);
	assert_true(value == UINT64_MAX - 1);
	text_print_span_ns(90 * S, text, 3);
	assert_string_equal(text, "1m");
}

static void each_character_is_written_as_it_is_read(void **state)
{
	size_t size = 1;
	char bytes[4];

	(void)state;
	for (uint32_t code = 1; code <= 0x10ffff; code++) {
		if (code >= 0xd800 && code <= 0xdfff)
			continue;
		if (code == 0x80 || code == 0x800 || code == 0x10000)
			size++;
		assert_int_equal(text_put_utf8(code, bytes), size);
		assert_int_equal(text_utf8_size(bytes, size), size);
	}
}

static void utf8_takes_the_shortest_forms_only(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} cases[] = {
		{"a", 1},
		{"\xc2\x80", 2},
		{"\xdf\xbf", 2},
		{"\xe0\xa0\x80", 3},
		{"\xed\x9f\xbf", 3},
		{"\xef\xbf\xbf", 3},
		{"\xf0\x90\x80\x80", 4},
		{"\xf4\x8f\xbf\xbf", 4},
		{"\x80", 0},
		{"\xc0\x80", 0},
		{"\xc1\xbf", 0},
		{"\xc2", 0},
		{"\xc2\x41", 0},
		{"\xe0\x9f\xbf", 0},
		{"\xed\xa0\x80", 0},
		{"\xe1\x80", 0},
		{"\xf0\x8f\xbf\xbf", 0},
		{"\xf4\x90\x80\x80", 0},
		{"\xf5\x80\x80\x80", 0},
		{"\xf1\x80\x80\x41", 0},
		{"\xff", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(text_utf8_size(cases[i].text, strlen(cases[i].text)),
				 cases[i].size);
	assert_int_equal(text_utf8_size("", 1), 1); /* NUL */
	assert_true(text_is_utf8("", 0));
	assert_true(text_is_utf8("na\xc3\xafve\0x", 8));
	assert_false(text_is_utf8("na\xc3", 3));
}

static void text_is_made_fit_to_be_sent(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{"", ""},
		{"plain \xc3\xa9 \xf0\x9f\x8e\xad", "plain \xc3\xa9 \xf0\x9f\x8e\xad"},
		{"a\tb\x1b[0m\x7f", "a?b?[0m?"},
		{"\xff\xc0\x80", "???"},
		{"cut \xf0\x9f\x8e", "cut ???"},
		{"\xed\xa0\x80", "???"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];

		strcpy(text, cases[i].from);
		text_make_utf8(text);
		assert_string_equal(text, cases[i].to);
	}
}

static void nearest_finds_misspellings_and_nothing_else(void **state)
{
	static const char *const names[] = {"Plugin", "Instances", "Mailbox", "MailboxBytes"};
	static const char *const interfaces[] = {"org.example.crew", "org.example.hello"};

	(void)state;
	assert_string_equal(text_nearest("Plugn", names, 4), "Plugin");
	assert_string_equal(text_nearest("plugin", names, 4), "Plugin");
	assert_string_equal(text_nearest("Pulgin", names, 4), "Plugin");
	assert_string_equal(text_nearest("Instance", names, 4), "Instances");
	assert_string_equal(text_nearest("MailBoxByte", names, 4), "MailboxBytes");
	assert_string_equal(text_nearest("Inst", names, 4), "Instances");
	assert_null(text_nearest("Ins", names, 4));
	assert_string_equal(text_nearest("org.example.hullo", interfaces, 2),
			    "org.example.hello");
	assert_string_equal(text_nearest("org.exmple.hello", interfaces, 2),
			    "org.example.hello");
	assert_string_equal(text_nearest("org.example.hello", interfaces, 2),
			    "org.example.hello");
	/* That both are org.example's does not make them alike. */
	assert_null(text_nearest("org.example.hand", interfaces, 2));
	assert_null(text_nearest("Colour", names, 4));
	assert_null(text_nearest("", names, 4));
	assert_null(text_nearest("x", names, 4));
	assert_null(text_nearest(
		"an-unusually-long-name-that-no-key-could-ever-have-in-this-world-or-the-next",
		names, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bool_reads_the_words_of_systemd),
		cmocka_unit_test(uint_keeps_to_its_range),
		cmocka_unit_test(size_knows_suffixes_and_overflow),
		cmocka_unit_test(span_adds_up_numbers_with_units),
		cmocka_unit_test(span_prints_what_reads_back_the_same),
		cmocka_unit_test(each_character_is_written_as_it_is_read),
		cmocka_unit_test(utf8_takes_the_shortest_forms_only),
		cmocka_unit_test(text_is_made_fit_to_be_sent),
		cmocka_unit_test(nearest_finds_misspellings_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
