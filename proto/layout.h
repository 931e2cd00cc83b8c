/* layout.h - the canonical text of a type's layout, its hash, and types built from such text.
 *
 * Two types with the same layout text have the same in-memory form, so that a block of one can
 * be read as the other. The text holds names, kinds, order and marks; no comments, no type
 * names. Grammar:
 *
 *   bool int float string binary address object      the plain kinds
 *   (name:T,name:T)                                   struct; () is empty
 *   {name,name}                                       enum
 *   []T  [string]T  ?T
 *   ^N                                                the struct N levels of struct above this
 *                                                     one (recursion; ^0 is the innermost
 *                                                     struct around it)
 *
 * Pure functions, any thread.
 */
#ifndef PROTO_LAYOUT_H
#define PROTO_LAYOUT_H

#include "proto/bounds.h"
#include <stddef.h>
#include <stdint.h>
#include <troupe/type.h>

/* troupe-gen refuses types beyond these. */
#define LAYOUT_TEXT_MAX   (64u << 10) /* bytes */
#define LAYOUT_DEPTH_MAX  32   /* structs, arrays, maps and optionals around one another */
#define LAYOUT_FIELDS_MAX 4096 /* fields and names of enums in one text */

/* Append the text of `type` to a new string. *ret_text is given. -E2BIG: over a limit;
 * -ENOMEM. */
int layout_print(const struct troupe_type *type, char **ret_text);

/* The same for a type that nobody has looked at, with every pointer checked before it is
 * followed. -EINVAL: a part of it does not lie within `bounds`, is of no known kind, or has a
 * name that is none; *ret_wrong is then a constant text, to follow "a part of the type". Its
 * measures, flags and steps are not looked at: see type_check.h. */
int layout_print_within(const struct troupe_type *type, const struct bounds *bounds,
			char **ret_text, const char **ret_wrong);

/* What the hashes in descriptors are: of "QUALIFIED-NAME" + mark + layout text, where mark is
 * '(' for a method's input, '>' for its output, '!' for an error. Never 0. FNV-1a 64 with a
 * final mix. */
uint64_t layout_hash(const char *qualified_name, char mark, const char *layout);

/* A type built at run time from hostile text. free it with layout_free(); it owns all it points
 * to. -EINVAL: not a layout of a struct, or over a limit above. */
struct layout;
int layout_parse(const char *text, size_t size, struct layout **ret_layout);
const struct troupe_type *layout_type(const struct layout *layout);
void layout_free(struct layout *layout);

#endif
