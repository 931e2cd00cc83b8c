/* json_build.h - a value being put together from JSON text: its scratch memory, and all but
 * nesting.
 *
 * Memory of the caller; one thread at a time; used inside proto/ only. Functions return 0 or a
 * negative errno value, and say in the reader's codec_error what is wrong.
 */
#ifndef PROTO_JSON_BUILD_H
#define PROTO_JSON_BUILD_H

#include "proto/arena.h"
#include "proto/json_text.h"
#include <stdbool.h>
#include <stddef.h>
#include <troupe/type.h>

/* Of scratch memory: arrays that grow leave their smaller selves behind. */
#define JSON_SCRATCH_MAX (6ull * CODEC_BLOCK_MAX)

struct json_builder {
	struct json_reader reader;
	char *text; /* what the reader reads, to be overwritten behind it */
	struct arena *scratch;
	size_t scratch_used;
};

/* Report a fault. -EINVAL: the message; the kind that `type` wants and the one that the text
 * has ("a string, found a number"). -EMSGSIZE: the value exceeds CODEC_BLOCK_MAX. */
int json_build_fail(struct json_builder *builder, const char *message);
int json_build_fail_kind(struct json_builder *builder, const struct troupe_type *type);
int json_build_fail_size(struct json_builder *builder);

/* Zeroed scratch memory, for as long as the builder. -EMSGSIZE, -ENOMEM. */
int json_build_scratch(struct json_builder *builder, size_t size, char **ret_memory);

/* Consume `literal` when it is next; say whether it was. */
bool json_build_literal(struct json_builder *builder, const char *literal);

/* Read a string and undo its escapes where it lies. `type` is for the message. */
int json_build_text(struct json_builder *builder, const struct troupe_type *type,
		    char **ret_text);

/* Read a value of a type that does not nest into its cell. */
int json_build_scalar(struct json_builder *builder, const struct troupe_type *type, char *cell);

#endif
