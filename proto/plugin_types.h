/* plugin_types.h - what a plugin_info tells of each actor type beyond its name.
 *
 * Internal to plugin_info.c.
 */
#ifndef PROTO_PLUGIN_TYPES_H
#define PROTO_PLUGIN_TYPES_H

#include "base/elf.h"
#include "proto/plugin_info.h"

/* Fill in info->actors from their tables; actors and interfaces are complete, in order, and
 * stay where they are. why: filled in on -ENOEXEC and -E2BIG. -ENOMEM. */
int plugin_types_read(const struct elf *elf, struct plugin_info *info, char *why);

/* Whether an interface is the host's own. */
bool plugin_types_is_reserved(const char *interface);

#endif
