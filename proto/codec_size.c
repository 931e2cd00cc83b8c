#include "proto/codec.h"

#include "proto/codec_error.h"
#include "proto/codec_walk.h"
#include "proto/json_text.h"
#include <errno.h>
#include <math.h>

struct sizer {
	size_t size; /* so far: where the next pointee may begin */
	unsigned depth;
	struct codec_error *error;
};

static int size_struct(struct sizer *sizer, const struct troupe_type *type, const char *value);
static int size_array(struct sizer *sizer, const struct troupe_type *type, const void *cell);
static int size_map(struct sizer *sizer, const struct troupe_type *type, const void *cell);
static int size_optional(struct sizer *sizer, const struct troupe_type *type, const void *cell);

static int fail(struct sizer *sizer, const char *message)
{
	return codec_error_set(sizer->error, -EINVAL, "%s", message);
}

static int fail_null(struct sizer *sizer, const struct troupe_type *type)
{
	return codec_error_set(sizer->error, -EINVAL, "%s, found NULL", codec_kind_name(type));
}

static int add_bytes(struct sizer *sizer, size_t align, size_t bytes)
{
	size_t at = align_up(sizer->size, align);

	if (at > CODEC_BLOCK_MAX || bytes > CODEC_BLOCK_MAX - at)
		return codec_error_set(sizer->error, -EMSGSIZE, "more than %u bytes",
				       CODEC_BLOCK_MAX);
	sizer->size = at + bytes;
	return 0;
}

static int add_items(struct sizer *sizer, const struct troupe_type *type, size_t count)
{
	if (type->stride == 0)
		return fail(sizer, "the type's items have no size");
	if (count > CODEC_BLOCK_MAX / type->stride)
		return codec_error_set(sizer->error, -EMSGSIZE, "more than %u bytes",
				       CODEC_BLOCK_MAX);
	return add_bytes(sizer, type->entry_align, count * type->stride);
}

static int enter(struct sizer *sizer)
{
	if (sizer->depth == CODEC_DEPTH_MAX)
		return codec_error_set(sizer->error, -EINVAL, "nested deeper than %u",
				       CODEC_DEPTH_MAX);
	sizer->depth++;
	return 0;
}

static int size_text(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	const char *text = load_pointer(cell);
	size_t size;

	if (!text)
		return fail_null(sizer, type);
	size = strlen(text);
	if (size >= CODEC_BLOCK_MAX)
		return codec_error_set(sizer->error, -EMSGSIZE, "more than %u bytes",
				       CODEC_BLOCK_MAX);
	if (type->kind == TROUPE_OBJECT) {
		if (json_scan_object(text, size, sizer->error) < 0)
			return -EINVAL;
	} else if (!codec_is_utf8(text, size)) {
		return fail(sizer, "not valid UTF-8");
	}
	return add_bytes(sizer, 1, size + 1);
}

/* Scalars right here, what nests through a call: so only nesting costs stack frames. */
static inline __attribute__((always_inline)) int
size_value(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	struct codec_span span;

	switch ((enum troupe_kind)type->kind) {
	case TROUPE_INT:
	case TROUPE_ADDRESS:
		return 0;
	case TROUPE_BOOL:
		return load_bool_is_valid(cell) ? 0
						: fail(sizer, "a bool, found another value");
	case TROUPE_FLOAT:
		return isfinite(load_float(cell)) ? 0
						  : fail(sizer, "a float that is not finite");
	case TROUPE_ENUM:
		return load_enum(cell) < type->count ? 0 : fail(sizer, "an enum out of range");
	case TROUPE_STRING:
	case TROUPE_OBJECT:
		return size_text(sizer, type, cell);
	case TROUPE_BINARY:
		span = load_span(cell);
		if (span.count > 0 && !span.at)
			return fail(sizer, "bytes, found NULL");
		return add_bytes(sizer, 1, span.count);
	case TROUPE_STRUCT:
		return is_plain(type) ? 0 : size_struct(sizer, type, cell);
	case TROUPE_ARRAY:
		return size_array(sizer, type, cell);
	case TROUPE_MAP:
		return size_map(sizer, type, cell);
	case TROUPE_OPTIONAL:
		return size_optional(sizer, type, cell);
	}
	return fail(sizer, "a type of unknown kind");
}

static int size_struct(struct sizer *sizer, const struct troupe_type *type, const char *value)
{
	int r = enter(sizer);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < type->count; i++) {
		const struct troupe_field *field = &type->fields[i];

		r = size_value(sizer, field->type, value + field->offset);
		if (r < 0) {
			codec_error_field(sizer->error, field->name);
			return r;
		}
	}
	sizer->depth--;
	return 0;
}

static int size_array(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	struct codec_span span = load_span(cell);
	const char *item = span.at;
	int r = enter(sizer);

	if (r < 0)
		return r;
	if (span.count > 0 && !item)
		r = fail(sizer, "items, found NULL");
	else if (span.count > 0)
		r = add_items(sizer, type, span.count);
	if (is_plain(type->item))
		span.count = 0;
	for (size_t i = 0; r == 0 && i < span.count; i++, item += type->stride) {
		r = size_value(sizer, type->item, item);
		if (r < 0)
			codec_error_index(sizer->error, i);
	}
	sizer->depth--;
	return r;
}

static int size_entry(struct sizer *sizer, const struct troupe_type *type, const char *entry,
		      const char *last_key)
{
	const char *key = load_pointer(entry);
	size_t size;
	int r;

	if (!key)
		return fail(sizer, "a key, found NULL");
	size = strlen(key);
	if (!codec_is_utf8(key, size))
		return fail(sizer, "a key that is not valid UTF-8");
	if (last_key && strcmp(last_key, key) >= 0)
		r = fail(sizer, "a key twice or out of order");
	else
		r = add_bytes(sizer, 1, size + 1);
	if (r == 0)
		r = size_value(sizer, type->item, entry + type->value_offset);
	if (r < 0)
		codec_error_key(sizer->error, key, size);
	return r;
}

static int size_map(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	struct codec_span span = load_span(cell);
	const char *entry = span.at, *last_key = NULL;
	int r = enter(sizer);

	if (r < 0)
		return r;
	if (span.count > 0 && !entry)
		r = fail(sizer, "entries, found NULL");
	else if (span.count > 0)
		r = add_items(sizer, type, span.count);
	for (size_t i = 0; r == 0 && i < span.count; i++, entry += type->stride) {
		r = size_entry(sizer, type, entry, last_key);
		last_key = load_pointer(entry);
	}
	sizer->depth--;
	return r;
}

static int size_optional(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	const struct troupe_type *item = type->item;
	const void *value = optional_value(type, cell);
	int r;

	if (!value)
		return 0;
	if (!is_text(item)) {
		r = add_bytes(sizer, item->align, placed_size(item));
		if (r < 0)
			return r;
	}
	return size_value(sizer, item, value);
}

int codec_size(const struct troupe_type *type, const void *value, size_t *ret_size,
	       struct codec_error *ret_error)
{
	struct sizer sizer = {.size = type->size, .error = ret_error};
	int r;

	if (!is_plain(type)) {
		r = size_value(&sizer, type, value);
		if (r < 0)
			return r;
	}
	*ret_size = sizer.size;
	return 0;
}

int codec_measure(const struct troupe_type *type, const void *value,
		  struct codec_measure *ret_measure)
{
	return codec_size(type, value, &ret_measure->size, NULL);
}
