/* assign.h - "key=value", as people write it, into a JSON object of a type: [Config] of units,
 * arguments of troupectl.
 *
 * The type says what a text means; what it means is JSON, which json_check() then judges as it
 * judges all other. Pure, any process and thread.
 */
#ifndef PROTO_ASSIGN_H
#define PROTO_ASSIGN_H

#include "proto/json_tree.h"
#include <stddef.h>
#include <troupe/type.h>

#define ASSIGN_WHY_MAX  512
#define ASSIGN_NAME_MAX 64 /* of a part of a key, in a fault; longer ones are cut */

/* The type behind ?; NULL for NULL. */
const struct troupe_type *assign_plain_type(const struct troupe_type *type);

/* What a key leads to: a member, there or not, of an object of the tree. */
struct assign_place {
	struct json_tree *object;       /* borrowed */
	char *name;                     /* given: free() */
	const struct troupe_type *type; /* of the member; NULL: not known */
};

/* Why it leads nowhere. */
struct assign_fault {
	enum {
		ASSIGN_NO_FIELD,     /* `name` is no field of `type`, a struct */
		ASSIGN_NOT_IN_IT,    /* nothing can follow `name`, which is of `type` */
		ASSIGN_NAME_MISSING, /* beside a dot */
		ASSIGN_TOO_DEEP,
	} what;
	const struct troupe_type *type;
	char name[ASSIGN_NAME_MAX];
};

/* Follow the dots of a key from `root`, an object of `type` (STRUCT or MAP; NULL: not known),
 * and put in objects that are not there yet. A field is meant by its name, or else by one that
 * differs in the case of letters only; the key of a map is taken as it is, with its dots where
 * nothing can follow. ASSIGN_INTO_OBJECTS: a value of kind OBJECT may be filled in by key, too.
 * -EINVAL: *ret_fault is filled in; -ENOMEM. */
#define ASSIGN_INTO_OBJECTS 1u
int assign_find(struct json_tree *root, const struct troupe_type *type, const char *key,
		unsigned flags, struct assign_place *ret_place, struct assign_fault *ret_fault);

/* The field that was likely meant by an ASSIGN_NO_FIELD, borrowed from the type; NULL: none is
 * like it. */
const char *assign_nearest(const struct assign_fault *fault);

/* The value that a text means, *ret_value given: yes or no, 64K, a name of an enum, a string as
 * it is, JSON text for what holds others. That JSON is of the type is for json_check() to say.
 * -EINVAL: why (ASSIGN_WHY_MAX bytes) says what it must be; -ENOMEM. */
int assign_value(const struct troupe_type *type, const char *text, struct json_tree **ret_value,
		 char *why);

#endif
