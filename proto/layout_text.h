/* layout_text.h - the text of a layout as it grows, and the structs that are open in it.
 *
 * What layout_print() (from descriptors) and gen_layout() (from a parsed interface) share, so that both
 * write the same text and refuse the same types: beyond LAYOUT_TEXT_MAX bytes, LAYOUT_DEPTH_MAX levels
 * or LAYOUT_FIELDS_MAX fields, which is what layout_parse() takes. Used inside proto/ only.
 */
#ifndef PROTO_LAYOUT_TEXT_H
#define PROTO_LAYOUT_TEXT_H

#include "proto/layout.h"
#include <stdbool.h>
#include <stddef.h>
#include <troupe/type.h>

struct layout_text {
	char *text; /* NULL: nothing yet; the user frees it */
	size_t size;
	size_t room;
	size_t n_fields;
	unsigned depth;     /* structs, arrays, maps and optionals open */
	unsigned n_structs; /* of them structs */
	const void *structs[LAYOUT_DEPTH_MAX];
};

/* -E2BIG, -ENOMEM in all functions. */
int layout_text_add(struct layout_text *text, const char *piece);

/* The name of a field or of an enum, after a ',' unless it is the first. */
int layout_text_add_name(struct layout_text *text, bool comma, const char *name);

/* Begin a struct, which `id` identifies. 1: it is open already; a reference was written, and
 * there is nothing to close. */
int layout_text_open_struct(struct layout_text *text, const void *id);
int layout_text_close_struct(struct layout_text *text);

/* Write a plain kind, or begin an array, a map or an optional, to be closed after its item. */
int layout_text_open(struct layout_text *text, enum troupe_kind kind);
void layout_text_close(struct layout_text *text);

#endif
