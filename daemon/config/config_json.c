/* config_json.c - assignments to one JSON object. */
#include "config/config_json.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/config_value.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One assignment on its way to its place. */
struct assignment {
	const struct unit_config *config;
	struct problems *problems;
};

static const char *name_kind(const struct idl_type *type)
{
	switch (type->kind) {
	case TROUPE_ARRAY:
		return "a list";
	case TROUPE_OBJECT:
		return "an object";
	default:
		return "a single value";
	}
}

/* The field that a part of a key means: the same name, else the same but for the case of
 * letters. */
static const struct idl_field *find_field(const struct idl_type *type, const char *name,
					  size_t size)
{
	for (size_t i = 0; i < type->n_fields; i++)
		if (strlen(type->fields[i].name) == size &&
		    memcmp(type->fields[i].name, name, size) == 0)
			return &type->fields[i];
	for (size_t i = 0; i < type->n_fields; i++)
		if (strlen(type->fields[i].name) == size &&
		    strncasecmp(type->fields[i].name, name, size) == 0)
			return &type->fields[i];
	return NULL;
}

static int complain_unknown(const struct assignment *a, const struct idl_type *type,
			    const char *name, size_t size)
{
	const char *names[IDL_FIELDS_MAX], *nearest;
	char text[64];

	snprintf(text, sizeof(text), "%.*s", size < 64 ? (int)size : 63, name);
	for (size_t i = 0; i < type->n_fields && i < IDL_FIELDS_MAX; i++)
		names[i] = type->fields[i].name;
	nearest = text_nearest(text, names, type->n_fields);
	if (nearest)
		return problems_add(
			a->problems, a->config->file, a->config->line,
			"%.80s=: the plug-in's Config has no field %s; did you mean %s?",
			a->config->key, text, nearest);
	return problems_add(a->problems, a->config->file, a->config->line,
			    "%.80s=: the plug-in's Config has no field %s", a->config->key,
			    text);
}

/* Set or take back `name` in `object`, whose type is `type`. */
static int assign(const struct assignment *a, json_t *object, const char *name,
		  const struct idl_type *type)
{
	char message[CONFIG_MESSAGE_MAX];
	const struct idl_type *plain = config_plain_type(type);
	const char *value = a->config->value;
	json_t *json = NULL;
	int r = 0;

	while (type->named)
		type = type->named->type;
	if (*value == '\0') {
		json_object_del(object, name);
		/* A list or map that must be there is there, and empty. */
		if (type->kind != TROUPE_ARRAY && type->kind != TROUPE_MAP)
			return 0;
		json = type->kind == TROUPE_ARRAY ? json_array() : json_object();
		return json_object_set_new(object, name, json) < 0 ? -ENOMEM : 0;
	}
	if (plain->kind == TROUPE_ARRAY) {
		json = json_incref(json_object_get(object, name));
		if (!json)
			json = json_array();
		r = json ? config_list_read(plain, value, json, message) : -ENOMEM;
		if (r < 0)
			json_decref(json);
	} else {
		r = config_value_read(plain, value, &json, message);
	}
	if (r == -EINVAL)
		return problems_add(a->problems, a->config->file, a->config->line,
				    "%.80s=%.80s: %s", a->config->key, value, message);
	if (r < 0)
		return r;
	return json_object_set_new(object, name, json) < 0 ? -ENOMEM : 0;
}

/* The object called `name` in `object`, made when it is not there; borrowed. NULL: no
 * memory. */
static json_t *enter(json_t *object, const char *name)
{
	json_t *inner = json_object_get(object, name);

	if (inner && json_is_object(inner))
		return inner;
	inner = json_object();
	return json_object_set_new(object, name, inner) < 0 ? NULL : inner;
}

/* Follow the key from `object`, a struct or map of `type`, and assign at its end. */
static int walk(const struct assignment *a, json_t *object, const struct idl_type *type)
{
	const char *key = a->config->key;

	for (unsigned depth = 0; depth < LIMIT_CONFIG_DEPTH; depth++) {
		size_t size = strcspn(key, ".");
		const struct idl_type *inner;
		cleanup_free char *name = NULL;

		if (type->kind == TROUPE_STRUCT) {
			const struct idl_field *field = find_field(type, key, size);

			if (!field)
				return complain_unknown(a, type, key, size);
			name = strdup(field->name);
			inner = field->type;
		} else {
			inner = type->item;
			/* Nothing can follow a plain value's key, so the dots are its own. */
			if (config_plain_type(inner)->kind != TROUPE_STRUCT &&
			    config_plain_type(inner)->kind != TROUPE_MAP)
				size = strlen(key);
			name = strndup(key, size);
		}
		if (!name)
			return -ENOMEM;
		if (*name == '\0')
			return problems_add(a->problems, a->config->file, a->config->line,
					    "%.80s=: a name is missing beside a dot",
					    a->config->key);
		if (key[size] == '\0')
			return assign(a, object, name, inner);
		type = config_plain_type(inner);
		if (type->kind != TROUPE_STRUCT && type->kind != TROUPE_MAP)
			return problems_add(
				a->problems, a->config->file, a->config->line,
				"%.80s=: %s is %s, nothing can stand behind it after a dot",
				a->config->key, name, name_kind(type));
		object = enter(object, name);
		if (!object)
			return -ENOMEM;
		key += size + 1;
	}
	return problems_add(a->problems, a->config->file, a->config->line,
			    "%.80s=: nested too deeply", a->config->key);
}

static int complete(const struct unit_file *unit, const struct idl_type *type, json_t *json,
		    const char *path, struct problems *problems);

static int complete_field(const struct unit_file *unit, const struct idl_field *field,
			  json_t *object, const char *path, struct problems *problems)
{
	const struct idl_type *type = field->type;
	json_t *json = json_object_get(object, field->name);

	while (type->named)
		type = type->named->type;
	if (!json && type->kind == TROUPE_OPTIONAL)
		return 0;
	if (!json && type->kind == TROUPE_STRUCT) {
		json = enter(object, field->name);
		if (!json)
			return -ENOMEM;
	}
	if (!json)
		return problems_add(problems, unit->file, 0,
				    "[Config] lacks %s=, which the plug-in requires", path);
	return complete(unit, type, json, path, problems);
}

/* Note what is missing in the structs of a value, and put in structs all of whose fields may be
 * absent: a chain of structs that are not optional is finite, the IDL sees to that. Lists came
 * as JSON text that has been checked. */
static int complete(const struct unit_file *unit, const struct idl_type *type, json_t *json,
		    const char *path, struct problems *problems)
{
	char inner_path[512];
	const char *key;
	json_t *item;
	int result = 0, r;

	type = config_plain_type(type);
	if (json_is_null(json)) /* an absent one, within JSON text */
		return 0;
	if (type->kind == TROUPE_STRUCT)
		for (size_t i = 0; i < type->n_fields && result != -ENOMEM; i++) {
			snprintf(inner_path, sizeof(inner_path), "%s%s%s", path,
				 *path ? "." : "", type->fields[i].name);
			r = complete_field(unit, &type->fields[i], json, inner_path, problems);
			if (r < 0)
				result = r;
		}
	else if (type->kind == TROUPE_MAP)
		json_object_foreach (json, key, item) {
			snprintf(inner_path, sizeof(inner_path), "%s.%s", path, key);
			r = complete(unit, type->item, item, inner_path, problems);
			if (r < 0)
				result = r;
		}
	return result;
}

int config_json(const struct unit_file *unit, const struct idl_type *type, char **ret_text,
		struct problems *problems)
{
	char message[CONFIG_MESSAGE_MAX];
	json_t *root;
	char *text;
	int result = 0;

	if (!type && unit->n_config > 0)
		return problems_add(
			problems, unit->config[0].file, unit->config[0].line,
			"this plug-in takes no configuration; remove the [Config] section");
	if (!type) {
		text = strdup("");
		if (!text)
			return -ENOMEM;
		*ret_text = text;
		return 0;
	}
	type = config_plain_type(type);
	root = json_object();
	if (!root)
		return -ENOMEM;
	for (size_t i = 0; i < unit->n_config && result != -ENOMEM; i++) {
		const struct assignment a = {&unit->config[i], problems};
		int r = walk(&a, root, type);

		if (r < 0)
			result = r;
	}
	/* What was refused above would be told as missing again. */
	if (result == 0)
		result = complete(unit, type, root, "", problems);
	/* Each assignment was checked; together they may be too deep. */
	if (result == 0 && config_value_check(type, root, message) < 0)
		result = problems_add(problems, unit->file, 0, "[Config] %s", message);
	if (result == 0) {
		text = json_dumps(root, JSON_COMPACT);
		if (text)
			*ret_text = text;
		else
			result = -ENOMEM;
	}
	json_decref(root);
	return result;
}
