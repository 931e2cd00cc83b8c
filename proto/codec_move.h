/* codec_move.h - moving and judging few bytes without a call: most texts and structs are short.
 *
 * Two moves that overlap serve all sizes between theirs and its double, so that nothing beyond
 * the bytes is touched. Pure, any thread; used inside proto/ only.
 */
#ifndef PROTO_CODEC_MOVE_H
#define PROTO_CODEC_MOVE_H

#include "base/check.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MOVE_SHORT_MAX 64 /* bytes */

/* Sixteen bytes in one register. */
typedef uint64_t move_wide __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) move_wide move_load(const char *from)
{
	move_wide wide;

	memcpy(&wide, from, sizeof(wide));
	return wide;
}

static inline __attribute__((always_inline)) void move_store(char *to, move_wide wide)
{
	memcpy(to, &wide, sizeof(wide));
}

/* Whether bytes that were moved, as one of the moves below returns them, held one above
 * 0x7f. */
static inline uint64_t move_odd_bits(move_wide odd)
{
	return (odd[0] | odd[1]) & 0x8080808080808080ull;
}

/* Whether two wide moves do. */
static inline bool move_is_usual(size_t size)
{
	return size - 16 <= 16;
}

/* Copy 16 to 32 bytes; all of them, or'ed together. */
static inline __attribute__((always_inline)) move_wide move_usual(char *to, const char *from,
								  size_t size)
{
	move_wide head = move_load(from), tail = move_load(from + size - 16);

	move_store(to, head);
	move_store(to + size - 16, tail);
	return head | tail;
}

/* The same for 1 to MOVE_SHORT_MAX bytes. */
static inline __attribute__((always_inline)) move_wide move_short(char *to, const char *from,
								  size_t size)
{
	if (size > 32) {
		move_wide second = move_load(from + 16);
		move_wide third = move_load(from + size - 32);

		move_store(to + 16, second);
		move_store(to + size - 32, third);
		return second | third | move_usual(to, from, 16) |
		       move_usual(to + size - 16, from + size - 16, 16);
	}
	if (size >= 16)
		return move_usual(to, from, size);
	if (size >= 8) {
		uint64_t head, tail;

		memcpy(&head, from, 8);
		memcpy(&tail, from + size - 8, 8);
		memcpy(to, &head, 8);
		memcpy(to + size - 8, &tail, 8);
		return (move_wide){head | tail};
	}
	if (size >= 4) {
		uint32_t head, tail;

		memcpy(&head, from, 4);
		memcpy(&tail, from + size - 4, 4);
		memcpy(to, &head, 4);
		memcpy(to + size - 4, &tail, 4);
		return (move_wide){head | tail};
	} else {
		unsigned char first = (unsigned char)from[0];
		unsigned char middle = (unsigned char)from[size / 2];
		unsigned char last = (unsigned char)from[size - 1];

		to[0] = (char)first;
		to[size / 2] = (char)middle;
		to[size - 1] = (char)last;
		return (move_wide){(uint64_t)(first | middle | last)};
	}
}

/* A copy of a struct of whole words, one at least. */
static inline __attribute__((always_inline)) void move_struct(char *to, const char *from,
							      size_t size)
{
	uint64_t word;

	if (likely(size >= 32)) {
		for (size_t i = 0; i + 32 <= size; i += 32) {
			move_store(to + i, move_load(from + i));
			move_store(to + i + 16, move_load(from + i + 16));
		}
		move_store(to + size - 32, move_load(from + size - 32));
		move_store(to + size - 16, move_load(from + size - 16));
		return;
	}
	if (size >= 16)
		move_store(to, move_load(from));
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

#endif
