#include "plugin/table_check.h"

#include "base/limits.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct range {
	uintptr_t base, end;
};

/* Whether n items of `size` bytes at `at` lie in the plug-in, and as the machine wants them
 * aligned. */
static bool holds(struct range range, const void *at, size_t n, size_t size, size_t align)
{
	uintptr_t start = (uintptr_t)at;

	return start >= range.base && start < range.end && start % align == 0 &&
	       n <= (range.end - start) / size;
}

#define HOLDS(range, at, n) holds(range, at, n, sizeof(*(at)), _Alignof(__typeof__(*(at))))

static bool holds_string(struct range range, const char *text)
{
	return HOLDS(range, text, 1) && memchr(text, '\0', range.end - (uintptr_t)text);
}

/* Each check returns what is wrong, or NULL. */

static const char *check_method(struct range range, const struct troupe_method *method)
{
	if (!HOLDS(range, method, 1) || !holds_string(range, method->interface) ||
	    !holds_string(range, method->name))
		return "a method's descriptor is not in the plug-in";
	if (!HOLDS(range, method->in, 1) || !HOLDS(range, method->out, 1) ||
	    method->in->kind != TROUPE_STRUCT || method->out->kind != TROUPE_STRUCT)
		return "a method has no types";
	return NULL;
}

static const char *check_interface(struct range range, const struct troupe_interface *interface)
{
	if (!HOLDS(range, interface, 1) || !holds_string(range, interface->name) ||
	    !holds_string(range, interface->description))
		return "an interface's descriptor is not in the plug-in";
	if (interface->n_methods && !HOLDS(range, interface->methods, interface->n_methods))
		return "an interface's methods are not in the plug-in";
	for (uint32_t i = 0; i < interface->n_methods; i++) {
		const char *wrong = check_method(range, interface->methods[i]);

		if (wrong)
			return wrong;
	}
	if (interface->n_errors && !HOLDS(range, interface->errors, interface->n_errors))
		return "an interface's errors are not in the plug-in";
	for (uint32_t i = 0; i < interface->n_errors; i++) {
		const struct troupe_error *error = interface->errors[i];

		if (!HOLDS(range, error, 1) || !holds_string(range, error->name) ||
		    !HOLDS(range, error->type, 1))
			return "an error's descriptor is not in the plug-in";
	}
	return NULL;
}

static const char *check_handlers(struct range range, const struct troupe_handlers *handlers)
{
	if (!HOLDS(range, handlers, 1))
		return "a table of handlers is not in the plug-in";
	const char *wrong = check_interface(range, handlers->interface);
	if (wrong)
		return wrong;
	if (handlers->n_handlers != handlers->interface->n_methods)
		return "an interface has not as many handlers as methods";
	if (handlers->n_handlers && !HOLDS(range, handlers->handlers, handlers->n_handlers))
		return "a table of handlers is not in the plug-in";
	return NULL;
}

static const char *check_entry(struct range range, const struct troupe_entry *entry)
{
	if (!HOLDS(range, entry, 1) || !holds_string(range, entry->name))
		return "an entry is not in the plug-in";
	switch (entry->kind) {
	case TROUPE_ENTRY_TIMER:
		return entry->on_timer ? NULL : "a timer entry has no function";
	case TROUPE_ENTRY_REPLY:
		if (!entry->on_reply)
			return "a reply entry has no function";
		const char *wrong = check_interface(range, entry->interface);
		return wrong ? wrong : check_method(range, entry->method);
	}
	return "an entry is of no known kind";
}

static const char *check_table(struct range range, const struct troupe_actor *table,
			       const char *name)
{
	/* The ABI first: under another one, the rest may mean something else. */
	if (!HOLDS(range, table, 1))
		return "its table is not in the plug-in";
	if (table->abi_major != TROUPE_ABI_MAJOR || table->abi_minor > TROUPE_ABI_MINOR ||
	    table->table_size != sizeof(*table))
		return "its table does not begin with TROUPE_ABI";
	if (!holds_string(range, table->name) || strcmp(table->name, name) != 0)
		return "the name in TROUPE_ABI is not that in TROUPE_ACTOR";
	if (table->description && !holds_string(range, table->description))
		return "its description is not in the plug-in";
	if (table->state_size > LIMIT_STATE_BYTES)
		return "its state is larger than 1 MiB";
	if (table->config &&
	    (!HOLDS(range, table->config, 1) || table->config->kind != TROUPE_STRUCT))
		return "its type of configuration is no struct of the plug-in";
	if (table->life && !HOLDS(range, table->life, 1))
		return "its life is not in the plug-in";
	for (size_t i = 0; i < TROUPE_INTERFACES_MAX && table->interfaces[i]; i++) {
		const char *wrong = check_handlers(range, table->interfaces[i]);

		if (wrong)
			return wrong;
	}
	for (size_t i = 0; i < TROUPE_ENTRIES_MAX && table->entries[i]; i++) {
		const char *wrong = check_entry(range, table->entries[i]);

		if (wrong)
			return wrong;
	}
	return NULL;
}

int table_check(const struct troupe_actor *table, const char *name, uintptr_t base,
		uintptr_t end, char *why, size_t size)
{
	const char *wrong = check_table((struct range){base, end}, table, name);

	if (!wrong)
		return 0;
	snprintf(why, size, "actor type \"%s\": %s", name, wrong);
	return -ENOEXEC;
}
