/* The canonical text of types, and its hash. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/layout.h"

static const struct troupe_type bool_type = {.kind = TROUPE_BOOL};
static const struct troupe_type string_type = {.kind = TROUPE_STRING};
static const struct troupe_type binary_type = {.kind = TROUPE_BINARY};
static const struct troupe_type address_type = {.kind = TROUPE_ADDRESS};
static const char *const colours[] = {"red", "green"};
static const struct troupe_type enum_type = {.kind = TROUPE_ENUM, .count = 2, .names = colours};
static const struct troupe_type empty_type = {.kind = TROUPE_STRUCT};
static const struct troupe_type array_type = {.kind = TROUPE_ARRAY, .item = &enum_type};
static const struct troupe_type map_type = {.kind = TROUPE_MAP, .item = &array_type};
static const struct troupe_type optional_type = {.kind = TROUPE_OPTIONAL, .item = &map_type};

static void check(const struct troupe_type *type, const char *expected)
{
	char *text;

	assert_int_equal(layout_print(type, &text), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void layout_prints_every_kind(void **state)
{
	const struct troupe_field fields[] = {
		{.name = "a", .type = &bool_type},   {.name = "b", .type = &optional_type},
		{.name = "c", .type = &binary_type}, {.name = "d", .type = &address_type},
		{.name = "e", .type = &string_type}, {.name = "f", .type = &empty_type},
	};
	const struct troupe_type type = {.kind = TROUPE_STRUCT, .count = 6, .fields = fields};

	(void)state;
	check(&empty_type, "()");
	check(&type, "(a:bool,b:?[string][]{red,green},c:binary,d:address,e:string,f:())");
}

static void layout_refers_to_the_structs_around(void **state)
{
	struct troupe_type outer = {.kind = TROUPE_STRUCT}, inner = {.kind = TROUPE_STRUCT};
	struct troupe_type to_outer = {.kind = TROUPE_OPTIONAL, .item = &outer};
	struct troupe_type to_inner = {.kind = TROUPE_ARRAY, .item = &inner};
	struct troupe_field outer_fields[] = {{.name = "x", .type = &inner},
					      {.name = "y", .type = &inner},
					      {.name = "z", .type = &to_outer}};
	struct troupe_field inner_fields[] = {{.name = "o", .type = &to_outer},
					      {.name = "i", .type = &to_inner}};

	(void)state;
	outer.count = 3;
	outer.fields = outer_fields;
	inner.count = 2;
	inner.fields = inner_fields;
	check(&outer, "(x:(o:?^1,i:[]^0),y:(o:?^1,i:[]^0),z:?^0)");
	check(&inner, "(o:?(x:^1,y:^1,z:?^0),i:[]^0)");
}

/* An array of arrays of ..., n of them, of bool. */
static int print_nested(struct troupe_type *types, size_t n)
{
	char *text;
	int r;

	for (size_t i = 0; i < n; i++) {
		types[i].kind = TROUPE_ARRAY;
		types[i].item = i + 1 < n ? &types[i + 1] : &bool_type;
	}
	r = layout_print(&types[0], &text);
	if (r == 0)
		free(text);
	return r;
}

static void layout_stops_at_its_limits(void **state)
{
	struct troupe_type nested[LAYOUT_DEPTH_MAX + 1] = {0};
	struct troupe_field *fields =
		(struct troupe_field *)calloc(LAYOUT_FIELDS_MAX + 1, sizeof(*fields));
	struct troupe_type type = {
		.kind = TROUPE_STRUCT, .count = LAYOUT_FIELDS_MAX, .fields = fields};
	char long_name[64], *text;

	(void)state;
	assert_non_null(fields);
	assert_int_equal(print_nested(nested, LAYOUT_DEPTH_MAX), 0);
	assert_int_equal(print_nested(nested, LAYOUT_DEPTH_MAX + 1), -E2BIG);

	for (size_t i = 0; i <= LAYOUT_FIELDS_MAX; i++)
		fields[i] = (struct troupe_field){.name = "a", .type = &bool_type};
	assert_int_equal(layout_print(&type, &text), 0);
	free(text);
	type.count++;
	assert_int_equal(layout_print(&type, &text), -E2BIG);

	memset(long_name, 'a', 63);
	long_name[63] = '\0';
	type.count = LAYOUT_TEXT_MAX / 64;
	for (size_t i = 0; i <= LAYOUT_FIELDS_MAX; i++)
		fields[i].name = long_name;
	assert_int_equal(layout_print(&type, &text), -E2BIG);
	free(fields);
}

static void hash_depends_on_all_that_is_hashed(void **state)
{
	const uint64_t hash = layout_hash("io.troupe.hello.Greet", '(', "(name:string)");

	(void)state;
	assert_true(hash == 0x68ede94b981c9c8cull);
	assert_true(hash != layout_hash("io.troupe.hello.Greed", '(', "(name:string)"));
	assert_true(hash != layout_hash("io.troupe.hello.Greet", '>', "(name:string)"));
	assert_true(hash != layout_hash("io.troupe.hello.Greet", '(', "(name:binary)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_prints_every_kind),
		cmocka_unit_test(layout_refers_to_the_structs_around),
		cmocka_unit_test(layout_stops_at_its_limits),
		cmocka_unit_test(hash_depends_on_all_that_is_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
