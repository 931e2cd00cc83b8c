#include "proto/assign.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "proto/address.h"
#include "proto/base64.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHOICES_MAX 256 /* names among which a near one is looked for */

const struct troupe_type *assign_plain_type(const struct troupe_type *type)
{
	while (type && type->kind == TROUPE_OPTIONAL)
		type = type->item;
	return type;
}

/* ---- places */

static int fail(struct assign_fault *fault, int what, const struct troupe_type *type,
		const char *name, size_t size)
{
	fault->what = what;
	fault->type = type;
	snprintf(fault->name, sizeof(fault->name), "%.*s",
		 size < sizeof(fault->name) ? (int)size : (int)sizeof(fault->name) - 1, name);
	return -EINVAL;
}

static const struct troupe_field *find_field(const struct troupe_type *type, const char *name,
					     size_t size)
{
	const struct troupe_field *alike = NULL;

	for (uint32_t i = 0; i < type->count; i++) {
		const struct troupe_field *field = &type->fields[i];

		if (strlen(field->name) != size)
			continue;
		if (memcmp(field->name, name, size) == 0)
			return field;
		if (!alike && strncasecmp(field->name, name, size) == 0)
			alike = field;
	}
	return alike;
}

/* Whether more of a key can follow a value of that type. */
static bool has_members(const struct troupe_type *type, unsigned flags)
{
	return !type || type->kind == TROUPE_STRUCT || type->kind == TROUPE_MAP ||
	       (type->kind == TROUPE_OBJECT && (flags & ASSIGN_INTO_OBJECTS));
}

/* What the first part of a key means in an object of `type`. *ret_size: how much of the key
 * that part is. */
static int find_member(const struct troupe_type *type, const char *key, unsigned flags,
		       struct assign_place *place, size_t *ret_size, struct assign_fault *fault)
{
	size_t size = strcspn(key, ".");
	const struct troupe_field *field;

	place->type = NULL;
	if (type && type->kind == TROUPE_STRUCT) {
		field = find_field(type, key, size);
		if (!field && size > 0)
			return fail(fault, ASSIGN_NO_FIELD, type, key, size);
		place->type = field ? field->type : NULL;
		place->name = strdup(field ? field->name : "");
	} else {
		if (type && type->kind == TROUPE_MAP) {
			place->type = type->item;
			/* Nothing can follow a plain value's key, so the dots are its own. */
			if (!has_members(assign_plain_type(type->item), flags))
				size = strlen(key);
		}
		place->name = strndup(key, size);
	}
	if (!place->name)
		return -ENOMEM;
	if (*place->name == '\0')
		return fail(fault, ASSIGN_NAME_MISSING, type, "", 0);
	*ret_size = size;
	return 0;
}

/* The object under `name`, made when there is none. */
static struct json_tree *enter(struct json_tree *object, const char *name)
{
	struct json_tree *inner = json_tree_find(object, name);

	if (json_tree_is(inner, JSON_TREE_OBJECT))
		return inner;
	json_tree_set(object, name, json_tree_object());
	return json_tree_find(object, name);
}

/* `place` is of the object so far. */
static int follow(struct assign_place *place, const struct troupe_type *type, const char *key,
		  unsigned flags, struct assign_fault *fault)
{
	for (unsigned depth = 0; depth < CODEC_DEPTH_MAX; depth++) {
		size_t size;
		int r = find_member(type, key, flags, place, &size, fault);

		if (r < 0 || key[size] == '\0')
			return r;
		type = assign_plain_type(place->type);
		if (!has_members(type, flags))
			return fail(fault, ASSIGN_NOT_IN_IT, type, place->name,
				    strlen(place->name));
		place->object = enter(place->object, place->name);
		if (!place->object)
			return -ENOMEM;
		free(place->name);
		place->name = NULL;
		/* Of what is in an object nothing is known. */
		if (type && type->kind == TROUPE_OBJECT)
			type = NULL;
		key += size + 1;
	}
	return fail(fault, ASSIGN_TOO_DEEP, NULL, "", 0);
}

int assign_find(struct json_tree *root, const struct troupe_type *type, const char *key,
		unsigned flags, struct assign_place *ret_place, struct assign_fault *ret_fault)
{
	struct assign_place place = {.object = root};
	int r = follow(&place, type, key, flags, ret_fault);

	if (r < 0)
		free(place.name);
	else
		*ret_place = place;
	return r;
}

const char *assign_nearest(const struct assign_fault *fault)
{
	const char *names[CHOICES_MAX];
	size_t n = 0;

	for (; n < fault->type->count && n < CHOICES_MAX; n++)
		names[n] = fault->type->fields[n].name;
	return text_nearest(fault->name, names, n);
}

/* ---- values */

__attribute__((format(printf, 2, 3))) static int refuse(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, ASSIGN_WHY_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int give(struct json_tree *value, struct json_tree **ret_value)
{
	if (!value)
		return -ENOMEM;
	*ret_value = value;
	return 0;
}

static int read_bool(const char *text, struct json_tree **ret_value, char *why)
{
	bool value;

	if (text_parse_bool(text, &value) < 0)
		return refuse(why, "must be yes or no");
	return give(json_tree_bool(value), ret_value);
}

static int read_int(const char *text, struct json_tree **ret_value, char *why)
{
	bool negative = *text == '-';
	uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, value;
	int r = text_parse_size(text + negative, 0, most, &value);

	if (r == -ERANGE)
		return refuse(why, "must be from %" PRId64 " to %" PRId64, INT64_MIN,
			      INT64_MAX);
	if (r < 0)
		return refuse(why, "must be a whole number, like 80 or 64K");
	return give(json_tree_int(negative ? (int64_t)(0 - value) : (int64_t)value), ret_value);
}

static int read_float(const char *text, struct json_tree **ret_value, char *why)
{
	char *end;
	double value;

	/* strtod() knows more than people mean here: hexadecimal, infinity, blanks. */
	if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0')
		return refuse(why, "must be a number, like 0.5");
	value = strtod(text, &end);
	if (*end != '\0')
		return refuse(why, "must be a number, like 0.5");
	if (!isfinite(value))
		return refuse(why, "is out of the range of numbers");
	return give(json_tree_float(value), ret_value);
}

static int read_binary(const char *text, struct json_tree **ret_value, char *why)
{
	size_t size = strlen(text);
	cleanup_free char *bytes = malloc(size + 1);

	if (!bytes)
		return -ENOMEM;
	if (base64_parse(text, size, bytes, &size) < 0)
		return refuse(why, "must be base64");
	return give(json_tree_string(text), ret_value);
}

static int read_address(const char *text, struct json_tree **ret_value, char *why)
{
	struct troupe_address address;

	if (address_parse(text, &address) < 0)
		return refuse(why, "must be an address, like 0.1.1.17.3");
	return give(json_tree_string(text), ret_value);
}

static int refuse_choice(const struct troupe_type *type, const char *text, char *why)
{
	const char *nearest = text_nearest(
		text, type->names, type->count < CHOICES_MAX ? type->count : CHOICES_MAX);
	size_t used;

	if (nearest)
		return refuse(why, "there is no such choice; did you mean %s?", nearest);
	(void)refuse(why, "must be one of");
	used = strlen(why);
	for (uint32_t i = 0; i < type->count && used < ASSIGN_WHY_MAX; i++)
		used += (size_t)snprintf(why + used, ASSIGN_WHY_MAX - used, "%s %s",
					 i ? "," : "", type->names[i]);
	return -EINVAL;
}

static int read_choice(const struct troupe_type *type, const char *text,
		       struct json_tree **ret_value, char *why)
{
	for (uint32_t i = 0; i < type->count; i++)
		if (strcmp(type->names[i], text) == 0)
			return give(json_tree_string(text), ret_value);
	return refuse_choice(type, text, why);
}

static int read_json(const char *text, struct json_tree **ret_value, char *why)
{
	struct codec_error error = {0};
	int r = json_tree_parse(text, strlen(text), ret_value, &error);

	return r == -EINVAL || r == -E2BIG ? refuse(why, "must be JSON text: %s", error.message)
					   : r;
}

int assign_value(const struct troupe_type *type, const char *text, struct json_tree **ret_value,
		 char *why)
{
	type = assign_plain_type(type);
	switch ((enum troupe_kind)type->kind) {
	case TROUPE_BOOL:
		return read_bool(text, ret_value, why);
	case TROUPE_INT:
		return read_int(text, ret_value, why);
	case TROUPE_FLOAT:
		return read_float(text, ret_value, why);
	case TROUPE_STRING:
		return give(json_tree_string(text), ret_value);
	case TROUPE_BINARY:
		return read_binary(text, ret_value, why);
	case TROUPE_ADDRESS:
		return read_address(text, ret_value, why);
	case TROUPE_ENUM:
		return read_choice(type, text, ret_value, why);
	case TROUPE_OBJECT:
	case TROUPE_STRUCT:
	case TROUPE_ARRAY:
	case TROUPE_MAP:
	case TROUPE_OPTIONAL:
		break;
	}
	return read_json(text, ret_value, why);
}
