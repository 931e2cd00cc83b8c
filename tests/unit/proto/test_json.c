/* JSON text as typed values, of types built from their layouts. */
#include "proto/json.h"

#include "proto/layout.h"
#include "tests/unit/proto/json_texts.h"
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <stdbool.h>
#include <time.h>

/* JSON text: looked at, picked from, and as typed values (of types built from their
 * layouts). */

/* That this process has computed for. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct layout *parse_layout(const char *text)
{
	struct layout *layout;

	assert_int_equal(layout_parse(text, strlen(text), &layout), 0);
	return layout;
}

/* Decode `text` as `layout` and print it again; the result, or the error's path and message,
 * given. */
static int convert(const char *layout_text, const char *text, char **ret_text)
{
	struct layout *layout = parse_layout(layout_text);
	const struct troupe_type *type = layout_type(layout);
	struct codec_error error, checked;
	size_t size, text_size;
	void *block;
	int r = json_decode(type, text, strlen(text), &block, &size, &error);

	assert_int_equal(json_check(type, text, strlen(text), &checked), r);
	if (r < 0) {
		assert_string_equal(checked.path, error.path);
		assert_string_equal(checked.message, error.message);
	}
	if (r == 0) {
		assert_int_equal(json_encode(type, block, ret_text, &text_size), 0);
		assert_int_equal(strlen(*ret_text), text_size);
		free(block);
	} else {
		assert_true(asprintf(ret_text, "%s: %s", error.path, error.message) > 0);
	}
	layout_free(layout);
	return r;
}

static void assert_becomes(const char *layout, const char *text, const char *expected)
{
	char *result;
	int r = convert(layout, text, &result);

	assert_string_equal(result, expected);
	assert_int_equal(r, 0);
	free(result);
}

static void assert_refused(const char *layout, const char *text, const char *path)
{
	char *result;

	assert_int_equal(convert(layout, text, &result), -EINVAL);
	assert_memory_equal(result, path, strlen(path));
	assert_int_equal(result[strlen(path)], ':');
	free(result);
}

/* Also what is no struct, like one item of a list in a configuration. */
static void check_takes_a_value_of_any_kind(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[][3] = {
		{{"[1,2]", 0}, {"[]", 0}, {"[1,\"x\"]", -EINVAL}},
		{{"{\"a\":{\"b\":1}}", 0}, {"{}", 0}, {"{\"a\":{}}", -EINVAL}},
		{{"{\"any\":[1]}", 0}, {"[null]", 0}, {"{", -EINVAL}},
		{{"\"y\"", 0}, {"\"x\"", 0}, {"\"z\"", -EINVAL}},
		{{"null", 0}, {"1.5", 0}, {"\"1\"", -EINVAL}},
		{{"\"a\"", 0}, {"\"\"", 0}, {"1", -EINVAL}},
	};
	struct layout *layout =
		parse_layout("(a:[]int,m:[string](b:int),o:object,e:{x,y},f:?float,s:string)");
	const struct troupe_type *type = layout_type(layout);

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		for (size_t j = 0; j < LEN(cases[i]); j++)
			assert_int_equal(json_check(type->fields[i].type, cases[i][j].text,
						    strlen(cases[i][j].text), NULL),
					 cases[i][j].result);
	layout_free(layout);
}

static void decode_reads_each_kind(void **state)
{
	(void)state;
	assert_becomes("(b:bool,i:int)", "{\"i\":-9223372036854775808,\"b\":true}",
		       "{\"b\":true,\"i\":-9223372036854775808}");
	assert_becomes("(i:int)", "{\"i\":9223372036854775807}", "{\"i\":9223372036854775807}");
	assert_becomes("(i:int)", "{\"i\":-0}", "{\"i\":0}");
	assert_becomes("(f:[]float)", "{\"f\":[1,0.1,-2.5e-3,1e300,5e-324,-0.0]}",
		       "{\"f\":[1.0,0.1,-0.0025,1e+300,4.94065645841247e-324,-0.0]}");
	assert_becomes("(s:string)", "{\"s\":\"a\\u0001\\n\\u00e9\\\\\"}",
		       "{\"s\":\"a\\u0001\\n\xc3\xa9\\\\\"}");
	assert_becomes("(b:[]binary)", "{\"b\":[\"\",\"AA==\",\"AAE=\",\"AAEC\",\"+/8=\"]}",
		       "{\"b\":[\"\",\"AA==\",\"AAE=\",\"AAEC\",\"+/8=\"]}");
	assert_becomes("(a:address)", "{\"a\":\"0.2.1.4711.3\"}", "{\"a\":\"0.2.1.4711.3\"}");
	assert_becomes("(e:{red,green})", "{\"e\":\"gr\\u0065en\"}", "{\"e\":\"green\"}");
	assert_becomes("(m:[string]int)", "{\"m\":{\"b\":1,\"\":3,\"a\":2}}",
		       "{\"m\":{\"\":3,\"a\":2,\"b\":1}}");
	assert_becomes("(a:[]?int,m:[string]?())",
		       "{\"a\":[null,1],\"m\":{\"k\":null,\"l\":{}}}",
		       "{\"a\":[null,1],\"m\":{\"k\":null,\"l\":{}}}");
	assert_becomes("(n:?(v:int,n:?^0))", "{\"n\":{\"v\":1,\"n\":{\"v\":2}}}",
		       "{\"n\":{\"v\":1,\"n\":{\"v\":2}}}");
	assert_becomes("(a:?string,b:?object,c:?[]int)", "{\"a\":null,\"c\":null}", "{}");
	assert_becomes("()", "", "{}");
	assert_becomes("()", " { } ", "{}");
}

static void decode_takes_whole_numbers_for_int_however_written(void **state)
{
	static const char *const numbers[][2] = {
		{"1.0", "1"},
		{"1e3", "1000"},
		{"1.50E1", "15"},
		{"1500e-2", "15"},
		{"-0.0", "0"},
		{"0e999999999999", "0"},
		{"0.001e+3", "1"},
		{"100.000", "100"},
		{"9007199254740993.0", "9007199254740993"},
		{"9223372036854775807.0", "9223372036854775807"},
		{"-9.223372036854775808e18", "-9223372036854775808"},
	};
	char text[128], expected[128];

	(void)state;
	for (size_t i = 0; i < LEN(numbers); i++) {
		snprintf(text, sizeof(text), "{\"i\":%s}", numbers[i][0]);
		snprintf(expected, sizeof(expected), "{\"i\":%s}", numbers[i][1]);
		assert_becomes("(i:int)", text, expected);
	}
}

static void decode_keeps_objects_as_they_are(void **state)
{
	(void)state;
	assert_becomes(
		"(o:object)",
		"{\"o\": { \"big\" : 123456789012345678901234567890 ,\n \"s\\\"\":\" a \\\\\" "
		"} }",
		"{\"o\":{\"big\":123456789012345678901234567890,\"s\\\"\":\" a \\\\\"}}");
	/* Whatever they are. */
	assert_becomes("(o:[]object)", "{\"o\":[[ 1, 2 ], null , \"a b\",1.50 ,true,{ },-0]}",
		       "{\"o\":[[1,2],null,\"a b\",1.50,true,{},-0]}");
	assert_becomes("(o:?object)", "{\"o\":null}", "{}");
	assert_becomes("(o:?object)", "{\"o\":5}", "{\"o\":5}");
}

/* They are copied once: into the block. */
static void read_leaves_strings_in_the_text(void **state)
{
	char text[] = "{\"b\":\"a\\u00e9\\nz\",\"a\":\"plain\",\"l\":[\"\",\"x\"]}";
	struct layout *layout = parse_layout("(a:string,b:?string,l:[]string)");
	struct json_value value = {0};
	const struct {
		const char *a, *b;
		const char *const *items;
		size_t n_items;
	} * read;

	(void)state;
	assert_int_equal(json_read(layout_type(layout), text, strlen(text), &value, NULL), 0);
	read = value.value;
	assert_string_equal(read->a, "plain");
	assert_string_equal(read->b, "a\xc3\xa9\nz");
	assert_int_equal(read->n_items, 2);
	assert_string_equal(read->items[0], "");
	assert_string_equal(read->items[1], "x");
	for (const char *const *at = (const char *const[]){read->a, read->b, read->items[0],
							   read->items[1], NULL};
	     *at; at++)
		assert_true(*at > text && *at < text + sizeof(text));
	json_value_fini(&value);
	layout_free(layout);
}

static void decode_names_the_field_at_fault(void **state)
{
	(void)state;
	assert_refused("(s:string)", "{\"s\":5}", "s");
	assert_refused("(s:string)", "{\"s\":null}", "s");
	assert_refused("(s:string)", "{}", "s");
	assert_refused("(s:string)", "{\"s\":\"\",\"t\":1}", "t");
	assert_refused("(s:string)", "{\"s\":\"a\\u0000\"}", "s");
	assert_refused("(s:?string)", "{\"s\":\"\",\"s\":\"\"}", "s");
	assert_refused("(s:?string)", "{\"s\":null,\"\\u0073\":\"\"}", "s");
	assert_refused("(i:int)", "{\"i\":1.5}", "i");
	assert_refused("(i:int)", "{\"i\":15e-1}", "i");
	assert_refused("(i:int)", "{\"i\":1e-400}", "i");
	assert_refused("(i:int)", "{\"i\":1e19}", "i");
	assert_refused("(i:int)", "{\"i\":1e4000000000000000000000}", "i");
	assert_refused("(i:int)", "{\"i\":9223372036854775808.0}", "i");
	assert_refused("(i:int)", "{\"i\":9223372036854775808}", "i");
	assert_refused("(i:int)", "{\"i\":-9223372036854775809}", "i");
	assert_refused("(i:int)", "{\"i\":\"1\"}", "i");
	assert_refused("(f:float)", "{\"f\":1e999}", "f");
	assert_refused("(b:bool)", "{\"b\":0}", "b");
	assert_refused("(e:{a,b})", "{\"e\":\"c\"}", "e");
	assert_refused("(e:{a,b})", "{\"e\":0}", "e");
	assert_refused("(a:address)", "{\"a\":\"1.2.3\"}", "a");
	assert_refused("(items:[](name:string))", "{\"items\":[{\"name\":\"\"},{\"name\":1}]}",
		       "items[1].name");
	assert_refused("(m:[string](v:int))", "{\"m\":{\"k\":{\"v\":\"\"}}}", "m[\"k\"].v");
	assert_refused("(m:[string]int)", "{\"m\":{\"k\":1,\"\\u006b\":1}}", "m[\"k\"]");
	assert_refused("(o:?(p:(q:int)))", "{\"o\":{\"p\":{}}}", "o.p.q");
	assert_refused("(a:[]int)", "{\"a\":{}}", "a");
	assert_refused("(a:int)", "[]", "");
	assert_refused("(a:int)", "{\"a\":1}}", "");
}

static void decode_refuses_base64_but_the_canonical(void **state)
{
	static const char *const bad[] = {
		"A",    "AA",       "AAA",  "AA=",  "A===",  "====", "AB==",
		"AAB=", "AA==AAAA", "AA= ", "A-_=", "AAAA=", "=AAA"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		snprintf(text, sizeof(text), "{\"b\":\"%s\"}", bad[i]);
		assert_refused("(b:binary)", text, "b");
	}
}

static void decode_bounds_the_depth_of_objects(void **state)
{
	/* So that whatever encodes can be decoded: 30 levels of the object, 32 of the type. */
	struct layout *layout = parse_layout("(o:object)");
	struct codec_error error;
	size_t size;
	void *block;

	(void)state;
	for (size_t n = 29; n <= 30; n++) {
		char *inner = nest("[", "]", n);
		char *text;

		assert_true(asprintf(&text, "{\"o\":{\"a\":[%s]}}", inner) > 0);
		assert_int_equal(json_decode(layout_type(layout), text, strlen(text), &block,
					     &size, &error),
				 n == 29 ? 0 : -E2BIG);
		if (n == 29)
			free(block);
		free(inner);
		free(text);
	}
	layout_free(layout);
}

static void decode_refuses_many_values_before_spending_memory(void **state)
{
	struct layout *layout = parse_layout("(a:[](s:?string))");
	size_t size, block_size, before;
	char *list = repeat("{}", 5500000, &size);
	double start = seconds();
	void *block;
	char *text;

	(void)state;
	assert_true(asprintf(&text, "{\"a\":%s}", list) > 0);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	assert_int_equal(
		json_decode(layout_type(layout), text, strlen(text), &block, &block_size, NULL),
		-E2BIG);
	assert_true(seconds() - start < 2.0);
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd <= before + 4096);
	free(list);
	free(text);
	layout_free(layout);
}

static void decode_refuses_values_that_exceed_a_block(void **state)
{
	/* Three bytes of text to 128 of the type. */
	static const char item[] = "(a:?int,b:?int,c:?int,d:?int,e:?int,f:?int,g:?int,h:?int,"
				   "i:?int,j:?int,k:?int,l:?int,m:?int,n:?int,o:?int,p:?int)";
	struct layout *layout;
	size_t size, block_size;
	char *list = repeat("{}", 200000, &size), *text;
	void *block;

	(void)state;
	assert_true(asprintf(&text, "(x:[]%s)", item) > 0);
	layout = parse_layout(text);
	free(text);
	assert_true(asprintf(&text, "{\"x\":%s}", list) > 0);
	assert_int_equal(
		json_decode(layout_type(layout), text, strlen(text), &block, &block_size, NULL),
		-EMSGSIZE);
	free(list);
	free(text);
	layout_free(layout);
}

static void encode_refuses_a_value_that_breaks_its_type(void **state)
{
	struct layout *layout = parse_layout("(s:string)");
	const char *value = NULL;
	char *text;
	size_t size;

	(void)state;
	assert_int_equal(json_encode(layout_type(layout), &value, &text, &size), -EINVAL);
	layout_free(layout);
}

static void floats_do_not_depend_on_the_locale(void **state)
{
	(void)state;
	/* Not all systems have it; the test then only repeats the others. */
	setlocale(LC_ALL, "de_DE.UTF-8");
	assert_becomes("(f:float)", "{\"f\":2.5}", "{\"f\":2.5}");
	setlocale(LC_ALL, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_takes_a_value_of_any_kind),
		cmocka_unit_test(decode_reads_each_kind),
		cmocka_unit_test(decode_keeps_objects_as_they_are),
		cmocka_unit_test(decode_takes_whole_numbers_for_int_however_written),
		cmocka_unit_test(read_leaves_strings_in_the_text),
		cmocka_unit_test(decode_names_the_field_at_fault),
		cmocka_unit_test(decode_refuses_base64_but_the_canonical),
		cmocka_unit_test(decode_bounds_the_depth_of_objects),
		cmocka_unit_test(decode_refuses_many_values_before_spending_memory),
		cmocka_unit_test(decode_refuses_values_that_exceed_a_block),
		cmocka_unit_test(encode_refuses_a_value_that_breaks_its_type),
		cmocka_unit_test(floats_do_not_depend_on_the_locale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
