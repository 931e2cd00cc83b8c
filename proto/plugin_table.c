#include "proto/plugin_table.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "proto/abi.h"
#include "proto/idl.h"
#include "proto/idl_names.h"
#include "proto/layout_text.h"
#include "proto/plugin_info.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const struct elf_memory *memory;
	const char *id;
	char *why; /* PLUGIN_WHY_MAX bytes */
};

static int refuse(const struct reader *reader, const char *wrong)
{
	(void)snprintf(reader->why, PLUGIN_WHY_MAX, "actor type \"%s\": %s", reader->id, wrong);
	return -ENOEXEC;
}

/* Why something of the table, `what`, could not be read. */
static int refuse_unread(const struct reader *reader, int r, const char *what)
{
	char wrong[PLUGIN_WHY_MAX / 2];

	(void)snprintf(wrong, sizeof(wrong),
		       r == -ENOTSUP
			       ? "%s is known only when the plug-in is loaded; only constants "
				 "and addresses within the plug-in are allowed there"
		       : r == -E2BIG ? "%s is too long"
				     : "%s is not in the plug-in",
		       what);
	return refuse(reader, wrong);
}

static int read_value(const struct reader *reader, uint64_t address, void *ret_value,
		      size_t size, const char *what)
{
	const void *bytes;
	int r = elf_memory_bytes(reader->memory, address, size, &bytes);

	if (r < 0)
		return refuse_unread(reader, r, what);
	memcpy(ret_value, bytes, size);
	return 0;
}

static int read_pointer(const struct reader *reader, uint64_t address, uint64_t *ret_target,
			const char *what)
{
	int r = elf_memory_pointer(reader->memory, address, ret_target);

	return r < 0 ? refuse_unread(reader, r, what) : 0;
}

/* The same for one that must not be NULL. */
static int read_reference(const struct reader *reader, uint64_t address, uint64_t *ret_target,
			  const char *what)
{
	char wrong[PLUGIN_WHY_MAX / 2];
	int r = read_pointer(reader, address, ret_target, what);

	if (r < 0 || *ret_target != 0)
		return r;
	(void)snprintf(wrong, sizeof(wrong), "%s is missing", what);
	return refuse(reader, wrong);
}

/* The string that the pointer at `address` is of. *ret_string is NULL for a null pointer. */
static int read_string(const struct reader *reader, uint64_t address, size_t most,
		       const char **ret_string, const char *what)
{
	uint64_t target;
	int r = read_pointer(reader, address, &target, what);

	if (r < 0)
		return r;
	if (target == 0) {
		*ret_string = NULL;
		return 0;
	}
	r = elf_memory_string(reader->memory, target, most, ret_string);
	return r < 0 ? refuse_unread(reader, r, what) : 0;
}

/* Whether a table says a size that this host takes: all that ABI 2.0 had of it may then be asked for. What a later
 * version adds must be asked for only within that size. */
static int check_size(const struct reader *reader, enum abi_table which, uint64_t address,
		      const char *what)
{
	char wrong[PLUGIN_WHY_MAX / 2];
	const char *why;
	uint32_t size = 0;
	int r = read_value(reader, address + abi_size_offset(which), &size, sizeof(size), what);

	if (r < 0)
		return r;
	why = abi_size_wrong(which, size);
	if (!why)
		return 0;
	(void)snprintf(wrong, sizeof(wrong), "%s %s", what, why);
	return refuse(reader, wrong);
}

/* ---- the type of the configuration */

#define A_TYPE "a part of the type of its configuration"

/* A type being printed: each step of the walk adds to the text, whose limits end it. */
struct walk {
	const struct reader *reader;
	struct layout_text text;
};

/* What layout_text says. */
static int check_text(const struct walk *walk, int r)
{
	return r == -E2BIG ? refuse(walk->reader, "the type of its configuration is too large")
			   : r;
}

static int print_name(struct walk *walk, bool comma, uint64_t pointer)
{
	const char *name;
	int r = read_string(walk->reader, pointer, IDL_MEMBER_NAME_MAX, &name,
			    "a name in the type of its configuration");

	if (r < 0)
		return r;
	if (!name || !idl_is_field_name(name, strlen(name)))
		return refuse(walk->reader,
			      "the type of its configuration has a name that is none");
	return check_text(walk, layout_text_add_name(&walk->text, comma, name));
}

static int print_type(struct walk *walk, uint64_t address);

static int print_fields(struct walk *walk, uint64_t fields, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = fields + i * sizeof(struct troupe_field), type;
		int r = print_name(walk, i > 0, at + offsetof(struct troupe_field, name));

		if (r < 0)
			return r;
		r = check_text(walk, layout_text_add(&walk->text, ":"));
		if (r < 0)
			return r;
		r = read_reference(walk->reader, at + offsetof(struct troupe_field, type),
				   &type, A_TYPE);
		if (r < 0)
			return r;
		r = print_type(walk, type);
		if (r < 0)
			return r;
	}
	return 0;
}

static int print_struct(struct walk *walk, uint64_t address, uint32_t count)
{
	uint64_t fields = 0;
	/* Within one file, the address identifies the type. */
	int r = layout_text_open_struct(&walk->text, (const void *)(uintptr_t)address);

	if (r != 0)
		return r < 0 ? check_text(walk, r) : 0;
	if (count > 0) {
		r = read_reference(walk->reader, address + offsetof(struct troupe_type, fields),
				   &fields, A_TYPE);
		if (r < 0)
			return r;
	}
	r = print_fields(walk, fields, count);
	return r < 0 ? r : check_text(walk, layout_text_close_struct(&walk->text));
}

static int print_enum(struct walk *walk, uint64_t address, uint32_t count)
{
	uint64_t names;
	int r = read_reference(walk->reader, address + offsetof(struct troupe_type, names),
			       &names, A_TYPE);

	if (r < 0)
		return r;
	r = check_text(walk, layout_text_add(&walk->text, "{"));
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = print_name(walk, i > 0, names + i * sizeof(char *));
	return r < 0 ? r : check_text(walk, layout_text_add(&walk->text, "}"));
}

static int print_item(struct walk *walk, uint64_t address, enum troupe_kind kind)
{
	uint64_t item;
	int r = check_text(walk, layout_text_open(&walk->text, kind));

	if (r < 0 || (kind != TROUPE_ARRAY && kind != TROUPE_MAP && kind != TROUPE_OPTIONAL))
		return r;
	r = read_reference(walk->reader, address + offsetof(struct troupe_type, item), &item,
			   A_TYPE);
	if (r < 0)
		return r;
	r = print_type(walk, item);
	if (r < 0)
		return r;
	layout_text_close(&walk->text);
	return 0;
}

static int print_type(struct walk *walk, uint64_t address)
{
	uint32_t count = 0;
	uint8_t kind = 0;
	int r = check_size(walk->reader, ABI_TYPE, address, A_TYPE);

	if (r < 0)
		return r;
	r = read_value(walk->reader, address + offsetof(struct troupe_type, kind), &kind,
		       sizeof(kind), A_TYPE);
	if (r < 0)
		return r;
	r = read_value(walk->reader, address + offsetof(struct troupe_type, count), &count,
		       sizeof(count), A_TYPE);
	if (r < 0)
		return r;
	if (kind < TROUPE_BOOL || kind > TROUPE_OPTIONAL)
		return refuse(walk->reader, A_TYPE " is of no known kind");
	if (kind == TROUPE_STRUCT)
		return print_struct(walk, address, count);
	if (kind == TROUPE_ENUM)
		return print_enum(walk, address, count);
	return print_item(walk, address, (enum troupe_kind)kind);
}

static int read_config(const struct reader *reader, uint64_t address,
		       struct plugin_table *table)
{
	struct walk walk = {.reader = reader};
	uint64_t type;
	int r = read_pointer(reader, address + offsetof(struct troupe_actor, config), &type,
			     "the type of its configuration");

	if (r < 0 || type == 0)
		return r;
	r = print_type(&walk, type);
	table->config_text = walk.text.text;
	if (r < 0)
		return r;
	/* The text is what was walked; that it makes sense is for its parser to say. */
	r = layout_parse(table->config_text, walk.text.size, &table->config);
	return r == -EINVAL ? refuse(reader, "the type of its configuration is no valid struct")
			    : r;
}

/* ---- the table */

static int read_head(const struct reader *reader, uint64_t address)
{
	uint16_t major = 0, minor = 0;
	const char *name;
	int r = read_value(reader, address + offsetof(struct troupe_actor, abi_major), &major,
			   sizeof(major), "its table");

	if (r < 0)
		return r;
	r = read_value(reader, address + offsetof(struct troupe_actor, abi_minor), &minor,
		       sizeof(minor), "its table");
	if (r < 0)
		return r;
	/* Under another ABI, the rest may mean something else. */
	if (!abi_takes(major, minor))
		return refuse(reader, "its table does not begin with TROUPE_ABI");
	r = check_size(reader, ABI_ACTOR, address, "its table");
	if (r < 0)
		return r;
	r = read_string(reader, address + offsetof(struct troupe_actor, name), TROUPE_NAME_MAX,
			&name, "its name");
	if (r < 0)
		return r;
	if (!name || strcmp(name, reader->id) != 0)
		return refuse(reader, "the name in TROUPE_ABI is not that in TROUPE_ACTOR");
	return 0;
}

static int read_description(const struct reader *reader, uint64_t address,
			    struct plugin_table *table)
{
	int r = read_string(reader, address + offsetof(struct troupe_actor, description),
			    PLUGIN_DESCRIPTION_MAX, &table->description, "its description");

	if (r < 0 || !table->description)
		return r;
	if (!text_is_utf8(table->description, strlen(table->description)))
		return refuse(reader, "its description is not UTF-8");
	return 0;
}

/* Through a pointer to a struct troupe_handlers, the name of the interface that it is for. */
static int read_interface(const struct reader *reader, uint64_t handlers, const char **ret_name)
{
	uint64_t interface;
	int r = check_size(reader, ABI_HANDLERS, handlers, "a table of handlers");

	if (r < 0)
		return r;
	r = read_reference(reader, handlers + offsetof(struct troupe_handlers, interface),
			   &interface, "an interface's descriptor");
	if (r < 0)
		return r;
	r = check_size(reader, ABI_INTERFACE, interface, "an interface's descriptor");
	if (r < 0)
		return r;
	r = read_string(reader, interface + offsetof(struct troupe_interface, name),
			IDL_NAME_MAX, ret_name, "an interface's name");
	if (r < 0)
		return r;
	if (!*ret_name || !idl_is_interface_name(*ret_name, strlen(*ret_name)))
		return refuse(reader, "an interface's name is none");
	return 0;
}

static int read_interfaces(const struct reader *reader, uint64_t address,
			   struct plugin_table *table)
{
	uint64_t at = address + offsetof(struct troupe_actor, interfaces), handlers;

	for (size_t i = 0; i < TROUPE_INTERFACES_MAX; i++) {
		int r = read_pointer(reader, at + i * sizeof(void *), &handlers,
				     "its table of interfaces");

		if (r < 0 || handlers == 0)
			return r;
		r = read_interface(reader, handlers, &table->interfaces[i]);
		if (r < 0)
			return r;
		table->n_interfaces++;
	}
	return 0;
}

int plugin_table_read(const struct elf_memory *memory, uint64_t address, const char *id,
		      struct plugin_table *ret_table, char *why)
{
	const struct reader reader = {memory, id, why};
	struct plugin_table table = {0};
	int r = read_head(&reader, address);

	if (r == 0)
		r = read_description(&reader, address, &table);
	if (r == 0)
		r = read_interfaces(&reader, address, &table);
	if (r == 0)
		r = read_config(&reader, address, &table);
	if (r < 0) {
		plugin_table_fini(&table);
		return r;
	}
	*ret_table = table;
	return 0;
}

void plugin_table_fini(struct plugin_table *table)
{
	layout_free(table->config);
	free(table->config_text);
}
