/* gen_names.h - from the names of an interface to names in C.
 *
 * The results live in the arena; NULL: no memory. Used by the generator only.
 */
#ifndef PROTO_GEN_NAMES_H
#define PROTO_GEN_NAMES_H

#include "proto/arena.h"
#include <stdbool.h>
#include <stddef.h>

/* CamelCase and my-thing to lower snake case: NameTooLong is name_too_long, HTTPGet
 * http_get. */
char *gen_snake(struct arena *arena, const char *name);

/* The same of a type, method or error, with a '_' after what the interface itself is called. */
char *gen_member(struct arena *arena, const char *name);

/* In capitals. */
char *gen_upper(struct arena *arena, const char *name);

/* The name itself, with a '_' after it when C, C++ or their headers use it for something
 * else. */
const char *gen_safe(struct arena *arena, const char *name);

/* Whether `text` may be a prefix of C names: [a-z][a-z0-9_]*. */
bool gen_is_prefix(const char *text);

/* The prefix of an interface's names: its last part in snake case; "x_" before it when it
 * begins with a digit or would be the SDK's own ("troupe"). */
char *gen_prefix(struct arena *arena, const char *interface);

#endif
