/* type_check.h - whether a type's descriptor is what its fields make it.
 *
 * Sizes, alignments, offsets, flags and steps of a descriptor all follow from the names and
 * kinds of its fields, and every walk over a value believes them. So a descriptor of unknown
 * origin is judged once: its layout text is written with every pointer checked, the type that
 * this text makes is built anew, and the two are compared. One of an older ABI may lack steps.
 * Pure, but that it reads the descriptor; any thread.
 */
#ifndef PROTO_TYPE_CHECK_H
#define PROTO_TYPE_CHECK_H

#include "proto/bounds.h"
#include <troupe/type.h>

/* Judge the struct type `type` and all that it is made of, which must lie within `bounds`.
 * *ret_layout is given: its layout text, for layout_hash(). *ret_wrong is a constant text, to
 * follow the type's name with -EINVAL: it is wrong; to follow "a part of" it with -EFAULT: not
 * all of it can be read. -ENOMEM. Takes time with the text, which has at most LAYOUT_TEXT_MAX
 * bytes. */
int type_check(const struct troupe_type *type, const struct bounds *bounds, char **ret_layout,
	       const char **ret_wrong);

#endif
