/* codec_error.h - filling in a struct codec_error, from the place of the fault outwards.
 *
 * The walks keep no path while all goes well. Where one fails it says what is wrong; each level
 * that it then returns through puts its own step before the path. All functions accept a NULL
 * error, and leave path and message valid UTF-8 whatever they are handed. Used inside proto/
 * only.
 */
#ifndef PROTO_CODEC_ERROR_H
#define PROTO_CODEC_ERROR_H

#include "proto/codec.h"
#include <stddef.h>
#include <troupe/type.h>

/* Begin: an empty path and this message. Returns `code`, so that a caller can return the call.
 */
int codec_error_set(struct codec_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put a field, an item's index, or a map's key (borrowed, size bytes) before the path. */
void codec_error_field(struct codec_error *error, const char *name);
void codec_error_index(struct codec_error *error, size_t index);
void codec_error_key(struct codec_error *error, const char *key, size_t size);

#endif
