/* Types built from layout text: the C compiler's own layout is the measure. */

#include "proto/layout.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/idl.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

struct span {
	const void *items;
	size_t count;
};

struct inner {
	bool b;
	struct troupe_address a;
};

struct all {
	bool b;
	int64_t i;
	bool c;
	double f;
	const char *s;
	struct troupe_binary n;
	bool d;
	struct troupe_address a;
	const char *o;
	enum { ONE, TWO } e;
	struct inner st;
	bool g;
	char empty; /* () */
	struct span ar;
	struct span m;
	const bool *op;
};

struct inner_entry {
	const char *key;
	struct inner value;
};

static const char all_text[] =
	"(b:bool,i:int,c:bool,f:float,s:string,n:binary,d:bool,a:address,o:object,e:{one,two},"
	"st:(b:bool,a:address),g:bool,empty:(),ar:[](b:bool,a:address),"
	"m:[string](b:bool,a:address),op:?bool)";

static struct layout *parse(const char *text)
{
	struct layout *layout;

	assert_int_equal(layout_parse(text, strlen(text), &layout), 0);
	return layout;
}

static const struct troupe_field *field(const struct troupe_type *type, const char *name)
{
	for (uint32_t i = 0; i < type->count; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return &type->fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

static void assert_refused(const char *text)
{
	struct layout *layout;

	if (layout_parse(text, strlen(text), &layout) != -EINVAL)
		fail_msg("taken: %.60s", text);
}

static void parse_lays_structs_out_as_the_compiler_does(void **state)
{
	struct layout *layout = parse(all_text);
	const struct troupe_type *type = layout_type(layout);
	const struct troupe_type *items;

	(void)state;
#define ASSERT_FIELD(name)                                                                     \
	assert_int_equal(field(type, #name)->offset, offsetof(struct all, name))
	ASSERT_FIELD(b);
	ASSERT_FIELD(i);
	ASSERT_FIELD(c);
	ASSERT_FIELD(f);
	ASSERT_FIELD(s);
	ASSERT_FIELD(n);
	ASSERT_FIELD(d);
	ASSERT_FIELD(a);
	ASSERT_FIELD(o);
	ASSERT_FIELD(e);
	ASSERT_FIELD(st);
	ASSERT_FIELD(g);
	ASSERT_FIELD(empty);
	ASSERT_FIELD(ar);
	ASSERT_FIELD(m);
	ASSERT_FIELD(op);
#undef ASSERT_FIELD
	assert_int_equal(type->size, sizeof(struct all));
	assert_int_equal(type->align, _Alignof(struct all));
	assert_int_equal(field(type, "empty")->type->size, 0);
	items = field(type, "ar")->type;
	assert_int_equal(items->stride, sizeof(struct inner));
	assert_int_equal(items->entry_align, _Alignof(struct inner));
	items = field(type, "m")->type;
	assert_int_equal(items->stride, sizeof(struct inner_entry));
	assert_int_equal(items->value_offset, offsetof(struct inner_entry, value));
	assert_int_equal(items->entry_align, _Alignof(struct inner_entry));
	layout_free(layout);
}

static void parse_marks_as_plain_what_needs_no_check(void **state)
{
	static const struct {
		const char *text;
		bool plain;
	} cases[] = {
		{"(a:int)", true},
		{"(a:address,b:address,c:address)", true},
		{"(a:int,p:(x:int,y:address))", true},
		{"(a:address,b:int,c:address)", true},
		{"(a:bool)", false},
		{"(a:float)", false},
		{"(a:{x})", false},
		{"(a:int,b:string)", false},
		{"(a:int,b:())", false},
		{"(a:int,b:(c:bool))", false},
		{"()", false},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct layout *layout = parse(cases[i].text);

		assert_int_equal(layout_type(layout)->flags & TROUPE_TYPE_PLAIN,
				 cases[i].plain ? TROUPE_TYPE_PLAIN : 0);
		layout_free(layout);
	}
}

static void parse_resolves_references(void **state)
{
	struct layout *layout =
		parse("(a:(b:[]^0,c:?^1,d:[string]^0,e:bool),f:?(g:?^0,h:?^1))");
	const struct troupe_type *root = layout_type(layout);
	const struct troupe_type *a = field(root, "a")->type;
	const struct troupe_type *f = field(root, "f")->type->item;

	(void)state;
	assert_ptr_equal(field(a, "b")->type->item, a);
	assert_ptr_equal(field(a, "c")->type->item, root);
	assert_ptr_equal(field(a, "d")->type->item, a);
	assert_ptr_equal(field(f, "g")->type->item, f);
	assert_ptr_equal(field(f, "h")->type->item, root);
	/* sizes that were not known where the array was read */
	assert_int_equal(field(a, "b")->type->stride, a->size);
	assert_int_equal(field(a, "d")->type->stride, 8 + a->size);
	layout_free(layout);
}

static void parse_refuses_what_is_no_layout(void **state)
{
	static const char *const bad[] = {
		"",
		"int",
		"[]int",
		"{a}",
		"?()",
		"(",
		")",
		"(a)",
		"(a:)",
		"(a:int",
		"(a:int,)",
		"(,)",
		"(a:int)x",
		"(a:int) ",
		" ()",
		"(a: int)",
		"(:int)",
		"(1:int)",
		"(_a:int)",
		"(a_:int)",
		"(a__b:int)",
		"(a-b:int)",
		"(a:int,a:bool)",
		"(a:{})",
		"(a:{x,x})",
		"(a:{x)",
		"(a:{x,})",
		"(a:??int)",
		"(a:[int])",
		"(a:[])",
		"(a:[string])",
		"(a:int2)",
		"(a:^0)",
		"(a:(b:^1))",
		"(a:?^1)",
		"(a:?^)",
		"(a:?^00)",
		"(a:?^4294967296)",
		"(a:[](b:(c:^1)))",
		"((a:int))",
		"(a:?^0x)",
	};
	struct layout *layout;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		assert_refused(bad[i]);
	assert_int_equal(layout_parse("(a\0b:int)", 9, &layout), -EINVAL);
	assert_int_equal(layout_parse(NULL, 0, &layout), -EINVAL);
	layout_free(NULL);
}

/* "(" n times the field `format` with its number ")" */
static char *many_fields(const char *format, unsigned n)
{
	char *text = malloc((size_t)n * 64 + 3), *at = text;

	assert_non_null(text);
	*at++ = '(';
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			*at++ = ',';
		at += snprintf(at, 60, format, i);
	}
	strcpy(at, ")");
	return text;
}

static void parse_keeps_to_its_limits(void **state)
{
	char deep[LAYOUT_DEPTH_MAX * 4 + 16] = "";
	struct layout *layout;
	char *text, *longer;
	char name[FILENAME_MAX];

	(void)state;
	/* depth: the struct, and 31 arrays; then 32 */
	for (int n = LAYOUT_DEPTH_MAX - 1; n <= LAYOUT_DEPTH_MAX; n++) {
		char *at = stpcpy(deep, "(a:");

		for (int i = 0; i < n; i++)
			at = stpcpy(at, "[]");
		strcpy(at, "int)");
		assert_int_equal(layout_parse(deep, strlen(deep), &layout),
				 n < LAYOUT_DEPTH_MAX ? 0 : -EINVAL);
		if (n < LAYOUT_DEPTH_MAX)
			layout_free(layout);
	}
	/* fields of one struct */
	text = many_fields("f%u:int", IDL_FIELDS_MAX);
	layout_free(parse(text));
	free(text);
	text = many_fields("f%u:int", IDL_FIELDS_MAX + 1);
	assert_refused(text);
	free(text);
	/* fields of them all: 16 to a row, itself one */
	text = many_fields("f%u:(a:int,b:int,c:int,d:int,e:int,f:int,g:int,h:int)", 256);
	layout_free(parse(text));
	free(text);
	text = many_fields("f%u:{a,b,c,d,e,f,g,h,i,j,k,l,m,n,o}", 256);
	layout_free(parse(text));
	free(text);
	text = many_fields("f%u:{a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p}", 256);
	assert_refused(text);
	free(text);
	/* bytes of a name */
	memset(name, 'n', sizeof(name));
	assert_true(asprintf(&text, "(%.63s:int)", name) > 0);
	layout_free(parse(text));
	free(text);
	assert_true(asprintf(&text, "(%.64s:int)", name) > 0);
	assert_refused(text);
	free(text);
	/* bytes of the text */
	longer = calloc(1, LAYOUT_TEXT_MAX + 2);
	assert_non_null(longer);
	memset(longer, '(', LAYOUT_TEXT_MAX + 1);
	assert_refused(longer);
	free(longer);
}

static void print_gives_back_what_was_parsed(void **state)
{
	static const char *const texts[] = {
		all_text,
		"()",
		"(a:(b:[]^0,c:?^1,d:[string]^0,e:bool),f:?(g:?^0,h:?^1))",
		"(m:[string]?[]?{a,b},x:?[string][]())",
	};

	(void)state;
	for (size_t i = 0; i < LEN(texts); i++) {
		struct layout *layout = parse(texts[i]);
		char *text;

		assert_int_equal(layout_print(layout_type(layout), &text), 0);
		assert_string_equal(text, texts[i]);
		free(text);
		layout_free(layout);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_lays_structs_out_as_the_compiler_does),
		cmocka_unit_test(parse_marks_as_plain_what_needs_no_check),
		cmocka_unit_test(parse_resolves_references),
		cmocka_unit_test(parse_refuses_what_is_no_layout),
		cmocka_unit_test(parse_keeps_to_its_limits),
		cmocka_unit_test(print_gives_back_what_was_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
