/* Tables, widths, and text that does no harm; options. */
#include "base/cleanup.h"
#include "ctl/options.h"
#include "ctl/table.h"
#include "ctl/terminal.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void table_aligns_columns_when_text_is_wide(void **state)
{
	cleanup_free char *text = NULL;
	struct table table = {.headers = {"NAME", ">N", "LAST"}};
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table_add(&table, TABLE_PLAIN, "h\xc3\xa9llo");
	table_add(&table, TABLE_PLAIN, "%d", 7);
	table_add(&table, TABLE_PLAIN, "x");
	table_add(&table, TABLE_PLAIN, "\xe6\x97\xa5\xe6\x9c\xac");
	table_add(&table, TABLE_PLAIN, "%d", 12345);
	table_add(&table, TABLE_PLAIN, "y\nz\033[2J");
	table_print(&table, out, false);
	fclose(out);
	table_fini(&table);
	assert_string_equal(text, "NAME       N  LAST\n"
				  "h\xc3\xa9llo      7  x\n"
				  "\xe6\x97\xa5\xe6\x9c\xac   12345  y?z?[2J\n");
}

static void table_colours_cells_when_asked_to(void **state)
{
	cleanup_free char *text = NULL;
	struct table table = {.headers = {"A"}};
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table_add(&table, TABLE_BAD, "x");
	table_print(&table, out, true);
	fclose(out);
	table_fini(&table);
	assert_string_equal(text, "\033[2mA\033[0m\n\033[31mx\033[0m\n");
}

static void text_is_defused_when_it_holds_controls(void **state)
{
	char text[] = "a\tb\x7f\xc2\x9b"
		      "c\xff"
		      "d\ne\xc3\xa9";

	(void)state;
	terminal_defuse(text, 1);
	assert_string_equal(text, "a?b???c?d\ne\xc3\xa9");
	terminal_defuse(text, 0);
	assert_string_equal(text, "a?b???c?d?e\xc3\xa9");
}

static void text_has_width_of_its_characters(void **state)
{
	(void)state;
	assert_int_equal(terminal_width(""), 0);
	assert_int_equal(terminal_width("abc"), 3);
	assert_int_equal(terminal_width("e\xcc\x81"), 1);        /* with a combining accent */
	assert_int_equal(terminal_width("\xf0\x9f\x98\x80"), 2); /* a picture */
}

static void text_prints_amounts_for_people(void **state)
{
	char text[32];

	(void)state;
	terminal_print_bytes(1023, text, sizeof(text));
	assert_string_equal(text, "1023 B");
	terminal_print_bytes(1536, text, sizeof(text));
	assert_string_equal(text, "1.5 KiB");
	terminal_print_ms(1990, text, sizeof(text));
	assert_string_equal(text, "1.9s");
	terminal_print_ms(59999, text, sizeof(text));
	assert_string_equal(text, "59s");
	terminal_print_ms(3 * 3600000 + 120000, text, sizeof(text));
	assert_string_equal(text, "3h 2min");
	terminal_print_ms(INT64_MAX, text, sizeof(text));
	terminal_print_bytes(INT64_MAX, text, sizeof(text));
}

static void nouns_have_their_plural(void **state)
{
	(void)state;
	assert_string_equal(terminal_plural_of("task", 2), "s");
	assert_string_equal(terminal_plural_of("watch", 2), "es");
	assert_string_equal(terminal_plural_of("watch", 1), "");
}

/* Parse up to eight words. */
static int parse(struct options *options, char *error, size_t size, int *first, ...)
{
	char *argv[10] = {(char[]){"troupectl"}};
	va_list words;
	int argc = 1, r;
	FILE *err = fmemopen(error, size, "w");

	va_start(words, first);
	while ((argv[argc] = va_arg(words, char *)))
		argc++;
	va_end(words);
	r = options_parse(argc, argv, err, options, first);
	fclose(err);
	return r;
}

static void options_are_read_wherever_they_stand(void **state)
{
	struct options options;
	char error[256] = "";
	int first;

	(void)state;
	assert_int_equal(parse(&options, error, sizeof(error), &first, "map", "--window", "64",
			       "x", "--json", "--timeout=1min", NULL),
			 0);
	assert_int_equal(first, 5);
	assert_int_equal(options.window, 64);
	assert_int_equal(options.connections, 4);
	assert_int_equal(options.timeout_ns, 60000000000ull);
	assert_int_equal(options.given, OPTION(WINDOW) | OPTION(JSON) | OPTION(TIMEOUT));
}

static void options_fail_with_the_reason_when_they_are_wrong(void **state)
{
	static const struct {
		const char *name, *value, *error;
	} cases[] = {
		{"--window", "65", "--window takes N from 1 to 64, not 65"},
		{"--window", "0", "from 1 to 64"},
		{"--window", "x", "--window x: not a number"},
		{"--retry", "-1", "--retry -1: not a number"},
		{"--timeout", "soon", "not a span of time"},
		{"--mailbox-bytes", "much", "not a size"},
		{"--mailbox-bytes", "1000",
		 "--mailbox-bytes takes SIZE from 1024 to 1073741824"},
		{"--mailbox", "1048577", "--mailbox takes N from 1 to 1048576, not 1048577"},
		{"--batch", "0", "--batch takes N from 1 to 1048576, not 0"},
		{"--nope", "x", "--nope is an unknown option"},
		{"--socket", NULL, "--socket takes a value"},
		{"-x", NULL, "-x is an unknown option"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct options options;
		char error[256] = "";
		int first;

		assert_int_equal(parse(&options, error, sizeof(error), &first, cases[i].name,
				       cases[i].value, NULL),
				 -EINVAL);
		if (!strstr(error, cases[i].error))
			fail_msg("%s: %s", cases[i].name, error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_aligns_columns_when_text_is_wide),
		cmocka_unit_test(table_colours_cells_when_asked_to),
		cmocka_unit_test(text_is_defused_when_it_holds_controls),
		cmocka_unit_test(text_has_width_of_its_characters),
		cmocka_unit_test(text_prints_amounts_for_people),
		cmocka_unit_test(options_are_read_wherever_they_stand),
		cmocka_unit_test(options_fail_with_the_reason_when_they_are_wrong),
		cmocka_unit_test(nouns_have_their_plural),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
