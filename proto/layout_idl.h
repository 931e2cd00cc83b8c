/* layout_idl.h - a layout as the parsed IDL would have it, for those who know types in that
 * form.
 *
 * Pure; used inside proto/ only.
 */
#ifndef PROTO_LAYOUT_IDL_H
#define PROTO_LAYOUT_IDL_H

#include "proto/arena.h"
#include "proto/idl.h"
#include "proto/layout.h"

/* A type without documentation or names of types; of the arena, and independent of the
 * layout. A struct that holds itself does so as a reference named as in the layout's text
 * ("^0"). NULL: no memory. */
const struct idl_type *layout_to_idl(const struct layout *layout, struct arena *arena);

#endif
