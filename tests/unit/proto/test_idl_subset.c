/* test_idl_subset.c - which interfaces varlinkctl can read, and where it stops in the
 * others. */
#include "proto/idl_subset.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOP "interface a.b\n"

static int check(const char *text, struct idl_error *error)
{
	struct idl *idl = NULL;
	int r;

	if (idl_parse(text, strlen(text), &idl, error) < 0)
		fail_msg("%u:%u: %s", error->line, error->column, error->message);
	r = idl_subset_check(idl, error);
	idl_free(idl);
	return r;
}

static void what_sd_varlink_takes_is_in_the_subset(void **state)
{
	static const char *const good[] = {
		TOP "method M() -> ()\nerror E ()\n",
		"interface a.b-c-d\r\n# one\r\nmethod M() -> ()\r\n",
		"# one\n\n# two\ninterface a.b # three\n# four\ntype T (a: int)\n",
		TOP "type T (\n# first\n# still\na: ?[]string, # second\nb: [string]Other,\nc: "
		    "(x, y)\n)\n"
		    "type Other (d: ?[string](e: ?object))\n",
		TOP "method M(# in\na: int) -> (\n  # out\n  b: []float)\n# last\n",
		TOP "type E (# first\none,\n# second\ntwo)\ntype S (e: E , f :bool)\n",
	};
	struct idl_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (check(good[i], &error) < 0)
			fail_msg("%zu: %u:%u: %s", i, error.line, error.column, error.message);
}

static void what_it_refuses_is_found_where_it_stands(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *message;
	} bad[] = {
		{TOP "type T (a: [][]int)\n", 2, 14, "inside of an array"},
		{TOP "type T (a: []?int)\n", 2, 14, "inside of an array"},
		{TOP "type T (a: ?[string][]int)\n", 2, 21, "inside of an array"},
		{TOP "type T (a: ? int)\n", 2, 13, "blanks"},
		{TOP "type T ()\n", 2, 9, "() as a type"},
		{TOP "type T (a: [string]())\n", 2, 21, "() as a type"},
		{TOP "method M(a: ()) -> ()\n", 2, 14, "() as a type"},
		{TOP "type T (a: int # behind\n)\n", 2, 16, "a comment"},
		{TOP "type T (a: int # behind\n, b: int)\n", 2, 16, "a comment"},
		{TOP "type T (a: # before\nint)\n", 2, 12, "a comment"},
		{TOP "type E (a, b # behind\n)\n", 2, 14, "a comment"},
		{TOP "method M() # and\n-> ()\n", 2, 12, "a comment"},
		{TOP "method M # and\n() -> ()\n", 2, 10, "a comment"},
		{TOP "# one\rtwo\nmethod M() -> ()\n", 2, 6, "a carriage return"},
		{"# interface a.b--c\ninterface\n a.b--c\nmethod M() -> ()\n", 3, 5,
		 "two dashes"},
	};
	struct idl_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (check(bad[i].text, &error) != -EINVAL)
			fail_msg("taken: %s", bad[i].text);
		if (error.line != bad[i].line || error.column != bad[i].column ||
		    !strstr(error.message, bad[i].message))
			fail_msg("%zu: %u:%u: %s", i, error.line, error.column, error.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_sd_varlink_takes_is_in_the_subset),
		cmocka_unit_test(what_it_refuses_is_found_where_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
