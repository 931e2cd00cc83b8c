/* The three forms of a typed message; types written out as the generator would. */

#include "proto/codec.h"
#include "tests/unit/proto/codec_equal.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ types */

enum color { RED, GREEN, BLUE };

struct point {
	int64_t x, y;
};

struct mixed {
	bool on;
	int64_t n;
	enum color color;
	struct point at;
	bool off;
};

struct words {
	const char *const *items;
	size_t count;
};

struct entry {
	const char *key;
	bool value;
};

struct entries {
	const struct entry *items;
	size_t count;
};

struct node {
	const char *name;
	struct words words;
	const struct node *next;
	struct entries marks;
	struct troupe_binary bytes;
	const int64_t *number;
	const void *nothing; /* ?() */
	const char *text;    /* ?string */
	double weight;
	const char *object;
};

static const struct troupe_type bool_type = {.kind = TROUPE_BOOL, .align = 1, .size = 1};
static const struct troupe_type int_type = {
	.kind = TROUPE_INT, .flags = TROUPE_TYPE_PLAIN, .align = 8, .size = 8};
static const struct troupe_type float_type = {.kind = TROUPE_FLOAT, .align = 8, .size = 8};
static const struct troupe_type string_type = {.kind = TROUPE_STRING, .align = 8, .size = 8};
static const struct troupe_type object_type = {.kind = TROUPE_OBJECT, .align = 8, .size = 8};
static const struct troupe_type binary_type = {.kind = TROUPE_BINARY, .align = 8, .size = 16};
static const struct troupe_type empty_type = {.kind = TROUPE_STRUCT, .align = 1};
static const char *const color_names[] = {"red", "green", "blue"};
static const struct troupe_type color_type = {
	.kind = TROUPE_ENUM, .align = 4, .size = 4, .count = 3, .names = color_names};

static const struct troupe_field point_fields[] = {{"x", &int_type, 0, 0},
						   {"y", &int_type, 8, 0}};
static const struct troupe_type point_type = {.kind = TROUPE_STRUCT,
					      .flags = TROUPE_TYPE_PLAIN,
					      .align = 8,
					      .size = 16,
					      .count = 2,
					      .fields = point_fields};

static const struct troupe_field mixed_fields[] = {
	{"on", &bool_type, offsetof(struct mixed, on), 0},
	{"n", &int_type, offsetof(struct mixed, n), 0},
	{"color", &color_type, offsetof(struct mixed, color), 0},
	{"at", &point_type, offsetof(struct mixed, at), 0},
	{"off", &bool_type, offsetof(struct mixed, off), 0},
};
static const struct troupe_type mixed_type = {.kind = TROUPE_STRUCT,
					      .align = 8,
					      .size = sizeof(struct mixed),
					      .count = LEN(mixed_fields),
					      .fields = mixed_fields};

static const struct troupe_type words_type = {.kind = TROUPE_ARRAY,
					      .align = 8,
					      .size = 16,
					      .stride = 8,
					      .entry_align = 8,
					      .item = &string_type};
static const struct troupe_type marks_type = {.kind = TROUPE_MAP,
					      .align = 8,
					      .size = 16,
					      .stride = 16,
					      .value_offset = 8,
					      .entry_align = 8,
					      .item = &bool_type};
static const struct troupe_type maybe_int_type = {
	.kind = TROUPE_OPTIONAL, .align = 8, .size = 8, .item = &int_type};
static const struct troupe_type maybe_empty_type = {
	.kind = TROUPE_OPTIONAL, .align = 8, .size = 8, .item = &empty_type};
static const struct troupe_type maybe_string_type = {
	.kind = TROUPE_OPTIONAL, .align = 8, .size = 8, .item = &string_type};
static const struct troupe_type node_type;
static const struct troupe_type maybe_node_type = {
	.kind = TROUPE_OPTIONAL, .align = 8, .size = 8, .item = &node_type};
static const struct troupe_field node_fields[] = {
	{"name", &string_type, offsetof(struct node, name), 0},
	{"words", &words_type, offsetof(struct node, words), 0},
	{"next", &maybe_node_type, offsetof(struct node, next), 0},
	{"marks", &marks_type, offsetof(struct node, marks), 0},
	{"bytes", &binary_type, offsetof(struct node, bytes), 0},
	{"number", &maybe_int_type, offsetof(struct node, number), 0},
	{"nothing", &maybe_empty_type, offsetof(struct node, nothing), 0},
	{"text", &maybe_string_type, offsetof(struct node, text), 0},
	{"weight", &float_type, offsetof(struct node, weight), 0},
	{"object", &object_type, offsetof(struct node, object), 0},
};
static const struct troupe_type node_type = {.kind = TROUPE_STRUCT,
					     .align = 8,
					     .size = sizeof(struct node),
					     .count = LEN(node_fields),
					     .fields = node_fields};

/* A struct of nothing but an optional of itself. */
static const struct troupe_type chain_type;
static const struct troupe_type maybe_chain_type = {
	.kind = TROUPE_OPTIONAL, .align = 8, .size = 8, .item = &chain_type};
static const struct troupe_field chain_fields[] = {{"next", &maybe_chain_type, 0, 0}};
static const struct troupe_type chain_type = {
	.kind = TROUPE_STRUCT, .align = 8, .size = 8, .count = 1, .fields = chain_fields};

/* Arrays of structs without fields: each item takes a byte. */
static const struct troupe_type empties_type = {.kind = TROUPE_ARRAY,
						.align = 8,
						.size = 16,
						.stride = 1,
						.entry_align = 1,
						.item = &empty_type};

/* ------------------------------------------------------------------ values */

static const char *const some_words[] = {"one", "", "drei \xe2\x82\xac"};
static const struct entry some_marks[] = {{"a", true}, {"ab", false}, {"\xc3\xa9", true}};
static const int64_t some_number = -5;

static struct node leaf(void)
{
	return (struct node){.name = "leaf", .object = "{}"};
}

static struct node full(const struct node *next)
{
	return (struct node){
		.name = "root",
		.words = {some_words, LEN(some_words)},
		.next = next,
		.marks = {some_marks, LEN(some_marks)},
		.bytes = {"\0\1\2", 3},
		.number = &some_number,
		.nothing = "",
		.text = "maybe",
		.weight = 0.5,
		.object = "{\"k\":[1,2]}",
	};
}

/* The value in wire form, given; its size exact, so that a sanitizer sees a read past the
 * end. */
static void *encode(const struct troupe_type *type, const void *value, size_t *ret_size)
{
	void *block;

	assert_int_equal(codec_size(type, value, ret_size, NULL), 0);
	block = malloc(*ret_size ? *ret_size : 1);
	assert_non_null(block);
	memset(block, 0xee, *ret_size);
	codec_encode(type, value, block, *ret_size);
	return block;
}

static void put(void *wire, size_t at, uint64_t number)
{
	memcpy((char *)wire + at, &number, sizeof(number));
}

/* Decode a copy of the wire bytes. */
static int decode(const struct troupe_type *type, const void *wire, size_t size,
		  struct codec_error *ret_error)
{
	void *block = malloc(size ? size : 1);
	int r;

	assert_non_null(block);
	memcpy(block, wire, size);
	r = codec_decode(type, block, size, ret_error);
	free(block);
	return r;
}

/* The node value, spoilt by `number` at the byte offset `at` of its wire form, must be
 * refused. */
static void assert_refused(size_t at, uint64_t number, const char *path)
{
	struct node next = leaf(), root = full(&next);
	struct codec_error error;
	size_t size;
	char *wire = encode(&node_type, &root, &size);

	put(wire, at, number);
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, path);
	free(wire);
}

static void assert_invalid(const struct node *value, const char *path)
{
	struct codec_error error;
	size_t size = 77;

	assert_int_equal(codec_size(&node_type, value, &size, &error), -EINVAL);
	assert_string_equal(error.path, path);
	assert_true(error.message[0] != '\0');
	assert_int_equal(size, 77);
}

/* ------------------------------------------------------------------ memory */

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

/* ------------------------------------------------------------------ wire */

static void wire_decodes_to_an_equal_value(void **state)
{
	struct node next = leaf(), root = full(&next);
	size_t size;
	void *wire = encode(&node_type, &root, &size);

	(void)state;
	assert_int_equal(codec_decode(&node_type, wire, size, NULL), 0);
	assert_true(codec_equal(&node_type, &root, wire));
	free(wire);
}

static void wire_has_offsets_and_zero_padding(void **state)
{
	struct mixed mixed;
	struct node node = leaf();
	unsigned char *wire;
	uint64_t offset;
	size_t size;

	(void)state;
	memset(&mixed, 0xaa, sizeof(mixed));
	mixed.on = true;
	mixed.off = false;
	mixed.color = BLUE;
	wire = encode(&mixed_type, &mixed, &size);
	for (size_t i = 1; i < 8; i++) {
		assert_int_equal(wire[i], 0);
		assert_int_equal(wire[offsetof(struct mixed, off) + i], 0);
	}
	assert_int_equal(decode(&mixed_type, wire, size, NULL), 0);
	free(wire);
	wire = encode(&node_type, &node, &size);
	memcpy(&offset, wire, sizeof(offset));
	assert_int_equal(offset, sizeof(node));
	free(wire);
}

static void decode_refuses_padding_that_is_not_zero(void **state)
{
	struct mixed mixed = {.on = true};
	struct node next = leaf(), root = full(&next);
	struct codec_error error;
	size_t size, text;
	unsigned char *wire = encode(&mixed_type, &mixed, &size);

	(void)state;
	wire[3] = 1;
	assert_int_equal(decode(&mixed_type, wire, size, &error), -EBADMSG);
	wire[3] = 0;
	wire[size - 1] = 1;
	assert_int_equal(decode(&mixed_type, wire, size, &error), -EBADMSG);
	free(wire);
	/* between pointees: "root" ends three bytes before the words */
	wire = encode(&node_type, &root, &size);
	text = sizeof(root) + sizeof("root");
	assert_int_equal(decode(&node_type, wire, size, &error), 0);
	wire[text] = 1;
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "words");
	free(wire);
}

static void decode_refuses_offsets_but_the_next(void **state)
{
	(void)state;
	assert_refused(offsetof(struct node, name), 0, "name");
	assert_refused(offsetof(struct node, name), sizeof(struct node) + 1, "name");
	assert_refused(offsetof(struct node, name), UINT64_MAX, "name");
	assert_refused(offsetof(struct node, words.items), sizeof(struct node), "words");
	assert_refused(offsetof(struct node, next), 8, "next");
	assert_refused(offsetof(struct node, bytes.data), 0, "bytes");
	assert_refused(offsetof(struct node, object), 1u << 30, "object");
}

static void decode_refuses_counts_beyond_the_block(void **state)
{
	(void)state;
	assert_refused(offsetof(struct node, words.count), UINT64_MAX, "words");
	assert_refused(offsetof(struct node, words.count), (1ull << 61) + 1, "words");
	assert_refused(offsetof(struct node, words.count), 1000, "words");
	assert_refused(offsetof(struct node, words.count), 0, "words");
	assert_refused(offsetof(struct node, marks.count), UINT64_MAX / 16 + 2, "marks");
	assert_refused(offsetof(struct node, bytes.size), UINT64_MAX, "bytes");
	assert_refused(offsetof(struct node, bytes.size), 0, "bytes");
}

static void decode_refuses_floats_not_finite(void **state)
{
	(void)state;
	assert_refused(offsetof(struct node, weight), 0x7ff0000000000000ull, "weight");
	assert_refused(offsetof(struct node, weight), 0x7ff8000000000001ull, "weight");
}

static void decode_refuses_bools_and_enums_out_of_range(void **state)
{
	struct mixed mixed = {.on = true};
	struct codec_error error;
	size_t size;
	unsigned char *wire = encode(&mixed_type, &mixed, &size);

	(void)state;
	wire[0] = 2;
	assert_int_equal(decode(&mixed_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "on");
	wire[0] = 0;
	wire[offsetof(struct mixed, color)] = 3;
	assert_int_equal(decode(&mixed_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "color");
	free(wire);
}

static void decode_refuses_keys_twice_or_out_of_order(void **state)
{
	static const struct entry marks[] = {{"a", true}, {"b", true}};
	struct node node = leaf();
	struct codec_error error;
	size_t size, keys;
	char *wire;

	(void)state;
	node.marks = (struct entries){marks, 2};
	wire = encode(&node_type, &node, &size);
	keys = size - sizeof("{}") - 4;
	assert_memory_equal(wire + keys, "a\0b\0", 4);
	wire[keys] = 'b';
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "marks[1]");
	wire[keys] = 'c';
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	wire[keys] = (char)0xff;
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "marks[0]");
	free(wire);
}

static void decode_refuses_bad_text_and_objects(void **state)
{
	struct node node = leaf();
	struct codec_error error;
	size_t size;
	char *wire = encode(&node_type, &node, &size);

	(void)state;
	wire[sizeof(node)] = (char)0xc0;
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "name");
	wire[sizeof(node)] = 'l';
	wire[size - 2] = ']';
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "object");
	free(wire);
}

static void decode_refuses_other_sizes(void **state)
{
	struct node next = leaf(), root = full(&next);
	size_t size;
	char *wire = encode(&node_type, &root, &size);
	char *longer = calloc(1, size + 1);

	(void)state;
	assert_non_null(longer);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(decode(&node_type, wire, i, NULL), -EBADMSG);
	memcpy(longer, wire, size);
	assert_int_equal(decode(&node_type, longer, size + 1, NULL), -EBADMSG);
	assert_int_equal(decode(&empty_type, longer, 1, NULL), -EBADMSG);
	assert_int_equal(decode(&empty_type, longer, 0, NULL), 0);
	free(longer);
	free(wire);
}

static void decode_refuses_chains_too_deep(void **state)
{
	/* Built by hand, since codec_size() refuses to. */
	enum { N = CODEC_DEPTH_MAX + 1 };
	struct cell {
		uint64_t next;
	} cells[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		cells[i].next = i + 1 < N ? (i + 1) * sizeof(struct cell) : 0;
	assert_int_equal(decode(&chain_type, cells, sizeof(cells), NULL), -EBADMSG);
	cells[N - 2].next = 0;
	assert_int_equal(decode(&chain_type, cells, sizeof(cells) - 8, NULL), 0);
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

/* ------------------------------------------------------------------ UTF-8 */

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
		cmocka_unit_test(wire_decodes_to_an_equal_value),
		cmocka_unit_test(wire_has_offsets_and_zero_padding),
		cmocka_unit_test(decode_refuses_padding_that_is_not_zero),
		cmocka_unit_test(decode_refuses_offsets_but_the_next),
		cmocka_unit_test(decode_refuses_counts_beyond_the_block),
		cmocka_unit_test(decode_refuses_floats_not_finite),
		cmocka_unit_test(decode_refuses_bools_and_enums_out_of_range),
		cmocka_unit_test(decode_refuses_keys_twice_or_out_of_order),
		cmocka_unit_test(decode_refuses_bad_text_and_objects),
		cmocka_unit_test(decode_refuses_other_sizes),
		cmocka_unit_test(decode_refuses_chains_too_deep),
		cmocka_unit_test(empty_items_take_a_zero_byte_each),
		cmocka_unit_test(empty_pointees_are_a_zero_byte),
		cmocka_unit_test(error_path_stays_valid_text_when_cut),
		cmocka_unit_test(utf8_is_judged_at_each_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
