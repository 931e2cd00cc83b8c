#include "proto/plugin_describe.h"

#include "base/cleanup.h"
#include "base/elf_image.h"
#include "proto/abi.h"
#include "proto/gen.h"
#include "proto/gen_model.h"
#include "proto/plugin_types.h"
#include "proto/table_check.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_PREFIX "troupe_actor_"

/* Layouts written out for all actor types together, in search of their configurations'
 * declarations: an interface can be short and its types' layouts long. Beyond, a
 * configuration has no name, and is the same but for that. */
#define LAYOUTS_MAX 1024

struct describer {
	struct elf_image image;
	const struct plugin_info *info;
	uint64_t *addresses; /* of the table of each actor type; 0: not found */
	unsigned n_layouts;
	char *why; /* PLUGIN_WHY_MAX bytes */
};

#define refuse(reader, ...) plugin_types_refuse((reader)->why, NULL, __VA_ARGS__)

/* ---- where the tables are */

static int find_tables(struct describer *reader, const struct elf *elf)
{
	const struct plugin_info *info = reader->info;

	for (size_t i = 0; i < elf->symbols[ELF_DYNAMIC_SYMBOLS].count; i++) {
		const struct plugin_actor *actor;
		const char *name;
		Elf64_Sym symbol;

		if (elf_symbol(elf, ELF_DYNAMIC_SYMBOLS, i, &symbol, &name) < 0)
			return refuse(reader, "its table of symbols is malformed");
		if (strncmp(name, TABLE_PREFIX, strlen(TABLE_PREFIX)) != 0 ||
		    symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
		    ELF64_ST_BIND(symbol.st_info) == STB_LOCAL)
			continue;
		actor = plugin_types_find(info, name + strlen(TABLE_PREFIX));
		if (!actor)
			continue;
		uint64_t *address = &reader->addresses[actor - info->actors];
		if (*address != 0)
			return refuse(reader, "it has two symbols %s", name);
		*address = symbol.st_value;
	}
	for (size_t i = 0; i < info->n_actors; i++)
		if (reader->addresses[i] == 0)
			return refuse(
				reader,
				"actor type \"%s\": the plug-in does not export " TABLE_PREFIX
				"%s",
				info->actors[i].name, info->actors[i].name);
	return 0;
}

/* ---- the interfaces of one */

static const char *interface_of(const struct troupe_actor *table, size_t i)
{
	return i < TROUPE_INTERFACES_MAX && table->interfaces[i]
		       ? table->interfaces[i]->interface->name
		       : NULL;
}

static bool provides(const struct troupe_actor *table, const char *interface)
{
	for (size_t i = 0; interface_of(table, i); i++)
		if (strcmp(interface_of(table, i), interface) == 0)
			return true;
	return false;
}

static int check_interfaces(const struct describer *reader, const struct troupe_actor *table)
{
	struct plugin_interface *found;
	int r = 0;

	for (size_t i = 0; r == 0 && interface_of(table, i); i++)
		r = plugin_types_find_interface(reader->info, table->name,
						interface_of(table, i), reader->why, &found);
	return r;
}

/* ---- the configuration of one */

/* Whether a declared type might be the one of the table: only then is its layout written
 * out. */
static bool is_like(const struct idl_type *declared, const struct troupe_type *type)
{
	if (declared->kind != TROUPE_STRUCT || declared->named ||
	    declared->n_fields != type->count)
		return false;
	for (size_t i = 0; i < declared->n_fields; i++)
		if (strcmp(declared->fields[i].name, type->fields[i].name) != 0)
			return false;
	return true;
}

/* 1: they are the same; 0: not. */
static int is_same(struct describer *reader, const struct idl_type *declared,
		   const struct troupe_type *type, const char *layout)
{
	cleanup_free char *text = NULL;

	if (!is_like(declared, type) || reader->n_layouts == LAYOUTS_MAX)
		return 0;
	reader->n_layouts++;
	int r = gen_layout(declared, &text);
	if (r == -E2BIG)
		return 0;
	return r < 0 ? r : strcmp(text, layout) == 0;
}

/* How likely a declaration is the one meant where several say the same: only its comments
 * are at stake. */
static unsigned rate(const struct troupe_actor *table, const struct plugin_interface *interface,
		     const struct idl_member *member)
{
	return 1 + (provides(table, interface->name) ? 1 : 0) +
	       (strcmp(member->name, "Config") == 0 ? 2 : 0);
}

struct declaration {
	const char *interface, *member; /* "": none */
};

/* Find the declaration of the configuration's type, the best there is. */
static int find_declaration(struct describer *reader, const struct troupe_actor *table,
			    const char *layout, struct declaration *declaration)
{
	const struct plugin_info *info = reader->info;
	unsigned best = 0;

	for (size_t i = 0; i < info->n_interfaces; i++) {
		const struct idl *idl = info->interfaces[i].idl;

		for (size_t j = 0; j < idl->n_members; j++) {
			const struct idl_member *member = &idl->members[j];
			unsigned rating = rate(table, &info->interfaces[i], member);

			if (member->kind != IDL_TYPE || rating <= best)
				continue;
			int r = is_same(reader, member->type, table->config, layout);
			if (r < 0)
				return r;
			if (r == 0)
				continue;
			best = rating;
			*declaration =
				(struct declaration){info->interfaces[i].name, member->name};
		}
	}
	return 0;
}

/* ---- the notes */

/* The strings of a note are one literal, whose last NUL the compiler puts there. */
static void write_string(FILE *out, bool is_first, const char *text)
{
	if (!is_first)
		fputs(" \"\\000\"\n\t", out);
	gen_write_string(out, text);
}

static void write_note(FILE *out, const struct troupe_actor *table, const char *layout,
		       const struct declaration *declaration)
{
	fprintf(out, "TROUPE_NOTE_TABLE(%s,\n\t", table->name);
	write_string(out, true, table->name);
	write_string(out, false, table->description ? table->description : "");
	write_string(out, false, layout ? layout : "");
	write_string(out, false, declaration->interface);
	write_string(out, false, declaration->member);
	for (size_t i = 0; interface_of(table, i); i++)
		write_string(out, false, interface_of(table, i));
	fputs(")\n", out);
}

static int describe_actor(struct describer *reader, size_t i, FILE *out)
{
	const struct elf_image *image = &reader->image;
	const struct bounds bounds = {.base = (uintptr_t)image->memory,
				      .end = (uintptr_t)image->memory + image->size,
				      .is_file = true};
	const struct troupe_actor *given = elf_image_at(image, reader->addresses[i]);
	struct declaration declaration = {"", ""};
	cleanup_free char *layout = NULL;
	struct troupe_actor table;
	const char *wrong;
	int r = table_check(given, reader->info->actors[i].name, &bounds, reader->why);

	if (r < 0)
		return r;
	(void)abi_copy(ABI_ACTOR, NULL, given, &table, &wrong); /* it has been checked */
	r = check_interfaces(reader, &table);
	if (r == 0 && table.config)
		r = layout_print(table.config, &layout);
	if (r == 0 && table.config)
		r = find_declaration(reader, &table, layout, &declaration);
	if (r == 0)
		write_note(out, &table, layout, &declaration);
	return r;
}

static int describe_actors(struct describer *reader, const struct elf *elf, FILE *out)
{
	int r = find_tables(reader, elf);

	if (r < 0)
		return r;
	r = elf_image_make(elf, &reader->image);
	if (r == -E2BIG)
		snprintf(reader->why, PLUGIN_WHY_MAX, "its memory is larger than 1 GiB");
	if (r == -ENOTSUP || r == -EBADMSG)
		return refuse(reader, "its relocations are %s",
			      r == -ENOTSUP ? "in a form that is not known here" : "malformed");
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < reader->info->n_actors; i++)
		r = describe_actor(reader, i, out);
	elf_image_fini(&reader->image);
	return r;
}

static int describe(const void *file, size_t size, const struct plugin_info *info, FILE *out,
		    char *why)
{
	cleanup_free uint64_t *addresses =
		calloc(info->n_actors ? info->n_actors : 1, sizeof(*addresses));
	struct describer reader = {.info = info, .addresses = addresses, .why = why};
	struct elf elf;
	int r;

	if (!addresses)
		return -ENOMEM;
	r = elf_init(file, size, &elf);
	return r < 0 ? r : describe_actors(&reader, &elf, out);
}

int plugin_describe(const void *file, size_t size, char **ret_text, char *why)
{
	cleanup_free char *text = NULL;
	struct plugin_info *info;
	size_t text_size;
	FILE *out;
	int r = plugin_info_read(file, size, PLUGIN_UNDESCRIBED, &info, why);

	if (r < 0)
		return r;
	out = open_memstream(&text, &text_size);
	r = out ? describe(file, size, info, out, why) : -ENOMEM;
	if (out && fclose(out) != 0 && r == 0)
		r = -ENOMEM;
	plugin_info_free(info);
	if (r == 0)
		*ret_text = take_pointer(&text);
	return r;
}
