/* codec_quick.h - measure a value and copy it at once, as the message path does.
 *
 * The same as codec_size() and codec_copy(), for those who have nothing to say about where a value is wrong. What
 * most messages are, a struct of scalars, texts and arrays of plain items, is done here, inlined, without a call
 * but strlen(); all else is left to the walks. Pure, any thread.
 */
#ifndef PROTO_CODEC_QUICK_H
#define PROTO_CODEC_QUICK_H

#include "base/check.h"
#include "proto/codec.h"
#include "proto/codec_move.h"
#include "proto/codec_walk.h"

#define CODEC_NOTES_MAX TROUPE_QUICK_POINTEES

struct codec_measure {
	size_t size; /* of the block; all else is codec_fill()'s own affair */
	/* Only where not all steps are quick ones: how many notes there are. */
	uint32_t n_notes;
	/* The bytes of one pointee each, with a text's NUL. Of a quick step, also of one that has none; of what
	 * comes after those, of texts only, as far as there is room. */
	uint32_t notes[CODEC_NOTES_MAX];
};

/* How far codec_fill() came: the text of a step, where it goes, and what is noted of it. */
struct codec_place {
	const struct troupe_step *step;
	size_t text;
	const uint32_t *note;
	char *copy;
};

/* The parts that are not inlined; for the two functions below only. */
int codec_measure_slow(const struct troupe_type *type, const void *value,
		       struct codec_measure *measure);
int codec_measure_rest(const struct troupe_type *type, const void *value,
		       const struct troupe_step *step, const uint32_t *note,
		       struct codec_measure *measure);
int codec_measure_fails(const struct troupe_type *type, const void *value);
void codec_fill_slow(const struct troupe_type *type, const void *value,
		     const struct codec_measure *measure, void *block);
int codec_fill_rest(const struct troupe_type *type, const struct codec_measure *measure,
		    struct codec_place place, void *block, bool texts_only);
int codec_fill_doubts(const struct troupe_type *type, const struct codec_measure *measure,
		      const void *block, bool texts_only);

/* The size once the items of an array are added, SIZE_MAX when they are wrong; their bytes are noted. */
static inline size_t quick_measure_items(const struct troupe_type *type, struct codec_span span,
					 size_t size, uint32_t *note)
{
	*note = 0;
	if (span.count == 0)
		return size;
	if (unlikely(!span.at || span.count > CODEC_BLOCK_MAX))
		return SIZE_MAX;
	*note = (uint32_t)(span.count * type->stride);
	return align_up(size, type->entry_align) + span.count * type->stride;
}

/* The bytes of the texts of optional strings that are side by side. */
static inline size_t quick_measure_optional(const char *cell, size_t n, uint32_t *note)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++) {
		const char *text = load_pointer(cell + i * sizeof(text));
		size_t bytes = text ? strlen(text) + 1 : 0;

		note[i] = (uint32_t)bytes;
		size += bytes;
	}
	return size;
}

/* Bytes that `value` takes as a block. -EINVAL and -EMSGSIZE as from codec_size(); but that each text is UTF-8,
 * and each bool, enum and float in its range, may be left to codec_fill() to find out. */
static inline __attribute__((always_inline)) int
codec_measure(const struct troupe_type *type, const void *value,
	      struct codec_measure *ret_measure)
{
	const struct troupe_step *step;
	uint32_t *note = ret_measure->notes;
	size_t size = type->size;

	if (unlikely(!(type->flags & TROUPE_TYPE_QUICK)))
		return codec_measure_slow(type, value, ret_measure);
	step = type->steps;
	for (unsigned left = type->n_steps; left > 0; left--, step++) {
		const char *cell = (const char *)value + step->offset;
		size_t n = step->count;

		if (unlikely(step->kind != TROUPE_STEP_TEXT)) {
			if (unlikely(step->kind == TROUPE_STEP_VALUE)) {
				ret_measure->size = size;
				return codec_measure_rest(type, value, step, note, ret_measure);
			}
			if (step->kind == TROUPE_STEP_ITEMS)
				size = quick_measure_items(step->type, load_span(cell), size,
							   note);
			else
				size += quick_measure_optional(cell, n, note);
			if (unlikely(size > CODEC_BLOCK_MAX))
				return codec_measure_fails(type, value);
			note += n;
			continue;
		}
		do {
			const char *text = load_pointer(cell);
			size_t bytes;

			if (unlikely(!text))
				return codec_measure_fails(type, value);
			bytes = strlen(text) + 1;
			*note++ = (uint32_t)bytes;
			size += bytes;
			cell += sizeof(text);
		} while (--n > 0);
	}
	if (unlikely(size > CODEC_BLOCK_MAX))
		return codec_measure_fails(type, value);
	ret_measure->size = size;
	return 0;
}

/* Place few items of an array of a plain type at *copy; false: they are none, or too many for that. */
static inline __attribute__((always_inline)) bool
quick_fill_items(const struct troupe_type *type, char *cell, size_t bytes, const char *block,
		 char **copy)
{
	struct codec_span span = load_span(cell);
	char *to = *copy;

	/* The array must not have grown meanwhile (another thread's doing). */
	check(span.count * type->stride == bytes);
	if (unlikely(bytes - 8 > MOVE_SHORT_MAX - 8))
		return false;
	memset(to, 0, 8); /* the gap is less, and what follows is not */
	to += -(size_t)(to - block) & (type->entry_align - 1u);
	store_pointer(cell, to);
	move_short(to, span.at, bytes);
	*copy = to + bytes;
	return true;
}

/* Copy a value that has just been measured and has not changed since into `block` (aligned to 16, measure->size
 * bytes), as a flat block in memory form. -EINVAL: what codec_measure() left to be found out; the block's content
 * is then undefined. */
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
	size_t i = 0, n;

	if (unlikely(!(type->flags & TROUPE_TYPE_QUICK))) {
		codec_fill_slow(type, value, measure, block);
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

		if (unlikely(step->kind >= TROUPE_STEP_ITEMS)) {
			if (unlikely(step->kind == TROUPE_STEP_VALUE ||
				     !quick_fill_items(step->type, cell, *note, to, &copy)))
				goto rest;
			note++;
			continue;
		}
		i = 0;
		do {
			const char *text = load_pointer(cell + i * sizeof(text));
			size_t bytes = *note;

			if (likely(move_is_usual(bytes)))
				odd |= move_usual(copy, text, bytes);
			else if (likely(bytes - 1 < MOVE_SHORT_MAX))
				odd |= move_short(copy, text, bytes);
			else
				goto rest;
			store_pointer(cell + i * sizeof(text), copy);
			copy += bytes;
			note++;
		} while (++i < step->count);
		i = 0;
	}
	/* Not all is ASCII, or something is wrong. */
	if (unlikely((bad | move_odd_bits(odd)) != 0))
		return codec_fill_doubts(type, measure, block, bad == 0);
	return 0;
rest:
	return codec_fill_rest(type, measure, (struct codec_place){step, i, note, copy}, block,
			       bad == 0);
}

#endif
