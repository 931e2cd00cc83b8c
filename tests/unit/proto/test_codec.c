/* The three forms of a typed message: sizes, copies, and what both refuse. */
#include "tests/unit/proto/codec_samples.h"

static void size_is_the_struct_alone_when_plain(void **state)
{
	struct point point = {1, 2};
	size_t size;

	(void)state;
	assert_int_equal(codec_size(&point_type, &point, &size, NULL), 0);
	assert_int_equal(size, sizeof(point));
	assert_int_equal(codec_size(&empty_type, NULL, &size, NULL), 0);
	assert_int_equal(size, 0);
	codec_copy(&empty_type, NULL, &point, 0);
	codec_encode(&empty_type, NULL, &point, 0);
}

static void size_counts_pointees_and_their_alignment(void **state)
{
	static const int64_t number = 3;
	struct node node = {.name = "ab", .number = &number, .object = "{}"};
	size_t size;

	(void)state;
	assert_int_equal(codec_size(&node_type, &node, &size, NULL), 0);
	/* "ab" and five bytes up to the number, the number, "{}" */
	assert_int_equal(size, sizeof(node) + 3 + 5 + 8 + 3);
}

static void size_names_the_field_when_a_value_breaks_its_type(void **state)
{
	static const char *const bad_words[] = {"fine", "\xff"};
	static const struct entry bad_marks[] = {{"b", true}, {"a", true}};
	static const struct entry twice[] = {{"b", true}, {"b", true}};
	static const struct entry bad_value[] = {{"k.x", true}};
	struct node next = leaf(), root = full(&next);

	(void)state;
	next.name = NULL;
	assert_invalid(&root, "next.name");
	next = leaf();
	next.words = (struct words){bad_words, 2};
	assert_invalid(&root, "next.words[1]");
	next.words = (struct words){NULL, 2};
	assert_invalid(&root, "next.words");
	next = leaf();
	next.marks = (struct entries){bad_marks, 2};
	assert_invalid(&root, "next.marks[\"a\"]");
	next.marks = (struct entries){twice, 2};
	assert_invalid(&root, "next.marks[\"b\"]");
	next.marks = (struct entries){bad_value, 1};
	memset((void *)(uintptr_t)&next.weight, 0xff, 8);
	assert_invalid(&root, "next.weight");
	next = leaf();
	next.weight = INFINITY;
	assert_invalid(&root, "next.weight");
	next = leaf();
	next.object = "";
	assert_invalid(&root, "next.object");
	next.object = "1 2";
	assert_invalid(&root, "next.object");
	next.object = "{\"a\":}";
	assert_invalid(&root, "next.object");
	next.object = NULL;
	assert_invalid(&root, "next.object");
	next = leaf();
	next.bytes = (struct troupe_binary){NULL, 1};
	assert_invalid(&root, "next.bytes");
}

static void size_refuses_bools_and_enums_out_of_range(void **state)
{
	struct mixed mixed = {0};
	struct codec_error error;
	size_t size;

	(void)state;
	memset(&mixed.off, 2, 1);
	assert_int_equal(codec_size(&mixed_type, &mixed, &size, &error), -EINVAL);
	assert_string_equal(error.path, "off");
	mixed = (struct mixed){.color = (enum color)3};
	assert_int_equal(codec_size(&mixed_type, &mixed, &size, &error), -EINVAL);
	assert_string_equal(error.path, "color");
}

static void size_refuses_values_nested_too_deep(void **state)
{
	struct node nodes[CODEC_DEPTH_MAX + 1];
	size_t size;

	(void)state;
	for (size_t i = 0; i < LEN(nodes); i++) {
		nodes[i] = leaf();
		nodes[i].next = i > 0 ? &nodes[i - 1] : NULL;
	}
	/* The innermost has arrays, which nest as well. */
	assert_int_equal(codec_size(&node_type, &nodes[CODEC_DEPTH_MAX - 2], &size, NULL), 0);
	assert_int_equal(codec_size(&node_type, &nodes[CODEC_DEPTH_MAX - 1], &size, NULL),
			 -EINVAL);
}

static void size_refuses_what_exceeds_the_limit(void **state)
{
	struct node node = leaf();
	size_t size, fits;
	char *text;

	(void)state;
	assert_int_equal(codec_size(&node_type, &node, &fits, NULL), 0);
	node.bytes = (struct troupe_binary){"", CODEC_BLOCK_MAX - fits};
	assert_int_equal(codec_size(&node_type, &node, &size, NULL), 0);
	assert_int_equal(size, CODEC_BLOCK_MAX);
	node.bytes.size++;
	assert_int_equal(codec_size(&node_type, &node, &size, NULL), -EMSGSIZE);
	node.bytes.size = SIZE_MAX;
	assert_int_equal(codec_size(&node_type, &node, &size, NULL), -EMSGSIZE);
	node = leaf();
	node.words = (struct words){some_words, SIZE_MAX / 8 + 2};
	assert_int_equal(codec_size(&node_type, &node, &size, NULL), -EMSGSIZE);
	text = malloc(CODEC_BLOCK_MAX + 1);
	assert_non_null(text);
	memset(text, 'x', CODEC_BLOCK_MAX);
	text[CODEC_BLOCK_MAX] = '\0';
	node = leaf();
	node.text = text;
	assert_int_equal(codec_size(&node_type, &node, &size, NULL), -EMSGSIZE);
	free(text);
}

static void copy_is_flat_and_equal(void **state)
{
	struct node next = leaf(), root = full(&next);
	const struct node *copy;
	char *block;
	size_t size;

	(void)state;
	assert_int_equal(codec_size(&node_type, &root, &size, NULL), 0);
	block = malloc(size);
	assert_non_null(block);
	codec_copy(&node_type, &root, block, size);
	copy = (const struct node *)(const void *)block;
	assert_true(codec_equal(&node_type, &root, copy));
	assert_ptr_equal(copy->name, block + sizeof(*copy));
	assert_in_range((uintptr_t)copy->next, (uintptr_t)block, (uintptr_t)block + size);
	assert_ptr_equal(copy->object + strlen(copy->object) + 1, block + size);
	assert_int_equal((uintptr_t)copy->next % 8, 0);
	assert_ptr_not_equal(copy->nothing, root.nothing);
	free(block);
}

static void copy_has_no_pointer_where_there_is_nothing(void **state)
{
	struct node node = leaf();
	struct node *copy;
	size_t size;

	(void)state;
	node.words = (struct words){some_words, 0};
	node.bytes = (struct troupe_binary){"x", 0};
	assert_int_equal(codec_size(&node_type, &node, &size, NULL), 0);
	copy = malloc(size);
	assert_non_null(copy);
	codec_copy(&node_type, &node, copy, size);
	assert_null(copy->words.items);
	assert_null(copy->bytes.data);
	free(copy);
}

static void empty_items_take_a_zero_byte_each(void **state)
{
	struct codec_span_of {
		const void *items;
		size_t count;
	} value = {"abc", 3};
	size_t size;
	unsigned char *wire = encode(&empties_type, &value, &size);

	(void)state;
	assert_int_equal(size, 16 + 3);
	assert_int_equal(wire[16], 0);
	assert_int_equal(decode(&empties_type, wire, size, NULL), 0);
	put(wire, 8, 1u << 30);
	assert_int_equal(decode(&empties_type, wire, size, NULL), -EBADMSG);
	put(wire, 8, 3);
	wire[17] = 1;
	assert_int_equal(decode(&empties_type, wire, size, NULL), -EBADMSG);
	free(wire);
}

static void empty_pointees_are_a_zero_byte(void **state)
{
	struct node next = leaf(), root = full(&next);
	struct codec_error error;
	uint64_t at;
	size_t size;
	char *wire = encode(&node_type, &root, &size);

	(void)state;
	memcpy(&at, wire + offsetof(struct node, nothing), sizeof(at));
	assert_in_range(at, sizeof(root), size - 1);
	assert_int_equal(wire[at], 0);
	wire[at] = 1;
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "nothing");
	free(wire);
}

static void error_path_stays_valid_text_when_cut(void **state)
{
	static char key[300];
	struct entry mark = {key, true};
	struct node node = leaf();
	struct codec_error error;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(key) - 2; i += 2)
		memcpy(key + i, "\xc3\xa9", 2);
	memset(&mark.value, 3, 1);
	node.marks = (struct entries){&mark, 1};
	assert_int_equal(codec_size(&node_type, &node, &size, &error), -EINVAL);
	assert_true(codec_is_utf8(error.path, strlen(error.path)));
	assert_memory_equal(error.path, "marks[\"\xc3\xa9", 9);
}

static void utf8_is_judged_at_each_offset(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		int valid;
	} cases[] = {
		{"", 0, 1},
		{"\x7f", 1, 1},
		{"\0", 1, 0},
		{"\x80", 1, 0},
		{"\xc2\x80", 2, 1},
		{"\xc1\xbf", 2, 0},
		{"\xc3", 1, 0},
		{"\xe0\xa0\x80", 3, 1},
		{"\xe0\x9f\xbf", 3, 0},
		{"\xed\x9f\xbf", 3, 1},
		{"\xed\xa0\x80", 3, 0},
		{"\xef\xbf\xbf", 3, 1},
		{"\xef\xbf", 2, 0},
		{"\xf0\x90\x80\x80", 4, 1},
		{"\xf0\x8f\xbf\xbf", 4, 0},
		{"\xf4\x8f\xbf\xbf", 4, 1},
		{"\xf4\x90\x80\x80", 4, 0},
		{"\xf5\x80\x80\x80", 4, 0},
		{"\xff", 1, 0},
		{"\xe2\x82\x41", 3, 0},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		for (size_t before = 0; before < 20; before++) {
			size_t size = before + cases[i].size + 9;
			char *text = malloc(size);

			assert_non_null(text);
			memset(text, 'x', size);
			memcpy(text + before, cases[i].text, cases[i].size);
			assert_int_equal(codec_is_utf8(text, size), cases[i].valid);
			free(text);
		}
		assert_int_equal(codec_is_utf8(cases[i].text, cases[i].size), cases[i].valid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_is_the_struct_alone_when_plain),
		cmocka_unit_test(size_counts_pointees_and_their_alignment),
		cmocka_unit_test(size_names_the_field_when_a_value_breaks_its_type),
		cmocka_unit_test(size_refuses_bools_and_enums_out_of_range),
		cmocka_unit_test(size_refuses_values_nested_too_deep),
		cmocka_unit_test(size_refuses_what_exceeds_the_limit),
		cmocka_unit_test(copy_is_flat_and_equal),
		cmocka_unit_test(copy_has_no_pointer_where_there_is_nothing),
		cmocka_unit_test(empty_items_take_a_zero_byte_each),
		cmocka_unit_test(empty_pointees_are_a_zero_byte),
		cmocka_unit_test(error_path_stays_valid_text_when_cut),
		cmocka_unit_test(utf8_is_judged_at_each_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
