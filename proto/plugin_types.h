/* plugin_types.h - what a plug-in's notes say of the table of each of its actor types.
 *
 * Internal to plugin_info.c and plugin_describe.c. The notes are hostile input.
 */
#ifndef PROTO_PLUGIN_TYPES_H
#define PROTO_PLUGIN_TYPES_H

#include "proto/plugin_info.h"

/* Write why a plug-in is refused, PLUGIN_WHY_MAX bytes at most. Returns -ENOEXEC. */
int plugin_types_refuse(char *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Fill in one of info->actors from the content of a note of type TABLE; actors and
 * interfaces are complete, in order, and stay where they are. why: filled in on -ENOEXEC.
 * -ENOMEM. */
int plugin_types_take(struct plugin_info *info, const void *content, size_t size, char *why);

/* Whether all of info->actors were filled in: 0, or -ENOEXEC and why not. */
int plugin_types_check(const struct plugin_info *info, char *why);

/* The interface of that name; NULL: none. Those of `info` are in order. */
struct plugin_interface *plugin_types_find(const struct plugin_info *info, const char *name);

/* Whether an interface is the host's own. */
bool plugin_types_is_reserved(const char *interface);

#endif
