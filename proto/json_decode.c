/* From JSON text to a block, without a tree of JSON values in between: the text is read
 * straight into values of the type, in scratch memory and in the order in which it has them,
 * and these are then laid out as a block. So nothing in a text costs more memory than its type
 * gives it, and an `object` keeps its text as it was written. */

#include "proto/json.h"

#include "base/cleanup.h"
#include "proto/address.h"
#include "proto/arena.h"
#include "proto/base64.h"
#include "proto/codec_error.h"
#include "proto/codec_walk.h"
#include "proto/json_number.h"
#include "proto/json_string.h"
#include "proto/json_text.h"
#include <errno.h>
#include <stdlib.h>

/* Of scratch memory: arrays that grow leave their smaller selves behind. */
#define SCRATCH_MAX (6ull * CODEC_BLOCK_MAX)

struct builder {
	struct json_reader reader;
	struct arena scratch;
	size_t scratch_used;
};

/* The items of an array or the entries of a map, while they are read. */
struct growing {
	char *items;
	size_t count, room;
};

static int build_value(struct builder *builder, const struct troupe_type *type, char *cell);

static void fini_scratch(struct builder *builder)
{
	arena_fini(&builder->scratch);
}

static int fail(struct builder *builder, const char *message)
{
	return codec_error_set(builder->reader.error, -EINVAL, "%s", message);
}

static int fail_size(struct builder *builder)
{
	return codec_error_set(builder->reader.error, -EMSGSIZE, "more than %u bytes",
			       CODEC_BLOCK_MAX);
}

/* "a string, found a number": what the type wants, and what comes next in the text. */
static int fail_kind(struct builder *builder, const struct troupe_type *type)
{
	const char *found = "something else";
	char first = json_peek(&builder->reader);

	switch (first) {
	case '"':
		found = "a string";
		break;
	case '{':
		found = "an object";
		break;
	case '[':
		found = "an array";
		break;
	case 't':
	case 'f':
		found = "a bool";
		break;
	case 'n':
		found = "null";
		break;
	default:
		if (first == '-' || (first >= '0' && first <= '9'))
			found = "a number";
		break;
	}
	return codec_error_set(builder->reader.error, -EINVAL, "%s, found %s",
			       codec_kind_name(type), found);
}

static int get_scratch(struct builder *builder, size_t size, char **ret_memory)
{
	char *memory;

	if (size > SCRATCH_MAX - builder->scratch_used)
		return fail_size(builder);
	memory = arena_alloc(&builder->scratch, size);
	if (!memory)
		return -ENOMEM;
	builder->scratch_used += size;
	*ret_memory = memory;
	return 0;
}

/* A zeroed place for one more item. */
static int add_item(struct builder *builder, const struct troupe_type *type,
		    struct growing *growing, char **ret_item)
{
	if (growing->count == growing->room) {
		size_t room = growing->room ? 2 * growing->room : 4;
		char *items = NULL;
		int r;

		if (growing->count > CODEC_BLOCK_MAX / type->stride)
			return fail_size(builder);
		r = get_scratch(builder, room * type->stride, &items);
		if (r < 0)
			return r;
		if (growing->count > 0)
			memcpy(items, growing->items, growing->count * type->stride);
		growing->items = items;
		growing->room = room;
	}
	*ret_item = growing->items + growing->count++ * type->stride;
	return 0;
}

static bool take_literal(struct builder *builder, const char *literal)
{
	struct json_reader *reader = &builder->reader;
	size_t size = strlen(literal);

	json_peek(reader);
	if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, literal, size) != 0)
		return false;
	reader->at += size;
	return true;
}

static int build_bool(struct builder *builder, const struct troupe_type *type, char *cell)
{
	if (take_literal(builder, "true"))
		*cell = 1;
	else if (take_literal(builder, "false"))
		*cell = 0;
	else
		return fail_kind(builder, type);
	return 0;
}

static int build_number(struct builder *builder, const struct troupe_type *type, char *cell)
{
	char first = json_peek(&builder->reader);
	struct json_span span;
	int64_t integer;
	double number;
	int r;

	if (first != '-' && (first < '0' || first > '9'))
		return fail_kind(builder, type);
	r = json_read_number(&builder->reader, &span);
	if (r < 0)
		return r;
	if (type->kind == TROUPE_FLOAT) {
		if (json_number_to_float(span, &number) < 0)
			return fail(builder, "a number that is too large");
		memcpy(cell, &number, sizeof(number));
		return 0;
	}
	r = json_number_to_int(span, &integer);
	if (r < 0)
		return fail(builder, r == -ERANGE ? "a number out of the range of int"
						  : "an int, found a number with a fraction");
	memcpy(cell, &integer, sizeof(integer));
	return 0;
}

/* A string's text in scratch memory; escapes only ever make it shorter. */
static int read_text(struct builder *builder, const struct troupe_type *type, char **ret_text)
{
	struct json_span span;
	char *text = NULL;
	int r;

	if (json_peek(&builder->reader) != '"')
		return fail_kind(builder, type);
	r = json_read_string(&builder->reader, &span);
	if (r == 0)
		r = get_scratch(builder, span.size, &text);
	if (r < 0)
		return r;
	if (json_unquote(span, text, span.size) < 0)
		return fail(builder, "a string with U+0000 in it");
	*ret_text = text;
	return 0;
}

static int build_string(struct builder *builder, const struct troupe_type *type, char *cell)
{
	char *text = NULL;
	int r = read_text(builder, type, &text);

	if (r == 0)
		store_pointer(cell, text);
	return r;
}

static int build_binary(struct builder *builder, const struct troupe_type *type, char *cell)
{
	char *text = NULL;
	size_t size;
	int r = read_text(builder, type, &text);

	if (r < 0)
		return r;
	/* In place: each group of four is read before its three bytes are written. */
	if (base64_parse(text, strlen(text), text, &size) < 0)
		return fail(builder, "not valid base64");
	store_span(cell, text, size);
	return 0;
}

static int build_address(struct builder *builder, const struct troupe_type *type, char *cell)
{
	struct troupe_address address;
	char *text = NULL;
	int r = read_text(builder, type, &text);

	if (r < 0)
		return r;
	if (address_parse(text, &address) < 0)
		return fail(builder, "not an address");
	memcpy(cell, &address, sizeof(address));
	return 0;
}

static int build_enum(struct builder *builder, const struct troupe_type *type, char *cell)
{
	struct json_span span;
	int r;

	if (json_peek(&builder->reader) != '"')
		return fail_kind(builder, type);
	r = json_read_string(&builder->reader, &span);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < type->count; i++) {
		if (json_span_equals(span, type->names[i])) {
			memcpy(cell, &i, sizeof(i));
			return 0;
		}
	}
	return fail(builder, "not a name of the enum");
}

static int build_object(struct builder *builder, const struct troupe_type *type, char *cell)
{
	struct json_span span;
	char *text = NULL;
	int r;

	if (json_peek(&builder->reader) != '{')
		return fail_kind(builder, type);
	r = json_read_value(&builder->reader, &span);
	if (r == 0)
		r = json_scan_object(span.at, span.size, builder->reader.error);
	if (r == 0)
		r = get_scratch(builder, span.size + 1, &text);
	if (r < 0)
		return r;
	memcpy(text, span.at, span.size);
	store_pointer(cell, text);
	return 0;
}

/* The place of a field in the type; callers of long standing keep to the order of the type, so
 * the search begins at `expected`. count: there is none. */
static uint32_t find_field(const struct troupe_type *type, struct json_span key,
			   uint32_t expected)
{
	for (uint32_t i = 0; i < type->count; i++) {
		uint32_t k =
			expected + i < type->count ? expected + i : expected + i - type->count;

		if (json_span_equals(key, type->fields[k].name))
			return k;
	}
	return type->count;
}

static int fail_unknown(struct builder *builder, struct json_span key)
{
	struct codec_error *error = builder->reader.error;
	char name[JSON_KEY_MAX + 1];

	fail(builder, "the type has no such field");
	if (json_unquote(key, name, sizeof(name)) < 0)
		return -EINVAL;
	if (name[0] != '\0' && !strpbrk(name, ".[]\" "))
		codec_error_field(error, name);
	else
		codec_error_key(error, name, strlen(name));
	return -EINVAL;
}

static int build_field(struct builder *builder, const struct troupe_type *type, char *cell,
		       char *seen, uint32_t *expected)
{
	const struct troupe_field *field;
	struct json_span key;
	uint32_t i;
	int r = json_read_key(&builder->reader, &key);

	if (r < 0)
		return r;
	i = find_field(type, key, *expected);
	if (i == type->count)
		return fail_unknown(builder, key);
	field = &type->fields[i];
	if (seen[i])
		r = fail(builder, "the field is there twice");
	else
		r = build_value(builder, field->type, cell + field->offset);
	if (r < 0) {
		codec_error_field(builder->reader.error, field->name);
		return r;
	}
	seen[i] = 1;
	*expected = i + 1;
	return 0;
}

static int build_struct(struct builder *builder, const struct troupe_type *type, char *cell)
{
	struct json_reader *reader = &builder->reader;
	uint32_t expected = 0;
	char *seen = NULL;
	int r;

	if (json_peek(reader) != '{')
		return fail_kind(builder, type);
	r = get_scratch(builder, type->count, &seen);
	if (r < 0)
		return r;
	for (r = json_read_open(reader, '{'); r > 0; r = json_read_next(reader, '{')) {
		r = build_field(builder, type, cell, seen, &expected);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; r == 0 && i < type->count; i++) {
		if (seen[i] || type->fields[i].type->kind == TROUPE_OPTIONAL)
			continue;
		r = fail(builder, "the field is missing");
		codec_error_field(reader->error, type->fields[i].name);
	}
	return r;
}

static int build_array(struct builder *builder, const struct troupe_type *type, char *cell)
{
	struct json_reader *reader = &builder->reader;
	struct growing growing = {0};
	char *item;
	int r;

	if (json_peek(reader) != '[')
		return fail_kind(builder, type);
	for (r = json_read_open(reader, '['); r > 0; r = json_read_next(reader, '[')) {
		r = add_item(builder, type, &growing, &item);
		if (r == 0)
			r = build_value(builder, type->item, item);
		if (r < 0) {
			codec_error_index(reader->error, growing.count - 1);
			return r;
		}
	}
	if (r == 0)
		store_span(cell, growing.items, growing.count);
	return r;
}

static int build_entry(struct builder *builder, const struct troupe_type *type, char *entry)
{
	static const struct troupe_type key_type = {.kind = TROUPE_STRING};
	struct json_reader *reader = &builder->reader;
	char *key = NULL;
	int r;

	if (json_peek(reader) != '"')
		return json_expected(reader, "a key");
	r = read_text(builder, &key_type, &key);
	if (r < 0)
		return r;
	store_pointer(entry, key);
	if (!json_take(reader, ':'))
		return json_expected(reader, "':'");
	r = build_value(builder, type->item, entry + type->value_offset);
	if (r < 0)
		codec_error_key(reader->error, key, strlen(key));
	return r;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(load_pointer(a), load_pointer(b));
}

static int build_map(struct builder *builder, const struct troupe_type *type, char *cell)
{
	struct json_reader *reader = &builder->reader;
	struct growing growing = {0};
	char *entry;
	int r;

	if (json_peek(reader) != '{')
		return fail_kind(builder, type);
	for (r = json_read_open(reader, '{'); r > 0; r = json_read_next(reader, '{')) {
		r = add_item(builder, type, &growing, &entry);
		if (r == 0)
			r = build_entry(builder, type, entry);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (growing.count > 0)
		qsort(growing.items, growing.count, type->stride, compare_keys);
	for (size_t i = 1; i < growing.count; i++) {
		entry = growing.items + i * type->stride;
		if (compare_keys(entry - type->stride, entry) != 0)
			continue;
		fail(builder, "the key is there twice");
		codec_error_key(reader->error, load_pointer(entry),
				strlen(load_pointer(entry)));
		return -EINVAL;
	}
	store_span(cell, growing.items, growing.count);
	return 0;
}

static int build_optional(struct builder *builder, const struct troupe_type *type, char *cell)
{
	char *value = cell;
	int r;

	if (take_literal(builder, "null"))
		return 0;
	if (is_text(type->item))
		return build_value(builder, type->item, cell);
	r = get_scratch(builder, placed_size(type->item), &value);
	if (r < 0)
		return r;
	store_pointer(cell, value);
	return build_value(builder, type->item, value);
}

/* `cell` is zeroed. Depth is bounded by the reader. */
static int build_value(struct builder *builder, const struct troupe_type *type, char *cell)
{
	switch ((enum troupe_kind)type->kind) {
	case TROUPE_BOOL:
		return build_bool(builder, type, cell);
	case TROUPE_INT:
	case TROUPE_FLOAT:
		return build_number(builder, type, cell);
	case TROUPE_STRING:
		return build_string(builder, type, cell);
	case TROUPE_BINARY:
		return build_binary(builder, type, cell);
	case TROUPE_ADDRESS:
		return build_address(builder, type, cell);
	case TROUPE_OBJECT:
		return build_object(builder, type, cell);
	case TROUPE_ENUM:
		return build_enum(builder, type, cell);
	case TROUPE_STRUCT:
		return build_struct(builder, type, cell);
	case TROUPE_ARRAY:
		return build_array(builder, type, cell);
	case TROUPE_MAP:
		return build_map(builder, type, cell);
	case TROUPE_OPTIONAL:
		return build_optional(builder, type, cell);
	}
	return -EINVAL;
}

/* Read the text into *ret_value, in scratch memory. */
static int build_root(struct builder *builder, const struct troupe_type *type, char **ret_value)
{
	char *value = NULL;
	int r = get_scratch(builder, placed_size(type), &value);

	if (r == 0)
		r = build_value(builder, type, value);
	if (r == 0)
		r = json_read_end(&builder->reader);
	if (r == 0)
		*ret_value = value;
	return r;
}

int json_decode(const struct troupe_type *type, const char *text, size_t size, void **ret_block,
		size_t *ret_size, struct codec_error *ret_error)
{
	cleanup(fini_scratch) struct builder builder = {0};
	char *value = NULL;
	size_t block_size;
	void *block;
	int r;

	if (ret_error)
		*ret_error = (struct codec_error){0};
	if (size == 0) {
		text = "{}";
		size = 2;
	}
	/* Values are counted, and the syntax is seen to be right, before any memory is spent.
	 */
	r = json_scan(text, size, ret_error);
	if (r < 0)
		return r;
	json_reader_init(&builder.reader, text, size, JSON_DEPTH_MAX, ret_error);
	r = build_root(&builder, type, &value);
	if (r == 0)
		r = codec_size(type, value, &block_size, ret_error);
	if (r < 0)
		return r;
	block = malloc(block_size ? block_size : 1);
	if (!block)
		return -ENOMEM;
	codec_copy(type, value, block, block_size);
	*ret_block = block;
	*ret_size = block_size;
	return 0;
}
