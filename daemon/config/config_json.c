/* config_json.c - assignments to one JSON object. */
#include "config/config_json.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "config/conf.h"
#include "proto/assign.h"
#include "proto/json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One assignment on its way to its place. */
struct assignment {
	const struct conf_entry *config;
	struct problems *problems;
};

/* ---- values */

static int refuse(const struct assignment *a, const char *why)
{
	return problems_add(a->problems, a->config->file, a->config->line, "%.80s=%.80s: %s",
			    a->config->key, a->config->value, why);
}

static const char *name_kind(const struct troupe_type *type)
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

/* Whether values of the type are single words. */
static bool is_word(const struct troupe_type *type)
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

/* The text in the quotes that a string begins with; given. */
static int unquote(const struct assignment *a, char **ret_text)
{
	const char *error;
	char **words;
	size_t n;
	int r = conf_split(a->config->value, &words, &n, &error);

	if (r < 0)
		return r == -EINVAL ? refuse(a, error) : r;
	if (n == 1)
		*ret_text = take_pointer(&words[0]);
	else
		r = refuse(a, "the quotes end before the value does; put all of it in quotes");
	texts_free(words, n);
	return r;
}

/* A string as it is, or in quotes; a word; or the JSON text of a value of exactly that type. */
static int read_value(const struct assignment *a, const struct troupe_type *type,
		      struct json_tree **ret_value)
{
	const char *text = a->config->value;
	cleanup(json_tree_cleanup) struct json_tree *value = NULL;
	cleanup_free char *unquoted = NULL;
	struct codec_error error = {0};
	char why[ASSIGN_WHY_MAX];
	int r = 0;

	if (type->kind == TROUPE_STRING && (*text == '"' || *text == '\''))
		r = unquote(a, &unquoted);
	if (r < 0)
		return r;
	r = assign_value(type, unquoted ? unquoted : text, &value, why);
	if (r == 0 && !is_word(type)) {
		r = json_check(type, text, strlen(text), &error);
		(void)snprintf(why, sizeof(why), "%s%s%s", error.path, *error.path ? ": " : "",
			       error.message);
	}
	if (r == 0)
		*ret_value = take_pointer(&value);
	return r == 0 || r == -ENOMEM ? r : refuse(a, why);
}

/* Words, each of which is an item. Their quotes are gone, so that a string is what the word
 * is. */
static int add_words(const struct assignment *a, const struct troupe_type *item,
		     struct json_tree *array)
{
	char **words = NULL;
	char why[ASSIGN_WHY_MAX];
	const char *error;
	size_t n;
	int r = conf_split(a->config->value, &words, &n, &error);

	if (r == -EINVAL)
		return refuse(a, error);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct json_tree *value = NULL;

		r = assign_value(item, words[i], &value, why);
		if (r == -EINVAL)
			(void)refuse(a, why);
		if (r == 0)
			json_tree_append(array, value);
	}
	texts_free(words, n);
	return r;
}

/* Append the items of an assignment to a list of `type`. */
static int add_items(const struct assignment *a, const struct troupe_type *type,
		     struct json_tree *array)
{
	const struct troupe_type *item = assign_plain_type(type->item);
	struct json_tree *value = NULL;
	/* Several at once, unless that would be a single list within a list. */
	bool is_list = a->config->value[0] == '[' && item->kind != TROUPE_ARRAY;
	int r;

	if (is_word(item))
		return add_words(a, item, array);
	r = read_value(a, is_list ? type : item, &value);
	if (r < 0)
		return r;
	if (!is_list) {
		json_tree_append(array, value);
		return 0;
	}
	json_tree_extend(array, value);
	json_tree_free(value);
	return 0;
}

/* ---- places */

/* An empty value: as if the field had not been set. A list or map that must be there is there,
 * and empty. */
static void reset(const struct assign_place *place)
{
	json_tree_remove(place->object, place->name);
	if (place->type->kind == TROUPE_ARRAY)
		json_tree_set(place->object, place->name, json_tree_array());
	else if (place->type->kind == TROUPE_MAP)
		json_tree_set(place->object, place->name, json_tree_object());
}

static int assign(const struct assignment *a, const struct assign_place *place)
{
	const struct troupe_type *type = assign_plain_type(place->type);
	struct json_tree *value = NULL;
	int r;

	if (*a->config->value == '\0') {
		reset(place);
		return 0;
	}
	if (type->kind == TROUPE_ARRAY) {
		if (!json_tree_is(json_tree_find(place->object, place->name), JSON_TREE_ARRAY))
			json_tree_set(place->object, place->name, json_tree_array());
		value = json_tree_find(place->object, place->name);
		return value ? add_items(a, type, value) : -ENOMEM;
	}
	r = read_value(a, type, &value);
	if (r == 0)
		json_tree_set(place->object, place->name, value);
	return r;
}

static int complain(const struct assignment *a, const struct assign_fault *fault)
{
	const char *nearest = NULL;
	char why[ASSIGN_WHY_MAX] = "nested too deeply";

	switch (fault->what) {
	case ASSIGN_NO_FIELD:
		nearest = assign_nearest(fault);
		(void)snprintf(why, sizeof(why), "the plug-in's Config has no field %s%s%s%s",
			       fault->name, nearest ? "; did you mean " : "",
			       nearest ? nearest : "", nearest ? "?" : "");
		break;
	case ASSIGN_NOT_IN_IT:
		(void)snprintf(why, sizeof(why), "%s is %s, nothing can follow it after a dot",
			       fault->name, name_kind(fault->type));
		break;
	case ASSIGN_NAME_MISSING:
		(void)snprintf(why, sizeof(why), "a name is missing beside a dot");
		break;
	case ASSIGN_TOO_DEEP:
		break;
	}
	return problems_add(a->problems, a->config->file, a->config->line, "%.80s=: %s",
			    a->config->key, why);
}

static int take(const struct assignment *a, const struct troupe_type *type,
		struct json_tree *root)
{
	struct assign_place place;
	struct assign_fault fault;
	int r = assign_find(root, type, a->config->key, 0, &place, &fault);

	if (r == -EINVAL)
		return complain(a, &fault);
	if (r == 0) {
		r = assign(a, &place);
		free(place.name);
	}
	return r;
}

/* ---- the whole */

static int complete(const struct unit_file *unit, const struct troupe_type *type,
		    struct json_tree *value, const char *path, struct problems *problems);

static int complete_field(const struct unit_file *unit, const struct troupe_field *field,
			  struct json_tree *object, const char *path, struct problems *problems)
{
	struct json_tree *value = json_tree_find(object, field->name);

	if (!value && field->type->kind == TROUPE_OPTIONAL)
		return 0;
	if (!value && field->type->kind == TROUPE_STRUCT) {
		json_tree_set(object, field->name, json_tree_object());
		value = json_tree_find(object, field->name);
		if (!value)
			return -ENOMEM;
	}
	if (!value)
		return problems_add(problems, unit->file, 0,
				    "[Config] lacks %s=, which the plug-in requires", path);
	return complete(unit, field->type, value, path, problems);
}

/* Note what is missing in the structs of a value, and put in structs all of whose fields may be
 * absent: a chain of structs that are not optional is finite, the layout sees to that. Lists
 * came as JSON text that has been checked. */
static int complete(const struct unit_file *unit, const struct troupe_type *type,
		    struct json_tree *value, const char *path, struct problems *problems)
{
	char inner_path[512];
	int result = 0;

	type = assign_plain_type(type);
	if (!json_tree_is(value,
			  JSON_TREE_OBJECT)) /* null is an absent one, within JSON text */
		return 0;
	if (type->kind == TROUPE_STRUCT)
		for (uint32_t i = 0; i < type->count && result != -ENOMEM; i++) {
			snprintf(inner_path, sizeof(inner_path), "%s%s%s", path,
				 *path ? "." : "", type->fields[i].name);
			result = problems_worse(result,
						complete_field(unit, &type->fields[i], value,
							       inner_path, problems));
		}
	else if (type->kind == TROUPE_MAP)
		json_tree_foreach(item, value)
		{
			snprintf(inner_path, sizeof(inner_path), "%s.%s", path,
				 json_tree_key(item));
			result = problems_worse(
				result, complete(unit, type->item, item, inner_path, problems));
		}
	return result;
}

/* The text, as json_decode() takes it: each assignment was checked, but together they may be
 * too much. */
static int print(const struct unit_file *unit, const struct troupe_type *type,
		 const struct json_tree *root, char **ret_text, struct problems *problems)
{
	cleanup_free char *text = NULL;
	struct codec_error error = {0};
	size_t size;
	int r = json_tree_print(root, 0, &text, &size);

	if (r == 0)
		r = json_check(type, text, size, &error);
	if (r == 0)
		*ret_text = take_pointer(&text);
	if (r == 0 || r == -ENOMEM)
		return r;
	return problems_add(problems, unit->file, 0, "[Config] %s%s%s", error.path,
			    *error.path ? ": " : "", error.message);
}

int config_json(const struct unit_file *unit, const struct troupe_type *type, char **ret_text,
		struct problems *problems)
{
	cleanup(json_tree_cleanup) struct json_tree *root = NULL;
	int result = 0;

	if (!type && unit->config.n > 0)
		return problems_add(
			problems, unit->config.entries[0].file, unit->config.entries[0].line,
			"this plug-in takes no configuration; remove the [Config] section");
	if (!type) {
		*ret_text = strdup("");
		return *ret_text ? 0 : -ENOMEM;
	}
	root = json_tree_object();
	if (!root)
		return -ENOMEM;
	for (size_t i = 0; i < unit->config.n && result != -ENOMEM; i++) {
		const struct assignment a = {&unit->config.entries[i], problems};

		result = problems_worse(result, take(&a, type, root));
	}
	/* What was refused above would be reported as missing again. */
	if (result == 0)
		result = complete(unit, type, root, "", problems);
	return result < 0 ? result : print(unit, type, root, ret_text, problems);
}
