/* array.h - arrays in memory of malloc() that grow at their end, and such of texts.
 *
 * An array is a pointer, NULL at first, and a number of items, both its owner's; free() ends
 * it. It has room up to the next power of two, so that its room need not be kept. One thread at
 * a time.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

/* One more item, zeroed, at the end of the array that `place` points to the pointer of, whose
 * number of items, each of `size` bytes, is *count. Items may move. NULL: no memory, and it is
 * as it was. */
void *array_add(void *place, size_t *count, size_t size);

/* The same for a copy of a text. -ENOMEM. */
int texts_add(char ***texts, size_t *count, const char *text);

/* By their bytes. No texts are fine. */
void texts_sort(const char **texts, size_t count);

/* NULL is fine. */
void texts_free(char **texts, size_t count);

#endif
