#include "proto/json_build.h"

#include "proto/address.h"
#include "proto/base64.h"
#include "proto/codec_error.h"
#include "proto/codec_walk.h"
#include "proto/json_number.h"
#include "proto/json_string.h"
#include "proto/kind.h"
#include <errno.h>

int json_build_fail(struct json_builder *builder, const char *message)
{
	return codec_error_set(builder->reader.error, -EINVAL, "%s", message);
}

int json_build_fail_size(struct json_builder *builder)
{
	return codec_error_set(builder->reader.error, -EMSGSIZE, "more than %u bytes",
			       CODEC_BLOCK_MAX);
}

int json_build_fail_kind(struct json_builder *builder, const struct troupe_type *type)
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
			       kind_phrase(type), found);
}

int json_build_scratch(struct json_builder *builder, size_t size, char **ret_memory)
{
	char *memory;

	if (size > JSON_SCRATCH_MAX - builder->scratch_used)
		return json_build_fail_size(builder);
	memory = arena_alloc(builder->scratch, size);
	if (!memory)
		return -ENOMEM;
	builder->scratch_used += size;
	*ret_memory = memory;
	return 0;
}

bool json_build_literal(struct json_builder *builder, const char *literal)
{
	struct json_reader *reader = &builder->reader;
	size_t size = strlen(literal);

	json_peek(reader);
	if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, literal, size) != 0)
		return false;
	reader->at += size;
	return true;
}

static int build_bool(struct json_builder *builder, const struct troupe_type *type, char *cell)
{
	if (json_build_literal(builder, "true"))
		*cell = 1;
	else if (json_build_literal(builder, "false"))
		*cell = 0;
	else
		return json_build_fail_kind(builder, type);
	return 0;
}

static int build_number(struct json_builder *builder, const struct troupe_type *type,
			char *cell)
{
	char first = json_peek(&builder->reader);
	struct json_span span;
	int64_t integer;
	double number;
	int r;

	if (first != '-' && (first < '0' || first > '9'))
		return json_build_fail_kind(builder, type);
	r = json_read_number(&builder->reader, &span);
	if (r < 0)
		return r;
	if (type->kind == TROUPE_FLOAT) {
		if (json_number_to_float(span, &number) < 0)
			return json_build_fail(builder, "a number that is too large");
		memcpy(cell, &number, sizeof(number));
		return 0;
	}
	r = json_number_to_int(span, &integer);
	if (r < 0)
		return json_build_fail(builder,
				       r == -ERANGE ? "a number out of the range of int"
						    : "an int, found a number with a fraction");
	memcpy(cell, &integer, sizeof(integer));
	return 0;
}

int json_build_text(struct json_builder *builder, const struct troupe_type *type,
		    char **ret_text)
{
	struct json_span span;
	char *text;
	int r;

	if (json_peek(&builder->reader) != '"')
		return json_build_fail_kind(builder, type);
	r = json_read_string(&builder->reader, &span);
	if (r < 0)
		return r;
	/* It ends at its closing quote, if not before. */
	text = builder->text + (span.at - builder->reader.text) + 1;
	if (json_unquote(span, text, span.size - 1) < 0)
		return json_build_fail(builder, "a string with U+0000 in it");
	*ret_text = text;
	return 0;
}

static int build_string(struct json_builder *builder, const struct troupe_type *type,
			char *cell)
{
	char *text = NULL;
	int r = json_build_text(builder, type, &text);

	if (r == 0)
		store_pointer(cell, text);
	return r;
}

static int build_binary(struct json_builder *builder, const struct troupe_type *type,
			char *cell)
{
	char *text = NULL;
	size_t size;
	int r = json_build_text(builder, type, &text);

	if (r < 0)
		return r;
	/* In place: each group of four is read before its three bytes are written. */
	if (base64_parse(text, strlen(text), text, &size) < 0)
		return json_build_fail(builder, "not valid base64");
	store_span(cell, text, size);
	return 0;
}

static int build_address(struct json_builder *builder, const struct troupe_type *type,
			 char *cell)
{
	struct troupe_address address;
	char *text = NULL;
	int r = json_build_text(builder, type, &text);

	if (r < 0)
		return r;
	if (address_parse(text, &address) < 0)
		return json_build_fail(builder, "not an address");
	memcpy(cell, &address, sizeof(address));
	return 0;
}

static int build_enum(struct json_builder *builder, const struct troupe_type *type, char *cell)
{
	struct json_span span;
	int r;

	if (json_peek(&builder->reader) != '"')
		return json_build_fail_kind(builder, type);
	r = json_read_string(&builder->reader, &span);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < type->count; i++) {
		if (json_span_equals(span, type->names[i])) {
			memcpy(cell, &i, sizeof(i));
			return 0;
		}
	}
	return json_build_fail(builder, "not a name of the enum");
}

static int build_object(struct json_builder *builder, char *cell)
{
	struct json_span span;
	char *text = NULL;
	int r;

	r = json_read_value(&builder->reader, &span);
	if (r == 0)
		r = json_scan_object(span.at, span.size, builder->reader.error);
	if (r == 0)
		r = json_build_scratch(builder, span.size + 1, &text);
	if (r < 0)
		return r;
	memcpy(text, span.at, span.size);
	store_pointer(cell, text);
	return 0;
}

int json_build_scalar(struct json_builder *builder, const struct troupe_type *type, char *cell)
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
		return build_object(builder, cell);
	case TROUPE_ENUM:
		return build_enum(builder, type, cell);
	default:
		return -EINVAL;
	}
}
