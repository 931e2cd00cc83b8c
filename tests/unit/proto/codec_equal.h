/* codec_equal.h - whether two valid values of a type are equal in meaning (objects: in their
 * text). */
#ifndef TESTS_CODEC_EQUAL_H
#define TESTS_CODEC_EQUAL_H

#include "proto/codec_walk.h"
#include <string.h>
#include <troupe/type.h>

static int codec_equal(const struct troupe_type *type, const void *a, const void *b);

static int equal_items(const struct troupe_type *type, const void *a, const void *b)
{
	struct codec_span left = load_span(a), right = load_span(b);
	int is_map = type->kind == TROUPE_MAP;

	if (left.count != right.count)
		return 0;
	for (size_t i = 0; i < left.count; i++) {
		const char *x = (const char *)left.at + i * type->stride;
		const char *y = (const char *)right.at + i * type->stride;

		if (is_map && strcmp(load_pointer(x), load_pointer(y)) != 0)
			return 0;
		if (!codec_equal(type->item, x + type->value_offset, y + type->value_offset))
			return 0;
	}
	return 1;
}

static int equal_fields(const struct troupe_type *type, const char *a, const char *b)
{
	for (uint32_t i = 0; i < type->count; i++) {
		const struct troupe_field *field = &type->fields[i];

		if (!codec_equal(field->type, a + field->offset, b + field->offset))
			return 0;
	}
	return 1;
}

static int codec_equal(const struct troupe_type *type, const void *a, const void *b)
{
	struct codec_span left, right;
	const void *x, *y;

	switch ((enum troupe_kind)type->kind) {
	case TROUPE_BOOL:
	case TROUPE_INT:
	case TROUPE_ADDRESS:
	case TROUPE_ENUM:
		return memcmp(a, b, type->size) == 0;
	case TROUPE_FLOAT:
		return load_float(a) == load_float(b);
	case TROUPE_STRING:
	case TROUPE_OBJECT:
		return strcmp(load_pointer(a), load_pointer(b)) == 0;
	case TROUPE_BINARY:
		left = load_span(a);
		right = load_span(b);
		return left.count == right.count &&
		       (left.count == 0 || memcmp(left.at, right.at, left.count) == 0);
	case TROUPE_STRUCT:
		return equal_fields(type, a, b);
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		return equal_items(type, a, b);
	case TROUPE_OPTIONAL:
		x = optional_value(type, a);
		y = optional_value(type, b);
		return x && y ? codec_equal(type->item, x, y) : x == y;
	}
	return 0;
}

#endif
