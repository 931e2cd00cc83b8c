/* gen.h - C from an interface: structs, const descriptors and typed wrappers, as the text of
 * one header.
 *
 * Pure: no files, no log. Used by troupe-gen and its tests. docs/interfaces.md describes the
 * result.
 */
#ifndef PROTO_GEN_H
#define PROTO_GEN_H

#include "proto/idl.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gen_options {
	const char *prefix; /* of all names in C; NULL: from the interface's name */
	bool host;          /* structs and descriptors only, on nothing but <troupe/type.h> */
};

/* The header of an interface. *ret_text is given. -EINVAL with *ret_error filled in: two names
 * of the interface are one in C, a type's layout is over a limit of layout.h, the prefix is
 * none; -ENOMEM. */
int gen_header(const struct idl *idl, const struct gen_options *options, char **ret_text,
	       size_t *ret_size, struct idl_error *ret_error);

/* The layout text of a parsed type, the same that layout_print() makes of its descriptor.
 * *ret_text is given. -E2BIG: over a limit of layout.h; -ENOMEM. */
int gen_layout(const struct idl_type *type, char **ret_text);

/* The layouts of all methods and errors, a line each: "HASH QUALIFIED-NAME MARK-AND-LAYOUT".
 * *ret_text is given. -EINVAL with *ret_error filled in, -ENOMEM. */
int gen_layouts(const struct idl *idl, char **ret_text, struct idl_error *ret_error);

#endif
