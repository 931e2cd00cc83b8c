/* codec.h - the three forms of a typed message, and the ways between them.
 *
 *   memory   one flat block: the struct, then what its pointers reach (see <troupe/type.h>)
 *   wire     the same block, each pointer replaced by the pointee's offset in the block, 0 for
 *            NULL, padding zero, numbers in the machine's own order
 *   JSON     see json.h
 *
 * Both blocks are canonical, so that a value has one size and one wire form:
 *   - pointees lie in depth-first order of the fields, each at the next multiple of its
 *     alignment: the items of an array or map first, then what the first item reaches, the
 *     second, and so on;
 *   - every byte between pointees and between fields is zero;
 *   - what is empty has a NULL pointer: arrays, maps, binaries;
 *   - a struct without fields takes one zero byte wherever it is inside another value, so the
 *     pointee of a `?()` that is present has an offset like any other; on its own, as the whole
 *     message, it takes none and may be NULL.
 *
 * Structs, arrays and maps nest at most CODEC_DEPTH_MAX deep in a value, optionals not counted.
 * The text of an `object` nests at most JSON_DEPTH_MAX - CODEC_DEPTH_MAX - 2 deep, so that the
 * JSON of any message can be read again.
 *
 * Values handed in by plug-ins are trusted to have valid pointers, and checked for everything
 * else; wire bytes are trusted in nothing. All functions are pure, allocate only where they say
 * so, and may be called from any thread.
 */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include <stddef.h>
#include <stdint.h>
#include <troupe/type.h>

#define CODEC_DEPTH_MAX 32
#define CODEC_BLOCK_MAX (16u << 20) /* = TROUPE_MESSAGE_MAX */

/* Where a value went wrong: "items[3].name" style path of the field, cut if longer. Optional
 * (NULL). */
struct codec_error {
	char path[256];
	char message[128]; /* "a string, found a number" */
};

/* Bytes that `value` takes as a flat block, checking it on the way.
 * -EINVAL: a NULL where the type has none, bad UTF-8, enum out of range, bool that is neither 0
 * nor 1, a float not finite, map keys out of order or twice, an object that is not JSON (syntax
 * is checked, not stored), deeper than CODEC_DEPTH_MAX. -EMSGSIZE: over CODEC_BLOCK_MAX. */
int codec_size(const struct troupe_type *type, const void *value, size_t *ret_size,
	       struct codec_error *ret_error);

/* Copy `value`, whose codec_size() is `size`, into `block` (aligned to 16, `size` bytes) as a
 * flat block in memory form. For a plain type: one memcpy. The value must not have changed
 * since it was measured; that it did not outgrow the block is checked. For those who do both at
 * once there is codec_quick.h. */
void codec_copy(const struct troupe_type *type, const void *value, void *block, size_t size);

/* The same as codec_copy() into wire form, at `block` (aligned to 8). Works from any value,
 * flat or not. */
void codec_encode(const struct troupe_type *type, const void *value, void *block, size_t size);

/* Check `size` wire bytes in `block` (aligned to 16) and turn them into memory form in place.
 * The form is canonical: pointees lie in depth-first field order without gaps but for
 * alignment, every offset equals the decoder's cursor, and the last byte is used. -EBADMSG with
 * the field's path otherwise; the block's content is then undefined. */
int codec_decode(const struct troupe_type *type, void *block, size_t size,
		 struct codec_error *ret_error);

/* Make a block of type `to` from a value of type `from`, by field name, through structs,
 * arrays, maps and optionals. Enums go by name. T becomes ?T, and ?T that is present becomes T.
 * A field that `to` lacks is dropped when CODEC_DROP is set or its value is an absent optional,
 * else -EINVAL; a field that `from` lacks is absent when optional, else -EINVAL. *ret_block is
 * given (malloc, free with free()). -EMSGSIZE, -ENOMEM; -EINVAL has the field's path. */
#define CODEC_DROP 1u
int codec_convert(const struct troupe_type *from, const void *value,
		  const struct troupe_type *to, unsigned flags, void **ret_block,
		  size_t *ret_size, struct codec_error *ret_error);

/* Whether `size` bytes are valid UTF-8 without NUL (no surrogates, no overlong forms, up to
 * U+10FFFF). */
int codec_is_utf8(const char *text, size_t size);

#endif
