/* plugin_table.h - the table of an actor type, struct troupe_actor, read from a plug-in's file.
 *
 * The table says more than notes can: its description, which interfaces it provides, the type
 * of its configuration. It is constant, and what it points to is too, so all of it can be read
 * without running anything. Hostile input, checked as it is followed. Pure; used inside proto/
 * only, by plugin_describe.c, where plug-ins are built.
 */
#ifndef PROTO_PLUGIN_TABLE_H
#define PROTO_PLUGIN_TABLE_H

#include "base/elf_memory.h"
#include "proto/layout.h"
#include <troupe/actor.h>

/* Texts are borrowed from the file. */
struct plugin_table {
	const char *description; /* NULL: none */
	const char *interfaces[TROUPE_INTERFACES_MAX];
	size_t n_interfaces;
	char *config_text; /* the layout of its configuration's type; NULL: it takes none */
	struct layout *config;
};

/* Read the table of actor type `id` at an address. why: PLUGIN_WHY_MAX bytes
 * (plugin_info.h), filled in on -ENOEXEC: the table is malformed, or cannot be read from the
 * file. -ENOMEM. */
int plugin_table_read(const struct elf_memory *memory, uint64_t address, const char *id,
		      struct plugin_table *ret_table, char *why);
void plugin_table_fini(struct plugin_table *table);

#endif
