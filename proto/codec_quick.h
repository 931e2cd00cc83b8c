/* codec_quick.h - measure a value and copy it at once, as the message path does.
 *
 * The same as codec_size() and codec_copy(), for those who have nothing to say about where a
 * value is wrong. What most messages are, a struct of scalars, texts and arrays of plain items,
 * is done here, inlined, without a call but strlen() for short ones; all else is left to those
 * two. Pure, any thread.
 */
#ifndef PROTO_CODEC_QUICK_H
#define PROTO_CODEC_QUICK_H

#include "base/check.h"
#include "proto/codec.h"
#include "proto/codec_move.h"
#include "proto/codec_walk.h"

#define CODEC_NOTES_MAX TROUPE_QUICK_POINTEES

struct codec_measure {
	size_t size;   /* of the block; all else is codec_fill()'s own affair */
	bool is_quick; /* codec_fill() copies it right here; then: */
	/* The bytes of each pointee, with a text's NUL; 0: none. */
	uint32_t notes[CODEC_NOTES_MAX];
};

/* For codec_fill() only: whether what it was in doubt of in a block is right. texts_only: it is
 * about texts that are not all ASCII. */
int codec_fill_doubts(const struct troupe_type *type, const struct codec_measure *measure,
		      const void *block, bool texts_only);

/* Bytes that `value` takes as a block. -EINVAL and -EMSGSIZE as from codec_size(); but that
 * each text is UTF-8, and each bool, enum and float in its range, may be left to codec_fill()
 * to find out. */
static inline __attribute__((always_inline)) int
codec_measure(const struct troupe_type *type, const void *value,
	      struct codec_measure *ret_measure)
{
	const struct troupe_step *step = type->steps;
	uint32_t *note = ret_measure->notes;
	size_t size = type->size;

	if (unlikely(!(type->flags & TROUPE_TYPE_QUICK)))
		goto slow;
	for (unsigned left = type->n_steps; left > 0; left--, step++) {
		const char *cell = (const char *)value + step->offset;
		size_t n = step->count;

		if (unlikely(step->kind >= TROUPE_STEP_ITEMS)) {
			struct codec_span span;
			size_t stride = step->type->stride;

			if (step->kind == TROUPE_STEP_VALUE)
				goto slow;
			span = load_span(cell);
			if (span.count > CODEC_BLOCK_MAX || (!span.at && span.count > 0))
				goto slow;
			*note++ = (uint32_t)(span.count * stride);
			if (span.count > 0)
				size = align_up(size, step->type->entry_align) +
				       span.count * stride;
			continue;
		}
		do {
			const char *text = load_pointer(cell);
			size_t bytes = 0;

			if (likely(text))
				bytes = strlen(text) + 1;
			else if (step->kind == TROUPE_STEP_TEXT)
				goto slow;
			*note++ = (uint32_t)bytes;
			size += bytes;
			cell += sizeof(text);
		} while (--n > 0);
	}
	if (unlikely(size > CODEC_BLOCK_MAX))
		goto slow;
	ret_measure->size = size;
	ret_measure->is_quick = true;
	return 0;
slow:
	ret_measure->is_quick = false;
	return codec_size(type, value, &ret_measure->size, NULL);
}

/* Place the items of an array of a plain type at `copy`; the place behind them. */
static inline __attribute__((always_inline)) char *
quick_fill_items(const struct troupe_type *type, char *cell, size_t bytes, const char *block,
		 char *copy)
{
	struct codec_span span = load_span(cell);

	/* The array must not have grown meanwhile (another thread's doing). */
	check(span.count * type->stride == bytes);
	if (bytes == 0) {
		store_pointer(cell, NULL);
		return copy;
	}
	memset(copy, 0, 8); /* the gap is less, and what follows is not */
	copy += -(size_t)(copy - block) & (type->entry_align - 1u);
	store_pointer(cell, copy);
	if (likely(bytes <= MOVE_SHORT_MAX))
		move_short(copy, span.at, bytes);
	else
		memcpy(copy, span.at, bytes);
	return copy + bytes;
}

/* Copy a value that has just been measured and has not changed since into `block` (aligned to
 * 16, measure->size bytes), as a flat block in memory form. -EINVAL: what codec_measure() left
 * to be found out; the block's content is then undefined. */
static inline __attribute__((always_inline)) int codec_fill(const struct troupe_type *type,
							    const void *value,
							    const struct codec_measure *measure,
							    void *block)
{
	char *to = block, *copy = to + type->size;
	const struct troupe_step *step;
	const struct troupe_word *word;
	const uint32_t *number, *note = measure->notes;
	uint64_t bad = 0, bits;
	move_wide odd = {0};
	size_t n;

	if (unlikely(!measure->is_quick)) {
		codec_copy(type, value, block, measure->size);
		return 0;
	}
	move_struct(to, value, type->size);
	number = type->floats;
	for (n = type->n_floats; n > 0; n--, number++) {
		memcpy(&bits, to + *number, 8);
		/* without the sign, an exponent of all ones */
		if (unlikely(bits << 1 >= 0xffe0000000000000ull))
			bad = 1;
	}
	word = type->words;
	for (n = type->n_words; n > 0; n--, word++) {
		memcpy(&bits, to + word->offset, 8);
		bits &= word->keep;
		memcpy(to + word->offset, &bits, 8);
		bad |= judge_word(word, bits);
	}
	step = type->steps;
	for (n = type->n_steps; n > 0; n--, step++) {
		char *cell = to + step->offset;

		if (unlikely(step->kind == TROUPE_STEP_ITEMS)) {
			copy = quick_fill_items(step->type, cell, *note++, to, copy);
			continue;
		}
		for (size_t left = step->count; left > 0; left--, cell += sizeof(char *)) {
			const char *text = load_pointer(cell);
			size_t bytes = *note++;

			if (likely(move_is_usual(bytes)))
				odd |= move_usual(copy, text, bytes);
			else if (likely(bytes - 1 < MOVE_SHORT_MAX))
				odd |= move_short(copy, text, bytes);
			else if (bytes > 0)
				bad |= !codec_is_utf8(memcpy(copy, text, bytes), bytes - 1);
			else
				continue;
			store_pointer(cell, copy);
			copy += bytes;
		}
	}
	/* Not all is ASCII, or something is wrong. */
	if (unlikely((bad | move_odd_bits(odd)) != 0))
		return codec_fill_doubts(type, measure, block, bad == 0);
	return 0;
}

#endif
