/* idl_names.h - the forms that names have in Varlink's IDL; that of interfaces is in idl.h.
 *
 * Pure.
 */
#ifndef PROTO_IDL_NAMES_H
#define PROTO_IDL_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define IDL_MEMBER_NAME_MAX 63 /* bytes; fields too. Checked apart, for a message of its own */

/* [A-Z][A-Za-z0-9]* */
bool idl_is_member_name(const char *text, size_t size);

/* [A-Za-z](_?[A-Za-z0-9])* */
bool idl_is_field_name(const char *text, size_t size);

#endif
