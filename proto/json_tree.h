/* json_tree.h - a JSON value that is put together, or taken apart, piece by piece.
 *
 * For configuration, the command line and what people are shown: values that come one by one,
 * or of which only some members matter. Messages never take this way, see json.h: a tree costs
 * a hundred bytes and more for each value in it.
 *
 * A tree is given by whoever makes it, and owns what was put into it; json_tree_free() the
 * root. Functions that make one return NULL when there is no memory, and all functions take
 * NULL for a value: a value that could not be made, or could not be put in for lack of memory,
 * spoils what it was meant for, and printing that is -ENOMEM. So nothing needs to be checked on
 * the way. One thread at a time, any process.
 */
#ifndef PROTO_JSON_TREE_H
#define PROTO_JSON_TREE_H

#include "proto/codec.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_tree;

enum json_tree_kind {
	JSON_TREE_OBJECT,
	JSON_TREE_ARRAY,
	JSON_TREE_STRING,
	JSON_TREE_LITERAL, /* a number, true, false, null: its text, as it was written */
};

struct json_tree *json_tree_object(void);
struct json_tree *json_tree_array(void);
struct json_tree *json_tree_string(const char *text); /* UTF-8, copied; NULL: no value */
struct json_tree *json_tree_int(int64_t value);
struct json_tree *json_tree_float(double value); /* finite */
struct json_tree *json_tree_bool(bool value);
struct json_tree *json_tree_null(void);
void json_tree_free(struct json_tree *tree);
static inline void json_tree_cleanup(struct json_tree **tree)
{
	json_tree_free(*tree);
}

/* The value of a text: exactly one, of any kind. -EINVAL: syntax, U+0000 in a string, a key
 * twice in one object, with what is wrong in ret_error->message; -E2BIG: as json_scan();
 * -ENOMEM. */
int json_tree_parse(const char *text, size_t size, struct json_tree **ret_tree,
		    struct codec_error *ret_error);

/* Put a value, taken, into an object in place of what is there under `key` (UTF-8, copied), or
 * behind the last of an array. */
void json_tree_set(struct json_tree *object, const char *key, struct json_tree *value);
void json_tree_append(struct json_tree *array, struct json_tree *value);
/* The same for a text; NULL: nothing is put in, and that is no fault. */
void json_tree_set_text(struct json_tree *object, const char *key, const char *text);
/* Move what is in `from`, an array, behind what is in `array`. */
void json_tree_extend(struct json_tree *array, struct json_tree *from);
/* Nothing happens when there is no such member. */
void json_tree_remove(struct json_tree *object, const char *key);

/* Of NULL, and of values of another kind, there is nothing: false, NULL, 0. All borrowed. */
bool json_tree_is(const struct json_tree *tree, enum json_tree_kind kind);
bool json_tree_is_literal(const struct json_tree *tree, const char *literal); /* "true" */
const char *json_tree_text(const struct json_tree *tree); /* of a string, escapes undone */
int64_t json_tree_integer(const struct json_tree *tree);  /* of a whole number */
struct json_tree *json_tree_find(const struct json_tree *object, const char *key);
/* What is in an object or array, in order: the first, and what follows `member`. */
struct json_tree *json_tree_first(const struct json_tree *tree);
struct json_tree *json_tree_next(const struct json_tree *tree, const struct json_tree *member);
const char *json_tree_key(const struct json_tree *member); /* in an object */

#define json_tree_foreach(member, tree)                                                        \
	for (struct json_tree *member = json_tree_first(tree); member;                         \
	     member = json_tree_next(tree, member))

/* The text of a value, on one line, or laid out for people with `indent` blanks a level.
 * *ret_text is given (free(), NUL-terminated). -ENOMEM: also when it is spoilt; -EMSGSIZE: over
 * 128 MiB. */
int json_tree_print(const struct json_tree *tree, unsigned indent, char **ret_text,
		    size_t *ret_size);

#endif
