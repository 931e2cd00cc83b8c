/* parameters.c - key=value, typed by an interface. */
#include "ctl/parameters.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "proto/assign.h"
#include "proto/json.h"
#include <errno.h>
#include <string.h>

#define READ_SIZE (64u << 10)

static bool is_json(const char *argument)
{
	return argument[0] == '{' || strcmp(argument, "-") == 0;
}

bool parameters_need_type(char *const *arguments, int n)
{
	return n > 0 && !is_json(arguments[0]);
}

/* The text of an object, or a reason why it is none. */
static int read_object(struct ctl *ctl, const char *argument, char **ret_text)
{
	cleanup_free char *text = NULL;
	struct codec_error error = {0};
	size_t size = 0;
	int r;

	if (strcmp(argument, "-") == 0) {
		r = io_fd_read(STDIN_FILENO, LIMIT_FRAME + READ_SIZE, &text, &size);
		if (r < 0)
			return ctl_fail(ctl, STATUS_USAGE, "cannot read standard input: %s",
					strerror(-r));
	} else {
		text = strdup(argument);
		size = strlen(argument);
		if (!text)
			return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	}
	if (json_pick(text, size, NULL, 0, NULL, &error) < 0)
		return ctl_fail(ctl, STATUS_USAGE, "the parameters are not a JSON object: %s",
				error.message);
	*ret_text = take_pointer(&text);
	return STATUS_OK;
}

/* One argument, on its way into the object. */
struct typed_pair {
	struct ctl *ctl;
	const char *argument; /* as typed */
	const char *value;
	bool raw; /* key:=JSON */
};

static int wrong_value(const struct typed_pair *assignment, int r, const char *why)
{
	if (r == -ENOMEM)
		return ctl_fail(assignment->ctl, STATUS_FAILED, "out of memory");
	return ctl_fail(assignment->ctl, STATUS_USAGE, "%s: %s", assignment->argument, why);
}

static int read_raw(const struct typed_pair *assignment, struct json_tree **ret_value)
{
	struct codec_error error = {0};
	char why[ASSIGN_WHY_MAX];
	int r = json_tree_parse(assignment->value, strlen(assignment->value), ret_value,
				&error);

	if (r == 0)
		return STATUS_OK;
	(void)snprintf(why, sizeof(why), "the value is not JSON: %s", error.message);
	return wrong_value(assignment, r, why);
}

static int read_value(const struct typed_pair *assignment, const struct troupe_type *type,
		      struct json_tree **ret_value)
{
	char why[ASSIGN_WHY_MAX];
	int r;

	if (assignment->raw)
		return read_raw(assignment, ret_value);
	if (type) {
		r = assign_value(type, assignment->value, ret_value, why);
		return r < 0 ? wrong_value(assignment, r, why) : STATUS_OK;
	}
	*ret_value = json_tree_string(assignment->value);
	return *ret_value ? STATUS_OK : wrong_value(assignment, -ENOMEM, "");
}

/* Put the value where it belongs: an array grows by it, unless it is one itself. */
static int assign(const struct typed_pair *assignment, const struct assign_place *place)
{
	const struct troupe_type *type = assign_plain_type(place->type);
	bool append = type && type->kind == TROUPE_ARRAY && !assignment->raw &&
		      assignment->value[0] != '[';
	struct json_tree *value = NULL;
	int r = read_value(assignment, append ? type->item : type, &value);

	if (r != STATUS_OK)
		return r;
	if (!append) {
		json_tree_set(place->object, place->name, value);
		return STATUS_OK;
	}
	if (!json_tree_is(json_tree_find(place->object, place->name), JSON_TREE_ARRAY))
		json_tree_set(place->object, place->name, json_tree_array());
	json_tree_append(json_tree_find(place->object, place->name), value);
	return STATUS_OK;
}

static int no_field(const struct typed_pair *assignment, const struct assign_fault *fault)
{
	const char *nearest = assign_nearest(fault);
	char names[512] = "";

	for (uint32_t i = 0; i < fault->type->count; i++) {
		size_t used = strlen(names);

		(void)snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
			       fault->type->fields[i].name);
	}
	return ctl_fail(assignment->ctl, STATUS_USAGE,
			"%s: there is no parameter %s%s%s%s; there %s %s", assignment->argument,
			fault->name, nearest ? " (did you mean " : "", nearest ? nearest : "",
			nearest ? "?)" : "", fault->type->count == 1 ? "is" : "are",
			fault->type->count == 0 ? "none" : names);
}

static int wrong_key(const struct typed_pair *assignment, const struct assign_fault *fault)
{
	switch (fault->what) {
	case ASSIGN_NO_FIELD:
		return no_field(assignment, fault);
	case ASSIGN_NOT_IN_IT:
		return ctl_fail(assignment->ctl, STATUS_USAGE,
				"%s: %s is %s, nothing can follow it after a dot",
				assignment->argument, fault->name,
				fault->type->kind == TROUPE_ARRAY ? "a list"
								  : "a single value");
	case ASSIGN_NAME_MISSING:
		return ctl_fail(assignment->ctl, STATUS_USAGE,
				"%s: a name is missing beside a dot", assignment->argument);
	case ASSIGN_TOO_DEEP:
		break;
	}
	return ctl_fail(assignment->ctl, STATUS_USAGE, "%s: nested too deeply",
			assignment->argument);
}

static int assign_argument(struct ctl *ctl, const char *argument, struct json_tree *object,
			   const struct troupe_type *type)
{
	struct typed_pair assignment = {.ctl = ctl, .argument = argument};
	const char *equals = strchr(argument, '=');
	cleanup_free char *key = NULL;
	struct assign_fault fault;
	struct assign_place place;
	size_t size;
	int r;

	if (!equals || equals == argument)
		return ctl_fail(ctl, STATUS_USAGE,
				"%s is neither key=value nor key:=JSON nor a JSON object",
				argument);
	if (!codec_is_utf8(argument, strlen(argument)))
		return ctl_fail(ctl, STATUS_USAGE, "%s: this is not UTF-8 text", argument);
	size = (size_t)(equals - argument);
	assignment.raw = equals[-1] == ':';
	size -= assignment.raw;
	assignment.value = equals + 1;
	key = strndup(argument, size);
	r = key ? assign_find(object, type, key, ASSIGN_INTO_OBJECTS, &place, &fault) : -ENOMEM;
	if (r == -EINVAL)
		return wrong_key(&assignment, &fault);
	if (r < 0)
		return wrong_value(&assignment, r, "");
	r = assign(&assignment, &place);
	free(place.name);
	return r;
}

int parameters_read(struct ctl *ctl, char *const *arguments, int n,
		    const struct troupe_type *type, char **ret_text)
{
	cleanup(json_tree_cleanup) struct json_tree *object = NULL;
	size_t size;
	int r = STATUS_OK;

	if (n > 0 && is_json(arguments[0])) {
		if (n > 1)
			return ctl_fail(ctl, STATUS_USAGE,
					"nothing can follow a JSON object: %s", arguments[1]);
		return read_object(ctl, arguments[0], ret_text);
	}
	object = json_tree_object();
	for (int i = 0; i < n && r == STATUS_OK; i++)
		r = assign_argument(ctl, arguments[i], object, type);
	if (r == STATUS_OK && json_tree_print(object, 0, ret_text, &size) < 0)
		r = ctl_fail(ctl, STATUS_FAILED, "out of memory");
	return r;
}
