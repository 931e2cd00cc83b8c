/* test_assign.c - keys with dots to places, texts to values; what both tell when they are
 * wrong. */
#include "proto/assign.h"

#include "base/cleanup.h"
#include "proto/layout.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char layout_text[] =
	"(name:string,on:?bool,n:int,f:float,e:?{red,green},b:binary,a:address,o:?object,"
	"list:[]int,map:[string]int,deep:?[string](inner:?(n:int)),self:?^0)";

static int setup(void **state)
{
	struct layout *layout = NULL;
	int r = layout_parse(layout_text, strlen(layout_text), &layout);

	*state = layout;
	return r;
}

static int teardown(void **state)
{
	layout_free(*state);
	return 0;
}

/* The tree after a key was followed in an empty object, '=' and the kind of what is there; or
 * the fault. */
static void expect(const struct troupe_type *type, const char *key, unsigned flags,
		   const char *expected)
{
	struct json_tree *root = json_tree_object();
	cleanup_free char *text = NULL, *whole = NULL;
	struct assign_place place;
	struct assign_fault fault;
	size_t size;
	int r = assign_find(root, type, key, flags, &place, &fault);

	if (r == 0) {
		assert_int_equal(json_tree_print(root, 0, &text, &size), 0);
		assert_true(asprintf(&whole, "%s %s %d", text, place.name,
				     place.type ? (int)assign_plain_type(place.type)->kind
						: 0) > 0);
		free(place.name);
	} else {
		assert_int_equal(r, -EINVAL);
		assert_true(asprintf(&whole, "fault %d %s", (int)fault.what, fault.name) > 0);
	}
	assert_string_equal(whole, expected);
	json_tree_free(root);
}

static void key_leads_to_a_member(void **state)
{
	const struct troupe_type *type = layout_type(*state);

	expect(type, "n", 0, "{} n 2");
	expect(type, "NAME", 0, "{} name 4");
	expect(type, "map.a.b", 0, "{\"map\":{}} a.b 2");
	expect(type, "Deep.X.Inner.N", 0, "{\"deep\":{\"X\":{\"inner\":{}}}} n 2");
	expect(type, "self.self.on", 0, "{\"self\":{\"self\":{}}} on 1");
	expect(type, "o.a.b", ASSIGN_INTO_OBJECTS, "{\"o\":{\"a\":{}}} b 0");
	expect(NULL, "a.b", 0, "{\"a\":{}} b 0");
}

static void key_is_refused_when_it_leads_nowhere(void **state)
{
	const struct troupe_type *type = layout_type(*state);
	struct json_tree *root = json_tree_object();
	struct assign_place place;
	struct assign_fault fault;
	char key[2 * CODEC_DEPTH_MAX + 8] = "a";

	expect(type, "nam", 0, "fault 0 nam");
	expect(type, "self.nothing.x", 0, "fault 0 nothing");
	expect(type, "n.x", 0, "fault 1 n");
	expect(type, "o.x", 0, "fault 1 o");
	expect(type, "", 0, "fault 2 ");
	expect(type, "self..n", 0, "fault 2 ");
	expect(type, "map.", 0, "fault 2 ");
	for (unsigned i = 1; i < CODEC_DEPTH_MAX; i++)
		strcat(key, ".a");
	assert_int_equal(assign_find(root, NULL, key, 0, &place, &fault), 0);
	free(place.name);
	strcat(key, ".a");
	expect(NULL, key, 0, "fault 3 ");
	assert_int_equal(assign_find(root, type, "nam", 0, &place, &fault), -EINVAL);
	assert_string_equal(assign_nearest(&fault), "name");
	assert_int_equal(assign_find(root, type, "zzzzzz", 0, &place, &fault), -EINVAL);
	assert_null(assign_nearest(&fault));
	json_tree_free(root);
}

static void text_is_a_value_by_its_type(void **state)
{
	static const struct {
		const char *field, *text, *expected;
	} cases[] = {
		{"name", "\"q\"", "\"\\\"q\\\"\""},
		{"on", "yes", "true"},
		{"n", "-9223372036854775808", "-9223372036854775808"},
		{"n", "64K", "65536"},
		{"n", "9223372036854775808",
		 "must be from -9223372036854775808 to 9223372036854775807"},
		{"n", "9e99", "must be a whole number, like 80 or 64K"},
		{"f", "-1e3", "-1000.0"},
		{"f", "1e999", "is out of the range of numbers"},
		{"f", "0x10", "must be a number, like 0.5"},
		{"e", "green", "\"green\""},
		{"e", "gren", "there is no such choice; did you mean green?"},
		{"e", "blue", "must be one of red, green"},
		{"b", "aGVsbG8=", "\"aGVsbG8=\""},
		{"b", "aGVsbG9=", "must be base64"},
		{"a", "0.1.1.17.3", "\"0.1.1.17.3\""},
		{"a", "0.1.1.017.3", "must be an address, like 0.1.1.17.3"},
		{"o", " [ 1 ] ", "[1]"},
		{"list", "[1",
		 "must be JSON text: expected ',' or ']' at byte 2, found the end"},
	};
	const struct troupe_type *type = layout_type(*state);
	struct assign_place place;
	struct assign_fault fault;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_tree *root = json_tree_object(), *value = NULL;
		char why[ASSIGN_WHY_MAX];
		cleanup_free char *text = NULL;
		size_t size;

		assert_int_equal(assign_find(root, type, cases[i].field, 0, &place, &fault), 0);
		free(place.name);
		if (assign_value(place.type, cases[i].text, &value, why) == 0) {
			assert_int_equal(json_tree_print(value, 0, &text, &size), 0);
			assert_string_equal(text, cases[i].expected);
		} else {
			assert_string_equal(why, cases[i].expected);
		}
		json_tree_free(value);
		json_tree_free(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_leads_to_a_member),
		cmocka_unit_test(key_is_refused_when_it_leads_nowhere),
		cmocka_unit_test(text_is_a_value_by_its_type),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
