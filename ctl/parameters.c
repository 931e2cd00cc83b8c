/* parameters.c - key=value, typed by an interface. */
#include "ctl/parameters.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "ctl/interface.h"
#include "proto/json.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define READ_SIZE (64u << 10)

static bool is_json(const char *argument)
{
	return argument[0] == '{' || strcmp(argument, "-") == 0;
}

bool parameters_need_type(char *const *arguments, int n)
{
	return n > 0 && !is_json(arguments[0]);
}

/* All of standard input, from a pipe, a file or a terminal. */
static int read_input(char **ret_text, size_t *ret_size)
{
	struct buffer buffer;
	ssize_t n = 1;
	int r = 0;

	buffer_init(&buffer, LIMIT_FRAME + READ_SIZE);
	while (n > 0 && r == 0) {
		void *place = buffer_reserve(&buffer, READ_SIZE);

		if (!place) {
			r = errno == ENOBUFS ? -EFBIG : -ENOMEM;
			break;
		}
		n = read(STDIN_FILENO, place, READ_SIZE);
		if (n > 0)
			buffer_added(&buffer, (size_t)n);
		else if (n < 0 && errno != EINTR)
			r = -errno;
		else if (n < 0)
			n = 1;
	}
	if (r == 0) {
		*ret_size = buffer_size(&buffer);
		*ret_text =
			strndup(*ret_size ? (const char *)buffer_data(&buffer) : "", *ret_size);
		r = *ret_text ? 0 : -ENOMEM;
	}
	buffer_fini(&buffer);
	return r;
}

/* The text of an object, or a reason why it is none. */
static int read_object(struct ctl *ctl, const char *argument, char **ret_text)
{
	cleanup_free char *text = NULL;
	struct codec_error error = {0};
	size_t size = 0;
	int r;

	if (strcmp(argument, "-") == 0) {
		r = read_input(&text, &size);
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

/* The value of a plain type; NULL: it is not one. */
static json_t *read_plain(const struct idl_type *type, const char *text)
{
	char *end = NULL;
	long long number;
	double real;
	bool flag;

	switch (type->kind) {
	case TROUPE_BOOL:
		return text_parse_bool(text, &flag) == 0 ? json_boolean(flag) : NULL;
	case TROUPE_INT:
		errno = 0;
		number = strtoll(text, &end, 10);
		return *text && !*end && errno == 0 ? json_integer(number) : NULL;
	case TROUPE_FLOAT:
		errno = 0;
		real = strtod(text, &end);
		return *text && !*end && isfinite(real) ? json_real(real) : NULL;
	case TROUPE_ENUM:
		for (size_t i = 0; i < type->n_fields; i++)
			if (strcmp(type->fields[i].name, text) == 0)
				return json_string(text);
		return NULL;
	case TROUPE_STRING:
	case TROUPE_BINARY:
	case TROUPE_ADDRESS:
		return json_string(text);
	default:
		/* Structs, maps, objects, arrays in one piece: as JSON. */
		return json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	}
}

/* One argument, on its way into the object. */
struct assignment {
	struct ctl *ctl;
	const char *argument; /* as typed */
	const char *value;
	bool raw; /* key:=JSON */
};

/* "9e99" is out of range for nobody: only what is written as a whole number can be too large. */
static bool is_too_large(const char *text)
{
	char *end;

	errno = 0;
	(void)strtoll(text, &end, 10);
	return errno == ERANGE && !*end;
}

static int wrong_value(const struct assignment *assignment, const struct idl_type *type)
{
	const struct idl_type *plain = type ? interface_resolve(type) : NULL;
	char text[256] = "JSON";

	if (!assignment->raw && plain && plain->kind == TROUPE_INT &&
	    is_too_large(assignment->value))
		return ctl_fail(assignment->ctl, STATUS_USAGE,
				"%s: the value must be from %lld to %lld", assignment->argument,
				(long long)INT64_MIN, (long long)INT64_MAX);
	/* Any text is a string, but for this. */
	if (!assignment->raw && (!plain || plain->kind == TROUPE_STRING ||
				 plain->kind == TROUPE_BINARY || plain->kind == TROUPE_ADDRESS))
		return ctl_fail(assignment->ctl, STATUS_USAGE,
				"%s: the value is not UTF-8 text", assignment->argument);
	if (!assignment->raw)
		interface_print_type(type, text, sizeof(text));
	return ctl_fail(assignment->ctl, STATUS_USAGE, "%s: the value is not %s",
			assignment->argument, text);
}

/* Put the value at `key` of object. */
static int assign(const struct assignment *assignment, json_t *object, const char *key,
		  const struct idl_type *type)
{
	const struct idl_type *resolved = type ? interface_resolve(type) : NULL;
	bool append = resolved && resolved->kind == TROUPE_ARRAY && !assignment->raw &&
		      assignment->value[0] != '[';
	json_t *value, *array;

	if (append)
		resolved = interface_resolve(resolved->item);
	if (assignment->raw)
		value = json_loads(assignment->value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
				   NULL);
	else
		value = resolved ? read_plain(resolved, assignment->value)
				 : json_string(assignment->value);
	if (!value)
		return wrong_value(assignment, append ? resolved : type);
	if (!append)
		return json_object_set_new(object, key, value) < 0
			       ? ctl_fail(assignment->ctl, STATUS_FAILED, "out of memory")
			       : STATUS_OK;
	array = json_object_get(object, key);
	if (!array) {
		array = json_array();
		json_object_set_new(object, key, array);
	}
	return json_array_append_new(array, value) < 0 ? wrong_value(assignment, type)
						       : STATUS_OK;
}

static int no_field(const struct assignment *assignment, const struct idl_type *type,
		    const char *key)
{
	const struct idl_type *resolved = interface_resolve(type);
	const char *names[IDL_FIELDS_MAX], *nearest;
	char text[512];
	size_t n = 0;

	if (resolved->kind != TROUPE_STRUCT) {
		interface_print_type(type, text, sizeof(text));
		return ctl_fail(assignment->ctl, STATUS_USAGE,
				"%s: %s is in no struct but in %s", assignment->argument, key,
				text);
	}
	for (; n < resolved->n_fields && n < ARRAY_LEN(names); n++)
		names[n] = resolved->fields[n].name;
	nearest = text_nearest(key, names, n);
	interface_print_type(type, text, sizeof(text));
	return ctl_fail(assignment->ctl, STATUS_USAGE,
			"%s: there is no parameter %s%s%s%s in %s", assignment->argument, key,
			nearest ? " (did you mean " : "", nearest ? nearest : "",
			nearest ? "?)" : "", text);
}

/* The field of that name; if there is none, the one that differs in the case of letters only, as in a [Config] section. */
static const struct idl_field *find_field(const struct idl_type *type, const char *name)
{
	const struct idl_field *found = interface_find_field(type, name, strlen(name));

	for (size_t i = 0; !found && type->kind == TROUPE_STRUCT && i < type->n_fields; i++)
		if (strcasecmp(type->fields[i].name, name) == 0)
			found = &type->fields[i];
	return found;
}

/* Walk down the dots of a key, making objects on the way. */
static int assign_path(const struct assignment *assignment, json_t *object, char *path,
		       const struct idl_type *type)
{
	for (;;) {
		char *dot = strchr(path, '.');
		const struct idl_type *in = type ? interface_resolve(type) : NULL;
		const char *key = path;
		json_t *inner;

		if (dot)
			*dot = '\0';
		if (in && in->kind == TROUPE_MAP) {
			type = in->item;
		} else if (in && in->kind != TROUPE_OBJECT) {
			const struct idl_field *field = find_field(in, path);

			if (!field)
				return no_field(assignment, type, path);
			type = field->type;
			key = field->name;
		} else {
			type = NULL;
		}
		if (!dot)
			return assign(assignment, object, key, type);
		inner = json_object_get(object, key);
		if (!json_is_object(inner)) {
			inner = json_object();
			if (json_object_set_new(object, key, inner) < 0)
				return ctl_fail(assignment->ctl, STATUS_FAILED,
						"out of memory");
		}
		object = inner;
		path = dot + 1;
	}
}

static int assign_argument(struct ctl *ctl, const char *argument, json_t *object,
			   const struct idl_type *type)
{
	struct assignment assignment = {.ctl = ctl, .argument = argument};
	const char *equals = strchr(argument, '=');
	cleanup_free char *key = NULL;
	size_t size;

	if (!equals || equals == argument)
		return ctl_fail(ctl, STATUS_USAGE,
				"%s is neither key=value nor key:=JSON nor a JSON object",
				argument);
	size = (size_t)(equals - argument);
	assignment.raw = equals[-1] == ':';
	size -= assignment.raw;
	assignment.value = equals + 1;
	key = strndup(argument, size);
	if (!key)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	return assign_path(&assignment, object, key, type);
}

int parameters_read(struct ctl *ctl, char *const *arguments, int n, const struct idl_type *type,
		    char **ret_text)
{
	json_t *object = NULL;
	char *text;
	int r = STATUS_OK;

	if (n > 0 && is_json(arguments[0])) {
		if (n > 1)
			return ctl_fail(ctl, STATUS_USAGE,
					"nothing can follow a JSON object: %s", arguments[1]);
		return read_object(ctl, arguments[0], ret_text);
	}
	object = json_object();
	for (int i = 0; i < n && r == STATUS_OK; i++)
		r = assign_argument(ctl, arguments[i], object, type);
	text = r == STATUS_OK ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (r != STATUS_OK)
		return r;
	if (!text)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	*ret_text = text;
	return STATUS_OK;
}
