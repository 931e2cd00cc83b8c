/* JSON text: looked at, and picked from. */
#include "proto/json.h"

#include "tests/unit/proto/json_texts.h"
#include <errno.h>
#include <stdbool.h>

static int scan(const char *text)
{
	return json_scan(text, strlen(text), NULL);
}

static void scan_takes_what_the_grammar_takes(void **state)
{
	static const char *const good[] = {
		"{}",
		" [ ] ",
		"null",
		"true",
		"false",
		"0",
		"-0",
		"10.5e+3",
		"1E-2",
		"\"\"",
		"\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		"\"\xc3\xa9\"",
		"{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}",
		"\t\r\n[1 , 2]\n",
		"\"\\u0000\"",
		"123456789012345678901234567890",
	};
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[1,]",
		"[,1]",
		"{\"a\"}",
		"{\"a\":}",
		"{a:1}",
		"{\"a\":1,}",
		"nul",
		"True",
		"01",
		"-",
		"1.",
		".5",
		"1e",
		"1e+",
		"+1",
		"0x1",
		"\"",
		"\"\\\"",
		"\"\\x\"",
		"\"\\u12g4\"",
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\ud800\\u0041\"",
		"\"\n\"",
		"\"\xff\"",
		"\"\xed\xa0\x80\"",
		"[1 2]",
		"[1] x",
		"{} {}",
		"[}",
		"{]",
		"NaN",
		"Infinity",
		"'a'",
		"[1]]",
		"// x\n1",
		"\xef\xbb\xbf{}",
	};

	(void)state;
	for (size_t i = 0; i < LEN(good); i++)
		assert_int_equal(scan(good[i]), 0);
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(scan(bad[i]), -EINVAL);
	assert_int_equal(json_scan(NULL, 0, NULL), -EINVAL);
	assert_int_equal(json_scan("1\0", 2, NULL), -EINVAL);
}

static void scan_says_what_is_wrong_and_where(void **state)
{
	struct codec_error error;

	(void)state;
	assert_int_equal(json_scan("{\"a\":1 \"b\"}", 11, &error), -EINVAL);
	assert_string_equal(error.message, "expected ',' or '}' at byte 7");
	assert_int_equal(json_scan("{\"a\"", 4, &error), -EINVAL);
	assert_string_equal(error.message, "expected ':' at byte 4, found the end");
}

static void scan_refuses_text_nested_too_deep(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *open = i ? "{\"a\":" : "[", *close = i ? "}" : "]";
		char *fits = nest(open, close, JSON_DEPTH_MAX);
		char *deep = nest(open, close, JSON_DEPTH_MAX + 2);

		assert_int_equal(scan(fits), i ? -EINVAL : 0);
		assert_int_equal(scan(deep), -E2BIG);
		free(fits);
		free(deep);
	}
}

static void scan_counts_values(void **state)
{
	size_t size;
	char *text = repeat("0", JSON_VALUES_MAX - 1, &size);

	(void)state;
	assert_int_equal(json_scan(text, size, NULL), 0);
	free(text);
	text = repeat("0", JSON_VALUES_MAX, &size);
	assert_int_equal(json_scan(text, size, NULL), -E2BIG);
	free(text);
}

static void pick_finds_top_level_keys_as_they_were_written(void **state)
{
	static const char *const keys[] = {"method", "parameters", "more", "oneway"};
	static const char text[] =
		" {\"more\" : true, \"param\\u0065ters\":{\"more\":1, \"x\":[ ]},"
		"\"other\":0,\"method\":\"a.b.C\"} ";
	struct json_span spans[4];

	(void)state;
	assert_int_equal(json_pick(text, strlen(text), keys, 4, spans, NULL), 0);
	assert_int_equal(spans[0].size, 7);
	assert_memory_equal(spans[0].at, "\"a.b.C\"", 7);
	assert_memory_equal(spans[1].at, "{\"more\":1, \"x\":[ ]}", spans[1].size);
	assert_int_equal(spans[1].size, 19);
	assert_true(json_span_is(spans[2], "true"));
	assert_null(spans[3].at);
	assert_false(json_span_is(spans[3], "true"));
}

static void pick_refuses_what_is_no_object_of_unique_keys(void **state)
{
	static const char *const keys[] = {"a"};
	static const char *const bad[] = {
		"[]",
		"1",
		"",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"{\"a\":1",
		"{\"a\":1} x",
		"{\"a\":[}",
		"{\"b\":\"\\x\"}",
		"{\"a\" 1}",
	};
	struct json_span span;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(json_pick(bad[i], strlen(bad[i]), keys, 1, &span, NULL),
				 -EINVAL);
	assert_int_equal(json_pick("{\"b\":1,\"b\":2}", 13, keys, 1, &span, NULL), 0);
}

static int unquote(const char *text, char *buffer, size_t size)
{
	return json_unquote((struct json_span){text, strlen(text)}, buffer, size);
}

static void unquote_undoes_escapes(void **state)
{
	char buffer[32];

	(void)state;
	assert_int_equal(unquote("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", buffer, sizeof(buffer)),
			 0);
	assert_string_equal(buffer, "a\"\\/\b\f\n\r\tz");
	assert_int_equal(
		unquote("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", buffer, sizeof(buffer)), 0);
	assert_string_equal(buffer, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_int_equal(unquote("\"\"", buffer, 1), 0);
	assert_string_equal(buffer, "");
}

static void unquote_takes_the_texts_own_memory(void **state)
{
	static const char *const texts[] = {"\"plain\"", "\"a\\nb\"",
					    "\"\\ud83d\\ude00-\\u00e9x\"", "\"\""};
	char copy[32], buffer[32];

	(void)state;
	for (size_t i = 0; i < LEN(texts); i++) {
		size_t size = strlen(texts[i]);

		memcpy(copy, texts[i], size + 1);
		assert_int_equal(unquote(texts[i], buffer, sizeof(buffer)), 0);
		assert_int_equal(
			json_unquote((struct json_span){copy, size}, copy + 1, size - 1), 0);
		assert_string_equal(copy + 1, buffer);
	}
}

static void unquote_refuses_other_values_and_small_buffers(void **state)
{
	static const char *const bad[] = {"", "1", "\"", "\"a", "a\"", "\"\\u0000\"", "\"\\\""};
	char buffer[4];

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(unquote(bad[i], buffer, sizeof(buffer)), -EINVAL);
	assert_int_equal(json_unquote((struct json_span){0}, buffer, 4), -EINVAL);
	assert_int_equal(unquote("\"abc\"", buffer, 4), 0);
	assert_int_equal(unquote("\"abcd\"", buffer, 4), -ENOBUFS);
	assert_int_equal(unquote("\"ab\\n\"", buffer, 3), -ENOBUFS);
	assert_int_equal(unquote("\"\"", buffer, 0), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scan_takes_what_the_grammar_takes),
		cmocka_unit_test(scan_says_what_is_wrong_and_where),
		cmocka_unit_test(scan_refuses_text_nested_too_deep),
		cmocka_unit_test(scan_counts_values),
		cmocka_unit_test(pick_finds_top_level_keys_as_they_were_written),
		cmocka_unit_test(pick_refuses_what_is_no_object_of_unique_keys),
		cmocka_unit_test(unquote_undoes_escapes),
		cmocka_unit_test(unquote_takes_the_texts_own_memory),
		cmocka_unit_test(unquote_refuses_other_values_and_small_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
