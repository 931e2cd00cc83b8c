/* plugin_describe.h - the notes that say what the tables of a plug-in's actor types hold, for
 * its second link.
 *
 * The table of an actor type is constant, and what it points to is too: all of it can be read
 * from the linked file, its relocations applied. That is done here, once, where the plug-in is
 * built, so that no process of the daemon has to: they read the notes. Pure; used by troupe-gen
 * --seal.
 */
#ifndef PROTO_PLUGIN_DESCRIBE_H
#define PROTO_PLUGIN_DESCRIBE_H

#include <stddef.h>

/* Describe the plug-in whose file is `file`. *ret_text is given: C, a TROUPE_NOTE_TABLE()
 * (<troupe/note.h>) for each of its actor types; "" when it has none. why: PLUGIN_WHY_MAX
 * bytes (plugin_info.h), filled in on failure. -ENOEXEC: a table is not exported, malformed,
 * or can be known only when the plug-in is loaded; an interface is provided that the plug-in
 * does not describe, or that is the host's own; the notes of the plug-in are not in order.
 * -E2BIG; -ENOMEM. */
int plugin_describe(const void *file, size_t size, char **ret_text, char *why);

#endif
