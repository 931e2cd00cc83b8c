/* json_text.h - reading JSON text token by token, without allocating.
 *
 * A reader walks over text that it does not own; every function checks what it reads, so that
 * none depends on an earlier pass. Errors are -EINVAL or -E2BIG, with the byte offset in the
 * reader's codec_error. Pure, any thread; used inside proto/ only.
 */
#ifndef PROTO_JSON_TEXT_H
#define PROTO_JSON_TEXT_H

#include "proto/json.h"
#include <stdbool.h>
#include <stddef.h>

struct json_reader {
	const char *text, *at, *end;
	unsigned depth; /* objects and arrays that are open; advanced by json_read_open() */
	unsigned depth_max;
	unsigned values;           /* read so far */
	struct codec_error *error; /* may be NULL */
};

void json_reader_init(struct json_reader *reader, const char *text, size_t size,
		      unsigned depth_max, struct codec_error *error);

/* The next byte that is no blank, not consumed; 0 at the end of the text. */
char json_peek(struct json_reader *reader);

/* Consume `byte` when it is next; say whether it was. */
bool json_take(struct json_reader *reader, char byte);

/* Report that `what` was expected at the reader's place. Always negative. */
int json_expected(struct json_reader *reader, const char *what);

/* Read a string, a number or any value (whatever nests in it included); *ret_span is its raw
 * text. */
int json_read_string(struct json_reader *reader, struct json_span *ret_span);
int json_read_number(struct json_reader *reader, struct json_span *ret_span);
int json_read_value(struct json_reader *reader, struct json_span *ret_span);

/* Read the key of a member and the colon after it. */
int json_read_key(struct json_reader *reader, struct json_span *ret_key);

/* Begin an object or array ('{' or '['): 1: it has members, the first one is next; 0: it was
 * empty. */
int json_read_open(struct json_reader *reader, char open);

/* After a member: 1: another one is next; 0: the object or array is closed. */
int json_read_next(struct json_reader *reader, char open);

/* Check that nothing but blanks is left. */
int json_read_end(struct json_reader *reader);

/* json_scan() for the text of an `object` in a typed value, which may be any JSON value. Its
 * depth is limited so that the JSON of the whole message, and what it travels in, keeps within
 * JSON_DEPTH_MAX. */
#define JSON_OBJECT_DEPTH_MAX (JSON_DEPTH_MAX - CODEC_DEPTH_MAX - 2)
int json_scan_object(const char *text, size_t size, struct codec_error *ret_error);

#endif
