#include "proto/json.h"

#include "proto/address.h"
#include "proto/base64.h"
#include "proto/codec_walk.h"
#include "proto/decimal.h"
#include "proto/json_number.h"
#include "proto/json_string.h"
#include <errno.h>
#include <stdlib.h>

static int print_value(struct buffer *out, const struct troupe_type *type, const void *cell);

static int print_text(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

/* Put a text that needs no escapes between two others. */
static int print_between(struct buffer *out, const char *before, const char *text,
			 const char *after)
{
	size_t n_before = strlen(before), n = strlen(text), n_after = strlen(after);
	char *place = buffer_reserve(out, n_before + n + n_after);

	if (!place)
		return -errno;
	memcpy(place, before, n_before);
	memcpy(place + n_before, text, n);
	memcpy(place + n_before + n, after, n_after);
	buffer_added(out, n_before + n + n_after);
	return 0;
}

static int print_quoted(struct buffer *out, const char *text)
{
	return print_between(out, "\"", text, "\"");
}

static int print_int(struct buffer *out, int64_t value)
{
	char text[DECIMAL_MAX], *at = text;

	if (value < 0)
		*at++ = '-';
	at = decimal_print(at, value < 0 ? -(uint64_t)value : (uint64_t)value);
	return buffer_append(out, text, (size_t)(at - text));
}

static int print_float(struct buffer *out, double value)
{
	char text[JSON_NUMBER_TEXT];

	json_number_print(value, text);
	return print_text(out, text);
}

static int print_binary(struct buffer *out, struct codec_span bytes)
{
	size_t size = base64_text_size(bytes.count);
	char *text = buffer_reserve(out, size + 2);

	if (!text)
		return -errno;
	text[0] = '"';
	base64_print(bytes.at, bytes.count, text + 1);
	text[size + 1] = '"';
	buffer_added(out, size + 2);
	return 0;
}

static int print_address(struct buffer *out, const void *cell)
{
	struct troupe_address address;
	char text[TROUPE_ADDRESS_TEXT];

	memcpy(&address, cell, sizeof(address));
	address_print(address, text);
	return print_quoted(out, text);
}

/* A JSON object's own text, without the blanks between its tokens: a line stays one line. */
static int print_object(struct buffer *out, const char *text)
{
	bool quoted = false;
	int r = 0;

	while (r == 0 && *text) {
		const char *run = text;

		for (; *text && (quoted || !strchr(" \t\r\n", *text)); text++) {
			if (*text == '"')
				quoted = !quoted;
			else if (*text == '\\')
				text++;
		}
		r = buffer_append(out, run, (size_t)(text - run));
		while (*text && !quoted && strchr(" \t\r\n", *text))
			text++;
	}
	return r;
}

static int print_struct(struct buffer *out, const struct troupe_type *type, const char *value)
{
	const char *separator = "{\"";
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < type->count; i++) {
		const struct troupe_field *field = &type->fields[i];
		const char *cell = value + field->offset;

		if (field->type->kind == TROUPE_OPTIONAL && !load_pointer(cell))
			continue;
		/* letters, digits, '_': no escapes */
		r = print_between(out, separator, field->name, "\":");
		if (r == 0)
			r = print_value(out, field->type, cell);
		separator = ",\"";
	}
	if (r == 0 && separator[0] == '{')
		r = print_text(out, "{");
	return r < 0 ? r : print_text(out, "}");
}

static int print_items(struct buffer *out, const struct troupe_type *type,
		       struct codec_span span)
{
	bool is_map = type->kind == TROUPE_MAP;
	const char *item = span.at;
	int r = print_text(out, is_map ? "{" : "[");

	for (size_t i = 0; r == 0 && i < span.count; i++, item += type->stride) {
		if (i > 0)
			r = print_text(out, ",");
		if (r == 0 && is_map)
			r = json_print_string(out, load_pointer(item));
		if (r == 0 && is_map)
			r = print_text(out, ":");
		if (r == 0)
			r = print_value(out, type->item, item + type->value_offset);
	}
	return r < 0 ? r : print_text(out, is_map ? "}" : "]");
}

static int print_value(struct buffer *out, const struct troupe_type *type, const void *cell)
{
	const void *value;

	switch ((enum troupe_kind)type->kind) {
	case TROUPE_BOOL:
		return print_text(out, *(const bool *)cell ? "true" : "false");
	case TROUPE_INT:
		return print_int(out, load_int(cell));
	case TROUPE_FLOAT:
		return print_float(out, load_float(cell));
	case TROUPE_STRING:
		return json_print_string(out, load_pointer(cell));
	case TROUPE_BINARY:
		return print_binary(out, load_span(cell));
	case TROUPE_ADDRESS:
		return print_address(out, cell);
	case TROUPE_OBJECT:
		return print_object(out, load_pointer(cell));
	case TROUPE_ENUM:
		return print_quoted(out, type->names[load_enum(cell)]);
	case TROUPE_STRUCT:
		return print_struct(out, type, cell);
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		return print_items(out, type, load_span(cell));
	case TROUPE_OPTIONAL:
		value = optional_value(type, cell);
		return value ? print_value(out, type->item, value) : print_text(out, "null");
	}
	return -EINVAL;
}

int json_print(const struct troupe_type *type, const void *value, struct buffer *out)
{
	int r = print_value(out, type, value);

	return r == -ENOBUFS ? -EMSGSIZE : r;
}

int json_print_text(const struct troupe_type *type, const void *value, size_t limit,
		    char **ret_text, size_t *ret_size)
{
	struct buffer out;
	int r;

	buffer_init(&out, limit);
	r = json_print(type, value, &out);
	if (r == 0)
		r = buffer_append(&out, "", 1);
	if (r < 0) {
		buffer_fini(&out);
		return r == -ENOBUFS ? -EMSGSIZE : r;
	}
	/* Nothing was eaten from the front, so the buffer's memory is the text. */
	*ret_size = buffer_size(&out) - 1;
	*ret_text = (char *)out.memory;
	return 0;
}

int json_encode(const struct troupe_type *type, const void *value, char **ret_text,
		size_t *ret_size)
{
	size_t size;
	int r = codec_size(type, value, &size, NULL);

	return r < 0 ? r : json_print_text(type, value, JSON_TEXT_MAX, ret_text, ret_size);
}
