/* interface.c - descriptions, asked for and looked into. */
#include "ctl/interface.h"

#include "base/cleanup.h"
#include "proto/gen.h"
#include "proto/json_tree.h"
#include "proto/kind.h"
#include <stdarg.h>
#include <string.h>

int interface_get(struct ctl *ctl, const char *name, bool loud, struct idl **ret_idl)
{
	static const char method[] = "org.varlink.service.GetInterfaceDescription";
	cleanup(answer_fini) struct answer answer = {0};
	cleanup(json_tree_cleanup) struct json_tree *in = json_tree_object(), *out = NULL;
	cleanup_free char *text = NULL;
	struct idl_error error = {0};
	const char *description;
	size_t size;
	int r;

	json_tree_set_text(in, "interface", name);
	if (!codec_is_utf8(name, strlen(name)) || json_tree_print(in, 0, &text, &size) < 0)
		return loud ? ctl_fail(ctl, STATUS_USAGE, "%s is no name of an interface", name)
			    : STATUS_USAGE;
	r = loud ? ctl_ask(ctl, method, text, &answer) : ctl_try(ctl, method, text, &answer);
	if (r != STATUS_OK)
		return r;
	if (answer.error[0])
		return STATUS_FAILED;
	(void)json_tree_parse(answer.parameters, answer.size, &out, NULL);
	description = json_tree_text(json_tree_find(out, "description"));
	r = description ? idl_parse(description, strlen(description), ret_idl, &error) : -1;
	if (r < 0)
		return loud ? ctl_fail(ctl, STATUS_FAILED,
				       "the description of %s is no valid interface (line %u: "
				       "%s)",
				       name, error.line, error.message)
			    : STATUS_FAILED;
	return STATUS_OK;
}

void interface_add_methods(const struct idl *idl, struct suggestions *names)
{
	for (size_t i = 0; i < idl->n_members; i++)
		if (idl->members[i].kind == IDL_METHOD)
			suggestions_add(names, idl->members[i].name);
}

int interface_no_method(struct ctl *ctl, const struct idl *idl, const char *method)
{
	cleanup(suggestions_fini) struct suggestions names = {0};

	interface_add_methods(idl, &names);
	return suggestions_fail(ctl, STATUS_FAILED, &names, method, "it has",
				"%s has no method %s", idl->name, method);
}

int interface_get_method(struct ctl *ctl, const char *method, bool loud, struct idl **ret_idl,
			 const struct idl_member **ret_member)
{
	const char *dot = strrchr(method, '.');
	const struct idl_member *member;
	struct idl *idl = NULL;
	char name[IDL_NAME_MAX + 1];
	int r;

	if (!dot || (size_t)(dot - method) >= sizeof(name))
		return loud ? ctl_fail(ctl, STATUS_USAGE, "%s is not INTERFACE.METHOD", method)
			    : STATUS_USAGE;
	snprintf(name, sizeof(name), "%.*s", (int)(dot - method), method);
	r = interface_get(ctl, name, loud, &idl);
	if (r != STATUS_OK)
		return r;
	member = idl_find(idl, dot + 1);
	if (!member || member->kind != IDL_METHOD) {
		if (loud)
			interface_no_method(ctl, idl, dot + 1);
		idl_free(idl);
		return STATUS_FAILED;
	}
	*ret_idl = idl;
	*ret_member = member;
	return STATUS_OK;
}

int interface_get_input(struct ctl *ctl, const char *method, struct layout **ret_layout)
{
	const struct idl_member *member;
	cleanup_free char *text = NULL;
	struct idl *idl;
	int r = interface_get_method(ctl, method, true, &idl, &member);

	if (r != STATUS_OK)
		return r;
	r = gen_layout(member->type, &text);
	if (r == 0)
		r = layout_parse(text, strlen(text), ret_layout);
	idl_free(idl);
	return r < 0 ? ctl_fail(ctl, STATUS_FAILED, "the parameters of %s: %s", method,
				strerror(-r))
		     : STATUS_OK;
}

/* The struct, enum or plain type that a type means: references resolved, optional taken
 * off. */
static const struct idl_type *resolve(const struct idl_type *type)
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

/* NULL: none. */
static const struct idl_field *find_field(const struct idl_type *type, const char *name,
					  size_t size)
{
	type = resolve(type);
	if (type->kind != TROUPE_STRUCT)
		return NULL;
	for (size_t i = 0; i < type->n_fields; i++)
		if (strlen(type->fields[i].name) == size &&
		    memcmp(type->fields[i].name, name, size) == 0)
			return &type->fields[i];
	return NULL;
}

/* ---- types as text */

struct type_printer {
	char *text;
	size_t size, used;
};

static __attribute__((format(printf, 2, 3))) void put(struct type_printer *printer,
						      const char *format, ...)
{
	va_list arguments;
	int n;

	if (printer->used + 1 >= printer->size)
		return;
	va_start(arguments, format);
	n = vsnprintf(printer->text + printer->used, printer->size - printer->used, format,
		      arguments);
	va_end(arguments);
	printer->used += n > 0 ? (size_t)n : 0;
	if (printer->used >= printer->size)
		printer->used = printer->size - 1;
}

static void put_type(struct type_printer *printer, const struct idl_type *type)
{
	if (type->named) {
		put(printer, "%s ", type->named->name);
		put_type(printer, type->named->type);
		return;
	}
	switch (type->kind) {
	case TROUPE_OPTIONAL:
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		put(printer, "%s", kinds[type->kind].word);
		put_type(printer, type->item);
		break;
	case TROUPE_BINARY:
		put(printer, "base64 string");
		break;
	case TROUPE_ADDRESS:
		put(printer, "address (string)");
		break;
	case TROUPE_STRUCT:
	case TROUPE_ENUM:
		put(printer, "(");
		for (size_t i = 0; i < type->n_fields && printer->used + 1 < printer->size;
		     i++) {
			put(printer, "%s%s", i ? ", " : "", type->fields[i].name);
			if (!type->fields[i].type)
				continue;
			put(printer, ": ");
			/* A named type says enough by its name; it may hold itself. */
			if (type->fields[i].type->named)
				put(printer, "%s", type->fields[i].type->named->name);
			else
				put_type(printer, type->fields[i].type);
		}
		put(printer, ")");
		break;
	default:
		put(printer, "%s", kinds[type->kind].word);
	}
}

void interface_print_type(const struct idl_type *type, char *text, size_t size)
{
	struct type_printer printer = {text, size, 0};

	text[0] = '\0';
	put_type(&printer, type);
}

/* ---- one field */

static const struct idl_type *follow_path(const struct idl_type *type, const char *path)
{
	while (type && *path) {
		size_t size = strcspn(path, ".[");

		if (*path == '[') {
			const char *end = strchr(path, ']');

			type = resolve(type);
			type = end && (type->kind == TROUPE_ARRAY || type->kind == TROUPE_MAP)
				       ? type->item
				       : NULL;
			path = end ? end + 1 : path + strlen(path);
		} else if (*path == '.') {
			path++;
		} else {
			const struct idl_field *field = find_field(type, path, size);

			type = field ? field->type : NULL;
			path += size;
		}
	}
	return type;
}

int interface_field_type(struct ctl *ctl, const char *method, const char *path, char *text,
			 size_t size)
{
	const struct idl_member *member;
	const struct idl_type *type;
	struct idl *idl;
	int r = interface_get_method(ctl, method, false, &idl, &member);

	if (r != STATUS_OK)
		return r;
	type = path[0] ? follow_path(member->type, path) : NULL;
	if (type)
		interface_print_type(type, text, size);
	idl_free(idl);
	return type ? STATUS_OK : STATUS_FAILED;
}
