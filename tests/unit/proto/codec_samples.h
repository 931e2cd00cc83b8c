/* codec_samples.h - types and values for the tests of the codec, written out as the generator
 * would; and what may be done to them. */
#ifndef TESTS_UNIT_PROTO_CODEC_SAMPLES_H
#define TESTS_UNIT_PROTO_CODEC_SAMPLES_H

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

static const char *const some_words[] = {"one", "", "drei \xe2\x82\xac"};
static const struct entry some_marks[] = {{"a", true}, {"ab", false}, {"\xc3\xa9", true}};
static const int64_t some_number = -5;

static inline struct node leaf(void)
{
	return (struct node){.name = "leaf", .object = "{}"};
}

static inline struct node full(const struct node *next)
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
static inline void *encode(const struct troupe_type *type, const void *value, size_t *ret_size)
{
	void *block;

	assert_int_equal(codec_size(type, value, ret_size, NULL), 0);
	block = malloc(*ret_size ? *ret_size : 1);
	assert_non_null(block);
	memset(block, 0xee, *ret_size);
	codec_encode(type, value, block, *ret_size);
	return block;
}

static inline void put(void *wire, size_t at, uint64_t number)
{
	memcpy((char *)wire + at, &number, sizeof(number));
}

/* Decode a copy of the wire bytes. */
static inline int decode(const struct troupe_type *type, const void *wire, size_t size,
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
static inline void assert_refused(size_t at, uint64_t number, const char *path)
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

static inline void assert_invalid(const struct node *value, const char *path)
{
	struct codec_error error;
	size_t size = 77;

	assert_int_equal(codec_size(&node_type, value, &size, &error), -EINVAL);
	assert_string_equal(error.path, path);
	assert_true(error.message[0] != '\0');
	assert_int_equal(size, 77);
}

#endif
