/* interface.h - interfaces as the daemon describes them: methods, types, and the types of
 * single fields.
 *
 * Descriptions come from plug-ins, so they are parsed as hostile input. Owned by the caller;
 * any function here may ask the daemon.
 */
#ifndef CTL_INTERFACE_H
#define CTL_INTERFACE_H

#include "ctl/ctl.h"
#include "ctl/suggestions.h"
#include "proto/idl.h"
#include "proto/layout.h"

/* The interface of that name. *ret_idl is given. An exit status otherwise; explained when
 * `loud`. */
int interface_get(struct ctl *ctl, const char *name, bool loud, struct idl **ret_idl);

/* The same for the interface that a qualified method name begins with; *ret_member is its
 * method. */
int interface_get_method(struct ctl *ctl, const char *method, bool loud, struct idl **ret_idl,
			 const struct idl_member **ret_member);

/* The type of what a method takes, as a descriptor. *ret_layout is given. An exit status
 * otherwise, explained. */
int interface_get_input(struct ctl *ctl, const char *method, struct layout **ret_layout);

/* The names of its methods. */
void interface_add_methods(const struct idl *idl, struct suggestions *names);

/* Say that it lacks a method, and which it has. Returns STATUS_FAILED. */
int interface_no_method(struct ctl *ctl, const struct idl *idl, const char *method);

/* A type as in the IDL, cut when it is long: "?[]string". */
void interface_print_type(const struct idl_type *type, char *text, size_t size);

/* The type of a method's input field by its path ("items[3].name"), said quietly: STATUS_OK
 * only if found. */
int interface_field_type(struct ctl *ctl, const char *method, const char *path, char *text,
			 size_t size);

#endif
