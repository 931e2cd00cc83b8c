/* From JSON text to a block, without a tree of JSON values in between: the text is read
 * straight into values of the type, in scratch memory and in the order in which it has them,
 * and these are then laid out as a block. Strings stay in the text meanwhile. So nothing in a
 * text costs more memory than its type gives it, and an `object` keeps its text as it was
 * written. */

#include "proto/json.h"

#include "base/cleanup.h"
#include "proto/codec_error.h"
#include "proto/codec_walk.h"
#include "proto/json_build.h"
#include "proto/json_string.h"
#include <errno.h>
#include <stdlib.h>

/* The items of an array or the entries of a map, while they are read. */
struct growing {
	char *items;
	size_t count, room;
};

static int build_value(struct json_builder *builder, const struct troupe_type *type,
		       char *cell);

/* A zeroed place for one more item. */
static int add_item(struct json_builder *builder, const struct troupe_type *type,
		    struct growing *growing, char **ret_item)
{
	if (growing->count == growing->room) {
		size_t room = growing->room ? 2 * growing->room : 4;
		char *items = NULL;
		int r;

		if (growing->count > CODEC_BLOCK_MAX / type->stride)
			return json_build_fail_size(builder);
		r = json_build_scratch(builder, room * type->stride, &items);
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

static int fail_unknown(struct json_builder *builder, struct json_span key)
{
	struct codec_error *error = builder->reader.error;
	char name[JSON_KEY_MAX + 1];

	json_build_fail(builder, "the type has no such field");
	if (json_unquote(key, name, sizeof(name)) < 0)
		return -EINVAL;
	if (name[0] != '\0' && !strpbrk(name, ".[]\" "))
		codec_error_field(error, name);
	else
		codec_error_key(error, name, strlen(name));
	return -EINVAL;
}

static int build_field(struct json_builder *builder, const struct troupe_type *type, char *cell,
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
		r = json_build_fail(builder, "the field is there twice");
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

static int build_struct(struct json_builder *builder, const struct troupe_type *type,
			char *cell)
{
	struct json_reader *reader = &builder->reader;
	uint32_t expected = 0;
	char *seen = NULL;
	int r;

	if (json_peek(reader) != '{')
		return json_build_fail_kind(builder, type);
	r = json_build_scratch(builder, type->count, &seen);
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
		r = json_build_fail(builder, "the field is missing");
		codec_error_field(reader->error, type->fields[i].name);
	}
	return r;
}

static int build_entry(struct json_builder *builder, const struct troupe_type *type,
		       char *entry)
{
	static const struct troupe_type key_type = {.kind = TROUPE_STRING};
	struct json_reader *reader = &builder->reader;
	char *key = NULL;
	int r;

	if (json_peek(reader) != '"')
		return json_expected(reader, "a key");
	r = json_build_text(builder, &key_type, &key);
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

static int build_items(struct json_builder *builder, const struct troupe_type *type, char *cell)
{
	char open = type->kind == TROUPE_MAP ? '{' : '[';
	struct json_reader *reader = &builder->reader;
	struct growing growing = {0};
	char *item;
	int r;

	if (json_peek(reader) != open)
		return json_build_fail_kind(builder, type);
	for (r = json_read_open(reader, open); r > 0; r = json_read_next(reader, open)) {
		r = add_item(builder, type, &growing, &item);
		if (r == 0 && open == '{')
			r = build_entry(builder, type, item);
		else if (r == 0)
			r = build_value(builder, type->item, item);
		if (r < 0 && open == '[')
			codec_error_index(reader->error, growing.count - 1);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	/* A key that is there twice is found when the value is measured. */
	if (open == '{' && growing.count > 0)
		qsort(growing.items, growing.count, type->stride, compare_keys);
	store_span(cell, growing.items, growing.count);
	return 0;
}

static int build_optional(struct json_builder *builder, const struct troupe_type *type,
			  char *cell)
{
	char *value = cell;
	int r;

	if (json_build_literal(builder, "null"))
		return 0;
	if (is_text(type->item))
		return build_value(builder, type->item, cell);
	r = json_build_scratch(builder, placed_size(type->item), &value);
	if (r < 0)
		return r;
	store_pointer(cell, value);
	return build_value(builder, type->item, value);
}

/* `cell` is zeroed. Depth is bounded by the reader. */
static int build_value(struct json_builder *builder, const struct troupe_type *type, char *cell)
{
	switch ((enum troupe_kind)type->kind) {
	case TROUPE_BOOL:
	case TROUPE_INT:
	case TROUPE_FLOAT:
	case TROUPE_STRING:
	case TROUPE_BINARY:
	case TROUPE_ADDRESS:
	case TROUPE_OBJECT:
	case TROUPE_ENUM:
		return json_build_scalar(builder, type, cell);
	case TROUPE_STRUCT:
		return build_struct(builder, type, cell);
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		return build_items(builder, type, cell);
	case TROUPE_OPTIONAL:
		return build_optional(builder, type, cell);
	}
	return -EINVAL;
}

/* Read the text into *ret_value, in scratch memory. */
static int build_root(struct json_builder *builder, const struct troupe_type *type,
		      char **ret_value)
{
	int r = json_build_scratch(builder, placed_size(type), ret_value);

	if (r == 0)
		r = build_value(builder, type, *ret_value);
	return r < 0 ? r : json_read_end(&builder->reader);
}

int json_read(const struct troupe_type *type, char *text, size_t size, struct json_value *value,
	      struct codec_error *ret_error)
{
	char empty[] = "{}", *cell = NULL;
	struct json_builder builder = {.text = size ? text : empty, .scratch = &value->scratch};
	int r;

	if (ret_error)
		*ret_error = (struct codec_error){0};
	json_reader_init(&builder.reader, builder.text, size ? size : strlen(empty),
			 JSON_DEPTH_MAX, ret_error);
	r = build_root(&builder, type, &cell);
	value->value = cell;
	return r;
}

void json_value_fini(struct json_value *value)
{
	arena_fini(&value->scratch);
}

/* Values are counted, and the syntax is seen to be right, before any memory is spent. */
int json_decode(const struct troupe_type *type, const char *text, size_t size, void **ret_block,
		size_t *ret_size, struct codec_error *ret_error)
{
	cleanup(json_value_fini) struct json_value value = {0};
	int r = size > 0 ? json_scan(text, size, ret_error) : 0;
	char *copy = r == 0 ? arena_copy(&value.scratch, text, size) : NULL;
	size_t block_size;
	void *block;

	if (r == 0)
		r = copy ? json_read(type, copy, size, &value, ret_error) : -ENOMEM;
	if (r == 0)
		r = codec_size(type, value.value, &block_size, ret_error);
	if (r < 0)
		return r;
	block = malloc(block_size ? block_size : 1);
	if (!block)
		return -ENOMEM;
	codec_copy(type, value.value, block, block_size);
	*ret_block = block;
	*ret_size = block_size;
	return 0;
}

int json_check(const struct troupe_type *type, const char *text, size_t size,
	       struct codec_error *ret_error)
{
	cleanup_free void *block = NULL;

	return json_decode(type, text, size, &block, &size, ret_error);
}
