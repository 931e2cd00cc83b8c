/* From one version of a type to another. The new value is put together in scratch memory,
 * sharing the strings and bytes of the old one, and then laid out as a block. */

#include "proto/codec.h"

#include "base/cleanup.h"
#include "proto/arena.h"
#include "proto/codec_error.h"
#include "proto/codec_walk.h"
#include "proto/kind.h"
#include <errno.h>
#include <stdlib.h>

/* Of scratch memory: all of it, save strings and bytes, goes into the block. */
#define SCRATCH_MAX (2ull * CODEC_BLOCK_MAX)

struct converter {
	struct arena scratch;
	size_t scratch_used;
	unsigned flags;
	unsigned depth;
	struct codec_error *error;
};

static int convert_value(struct converter *converter, const struct troupe_type *from,
			 const void *source, const struct troupe_type *to, char *cell);

static void fini_scratch(struct converter *converter)
{
	arena_fini(&converter->scratch);
}

static int fail(struct converter *converter, const char *message)
{
	return codec_error_set(converter->error, -EINVAL, "%s", message);
}

static int get_scratch(struct converter *converter, size_t size, char **ret_memory)
{
	char *memory;

	if (size > SCRATCH_MAX - converter->scratch_used)
		return codec_error_set(converter->error, -EMSGSIZE, "more than %u bytes",
				       CODEC_BLOCK_MAX);
	memory = arena_alloc(&converter->scratch, size);
	if (!memory)
		return -ENOMEM;
	converter->scratch_used += size;
	*ret_memory = memory;
	return 0;
}

static int convert_enum(struct converter *converter, const struct troupe_type *from,
			const void *source, const struct troupe_type *to, char *cell)
{
	uint32_t value = load_enum(source);

	if (value >= from->count)
		return fail(converter, "an enum out of range");
	for (uint32_t i = 0; i < to->count; i++) {
		if (strcmp(from->names[value], to->names[i]) == 0) {
			memcpy(cell, &i, sizeof(i));
			return 0;
		}
	}
	return fail(converter, "not a name of the enum");
}

/* The place of the field of that name; versions of a type mostly agree on the order, so the
 * search begins at `expected`. count: there is none. */
static uint32_t find_field(const struct troupe_type *type, const char *name, uint32_t expected)
{
	for (uint32_t i = 0; i < type->count; i++) {
		uint32_t k = (expected + i) % type->count;

		if (strcmp(type->fields[k].name, name) == 0)
			return k;
	}
	return type->count;
}

/* What `to` has no field for may only be dropped, or be absent. */
static int check_dropped(struct converter *converter, const struct troupe_type *from,
			 const char *source, const struct troupe_type *to)
{
	for (uint32_t i = 0; i < from->count; i++) {
		const struct troupe_field *field = &from->fields[i];

		if (find_field(to, field->name, i) < to->count)
			continue;
		if (field->type->kind == TROUPE_OPTIONAL &&
		    !load_pointer(source + field->offset))
			continue;
		fail(converter, "the type has no such field");
		codec_error_field(converter->error, field->name);
		return -EINVAL;
	}
	return 0;
}

static int convert_field(struct converter *converter, const struct troupe_type *from,
			 const char *source, const struct troupe_field *wanted, uint32_t place,
			 char *cell)
{
	uint32_t k = find_field(from, wanted->name, place);
	int r = 0;

	if (k < from->count)
		r = convert_value(converter, from->fields[k].type,
				  source + from->fields[k].offset, wanted->type, cell);
	else if (wanted->type->kind != TROUPE_OPTIONAL)
		r = fail(converter, "the field is missing");
	if (r < 0)
		codec_error_field(converter->error, wanted->name);
	return r;
}

static int convert_struct(struct converter *converter, const struct troupe_type *from,
			  const char *source, const struct troupe_type *to, char *cell)
{
	int r = 0;

	if (!(converter->flags & CODEC_DROP))
		r = check_dropped(converter, from, source, to);
	for (uint32_t i = 0; r == 0 && i < to->count; i++)
		r = convert_field(converter, from, source, &to->fields[i], i,
				  cell + to->fields[i].offset);
	return r;
}

static int convert_items(struct converter *converter, const struct troupe_type *from,
			 const void *source, const struct troupe_type *to, char *cell)
{
	struct codec_span span = load_span(source);
	const char *old = span.at;
	char *items = NULL;
	int r;

	if (span.count == 0)
		return 0;
	r = get_scratch(converter, span.count * to->stride, &items);
	if (r < 0)
		return r;
	store_span(cell, items, span.count);
	for (size_t i = 0; i < span.count; i++, old += from->stride, items += to->stride) {
		const char *key = to->kind == TROUPE_MAP ? load_pointer(old) : NULL;

		if (key)
			store_pointer(items, key);
		r = convert_value(converter, from->item, old + from->value_offset, to->item,
				  items + to->value_offset);
		if (r == 0)
			continue;
		if (key)
			codec_error_key(converter->error, key, strlen(key));
		else
			codec_error_index(converter->error, i);
		return r;
	}
	return 0;
}

static int convert_present(struct converter *converter, const struct troupe_type *from,
			   const void *source, const struct troupe_type *to, char *cell)
{
	char *value = cell;
	int r;

	if (is_text(to->item))
		return convert_value(converter, from, source, to->item, cell);
	r = get_scratch(converter, placed_size(to->item), &value);
	if (r < 0)
		return r;
	store_pointer(cell, value);
	return convert_value(converter, from, source, to->item, value);
}

static int convert_kind(struct converter *converter, const struct troupe_type *from,
			const void *source, const struct troupe_type *to, char *cell)
{
	if (from->kind == TROUPE_OPTIONAL) {
		source = optional_value(from, source);
		if (!source)
			return to->kind == TROUPE_OPTIONAL ? 0 : fail(converter, "absent");
		from = from->item;
		if (to->kind != TROUPE_OPTIONAL)
			return convert_value(converter, from, source, to, cell);
	}
	if (to->kind == TROUPE_OPTIONAL)
		return convert_present(converter, from, source, to, cell);
	if (from->kind != to->kind)
		return codec_error_set(converter->error, -EINVAL, "%s, found %s",
				       kind_phrase(to), kind_phrase(from));
	switch ((enum troupe_kind)to->kind) {
	case TROUPE_STRUCT:
		return convert_struct(converter, from, source, to, cell);
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		return convert_items(converter, from, source, to, cell);
	case TROUPE_ENUM:
		return convert_enum(converter, from, source, to, cell);
	default:
		memcpy(cell, source, to->size);
		return 0;
	}
}

/* `cell` is zeroed. A level of nesting takes up to three steps, those through optionals
 * counted; codec_size() is exact about the depth later. */
static int convert_value(struct converter *converter, const struct troupe_type *from,
			 const void *source, const struct troupe_type *to, char *cell)
{
	int r;

	if (converter->depth > 3 * CODEC_DEPTH_MAX)
		return codec_error_set(converter->error, -EINVAL, "nested deeper than %u",
				       CODEC_DEPTH_MAX);
	converter->depth++;
	r = convert_kind(converter, from, source, to, cell);
	converter->depth--;
	return r;
}

int codec_convert(const struct troupe_type *from, const void *value,
		  const struct troupe_type *to, unsigned flags, void **ret_block,
		  size_t *ret_size, struct codec_error *ret_error)
{
	cleanup(fini_scratch) struct converter converter = {.flags = flags, .error = ret_error};
	size_t size;
	void *block;
	char *made = NULL;
	int r;

	if (ret_error)
		*ret_error = (struct codec_error){0};
	r = get_scratch(&converter, placed_size(to), &made);
	if (r == 0)
		r = convert_value(&converter, from, value, to, made);
	if (r == 0)
		r = codec_size(to, made, &size, ret_error);
	if (r < 0)
		return r;
	block = malloc(size ? size : 1);
	if (!block)
		return -ENOMEM;
	codec_copy(to, made, block, size);
	*ret_block = block;
	*ret_size = size;
	return 0;
}
