/* plugin_types.h - what a plug-in's notes say of the table of each of its actor types.
 *
 * Internal to what reads plug-ins: plugin_info.c, plugin_describe.c, table_check.c. The notes
 * are hostile input.
 */
#ifndef PROTO_PLUGIN_TYPES_H
#define PROTO_PLUGIN_TYPES_H

#include "proto/plugin_info.h"

/* Write why a plug-in is refused, PLUGIN_WHY_MAX bytes at most; actor: the actor type that it
 * is about, or NULL. Returns -ENOEXEC. */
int plugin_types_refuse(char *why, const char *actor, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The order of actors and of interfaces: both begin with their names. */
int plugin_types_compare(const void *a, const void *b);

/* Fill in one of info->actors from the content of a note of type TABLE; actors and
 * interfaces are complete, in order, and stay where they are. why: filled in on -ENOEXEC.
 * -ENOMEM. */
int plugin_types_take(struct plugin_info *info, const void *content, size_t size, char *why);

/* Whether all of info->actors were filled in: 0, or -ENOEXEC and why not. */
int plugin_types_check(const struct plugin_info *info, char *why);

/* The actor type of that name; NULL: none. Those of `info` are in order. */
struct plugin_actor *plugin_types_find(const struct plugin_info *info, const char *name);

/* The interface that an actor type says it implements. -ENOEXEC, and why: the plug-in does not
 * describe it, or it is the host's own. */
int plugin_types_find_interface(const struct plugin_info *info, const char *actor,
				const char *name, char *why,
				struct plugin_interface **ret_interface);

/* Whether text can describe an actor type to people: 0, or -ENOEXEC and why not. */
int plugin_types_check_description(const char *actor, const char *text, char *why);

#endif
