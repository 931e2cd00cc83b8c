/* kind.h - the kinds of types: what each is called, and how large its values are.
 *
 * Pure, any thread; for proto/ and troupectl.
 */
#ifndef PROTO_KIND_H
#define PROTO_KIND_H

#include <stdint.h>
#include <troupe/type.h>

struct kind {
	const char *word;     /* what a type of it begins with in a layout: "int", "[]" */
	const char *constant; /* in C: "TROUPE_INT" */
	const char *c;        /* of those without items: what declares a value, "int64_t " */
	const char *phrase;   /* in messages: "an int" */
	uint8_t size, align;  /* of a value; STRUCT: the type says */
	uint8_t flags;        /* TROUPE_TYPE_PLAIN */
};

extern const struct kind kinds[TROUPE_OPTIONAL + 1];

/* What a value of the type is called in messages: "a string". */
const char *kind_phrase(const struct troupe_type *type);

/* Set the size, alignment and flags of a type from its kind; a struct's from its fields, whose
 * types have theirs, and where these lie. fields: type->count of them, borrowed as the type's
 * own. */
void kind_measure(struct troupe_type *type, struct troupe_field *fields);

/* Set how far apart the items of an array or a map are; their type has its size. */
void kind_measure_items(struct troupe_type *type);

#endif
