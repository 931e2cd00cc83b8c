/* table_check.h - whether an actor type's table is what generated code and the SDK's macros
 * make.
 *
 * Guards against a plug-in built by mistake: with other headers, by hand, with a pointer
 * missing. It cannot guard against malice: the plug-in's code runs in the worker's process
 * anyway. Used where a plug-in is built, on what is known of it then (base/elf_image.h), and by
 * the worker's loader. Pure, but that it reads the table; any thread.
 */
#ifndef PROTO_TABLE_CHECK_H
#define PROTO_TABLE_CHECK_H

#include "proto/bounds.h"
#include <stddef.h>
#include <troupe/actor.h>

/* Check the table of actor type `name` in a plug-in that lies in `bounds`: its ABI, sizes (of
 * an older SDK's tables too, see proto/abi.h) and strings, that each descriptor it points to
 * lies in the plug-in, that each type is what its fields make it (proto/type_check.h), and that
 * the hash of each method and error is that of its types: equal hashes mean that a block of one
 * is read as the other. why, PLUGIN_WHY_MAX bytes, says what is wrong. -ENOEXEC; -ENOMEM. */
int table_check(const struct troupe_actor *given, const char *name, const struct bounds *bounds,
		char *why);

#endif
