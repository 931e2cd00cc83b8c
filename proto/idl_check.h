/* idl_check.h - what can be judged only once all of an interface is read: names and recursion.
 *
 * Used by idl.c only.
 */
#ifndef PROTO_IDL_CHECK_H
#define PROTO_IDL_CHECK_H

#include "proto/idl.h"

/* A place where a type is called by its name. */
struct idl_reference {
	struct idl_reference *next;
	struct idl_type *type; /* kind, named: filled in by idl_check() */
	const char *name;
	unsigned line;
	unsigned column;
};

/* Resolve the references and refuse types that hold themselves by value, or hold structs by
 * value deeper than IDL_DEPTH_MAX. -EINVAL with *error filled in; -ENOMEM. */
int idl_check(struct idl *idl, struct idl_reference *references, struct idl_error *error);

#endif
