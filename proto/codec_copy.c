/* Placing a value in a block. One walk serves both forms: in memory a pointer holds the
 * pointee's address, on the wire its offset, and the two differ by a constant. Each level is
 * copied as it is, pointers included; the walk over the copy then finds what these reach,
 * and replaces them. */

#include "proto/codec.h"

#include "base/check.h"
#include "proto/codec_move.h"
#include "proto/codec_walk.h"

struct placer {
	char *block;
	size_t size;
	size_t cursor;  /* where the next pointee may begin */
	uintptr_t base; /* added to an offset to make it a pointer: the block's address, or 0 */
};

static void place_struct(struct placer *placer, const struct troupe_type *type, char *copy);
static void place_items(struct placer *placer, const struct troupe_type *type, char *cell);
static void place_optional(struct placer *placer, const struct troupe_type *type, char *cell);

static void clear_gap(char *block, size_t from, size_t to)
{
	if (from < to)
		memset(block + from, 0, to - from);
}

/* Copy a pointee to the cursor, and make it what `cell` points to. */
static char *place_bytes(struct placer *placer, char *cell, const void *source, size_t align,
			 size_t bytes)
{
	size_t at = align_up(placer->cursor, align);
	char *copy = placer->block + at;
	uintptr_t pointer = placer->base + at;

	/* A value that grew since it was measured (another thread's doing) must not overflow.
	 */
	check(at <= placer->size && bytes <= placer->size - at);
	clear_gap(placer->block, placer->cursor, at);
	memcpy(copy, source, bytes);
	memcpy(cell, &pointer, sizeof(pointer));
	placer->cursor = at + bytes;
	return copy;
}

static inline __attribute__((always_inline)) void place_text(struct placer *placer, char *cell)
{
	const char *text = load_pointer(cell);
	size_t at = placer->cursor;
	uintptr_t pointer = placer->base + at;
	size_t size = strlen(text) + 1;

	check(size <= placer->size - at);
	if (likely(size <= MOVE_SHORT_MAX))
		move_short(placer->block + at, text, size);
	else
		memcpy(placer->block + at, text, size);
	memcpy(cell, &pointer, sizeof(pointer));
	placer->cursor = at + size;
}

static inline __attribute__((always_inline)) void
place_value(struct placer *placer, const struct troupe_type *type, char *cell)
{
	struct codec_span span;

	switch ((enum troupe_kind)type->kind) {
	case TROUPE_BOOL:
	case TROUPE_INT:
	case TROUPE_FLOAT:
	case TROUPE_ADDRESS:
	case TROUPE_ENUM:
		return;
	case TROUPE_STRING:
	case TROUPE_OBJECT:
		place_text(placer, cell);
		return;
	case TROUPE_BINARY:
		span = load_span(cell);
		if (span.count > 0)
			place_bytes(placer, cell, span.at, 1, span.count);
		else
			store_pointer(cell, NULL);
		return;
	case TROUPE_STRUCT:
		if (!is_plain(type))
			place_struct(placer, type, cell);
		return;
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		place_items(placer, type, cell);
		return;
	case TROUPE_OPTIONAL:
		place_optional(placer, type, cell);
		return;
	}
}

static void place_texts(struct placer *placer, const struct troupe_step *step, char *cell)
{
	for (char *end = cell + step->count * sizeof(char *); cell < end;
	     cell += sizeof(char *))
		if (step->kind == TROUPE_STEP_TEXT || load_pointer(cell))
			place_text(placer, cell);
}

/* The pointees of a struct with steps, from one of them on. */
static void place_pointees(struct placer *placer, const struct troupe_type *type, char *copy,
			   const struct troupe_step *step)
{
	const struct troupe_step *end = steps_end(type);

	for (; step < end; step++) {
		char *cell = copy + step->offset;

		if (step->kind == TROUPE_STEP_ITEMS)
			place_items(placer, step->type, cell);
		else if (step->kind == TROUPE_STEP_VALUE)
			place_value(placer, step->type, cell);
		else
			place_texts(placer, step, cell);
	}
}

static void clear_gaps(const struct troupe_type *type, char *copy)
{
	for (unsigned i = 0; i < type->n_words; i++) {
		const struct troupe_word *word = &type->words[i];
		uint64_t bits = load_bits(type, word, copy);

		memcpy(copy + word->offset, &bits, word_size(type, word));
	}
}

static void place_struct(struct placer *placer, const struct troupe_type *type, char *copy)
{
	size_t end = 0;

	if (has_steps(type)) {
		clear_gaps(type, copy);
		place_pointees(placer, type, copy, type->steps);
		return;
	}
	for (uint32_t i = 0; i < type->count; i++) {
		const struct troupe_field *field = &type->fields[i];

		clear_gap(copy, end, field->offset);
		end = field->offset + field->type->size;
		place_value(placer, field->type, copy + field->offset);
	}
	clear_gap(copy, end, type->size);
}

static void place_items(struct placer *placer, const struct troupe_type *type, char *cell)
{
	struct codec_span span = load_span(cell);
	bool is_map = type->kind == TROUPE_MAP;
	char *item;

	if (span.count == 0) {
		store_pointer(cell, NULL);
		return;
	}
	item = place_bytes(placer, cell, span.at, type->entry_align, span.count * type->stride);
	if (is_plain(type->item) && !is_map)
		return;
	for (size_t i = 0; i < span.count; i++, item += type->stride) {
		if (is_map) {
			place_text(placer, item);
			clear_gap(item, sizeof(char *), type->value_offset);
		}
		place_value(placer, type->item, item + type->value_offset);
		clear_gap(item, type->value_offset + type->item->size, type->stride);
	}
}

static void place_optional(struct placer *placer, const struct troupe_type *type, char *cell)
{
	const struct troupe_type *item = type->item;
	const void *value = load_pointer(cell);
	char *copy;

	if (!value)
		return;
	if (is_text(item)) {
		place_text(placer, cell);
		return;
	}
	/* A struct without fields has no byte to copy, and takes one all the same. */
	if (item->size == 0)
		value = "";
	copy = place_bytes(placer, cell, value, item->align, placed_size(item));
	place_value(placer, item, copy);
}

static void place_root(struct placer *placer, const struct troupe_type *type, const void *value)
{
	check(type->size <= placer->size);
	/* A struct without fields has no bytes, and may be NULL. */
	if (type->size == 0)
		return;
	memcpy(placer->block, value, type->size);
	if (is_plain(type))
		return;
	place_value(placer, type, placer->block);
	check(placer->cursor == placer->size);
}

void codec_copy(const struct troupe_type *type, const void *value, void *block, size_t size)
{
	struct placer placer = {
		.block = block, .size = size, .cursor = type->size, .base = (uintptr_t)block};

	place_root(&placer, type, value);
}

void codec_encode(const struct troupe_type *type, const void *value, void *block, size_t size)
{
	struct placer placer = {.block = block, .size = size, .cursor = type->size};

	place_root(&placer, type, value);
}
