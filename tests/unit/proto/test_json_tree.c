/* test_json_tree.c - values put together and taken apart piece by piece. */
#include "proto/json_tree.h"

#include "base/cleanup.h"
#include "proto/json.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct json_tree *tree, unsigned indent, const char *expected)
{
	cleanup_free char *text = NULL;
	size_t size;

	assert_int_equal(json_tree_print(tree, indent, &text, &size), 0);
	assert_string_equal(text, expected);
	assert_int_equal(size, strlen(text));
}

static struct json_tree *parse(const char *text)
{
	struct codec_error error;
	struct json_tree *tree = NULL;

	if (json_tree_parse(text, strlen(text), &tree, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	return tree;
}

static void tree_is_printed_in_the_order_it_was_made(void **state)
{
	struct json_tree *tree = json_tree_object(), *inner = json_tree_array();

	(void)state;
	json_tree_append(inner, json_tree_int(INT64_MIN));
	json_tree_append(inner, json_tree_float(-1000));
	json_tree_append(inner, json_tree_null());
	json_tree_append(inner, json_tree_object());
	json_tree_append(inner, json_tree_array());
	json_tree_set(tree, "z\n", inner);
	json_tree_set(tree, "a", json_tree_bool(true));
	json_tree_set_text(tree, "t", "\"\xc3\xa9\"\t");
	json_tree_set_text(tree, "absent", NULL);
	expect(tree, 0,
	       "{\"z\\n\":[-9223372036854775808,-1000.0,null,{},[]],\"a\":true,"
	       "\"t\":\"\\\"\xc3\xa9\\\"\\t\"}");
	expect(tree, 2,
	       "{\n  \"z\\n\": [\n    -9223372036854775808,\n    -1000.0,\n    null,\n    {},\n"
	       "    []\n  ],\n  \"a\": true,\n  \"t\": \"\\\"\xc3\xa9\\\"\\t\"\n}");
	json_tree_free(tree);
}

static void member_is_replaced_found_and_removed(void **state)
{
	struct json_tree *tree = json_tree_object();

	(void)state;
	json_tree_set(tree, "a", json_tree_int(1));
	json_tree_set(tree, "b", json_tree_string("x"));
	json_tree_set(tree, "a", json_tree_bool(false));
	expect(tree, 0, "{\"b\":\"x\",\"a\":false}");
	assert_string_equal(json_tree_text(json_tree_find(tree, "b")), "x");
	assert_true(json_tree_is_literal(json_tree_find(tree, "a"), "false"));
	json_tree_remove(tree, "b");
	json_tree_remove(tree, "b");
	assert_null(json_tree_find(tree, "b"));
	expect(tree, 0, "{\"a\":false}");
	json_tree_free(tree);
}

static void nothing_is_in_what_is_not_there(void **state)
{
	struct json_tree *text = json_tree_string("x");

	(void)state;
	assert_null(json_tree_find(NULL, "a"));
	assert_null(json_tree_find(text, "a"));
	assert_null(json_tree_first(NULL));
	assert_null(json_tree_text(NULL));
	assert_false(json_tree_is(NULL, JSON_TREE_OBJECT));
	assert_false(json_tree_is_literal(text, "x"));
	json_tree_free(text);
	json_tree_free(NULL);
}

static void tree_is_spoilt_when_a_value_could_not_be_made(void **state)
{
	struct json_tree *tree = json_tree_object(), *array = json_tree_array();
	char *text;
	size_t size;

	(void)state;
	json_tree_set(tree, "a", array);
	expect(tree, 0, "{\"a\":[]}");
	json_tree_append(array, NULL);
	assert_int_equal(json_tree_print(tree, 0, &text, &size), -ENOMEM);
	assert_int_equal(json_tree_print(NULL, 0, &text, &size), -ENOMEM);
	json_tree_free(tree);
	tree = json_tree_object();
	json_tree_set(tree, "a", NULL);
	assert_int_equal(json_tree_print(tree, 0, &text, &size), -ENOMEM);
	json_tree_free(tree);
	json_tree_set(NULL, "a", json_tree_int(1));
	json_tree_append(NULL, json_tree_int(1));
}

static void text_is_parsed_and_printed_again(void **state)
{
	static const char *const cases[][2] = {
		{" {\"a\" : [ 1 , {\"b\": \"\\u00e9\\/\"} ] , \"c\":{} }\n",
		 "{\"a\":[1,{\"b\":\"\xc3\xa9/\"}],\"c\":{}}"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"1.50e1", "1.50e1"},
		{"\"\\\"\"", "\"\\\"\""},
		{"null", "null"},
		{"{\"\": {\"\": 0}}", "{\"\":{\"\":0}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_tree *tree = parse(cases[i][0]);

		expect(tree, 0, cases[i][1]);
		json_tree_free(tree);
	}
}

static void text_is_refused_when_it_is_wrong(void **state)
{
	static const char *const cases[][2] = {
		{"", "expected a value"},
		{"{\"a\":1,\"b\":{\"a\":1,\"\\u0061\":2}}", "the key \"a\" twice"},
		{"[\"\\u0000\"]", "U+0000"},
		{"{\"a\\u0000\":1}", "U+0000"},
		{"[1,]", "expected a value"},
		{"{} {}", "expected the end"},
	};
	char deep[2 * (JSON_DEPTH_MAX + 2)]; /* the innermost is empty, and no level */
	struct json_tree *tree;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct codec_error error;

		assert_int_equal(
			json_tree_parse(cases[i][0], strlen(cases[i][0]), &tree, &error),
			-EINVAL);
		assert_non_null(strstr(error.message, cases[i][1]));
	}
	memset(deep, '[', sizeof(deep) / 2);
	memset(deep + sizeof(deep) / 2, ']', sizeof(deep) / 2);
	assert_int_equal(json_tree_parse(deep, sizeof(deep), &tree, NULL), -E2BIG);
	assert_int_equal(json_tree_parse(deep + 1, sizeof(deep) - 2, &tree, NULL), 0);
	json_tree_free(tree);
}

static void members_are_walked_and_moved(void **state)
{
	struct json_tree *tree = parse("{\"a\":1,\"b\":[2,3]}");
	struct json_tree *list = json_tree_find(tree, "b"), *more = parse("[4,[5]]");
	char keys[8] = "";

	(void)state;
	json_tree_foreach(member, tree) strcat(keys, json_tree_key(member));
	assert_string_equal(keys, "ab");
	json_tree_extend(list, more);
	expect(more, 0, "[]");
	json_tree_free(more);
	expect(tree, 0, "{\"a\":1,\"b\":[2,3,4,[5]]}");
	json_tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_is_printed_in_the_order_it_was_made),
		cmocka_unit_test(member_is_replaced_found_and_removed),
		cmocka_unit_test(nothing_is_in_what_is_not_there),
		cmocka_unit_test(tree_is_spoilt_when_a_value_could_not_be_made),
		cmocka_unit_test(text_is_parsed_and_printed_again),
		cmocka_unit_test(text_is_refused_when_it_is_wrong),
		cmocka_unit_test(members_are_walked_and_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
