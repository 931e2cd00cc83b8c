/* test_conf.c - systemd's syntax: what is read, and each mistake with its message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "config/conf.h"

struct fixture {
	struct conf conf;
	struct problems problems;
	char text[512];
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	conf_fini(&f->conf);
	problems_fini(&f->problems);
	return 0;
}

static int parse(struct fixture *f, const char *text)
{
	return conf_parse(&f->conf, "f.actor", text, strlen(text), &f->problems);
}

static void assert_entry(struct fixture *f, size_t i, const char *section, const char *key,
			 const char *value, unsigned line)
{
	assert_true(i < f->conf.n);
	assert_string_equal(f->conf.entries[i].section, section);
	assert_string_equal(f->conf.entries[i].key, key);
	assert_string_equal(f->conf.entries[i].value, value);
	assert_string_equal(f->conf.entries[i].file, "f.actor");
	assert_int_equal(f->conf.entries[i].line, line);
}

/* The text has exactly this mistake. */
static void assert_mistake(struct fixture *f, const char *text, size_t size,
			   const char *message)
{
	assert_int_equal(conf_parse(&f->conf, "f.actor", text, size, &f->problems), -EINVAL);
	assert_int_equal(f->problems.n, 1);
	problem_print(&f->problems.items[0], f->text, sizeof(f->text));
	assert_string_equal(f->text, message);
	problems_fini(&f->problems);
}

static void assignments_come_in_order_with_their_lines(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "# comment\n"
				  "; another\n"
				  "\n"
				  "[Actor]\n"
				  "Plugin=hello\n"
				  "  Instances  =  3  \n"
				  "\t# indented comment\n"
				  "Empty=\n"
				  "Equals=a=b # no comment here\n"
				  "[ Config ]\n"
				  "Plugin=x"),
			 0);
	assert_int_equal(f->conf.n, 5);
	assert_entry(f, 0, "Actor", "Plugin", "hello", 5);
	assert_entry(f, 1, "Actor", "Instances", "3", 6);
	assert_entry(f, 2, "Actor", "Empty", "", 8);
	assert_entry(f, 3, "Actor", "Equals", "a=b # no comment here", 9);
	assert_entry(f, 4, " Config ", "Plugin", "x", 11);
}

static void line_goes_on_behind_a_backslash(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "[A]\n"
				  "List=one \\\n"
				  "# a comment between\n"
				  "  ; and another \\\n"
				  "  two\\\n"
				  "three\n"
				  "Double=ends in two\\\\\n"
				  "Last=open \\"),
			 0);
	assert_int_equal(f->conf.n, 3);
	assert_entry(f, 0, "A", "List", "one    two three", 2);
	assert_entry(f, 1, "A", "Double", "ends in two\\\\", 7);
	assert_entry(f, 2, "A", "Last", "open", 8);
}

static void ends_of_line_and_byte_order_mark_are_tolerated(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		parse(f, "\xef\xbb\xbf[A]\r\nKey=a \\\r\n  b\r\nOther=caf\xc3\xa9\r\n"), 0);
	assert_int_equal(f->conf.n, 2);
	assert_entry(f, 0, "A", "Key", "a    b", 2);
	assert_entry(f, 1, "A", "Other", "caf\xc3\xa9", 4);
	assert_int_equal(parse(f, ""), 0);
}

static void mistake_is_named_with_file_and_line(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{"[A]\nhello\n", "f.actor:2: \"hello\" is neither Key=value nor a [Section]; "
				 "comments begin with \"#\""},
		{"\nKey=value\n", "f.actor:2: Key= is before the first section; write the "
				  "line [Section] above it"},
		{"[A\nKey=1\n",
		 "f.actor:1: the section header \"[A\" lacks its \"]\" at the end of the line"},
		{"[A] # comment\nKey=1\n", "f.actor:1: the section header \"[A] # comment\" "
					   "lacks its \"]\" at the end of the line"},
		{"[]\nKey=1\n", "f.actor:1: \"[]\" is not a section header; write [Name]"},
		{"[A]B]\nKey=1\n",
		 "f.actor:1: \"[A]B]\" is not a section header; write [Name]"},
		{"[\n",
		 "f.actor:1: the section header \"[\" lacks its \"]\" at the end of the line"},
		{"[A]\n = value\n", "f.actor:2: there is no key before \"=\""},
		{"[A]\nKey=a\\\nb\\\n\nhello\n",
		 "f.actor:5: \"hello\" is neither Key=value nor a [Section]; "
		 "comments begin with \"#\""},
		{"[A]\nKey=\xff\n",
		 "f.actor:2: a byte here is not UTF-8 (0xff); save the file as UTF-8"},
		{"[A]\n\nKey=\xc3\n",
		 "f.actor:3: a byte here is not UTF-8 (0xc3); save the file as UTF-8"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_mistake(f, cases[i].text, strlen(cases[i].text), cases[i].message);
	assert_mistake(f, "[A]\nKey=\0\n", 10,
		       "f.actor:2: a NUL byte; this is not a text file");
}

static void reading_goes_on_behind_a_mistake(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "[A]\none\ntwo\nKey=value\n"), -EINVAL);
	assert_int_equal(f->problems.n, 2);
	assert_int_equal(f->conf.n, 1);
}

static void line_and_file_are_refused_when_too_long(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(LIMIT_CONFIG_FILE + 1);
	size_t line = 4 + LIMIT_CONFIG_LINE;

	assert_non_null(text);
	memset(text, 'x', LIMIT_CONFIG_FILE + 1);
	memcpy(text, "[A]\nKey=", 8);
	text[line] = '\n';
	assert_int_equal(conf_parse(&f->conf, "f.actor", text, line + 1, &f->problems), 0);
	assert_int_equal(strlen(f->conf.entries[0].value), LIMIT_CONFIG_LINE - 4);
	text[line] = 'x';
	assert_mistake(f, text, line + 1, "f.actor:2: the line is longer than 65536 bytes");
	/* Continuation lines count together. */
	text[100] = '\\';
	text[101] = '\n';
	assert_mistake(f, text, line + 3, "f.actor:2: the line is longer than 65536 bytes");
	assert_mistake(f, text, LIMIT_CONFIG_FILE + 1,
		       "f.actor: the file is larger than 1048576 bytes");
	free(text);
}

static void file_that_cannot_be_read_is_a_problem(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(conf_read(&f->conf, "/nonexistent/x.actor", &f->problems), -EINVAL);
	assert_int_equal(conf_read(&f->conf, "/proc", &f->problems), -EINVAL);
	problem_print(&f->problems.items[0], f->text, sizeof(f->text));
	assert_string_equal(f->text,
			    "/nonexistent/x.actor: cannot be read: No such file or directory");
	problem_print(&f->problems.items[1], f->text, sizeof(f->text));
	assert_string_equal(f->text, "/proc: this is not a regular file");
	assert_int_equal(conf_read(&f->conf, "/dev/null", &f->problems), 0);
}

/* Words joined by "|". */
static const char *split(struct fixture *f, const char *value)
{
	const char *error = "?";
	char **words;
	size_t n;

	f->text[0] = '\0';
	if (conf_split(value, &words, &n, &error) < 0)
		return error;
	for (size_t i = 0; i < n; i++)
		snprintf(f->text + strlen(f->text), sizeof(f->text) - strlen(f->text), "%s%s",
			 i ? "|" : "", words[i]);
	texts_free(words, n);
	return f->text;
}

static void words_are_split_at_blanks_outside_quotes(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"one", "one"},
		{" one\ttwo  three ", "one|two|three"},
		{"\"a b\" 'c d' e", "a b|c d|e"},
		{"a\"b c\"d", "ab cd"},
		{"\"\" ''", "|"},
		{"'it\\n' \"it\\n\" it\\tis", "it\\n|it\n|it\tis"},
		{"\\x41\\101\\u00e9\\U0001F600\\s\\\"\\'\\\\",
		 "AA\xc3\xa9\xf0\x9f\x98\x80 \"'\\"},
		{"\\xc3\\xa9", "\xc3\xa9"},
		{"\"open", "a \" is not closed"},
		{"it's", "a ' is not closed; write \\' for an apostrophe"},
		{"\\q", "an unknown escape; write \\\\ for a backslash"},
		{"end\\", "an unknown escape; write \\\\ for a backslash"},
		{"\\x4", "an escape lacks digits"},
		{"\\12", "an escape lacks digits"},
		{"\\x00", "an escape means the NUL character"},
		{"\\777", "an octal escape is over \\377"},
		{"\\ud800", "an escape means no character of Unicode"},
		{"\\U00110000", "an escape means no character of Unicode"},
		{"\\xff", "escapes make up what is not UTF-8"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(split(f, cases[i][0]), cases[i][1]);
}

static void specifiers_stand_for_the_units_names(void **state)
{
	static const struct conf_names names = {"pool@eu", "server", "/var/lib/troupe"};
	const char *at = NULL, *value = "100%% of %N %n %p %i %I %H %S/%N";
	char *expanded;
	char large[LIMIT_CONFIG_LINE + 1];

	(void)state;
	assert_int_equal(conf_expand(value, &names, &expanded, &at), 0);
	assert_string_equal(expanded, "100% of pool@eu pool@eu.actor pool eu eu server "
				      "/var/lib/troupe/pool@eu");
	free(expanded);
	assert_int_equal(conf_expand("", &names, &expanded, &at), 0);
	assert_string_equal(expanded, "");
	free(expanded);
	value = "a %x";
	assert_int_equal(conf_expand(value, &names, &expanded, &at), -EINVAL);
	assert_ptr_equal(at, value + 2);
	value = "a %";
	assert_int_equal(conf_expand(value, &names, &expanded, &at), -EINVAL);
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(conf_expand(large, &names, &expanded, &at), 0);
	free(expanded);
	memcpy(large, "%H", 2);
	assert_int_equal(conf_expand(large, &names, &expanded, &at), -E2BIG);
}

static void problems_are_counted_when_there_are_too_many(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < LIMIT_PROBLEMS + 5; i++)
		assert_int_equal(problems_add(&f->problems, "f\xff", i, "cut\xc3"), -EINVAL);
	assert_int_equal(f->problems.n, LIMIT_PROBLEMS);
	assert_int_equal(f->problems.n_lost, 5);
	/* What is told is UTF-8, whatever it is about. */
	assert_string_equal(f->problems.items[1].file, "f?");
	assert_string_equal(f->problems.items[1].message, "cut?");
	assert_int_equal(problems_add(NULL, "f", 0, "nobody listens"), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(assignments_come_in_order_with_their_lines),
		TEST(line_goes_on_behind_a_backslash),
		TEST(ends_of_line_and_byte_order_mark_are_tolerated),
		TEST(mistake_is_named_with_file_and_line),
		TEST(reading_goes_on_behind_a_mistake),
		TEST(line_and_file_are_refused_when_too_long),
		TEST(file_that_cannot_be_read_is_a_problem),
		TEST(words_are_split_at_blanks_outside_quotes),
		TEST(specifiers_stand_for_the_units_names),
		TEST(problems_are_counted_when_there_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
