/* json.h - typed messages as JSON, and JSON text looked at without building it.
 *
 * json_scan() reads hostile text in one pass without allocating: syntax, UTF-8, depth and the
 * number of values are checked before anything is built from it. json_decode() scans first,
 * then reads straight into values of the type, with no tree of JSON values in between: nothing
 * in a text costs more memory than its type gives it, and an `object` keeps numbers that fit no
 * C type. Pure functions, any thread.
 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include "base/buffer.h"
#include "proto/arena.h"
#include "proto/codec.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/type.h>

#define JSON_DEPTH_MAX  64       /* of the text as a whole; typed values have CODEC_DEPTH_MAX */
#define JSON_VALUES_MAX 1000000u /* values in one text */

/* A piece of a text: not terminated. at NULL: absent. */
struct json_span {
	const char *at;
	size_t size;
};

/* Whether `text` is exactly one JSON value (blanks around it are fine). -EINVAL: syntax or
 * UTF-8, with what is wrong and the byte offset in ret_error->message; -E2BIG: too deep or too
 * many values. */
int json_scan(const char *text, size_t size, struct codec_error *ret_error);

/* Whether it is one object, all else as json_scan(). */
int json_scan_struct(const char *text, size_t size, struct codec_error *ret_error);

/* Find top-level keys of an object, in one pass with the checks of json_scan(). For each of the
 * n keys spans[i] is set to the raw text of its value, or to absent. -EINVAL also when the text
 * is no object, or a wanted key is in it twice. */
int json_pick(const char *text, size_t size, const char *const *keys, size_t n,
	      struct json_span *spans, struct codec_error *ret_error);

/* The string that a raw value `span` of a text that was scanned means, escapes undone, into
 * buffer (NUL-terminated), which may be the span's own memory from its second byte on.
 * -EINVAL: not a string or holds U+0000; -ENOBUFS. */
int json_unquote(struct json_span span, char *buffer, size_t size);

/* Whether the text of a span is exactly that: a raw value is the literal `true`, say. */
bool json_span_is(struct json_span span, const char *text);

/* Make a block of `type` from JSON text. Strict: an unknown field, a missing one that is not
 * optional, a wrong kind, a number out of int64, a fraction where int is due (1.0 and 1e3 are
 * whole), bad base64, an unknown enum name, a key twice are -EINVAL with the field's path. null
 * stands for an absent optional. Empty or absent text (size 0) is {}. *ret_block is given
 * (malloc). -E2BIG, -EMSGSIZE, -ENOMEM. */
int json_decode(const struct troupe_type *type, const char *text, size_t size, void **ret_block,
		size_t *ret_size, struct codec_error *ret_error);

/* What json_decode() makes a block of: a value in scratch memory and in the text. */
struct json_value {
	const void *value;
	struct arena scratch;
};

/* The first half of json_decode(), for whoever makes the block. The text has passed
 * json_scan(), or is a value of one that has, in this process or one that it trusts. Were it
 * not so, it would still be read with all checks, but with other messages, and at the price of
 * more memory. It is overwritten, also on failure: the value's strings lie in it. `value`,
 * zeroed by the caller, lives as long as the text and until json_value_fini(), which is owed on
 * failure, too; it is yet to be measured by codec_size(), which finds what is still wrong with
 * it (a key of a map twice, too large). */
int json_read(const struct troupe_type *type, char *text, size_t size, struct json_value *value,
	      struct codec_error *ret_error);
void json_value_fini(struct json_value *value);

/* Whether json_decode() would take the text, with the same errors. */
int json_check(const struct troupe_type *type, const char *text, size_t size,
	       struct codec_error *ret_error);

/* Put the JSON text of a value behind what is in `out`; the value is known to be valid, as
 * those are that codec_size() has passed, and flat blocks. -EMSGSIZE: the buffer's limit;
 * -ENOMEM. */
int json_print(const struct troupe_type *type, const void *value, struct buffer *out);
/* Of a text: a control character of the block takes six bytes, names of fields a few more. */
#define JSON_TEXT_MAX (8ull * CODEC_BLOCK_MAX)

/* The same as a text of its own, of `limit` bytes at most with its NUL: -EMSGSIZE. *ret_text is
 * given (malloc). */
int json_print_text(const struct troupe_type *type, const void *value, size_t limit,
		    char **ret_text, size_t *ret_size);

/* The JSON text of a value, compact, fields in the order of the type, absent optionals left
 * out. *ret_text is given (malloc, NUL-terminated). -EINVAL, -EMSGSIZE: as codec_size();
 * -ENOMEM. */
int json_encode(const struct troupe_type *type, const void *value, char **ret_text,
		size_t *ret_size);

#endif
