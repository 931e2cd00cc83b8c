/* From one version of a type to another; values are written as JSON, on both sides. */

#include "proto/codec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/layout.h"

static struct layout *parse(const char *text)
{
	struct layout *layout;

	assert_int_equal(layout_parse(text, strlen(text), &layout), 0);
	return layout;
}

/* The value `json` of type `from` as type `to`, again as JSON; or the path of what is wrong.
 * Given. */
static int convert(const char *from_text, const char *json, const char *to_text, unsigned flags,
		   char **ret_result)
{
	struct layout *from = parse(from_text), *to = parse(to_text);
	struct codec_error error;
	void *value, *block;
	size_t size;
	int r;

	assert_int_equal(
		json_decode(layout_type(from), json, strlen(json), &value, &size, NULL), 0);
	r = codec_convert(layout_type(from), value, layout_type(to), flags, &block, &size,
			  &error);
	free(value);
	layout_free(from);
	if (r < 0) {
		*ret_result = strdup(error.path);
		assert_true(error.message[0] != '\0');
	} else {
		assert_int_equal(json_encode(layout_type(to), block, ret_result, &size), 0);
		free(block);
	}
	layout_free(to);
	return r;
}

static void assert_becomes(const char *from, const char *json, const char *to,
			   const char *expected)
{
	char *result;

	assert_int_equal(convert(from, json, to, 0, &result), 0);
	assert_string_equal(result, expected);
	free(result);
}

static void assert_refused(const char *from, const char *json, const char *to, const char *path)
{
	char *result;

	assert_int_equal(convert(from, json, to, 0, &result), -EINVAL);
	assert_string_equal(result, path);
	free(result);
}

static void convert_goes_by_name(void **state)
{
	(void)state;
	assert_becomes("(a:int,b:string,c:(x:bool,y:float))",
		       "{\"a\":1,\"b\":\"two\",\"c\":{\"x\":true,\"y\":0.5}}",
		       "(c:(y:float,x:bool),b:string,a:int)",
		       "{\"c\":{\"y\":0.5,\"x\":true},\"b\":\"two\",\"a\":1}");
	assert_becomes("(e:{red,green})", "{\"e\":\"green\"}", "(e:{green,blue,red})",
		       "{\"e\":\"green\"}");
	assert_becomes("(b:binary,o:object,a:address)",
		       "{\"b\":\"AAEC\",\"o\":{\"k\":[1]},\"a\":\"0.1.2.3.4\"}",
		       "(a:address,b:binary,o:object)",
		       "{\"a\":\"0.1.2.3.4\",\"b\":\"AAEC\",\"o\":{\"k\":[1]}}");
	assert_becomes("()", "{}", "()", "{}");
}

static void convert_reaches_into_items_entries_and_optionals(void **state)
{
	(void)state;
	assert_becomes("(l:[](a:int,b:int),m:[string](a:int),o:?(a:bool,b:?()))",
		       "{\"l\":[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}],\"m\":{\"k\":{\"a\":5},"
		       "\"l\":{\"a\":6}},"
		       "\"o\":{\"a\":true,\"b\":{}}}",
		       "(o:?(b:?(),a:bool),m:[string](z:?int,a:int),l:[](b:int,a:int))",
		       "{\"o\":{\"b\":{},\"a\":true},\"m\":{\"k\":{\"a\":5},\"l\":{\"a\":6}},"
		       "\"l\":[{\"b\":2,\"a\":1},{\"b\":4,\"a\":3}]}");
	assert_becomes("(v:int,n:?^0)", "{\"v\":1,\"n\":{\"v\":2,\"n\":{\"v\":3}}}",
		       "(n:?^0,v:int)", "{\"n\":{\"n\":{\"v\":3},\"v\":2},\"v\":1}");
}

static void convert_makes_values_optional_and_present(void **state)
{
	(void)state;
	assert_becomes("(s:string,i:int,e:(),l:[]int)",
		       "{\"s\":\"x\",\"i\":1,\"e\":{},\"l\":[1]}",
		       "(s:?string,i:?int,e:?(),l:?[]int)",
		       "{\"s\":\"x\",\"i\":1,\"e\":{},\"l\":[1]}");
	assert_becomes("(s:?string,i:?int,e:?(),l:[]?int)",
		       "{\"s\":\"x\",\"i\":1,\"e\":{},\"l\":[1,2]}",
		       "(s:string,i:int,e:(),l:[]int)",
		       "{\"s\":\"x\",\"i\":1,\"e\":{},\"l\":[1,2]}");
	assert_refused("(s:?string)", "{}", "(s:string)", "s");
	assert_refused("(l:[]?int)", "{\"l\":[1,null]}", "(l:[]int)", "l[1]");
}

static void convert_leaves_absent_what_is_new(void **state)
{
	(void)state;
	assert_becomes("(a:int)", "{\"a\":1}", "(b:?string,a:int,c:?(x:int))", "{\"a\":1}");
	assert_refused("(a:int)", "{\"a\":1}", "(a:int,b:string)", "b");
	assert_refused("(o:?(l:[](a:int)))", "{\"o\":{\"l\":[{\"a\":1}]}}",
		       "(o:?(l:[](a:int,b:bool)))", "o.l[0].b");
}

static void convert_drops_fields_only_when_told(void **state)
{
	char *result;

	(void)state;
	assert_becomes("(a:int,b:?int)", "{\"a\":1}", "(a:int)", "{\"a\":1}");
	assert_refused("(a:int,b:?int)", "{\"a\":1,\"b\":2}", "(a:int)", "b");
	assert_refused("(m:[string](a:int,b:int))", "{\"m\":{\"k\":{\"a\":1,\"b\":2}}}",
		       "(m:[string](a:int))", "m[\"k\"].b");
	assert_int_equal(convert("(a:int,b:(c:string))", "{\"a\":1,\"b\":{\"c\":\"\"}}",
				 "(a:int)", CODEC_DROP, &result),
			 0);
	assert_string_equal(result, "{\"a\":1}");
	free(result);
}

static void convert_never_reinterprets(void **state)
{
	(void)state;
	assert_refused("(a:int)", "{\"a\":1}", "(a:float)", "a");
	assert_refused("(a:string)", "{\"a\":\"{}\"}", "(a:object)", "a");
	assert_refused("(a:string)", "{\"a\":\"0.0.0.0.0\"}", "(a:address)", "a");
	assert_refused("(a:[]int)", "{\"a\":[]}", "(a:[string]int)", "a");
	assert_refused("(a:{x,y})", "{\"a\":\"y\"}", "(a:{x,z})", "a");
}

static void convert_bounds_what_items_grow_to(void **state)
{
	/* A million items of one byte would become as many of 128. */
	static const char wide[] =
		"(x:[](a:?int,b:?int,c:?int,d:?int,e:?int,f:?int,g:?int,h:?int,"
		"i:?int,j:?int,k:?int,l:?int,m:?int,n:?int,o:?int,p:?int))";
	struct layout *from = parse("(x:[]())"), *to = parse(wide);
	struct {
		const void *items;
		size_t count;
	} value;
	void *items = calloc(1, 1000000), *block;
	size_t size;

	(void)state;
	assert_non_null(items);
	value.items = items;
	value.count = 1000000;
	assert_int_equal(codec_convert(layout_type(from), &value, layout_type(to), 0, &block,
				       &size, NULL),
			 -EMSGSIZE);
	free(items);
	layout_free(from);
	layout_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convert_goes_by_name),
		cmocka_unit_test(convert_reaches_into_items_entries_and_optionals),
		cmocka_unit_test(convert_makes_values_optional_and_present),
		cmocka_unit_test(convert_leaves_absent_what_is_new),
		cmocka_unit_test(convert_drops_fields_only_when_told),
		cmocka_unit_test(convert_never_reinterprets),
		cmocka_unit_test(convert_bounds_what_items_grow_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
