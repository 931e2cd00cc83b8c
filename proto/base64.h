/* base64.h - bytes as text: RFC 4648, the plain alphabet, padded.
 *
 * Pure, any thread.
 */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include <stddef.h>

/* Characters that `size` bytes take, without a NUL. */
static inline size_t base64_text_size(size_t size)
{
	return (size + 2) / 3 * 4;
}

/* Write base64_text_size(size) characters. */
void base64_print(const void *data, size_t size, char *text);

/* Read `size` characters into `data`, which has room for size / 4 * 3 bytes. Strict: the
 * padding must be there, unused bits must be zero, no blanks. -EINVAL. */
int base64_parse(const char *text, size_t size, void *data, size_t *ret_size);

#endif
