/* config_value.c - text of a configuration file to JSON. */
#include "config/config_value.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/conf.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_SHOWN 128

static int refuse(char *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char *message, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, CONFIG_MESSAGE_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int give(json_t *json, json_t **ret_json)
{
	if (!json)
		return -ENOMEM;
	*ret_json = json;
	return 0;
}

const struct idl_type *config_plain_type(const struct idl_type *type)
{
	for (;;) {
		if (type->named)
			type = type->named->type;
		else if (type->kind == TROUPE_OPTIONAL)
			type = type->item;
		else
			return type;
	}
}

/* ---- scalars as text */

static int read_bool(const char *text, json_t **ret_json, char *message)
{
	bool value;

	if (text_parse_bool(text, &value) < 0)
		return refuse(message, "must be yes or no");
	return give(json_boolean(value), ret_json);
}

static int read_int(const char *text, json_t **ret_json, char *message)
{
	bool negative = *text == '-';
	uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, value;
	int r = text_parse_size(text + negative, 0, most, &value);

	if (r == -ERANGE)
		return refuse(message, "must be from %" PRId64 " to %" PRId64, INT64_MIN,
			      INT64_MAX);
	if (r < 0)
		return refuse(message, "must be a whole number, like 80 or 64K");
	return give(json_integer(negative ? (json_int_t)(0 - value) : (json_int_t)value),
		    ret_json);
}

static int read_float(const char *text, json_t **ret_json, char *message)
{
	char *end;
	double value;

	/* strtod() knows more than people mean here: hexadecimal, infinity, blanks. */
	if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0')
		return refuse(message, "must be a number, like 0.5");
	value = strtod(text, &end);
	if (*end != '\0' || !isfinite(value))
		return refuse(message, "must be a number, like 0.5");
	return give(json_real(value), ret_json);
}

/* A string as it is, or, when it begins with a quote, what stands in quotes. */
static int read_string(const char *text, json_t **ret_json, char *message)
{
	char **words;
	const char *error;
	size_t n;
	int r;

	if (*text != '"' && *text != '\'')
		return give(json_string(text), ret_json);
	r = conf_split(text, &words, &n, &error);
	if (r == -EINVAL)
		return refuse(message, "%s", error);
	if (r < 0)
		return r;
	if (n == 1)
		r = give(json_string(words[0]), ret_json);
	else
		r = refuse(message,
			   "the quotes end before the value does; put all of it in quotes");
	conf_words_free(words, n);
	return r;
}

static bool is_base64(const char *text)
{
	size_t size = strspn(
		text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	size_t padding = strspn(text + size, "=");

	if (text[size + padding] != '\0' || (size + padding) % 4 != 0 || padding > 2)
		return false;
	/* The bits that padding leaves over must be zero, so that there is one text for each
	 * value. */
	return padding == 0 ||
	       strchr(padding == 1 ? "AEIMQUYcgkosw048" : "AQgw", text[size - 1]);
}

static bool is_address(const char *text)
{
	static const uint64_t most[] = {UINT16_MAX, UINT16_MAX, UINT32_MAX, UINT32_MAX,
					UINT32_MAX};

	for (size_t i = 0; i < ARRAY_LEN(most); i++) {
		size_t size = strcspn(text, ".");
		char number[16];
		uint64_t value;

		if (size >= sizeof(number) || (text[size] == '.') != (i + 1 < ARRAY_LEN(most)))
			return false;
		memcpy(number, text, size);
		number[size] = '\0';
		if ((size > 1 && number[0] == '0') ||
		    text_parse_uint(number, 0, most[i], &value) < 0)
			return false;
		text += size + 1;
	}
	return true;
}

static int refuse_enum(const struct idl_type *type, const char *text, char *message)
{
	const char *names[IDL_FIELDS_MAX], *nearest;
	size_t used;

	for (size_t i = 0; i < type->n_fields && i < IDL_FIELDS_MAX; i++)
		names[i] = type->fields[i].name;
	nearest = text_nearest(text, names, type->n_fields);
	if (nearest)
		return refuse(message, "there is no such choice; did you mean %s?", nearest);
	used = (size_t)snprintf(message, CONFIG_MESSAGE_MAX, "must be one of");
	for (size_t i = 0; i < type->n_fields && used < CONFIG_MESSAGE_MAX; i++)
		used += (size_t)snprintf(message + used, CONFIG_MESSAGE_MAX - used, "%s %s",
					 i ? "," : "", names[i]);
	return -EINVAL;
}

static bool has_choice(const struct idl_type *type, const char *text)
{
	for (size_t i = 0; i < type->n_fields; i++)
		if (strcmp(type->fields[i].name, text) == 0)
			return true;
	return false;
}

/* ---- JSON, checked against a type */

/* Where in the value a check is: a chain of the steps that led there. */
struct place {
	const struct place *outer;
	const char *name; /* of a field or key; NULL: an item */
	size_t index;
	unsigned depth;
};

static void print_place(const struct place *place, char *text, size_t size)
{
	size_t used;

	if (!place->outer) {
		text[0] = '\0';
		return;
	}
	print_place(place->outer, text, size);
	used = strlen(text);
	if (place->name)
		snprintf(text + used, size - used, "%s%s", used ? "." : "", place->name);
	else
		snprintf(text + used, size - used, "[%zu]", place->index);
}

static int refuse_at(const struct place *place, char *message, const char *text)
{
	char path[PATH_MAX_SHOWN];

	print_place(place, path, sizeof(path));
	if (path[0] == '\0')
		return refuse(message, "%s", text);
	return refuse(message, "%s %s", path, text);
}

static unsigned measure_depth(const json_t *json)
{
	unsigned deepest = 0, depth;
	const char *key;
	size_t i;
	json_t *item, *object = (json_t *)(uintptr_t)json;

	json_array_foreach (object, i, item) {
		depth = measure_depth(item);
		deepest = depth > deepest ? depth : deepest;
	}
	json_object_foreach (object, key, item) {
		depth = measure_depth(item);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

static int check_json(const struct idl_type *type, json_t *json, const struct place *place,
		      char *message);

static int check_struct(const struct idl_type *type, json_t *json, const struct place *place,
			char *message)
{
	const char *key;
	json_t *item;

	json_object_foreach (json, key, item) {
		struct place inner = {place, key, 0, place->depth + 1};
		const struct idl_field *field = NULL;
		int r;

		for (size_t i = 0; i < type->n_fields && !field; i++)
			if (strcmp(type->fields[i].name, key) == 0)
				field = &type->fields[i];
		if (!field)
			return refuse_at(&inner, message, "is not a field of this type");
		r = check_json(field->type, item, &inner, message);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < type->n_fields; i++) {
		struct place inner = {place, type->fields[i].name, 0, place->depth + 1};
		const struct idl_type *inner_type = type->fields[i].type;

		while (inner_type->named)
			inner_type = inner_type->named->type;
		if (inner_type->kind != TROUPE_OPTIONAL && !json_object_get(json, inner.name))
			return refuse_at(&inner, message, "is missing");
	}
	return 0;
}

static int check_items(const struct idl_type *type, json_t *json, const struct place *place,
		       char *message)
{
	struct place inner = {place, NULL, 0, place->depth + 1};
	json_t *item;
	int r = 0;

	if (json_is_array(json))
		for (; inner.index < json_array_size(json) && r == 0; inner.index++)
			r = check_json(type->item, json_array_get(json, inner.index), &inner,
				       message);
	else
		json_object_foreach (json, inner.name, item) {
			r = check_json(type->item, item, &inner, message);
			if (r < 0)
				break;
		}
	return r;
}

static int check_json(const struct idl_type *type, json_t *json, const struct place *place,
		      char *message)
{
	while (type->named)
		type = type->named->type;
	if (place->depth > LIMIT_CONFIG_DEPTH)
		return refuse_at(place, message, "is nested too deeply");
	switch (type->kind) {
	case TROUPE_OPTIONAL:
		return json_is_null(json) ? 0 : check_json(type->item, json, place, message);
	case TROUPE_BOOL:
		return json_is_boolean(json)
			       ? 0
			       : refuse_at(place, message, "must be true or false");
	case TROUPE_INT:
		return json_is_integer(json)
			       ? 0
			       : refuse_at(place, message, "must be a whole number");
	case TROUPE_FLOAT:
		return json_is_number(json) ? 0 : refuse_at(place, message, "must be a number");
	case TROUPE_STRING:
		return json_is_string(json) ? 0 : refuse_at(place, message, "must be a string");
	case TROUPE_BINARY:
		if (json_is_string(json) && is_base64(json_string_value(json)))
			return 0;
		return refuse_at(place, message, "must be a string of base64");
	case TROUPE_ADDRESS:
		if (json_is_string(json) && is_address(json_string_value(json)))
			return 0;
		return refuse_at(place, message, "must be an address, like \"0.1.1.17.3\"");
	case TROUPE_OBJECT:
		if (json_is_object(json) && measure_depth(json) <= LIMIT_CONFIG_DEPTH)
			return 0;
		return refuse_at(place, message, "must be an object, not nested too deeply");
	case TROUPE_ENUM:
		if (json_is_string(json) && has_choice(type, json_string_value(json)))
			return 0;
		return refuse_at(place, message, "is none of its type's choices");
	case TROUPE_STRUCT:
		if (!json_is_object(json))
			return refuse_at(place, message, "must be an object");
		return check_struct(type, json, place, message);
	case TROUPE_ARRAY:
		if (!json_is_array(json))
			return refuse_at(place, message, "must be an array");
		return check_items(type, json, place, message);
	case TROUPE_MAP:
		if (!json_is_object(json))
			return refuse_at(place, message, "must be an object");
		return check_items(type, json, place, message);
	}
	return refuse_at(place, message, "has a type that configuration cannot give");
}

static int load_json(const char *text, json_t **ret_json, char *message)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!json && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!json)
		return refuse(message, "must be JSON text: %s", error.text);
	*ret_json = json;
	return 0;
}

int config_value_check(const struct idl_type *type, json_t *json, char *message)
{
	const struct place top = {0};

	return check_json(type, json, &top, message);
}

static int read_json(const struct idl_type *type, const char *text, json_t **ret_json,
		     char *message)
{
	json_t *json = NULL;
	int r = load_json(text, &json, message);

	if (r < 0)
		return r;
	r = config_value_check(type, json, message);
	if (r < 0)
		json_decref(json);
	else
		*ret_json = json;
	return r;
}

int config_value_read(const struct idl_type *type, const char *text, json_t **ret_json,
		      char *message)
{
	type = config_plain_type(type);
	switch (type->kind) {
	case TROUPE_BOOL:
		return read_bool(text, ret_json, message);
	case TROUPE_INT:
		return read_int(text, ret_json, message);
	case TROUPE_FLOAT:
		return read_float(text, ret_json, message);
	case TROUPE_STRING:
		return read_string(text, ret_json, message);
	case TROUPE_BINARY:
		if (!is_base64(text))
			return refuse(message, "must be base64");
		return give(json_string(text), ret_json);
	case TROUPE_ADDRESS:
		if (!is_address(text))
			return refuse(message, "must be an address, like 0.1.1.17.3");
		return give(json_string(text), ret_json);
	case TROUPE_ENUM:
		if (!has_choice(type, text))
			return refuse_enum(type, text, message);
		return give(json_string(text), ret_json);
	default:
		return read_json(type, text, ret_json, message);
	}
}

static int append(json_t *array, json_t *item)
{
	return json_array_append_new(array, item) < 0 ? -ENOMEM : 0;
}

static bool is_word(const struct idl_type *type)
{
	switch (type->kind) {
	case TROUPE_OBJECT:
	case TROUPE_STRUCT:
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		return false;
	default:
		return true;
	}
}

/* Words, each of which is an item. Their quotes are gone, so that a string is what the word
 * is. */
static int read_words(const struct idl_type *item, const char *text, json_t *array,
		      char *message)
{
	char **words = NULL;
	const char *error;
	size_t n;
	int r = conf_split(text, &words, &n, &error);

	if (r == -EINVAL)
		return refuse(message, "%s", error);
	for (size_t i = 0; i < n && r == 0; i++) {
		json_t *json = NULL;

		if (item->kind == TROUPE_STRING)
			r = give(json_string(words[i]), &json);
		else
			r = config_value_read(item, words[i], &json, message);
		if (r == 0)
			r = append(array, json);
	}
	if (words)
		conf_words_free(words, n);
	return r;
}

int config_list_read(const struct idl_type *type, const char *text, json_t *array,
		     char *message)
{
	const struct idl_type *item = config_plain_type(config_plain_type(type)->item);
	json_t *json = NULL;
	int r;

	if (is_word(item))
		return read_words(item, text, array, message);
	/* Several at once, unless that would be a single list within a list. */
	if (*text == '[' && item->kind != TROUPE_ARRAY) {
		r = read_json(config_plain_type(type), text, &json, message);
		if (r < 0)
			return r;
		r = json_array_extend(array, json) < 0 ? -ENOMEM : 0;
		json_decref(json);
		return r;
	}
	r = read_json(item, text, &json, message);
	return r < 0 ? r : append(array, json);
}
