/* layout_text.h - the text of a layout as it grows, and the structs that are open in it.
 *
 * What layout_print() (from descriptors) and gen_layout() (from a parsed interface) share, so
 * that both write the same text and refuse the same types: beyond LAYOUT_TEXT_MAX bytes,
 * LAYOUT_DEPTH_MAX levels or LAYOUT_FIELDS_MAX fields, which is what layout_parse() takes.
 * After a failure nothing is written any more, so that only the end needs a look at it. Used
 * inside proto/ only.
 */
#ifndef PROTO_LAYOUT_TEXT_H
#define PROTO_LAYOUT_TEXT_H

#include "proto/layout.h"
#include <stdbool.h>
#include <stddef.h>
#include <troupe/type.h>

struct layout_text {
	char *text; /* NULL: nothing yet */
	size_t size;
	size_t room;
	size_t n_fields;
	unsigned depth;     /* structs, arrays, maps and optionals open */
	unsigned n_structs; /* of them structs */
	const void *structs[LAYOUT_DEPTH_MAX];
	int error; /* -E2BIG, -ENOMEM; or its user's */
};

/* Begin a type; `id` identifies a struct. Whether its fields, names or item are to follow, and
 * then its end: not those of a plain kind, nor of a struct that is open already (a reference is
 * written), nor after a failure. */
bool layout_text_open(struct layout_text *text, enum troupe_kind kind, const void *id);
void layout_text_close(struct layout_text *text, enum troupe_kind kind);

/* The name of field or name i of the type that is open; of a field, its type is to follow. */
void layout_text_add_name(struct layout_text *text, size_t i, const char *name, bool is_field);

/* The end: *ret_text is given, or text->error returned. */
int layout_text_finish(struct layout_text *text, char **ret_text);

#endif
