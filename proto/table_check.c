#include "proto/table_check.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "proto/abi.h"
#include "proto/idl.h"
#include "proto/idl_names.h"
#include "proto/layout.h"
#include "proto/plugin_types.h"
#include "proto/type_check.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct table_reader {
	const struct bounds *bounds; /* of the plug-in */
	char *why;                   /* PLUGIN_WHY_MAX bytes */
	const char *id;              /* of the actor type */
};

/* Each check returns 0, or says what is wrong and returns a negative value. */

#define refuse(reader, ...) plugin_types_refuse((reader)->why, (reader)->id, __VA_ARGS__)

#define HOLDS(reader, at, n) BOUNDS_HOLD((reader)->bounds, at, n)

static int check_text(const struct table_reader *reader, const char *text, const char *what)
{
	return bounds_hold_text(reader->bounds, text)
		       ? 0
		       : refuse(reader, "%s %s", what, bounds_wrong(reader->bounds, text));
}

/* This host's copy of a table, called `what` in a refusal. reserved: its place for what later
 * versions may give a meaning, or NULL. */
static int copy(const struct table_reader *reader, enum abi_table which, const void *table,
		void *ret_table, uint32_t *reserved, const char *what)
{
	const char *wrong;

	if (abi_copy(which, reader->bounds, table, ret_table, &wrong) < 0)
		return refuse(reader, "%s %s", what, wrong);
	if (reserved && *reserved)
		return refuse(reader, "%s is not zero where it must be", what);
	return 0;
}

/* The type of `what`, for a mark see layout_hash(); `hash` is what it claims, name the
 * qualified one; name NULL: it has none. */
static int check_type(const struct table_reader *reader, const struct troupe_type *type,
		      const char *what, const char *name, char mark, uint64_t hash)
{
	cleanup_free char *layout = NULL;
	const char *wrong;
	int r;

	r = type_check(type, reader->bounds, &layout, &wrong);
	if (r == -EINVAL || r == -EFAULT)
		return refuse(reader, "%sthe type of %s %s", r == -EFAULT ? "a part of " : "",
			      what, wrong);
	if (r < 0)
		return r;
	if (name && layout_hash(name, mark, layout) != hash)
		return refuse(reader, "the hash of %s is not that of its type", what);
	return 0;
}

static int check_method(const struct table_reader *reader, const struct troupe_method *given)
{
	char name[IDL_NAME_MAX + 2 + IDL_MEMBER_NAME_MAX], what[sizeof(name) + 32];
	struct troupe_method method;
	int r = copy(reader, ABI_METHOD, given, &method, &method.reserved,
		     "a method's descriptor");

	if (r == 0)
		r = check_text(reader, method.interface, "a method's interface");
	if (r == 0)
		r = check_text(reader, method.name, "a method's name");
	if (r < 0)
		return r;
	if (snprintf(name, sizeof(name), "%s.%s", method.interface, method.name) >=
	    (int)sizeof(name))
		return refuse(reader, "a method's name is too long");
	(void)snprintf(what, sizeof(what), "the input of method %s", name);
	r = check_type(reader, method.in, what, name, '(', method.in_hash);
	if (r < 0)
		return r;
	(void)snprintf(what, sizeof(what), "the output of method %s", name);
	return check_type(reader, method.out, what, name, '>', method.out_hash);
}

static int check_error(const struct table_reader *reader, const struct troupe_error *given)
{
	char what[IDL_NAME_MAX + IDL_MEMBER_NAME_MAX + 32];
	struct troupe_error error;
	int r = copy(reader, ABI_ERROR, given, &error, &error.reserved,
		     "an error's descriptor");

	if (r == 0)
		r = check_text(reader, error.name, "an error's name");
	if (r < 0)
		return r;
	(void)snprintf(what, sizeof(what), "error %s", error.name);
	return check_type(reader, error.type, what, error.name, '!', error.hash);
}

static int check_interface(const struct table_reader *reader,
			   const struct troupe_interface *given,
			   struct troupe_interface *interface)
{
	int r = copy(reader, ABI_INTERFACE, given, interface, &interface->reserved,
		     "an interface's descriptor");

	if (r == 0)
		r = check_text(reader, interface->name, "an interface's name");
	if (r == 0)
		r = check_text(reader, interface->description, "an interface's description");
	if (r < 0)
		return r;
	if (!idl_is_interface_name(interface->name, strlen(interface->name)))
		return refuse(reader, "an interface's name is none");
	if (interface->n_methods && !HOLDS(reader, interface->methods, interface->n_methods))
		return refuse(reader, "an interface's methods are not in the plug-in");
	for (uint32_t i = 0; i < interface->n_methods && r == 0; i++) {
		r = check_method(reader, interface->methods[i]);
		if (r == 0 && strcmp(interface->methods[i]->interface, interface->name) != 0)
			r = refuse(reader, "method %s is of another interface than %s",
				   interface->methods[i]->name, interface->name);
	}
	if (r < 0)
		return r;
	if (interface->n_errors && !HOLDS(reader, interface->errors, interface->n_errors))
		return refuse(reader, "an interface's errors are not in the plug-in");
	for (uint32_t i = 0; i < interface->n_errors && r == 0; i++)
		r = check_error(reader, interface->errors[i]);
	return r;
}

static int check_handlers(const struct table_reader *reader,
			  const struct troupe_handlers *given)
{
	struct troupe_interface interface;
	struct troupe_handlers handlers;
	int r = copy(reader, ABI_HANDLERS, given, &handlers, NULL, "a table of handlers");

	if (r == 0)
		r = check_interface(reader, handlers.interface, &interface);
	if (r < 0)
		return r;
	if (handlers.n_handlers != interface.n_methods)
		return refuse(reader, "an interface has not as many handlers as methods");
	if (handlers.n_handlers && !HOLDS(reader, handlers.handlers, handlers.n_handlers))
		return refuse(reader, "a table of handlers is not in the plug-in");
	if (handlers.ways &&
	    !bounds_hold(reader->bounds, handlers.ways, 3 * (size_t)handlers.n_handlers,
			 sizeof(void *), _Alignof(void *)))
		return refuse(reader, "how handlers are run is not in the plug-in");
	return 0;
}

static int check_entry(const struct table_reader *reader, const struct troupe_entry *given)
{
	struct troupe_interface interface;
	struct troupe_entry entry;
	int r = copy(reader, ABI_ENTRY, given, &entry, NULL, "an entry");

	if (r == 0)
		r = check_text(reader, entry.name, "an entry's name");
	if (r < 0)
		return r;
	if (!entry.on_event)
		return refuse(reader, "an entry has no function");
	switch (entry.kind) {
	case TROUPE_ENTRY_TIMER:
	case TROUPE_ENTRY_TEXT:
	case TROUPE_ENTRY_WATCH:
	case TROUPE_ENTRY_POST:
		return 0;
	case TROUPE_ENTRY_REPLY:
		r = check_interface(reader, entry.interface, &interface);
		return r < 0 ? r : check_method(reader, entry.method);
	}
	return refuse(reader, "an entry is of no known kind");
}

static int check_life(const struct table_reader *reader, const struct troupe_life *given)
{
	struct troupe_life life;

	return copy(reader, ABI_LIFE, given, &life, &life.reserved, "its life");
}

static int check_description(const struct table_reader *reader, const char *description)
{
	int r = check_text(reader, description, "its description");

	return r < 0 ? r : plugin_types_check_description(reader->id, description, reader->why);
}

int table_check(const struct troupe_actor *given, const char *name, const struct bounds *bounds,
		char *why)
{
	const struct table_reader of = {bounds, why, name}, *reader = &of;
	struct troupe_actor table;
	int r;

	/* The ABI first: under another one, the rest may mean something else. */
	if (!bounds_hold(reader->bounds, given, 1, abi_least(ABI_ACTOR),
			 _Alignof(struct troupe_actor)))
		return refuse(reader, "its table %s", bounds_wrong(reader->bounds, given));
	if (!abi_takes(given->abi_major, given->abi_minor))
		return refuse(reader, "its table does not begin with TROUPE_ABI");
	r = copy(reader, ABI_ACTOR, given, &table, NULL, "its table");
	if (r == 0)
		r = check_text(reader, table.name, "its name");
	if (r == 0 && strcmp(table.name, reader->id) != 0)
		r = refuse(reader, "the name in TROUPE_ABI is not that in TROUPE_ACTOR");
	if (r == 0 && table.description)
		r = check_description(reader, table.description);
	if (r == 0 && table.state_size > LIMIT_STATE_BYTES)
		r = refuse(reader, "its state is larger than 1 MiB");
	if (r == 0 && table.config)
		r = check_type(reader, table.config, "its configuration", NULL, 0, 0);
	if (r == 0 && table.life)
		r = check_life(reader, table.life);
	for (size_t i = 0; i < TROUPE_INTERFACES_MAX && table.interfaces[i] && r == 0; i++)
		r = check_handlers(reader, table.interfaces[i]);
	for (size_t i = 0; i < TROUPE_ENTRIES_MAX && table.entries[i] && r == 0; i++)
		r = check_entry(reader, table.entries[i]);
	return r;
}
