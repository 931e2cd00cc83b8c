/* idl_subset.h - what of Varlink's IDL the parser of sd-varlink takes (systemd 257's
 * varlinkctl), which is less than all of it.
 *
 * Pure: no files, no log, any process and thread. docs/interfaces.md says what it takes.
 */
#ifndef PROTO_IDL_SUBSET_H
#define PROTO_IDL_SUBSET_H

#include "proto/idl.h"

/* Whether varlinkctl can read the interface. -EINVAL with *ret_error: the first place that it
 * cannot read, and why. */
int idl_subset_check(const struct idl *idl, struct idl_error *ret_error);

#endif
