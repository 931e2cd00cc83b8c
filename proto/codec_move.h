/* codec_move.h - moving and judging few bytes without a call: most texts and structs are short.
 *
 * Two moves that overlap serve all sizes between theirs and its double, so that nothing beyond the bytes is
 * touched. Pure, any thread; used inside proto/ only.
 */
#ifndef PROTO_CODEC_MOVE_H
#define PROTO_CODEC_MOVE_H

#include "base/check.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MOVE_SHORT_MAX 64 /* bytes */

struct move_pair {
	uint64_t first, second;
};

/* A copy of 1 to MOVE_SHORT_MAX bytes; false: they are more, and not copied. */
static inline __attribute__((always_inline)) bool move_short(char *to, const char *from,
							     size_t size)
{
	struct move_pair head, tail, second, third;

	if (likely(size >= 16)) {
		if (unlikely(size > MOVE_SHORT_MAX))
			return false;
		memcpy(&head, from, 16);
		memcpy(&tail, from + size - 16, 16);
		if (size > 32) {
			memcpy(&second, from + 16, 16);
			memcpy(&third, from + size - 32, 16);
			memcpy(to + 16, &second, 16);
			memcpy(to + size - 32, &third, 16);
		}
		memcpy(to, &head, 16);
		memcpy(to + size - 16, &tail, 16);
	} else if (size >= 8) {
		memcpy(&head.first, from, 8);
		memcpy(&tail.first, from + size - 8, 8);
		memcpy(to, &head.first, 8);
		memcpy(to + size - 8, &tail.first, 8);
	} else if (size >= 4) {
		uint32_t first, last;

		memcpy(&first, from, 4);
		memcpy(&last, from + size - 4, 4);
		memcpy(to, &first, 4);
		memcpy(to + size - 4, &last, 4);
	} else {
		to[0] = from[0];
		to[size / 2] = from[size / 2];
		to[size - 1] = from[size - 1];
	}
	return true;
}

/* Whether move_struct() takes a struct of that size. */
static inline bool move_is_short(size_t size)
{
	return size - 8 <= 256 - 8 && size % 8 == 0;
}

/* A copy of a struct of whole words. */
static inline __attribute__((always_inline)) void move_struct(char *to, const char *from,
							      size_t size)
{
	uint64_t word;

	for (size_t i = 0; i + 16 <= size; i += 16) {
		struct move_pair pair;

		memcpy(&pair, from + i, 16);
		memcpy(to + i, &pair, 16);
	}
	memcpy(&word, from + size - 8, 8);
	memcpy(to + size - 8, &word, 8);
}

/* Clear 1 to 8 bytes. */
static inline void move_zero(char *to, size_t size)
{
	if (size >= 4) {
		memset(to, 0, 4);
		memset(to + size - 4, 0, 4);
		return;
	}
	to[0] = 0;
	to[size / 2] = 0;
	to[size - 1] = 0;
}

/* Whether a string of that length is of 16 to 32 characters and all ASCII; if not, it may yet be valid. */
static inline bool move_is_ascii(const char *text, size_t length)
{
	struct move_pair head, tail;

	if (length < 16 || length > 32)
		return false;
	memcpy(&head, text, 16);
	memcpy(&tail, text + length - 16, 16);
	return ((head.first | head.second | tail.first | tail.second) &
		0x8080808080808080ull) == 0;
}

#endif
