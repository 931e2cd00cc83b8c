/* Interfaces read: the whole grammar, documentation, and what is said of each mistake. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/idl.h"

static struct idl *parse(const char *text)
{
	struct idl_error error;
	struct idl *idl;

	if (idl_parse(text, strlen(text), &idl, &error) < 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.message);
	return idl;
}

static const struct idl_type *field_type(const struct idl *idl, const char *member, size_t i)
{
	const struct idl_member *found = idl_find(idl, member);

	assert_non_null(found);
	assert_true(i < found->type->n_fields);
	return found->type->fields[i].type;
}

static void idl_parses_members_in_order_with_their_documentation(void **state)
{
	struct idl *idl = parse("# License: a blank line ends this comment.\n\n"
				"#  What it is for,\n# in two lines.  \r\n"
				"interface org.example.a-b.c3\n"
				"# a type\n"
				"type T (\n"
				"  # the first\n  a: int, # not of b\n"
				"  b: string\n"
				")\n"
				"#no blank\n"
				"method M(a: int) -> ()\n"
				"\n"
				"# lost\n\n"
				"error E()");

	(void)state;
	assert_string_equal(idl->name, "org.example.a-b.c3");
	assert_string_equal(idl->doc, " What it is for,\nin two lines.");
	assert_int_equal(idl->n_members, 3);
	assert_int_equal(idl->members[0].kind, IDL_TYPE);
	assert_string_equal(idl->members[0].name, "T");
	assert_string_equal(idl->members[0].doc, "a type");
	assert_int_equal(idl->members[0].line, 7);
	assert_string_equal(idl->members[0].type->fields[0].doc, "the first");
	assert_null(idl->members[0].type->fields[1].doc);
	assert_int_equal(idl->members[1].kind, IDL_METHOD);
	assert_string_equal(idl->members[1].doc, "no blank");
	assert_int_equal(idl->members[1].out->kind, TROUPE_STRUCT);
	assert_int_equal(idl->members[1].out->n_fields, 0);
	assert_int_equal(idl->members[2].kind, IDL_ERROR);
	assert_null(idl->members[2].doc);
	assert_null(idl_find(idl, "Z"));
	idl_free(idl);
}

static void idl_parses_every_type(void **state)
{
	struct idl *idl = parse("interface a.b type "
				"T(b:bool,i:int,f:float,s:string,o:object,r:Later,e:(x,y_2,Z),"
				"n:(a:(b:())),array:[]int,map:[string]?[]string,opt:?[string]("
				"c:int))type Later(one)");
	static const enum troupe_kind kinds[] = {TROUPE_BOOL,   TROUPE_INT,     TROUPE_FLOAT,
						 TROUPE_STRING, TROUPE_OBJECT,  TROUPE_ENUM,
						 TROUPE_ENUM,   TROUPE_STRUCT,  TROUPE_ARRAY,
						 TROUPE_MAP,    TROUPE_OPTIONAL};
	const struct idl_type *type;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(field_type(idl, "T", i)->kind, kinds[i]);
	assert_ptr_equal(field_type(idl, "T", 5)->named, idl_find(idl, "Later"));
	assert_null(field_type(idl, "T", 5)->fields);
	assert_int_equal(field_type(idl, "T", 6)->n_fields, 3);
	assert_string_equal(field_type(idl, "T", 6)->fields[1].name, "y_2");
	type = field_type(idl, "T", 7)->fields[0].type->fields[0].type;
	assert_int_equal(type->kind, TROUPE_STRUCT);
	assert_int_equal(type->n_fields, 0);
	type = field_type(idl, "T", 9)->item;
	assert_int_equal(type->kind, TROUPE_OPTIONAL);
	assert_int_equal(type->item->kind, TROUPE_ARRAY);
	assert_int_equal(type->item->item->kind, TROUPE_STRING);
	type = field_type(idl, "T", 10)->item;
	assert_int_equal(type->kind, TROUPE_MAP);
	assert_int_equal(type->item->kind, TROUPE_STRUCT);
	assert_int_equal(idl_find(idl, "Later")->type->kind, TROUPE_ENUM);
	idl_free(idl);
}

static void mark_refines_the_string_of_its_field_only(void **state)
{
	struct idl *idl = parse("interface a.b\ntype T (\n"
				"# Bytes.\n# troupe: binary\n a: string,\n"
				"#troupe:address\n b: ?[][string]string,\n"
				" c: string)\n");

	(void)state;
	assert_int_equal(field_type(idl, "T", 0)->kind, TROUPE_BINARY);
	assert_int_equal(field_type(idl, "T", 1)->item->item->item->kind, TROUPE_ADDRESS);
	assert_int_equal(field_type(idl, "T", 2)->kind, TROUPE_STRING);
	idl_free(idl);
}

static void idl_takes_recursion_through_pointers(void **state)
{
	struct idl *idl = parse("interface a.b\n"
				"type A (a: ?A, b: []B, c: [string]A)\n"
				"type B (a: A)\n");

	(void)state;
	assert_ptr_equal(field_type(idl, "A", 1)->item->named, idl_find(idl, "B"));
	assert_ptr_equal(field_type(idl, "B", 0)->named, idl_find(idl, "A"));
	idl_free(idl);
}

static void mistakes_are_reported_with_place_and_expectation(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *message;
	} mistakes[] = {
		{"", 1, 1, "expected 'interface', found the end of the text"},
		{"\n  type T ()", 2, 3, "expected 'interface', found 'type'"},
		{"interface foo", 1, 11, "expected an interface name"},
		{"interface a.b\nfoo", 2, 1,
		 "expected 'type', 'method' or 'error', found 'foo'"},
		{"interface a.b\ntype t ()", 2, 6,
		 "expected a name that begins with a capital"},
		{"interface a.b\ntype T_a ()", 2, 6,
		 "expected a name that begins with a capital"},
		{"interface a.b\ntype T int", 2, 8, "expected '(', found 'int'"},
		{"interface a.b\ntype T (", 2, 9,
		 "expected a field, a name or ')', found the end"},
		{"interface a.b\ntype T (a: int", 2, 15, "expected ',' or ')', found the end"},
		{"interface a.b\ntype T (a int)", 2, 11,
		 "expected ':' and a type, or for an enum ',' or ')', found 'int'"},
		{"interface a.b\ntype T (a: int, b int)", 2, 19,
		 "expected ':' and a type, found 'int'"},
		{"interface a.b\ntype T (a, b int)", 2, 14, "expected ',' or ')', found 'int'"},
		{"interface a.b\ntype T (a: int,)", 2, 16, "expected a name, found ')'"},
		{"interface a.b\ntype T (a: )", 2, 12, "expected a type (bool, int"},
		{"interface a.b\ntype T (a: integer)", 2, 12, "found 'integer'"},
		{"interface a.b\ntype T (a: int, b)", 2, 18, "expected ':' and a type"},
		{"interface a.b\ntype T (a, b: int)", 2, 13, "this began as an enum"},
		{"interface a.b\ntype T (_a: int)", 2, 9, "found '_a'"},
		{"interface a.b\ntype T (a_: int)", 2, 9, "found 'a_'"},
		{"interface a.b\ntype T (a__b: int)", 2, 9, "found 'a__b'"},
		{"interface a.b\ntype T (a: int, a: int)", 2, 17, "a second 'a'"},
		{"interface a.b\ntype T (x, y, x)", 2, 15, "a second 'x'"},
		{"interface a.b\ntype T ()\nmethod T() -> ()", 3, 1,
		 "a second 'T'; the first is in line 2"},
		{"interface a.b\ntype T (a: ??int)", 2, 13,
		 "expected a type that is not optional itself"},
		{"interface a.b\ntype T (a: [int]int)", 2, 13, "expected ']' or 'string]'"},
		{"interface a.b\ntype T (a: [string)", 2, 19, "expected ']'"},
		{"interface a.b\ntype T (a: U)", 2, 12, "there is no type 'U'"},
		{"interface a.b\ntype T (a: M)\nmethod M() -> ()", 2, 12, "'M' is a method"},
		{"interface a.b\ntype T (a: E)\nerror E()", 2, 12, "'E' is an error"},
		{"interface a.b\nmethod M()", 2, 11, "expected '->'"},
		{"interface a.b\nmethod M(a) -> ()", 2, 9,
		 "a method takes a struct, found an enum"},
		{"interface a.b\nerror E(a, b)", 2, 8, "an error takes a struct"},
		{"interface a.b\nerror E", 2, 8, "expected '('"},
		{"interface a.b\ntype T (a: T)", 2, 1, "'T' would contain itself"},
		{"interface a.b\ntype T (a: U)\ntype U (b: (c: T))", 2, 1,
		 "'T' would contain itself"},
		{"interface a.b\n$", 2, 1, "unexpected character '$'"},
		{"interface a.b\n\xc3\xa4", 2, 1, "unexpected byte 0xc3"},
		{"interface a.b\n# \xff\n", 2, 1, "not valid UTF-8"},
		{"interface a.b\ntype T (\n# troupe: binary\na: int)", 3, 3,
		 "only strings can be marked"},
		{"interface a.b\ntype T (\n# troupe: address\na: U)\ntype U (s: string)", 3, 3,
		 "only strings can be marked"},
		{"interface a.b\ntype T (\n# troupe: binry\na: string)", 3, 3, "unknown mark"},
		{"interface a.b\ntype T (a: string, # troupe: binary\nb: string)", 2, 22,
		 "on a line of its own before its field"},
		{"interface a.b\ntype T (\n# troupe: binary\n\na: string)", 3, 3,
		 "is not right before a field"},
		{"interface a.b\n# troupe: binary\ntype T (a: string)", 2, 3,
		 "is not right before a field"},
		{"interface a.b\ntype T (\n# troupe: binary\na, b)", 3, 3,
		 "is not before a field"},
		{"interface a.b\ntype T (a: string)\n# troupe: binary", 3, 3,
		 "is not right before a field"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct idl_error error = {0};
		struct idl *idl = NULL;

		if (idl_parse(mistakes[i].text, strlen(mistakes[i].text), &idl, &error) !=
		    -EINVAL)
			fail_msg("taken: %s", mistakes[i].text);
		assert_null(idl);
		if (error.line != mistakes[i].line || error.column != mistakes[i].column ||
		    !strstr(error.message, mistakes[i].message))
			fail_msg("%s\nexpected %u:%u: %s\nfound %u:%u: %s", mistakes[i].text,
				 mistakes[i].line, mistakes[i].column, mistakes[i].message,
				 error.line, error.column, error.message);
	}
}

static void nul_in_the_text_is_refused_everywhere(void **state)
{
	static const char in_comment[] = "interface a.b\n# a\0b\n";
	static const char at_end[] = "interface a.b\n";
	struct idl_error error;
	struct idl *idl;

	(void)state;
	assert_int_equal(idl_parse(in_comment, sizeof(in_comment) - 1, &idl, &error), -EINVAL);
	assert_int_equal(idl_parse(at_end, sizeof(at_end), &idl, &error), -EINVAL);
	assert_int_equal(error.line, 2);
}

/* A piece with its number for '%'. */
static size_t print_piece(char *text, size_t size, const char *piece, size_t number)
{
	const char *percent = strchr(piece, '%');

	if (!percent)
		return (size_t)snprintf(text, size, "%s", piece);
	return (size_t)snprintf(text, size, "%.*s%zu%s", (int)(percent - piece), piece, number,
				percent + 1);
}

/* A text made of a head, a piece repeated, and a tail: is it taken? */
static int parse_repeated(const char *head, const char *piece, size_t n, const char *tail,
			  struct idl_error *error)
{
	size_t size = strlen(head) + n * (strlen(piece) + 8) + strlen(tail) + 1;
	char *text = (char *)malloc(size);
	struct idl *idl;
	size_t used;
	int r;

	assert_non_null(text);
	used = (size_t)snprintf(text, size, "%s", head);
	for (size_t i = 0; i < n; i++)
		used += print_piece(text + used, size - used, piece, i);
	used += (size_t)snprintf(text + used, size - used, "%s", tail);
	r = idl_parse(text, used, &idl, error);
	if (r == 0)
		idl_free(idl);
	free(text);
	return r;
}

static void limits_are_reached_and_not_passed(void **state)
{
	static const char head[] = "interface a.b\n";
	struct idl_error error = {0};

	(void)state;
	assert_int_equal(parse_repeated(head, "type T% ()\n", IDL_MEMBERS_MAX, "", &error), 0);
	assert_int_equal(parse_repeated(head, "type T% ()\n", IDL_MEMBERS_MAX + 1, "", &error),
			 -EINVAL);
	assert_non_null(strstr(error.message, "more than 1024"));

	assert_int_equal(parse_repeated("interface a.b type T (", "f%: int, ",
					IDL_FIELDS_MAX - 1, "z: int)", &error),
			 0);
	assert_int_equal(
		parse_repeated("interface a.b type T (", "f%, ", IDL_FIELDS_MAX, "z)", &error),
		-EINVAL);
	assert_non_null(strstr(error.message, "more than 256"));

	/* The struct of T itself is one level. */
	assert_int_equal(parse_repeated("interface a.b type T (a: ", "[]", IDL_DEPTH_MAX - 1,
					"int)", &error),
			 0);
	assert_int_equal(parse_repeated("interface a.b type T (a: ", "[]", IDL_DEPTH_MAX,
					"int)", &error),
			 -EINVAL);
	assert_non_null(strstr(error.message, "deeper than 32"));
	assert_int_equal(parse_repeated("interface a.b type T (a: ", "(a: ", IDL_DEPTH_MAX,
					"int", &error),
			 -EINVAL);
	assert_non_null(strstr(error.message, "deeper than 32"));

	assert_int_equal(parse_repeated("interface a.b type T (", "a", 63, ": int)", &error),
			 0);
	assert_int_equal(parse_repeated("interface a.b type T (", "a", 64, ": int)", &error),
			 -EINVAL);
	assert_non_null(strstr(error.message, "longer than 63"));
	assert_int_equal(parse_repeated("interface a.", "a", IDL_NAME_MAX - 2, "", &error), 0);
	assert_int_equal(parse_repeated("interface a.", "a", IDL_NAME_MAX - 1, "", &error),
			 -EINVAL);

	assert_int_equal(parse_repeated(head, " ", IDL_TEXT_MAX - strlen(head), "", &error), 0);
	assert_int_equal(parse_repeated(head, " ", IDL_TEXT_MAX - strlen(head) + 1, "", &error),
			 -EINVAL);
	assert_non_null(strstr(error.message, "1 MiB"));
}

/* Structs that hold one another by value, `n` of them. */
static int parse_chain(size_t n, struct idl_error *error)
{
	char text[4096];
	size_t used = (size_t)snprintf(text, sizeof(text), "interface a.b\n");
	struct idl *idl;
	int r;

	for (size_t i = 0; i + 1 < n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "type T%zu (a: T%zu, b: T%zu)\n", i, i + 1, i + 1);
	used += (size_t)snprintf(text + used, sizeof(text) - used, "type T%zu (a: int)\n",
				 n - 1);
	r = idl_parse(text, used, &idl, error);
	if (r == 0)
		idl_free(idl);
	return r;
}

static void structs_nest_by_value_up_to_a_limit_in_linear_time(void **state)
{
	struct idl_error error = {0};

	(void)state;
	assert_int_equal(parse_chain(IDL_DEPTH_MAX, &error), 0);
	assert_int_equal(parse_chain(IDL_DEPTH_MAX + 1, &error), -EINVAL);
	assert_non_null(strstr(error.message, "deeper than 32 by value"));
}

static void interface_names_are_distinguished_from_other_texts(void **state)
{
	static const char *const good[] = {"a.b", "io.troupe.hello", "org.example.a-b", "a.3d",
					   "a--b.c.D9"};
	static const char *const bad[] = {"",     "a",    ".a.b", "a..b",  "a.b.", "3a.b",
					  "a.-b", "a-.b", "a.b-", "a_b.c", "a. b", "-a.b"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!idl_is_interface_name(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (idl_is_interface_name(bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idl_parses_members_in_order_with_their_documentation),
		cmocka_unit_test(idl_parses_every_type),
		cmocka_unit_test(mark_refines_the_string_of_its_field_only),
		cmocka_unit_test(idl_takes_recursion_through_pointers),
		cmocka_unit_test(mistakes_are_reported_with_place_and_expectation),
		cmocka_unit_test(nul_in_the_text_is_refused_everywhere),
		cmocka_unit_test(limits_are_reached_and_not_passed),
		cmocka_unit_test(structs_nest_by_value_up_to_a_limit_in_linear_time),
		cmocka_unit_test(interface_names_are_distinguished_from_other_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
