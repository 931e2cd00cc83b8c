/* json_string.h - JSON strings: comparing, printing. (Reading them: json_text.h,
 * json_unquote().)
 *
 * Pure, any thread; used inside proto/ only.
 */
#ifndef PROTO_JSON_STRING_H
#define PROTO_JSON_STRING_H

#include "base/buffer.h"
#include "proto/json.h"
#include <stdbool.h>

/* Whether the raw value `span` is a string that means `text`. Texts over this size are never
 * found. */
#define JSON_KEY_MAX 255
bool json_span_equals(struct json_span span, const char *text);

/* Append `text`, valid UTF-8, as a JSON string. -ENOBUFS, -ENOMEM. */
int json_print_string(struct buffer *out, const char *text);

#endif
