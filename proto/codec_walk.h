/* codec_walk.h - what the walks over a typed value share: reading and writing the cells of a
 * value.
 *
 * A cell is the place of a value of some type: in a struct, an array, an entry or on its own.
 * Cells are read and written with memcpy, since the host knows their types only from
 * descriptors; it compiles to plain loads and stores. Pure, any thread; used inside proto/
 * only.
 */
#ifndef PROTO_CODEC_WALK_H
#define PROTO_CODEC_WALK_H

#include "proto/codec_error.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <troupe/type.h>

/* The cell of a binary, an array or a map, all three of one shape. On the wire `at` is an
 * offset. */
struct codec_span {
	const void *at;
	size_t count;
};

/* Whether blocks of the type may be copied whole, unchecked. */
static inline bool is_plain(const struct troupe_type *type)
{
	return type->flags & TROUPE_TYPE_PLAIN;
}

/* Whether the walk may follow steps instead of fields. */
static inline bool has_steps(const struct troupe_type *type)
{
	return type->flags & TROUPE_TYPE_STEPS;
}

/* Whether the cell of the type is a `const char *`. An optional of such a type is that same
 * pointer, NULL when absent, instead of a pointer to it. */
static inline bool is_text(const struct troupe_type *type)
{
	return type->kind == TROUPE_STRING || type->kind == TROUPE_OBJECT;
}

/* Bytes a value takes inside another one: even a struct without fields has a place. */
static inline size_t placed_size(const struct troupe_type *type)
{
	return type->size ? type->size : 1;
}

static inline size_t align_up(size_t size, size_t align)
{
	return (size + align - 1) & ~(align - 1);
}

static inline const void *load_pointer(const void *cell)
{
	const void *pointer;

	memcpy(&pointer, cell, sizeof(pointer));
	return pointer;
}

static inline void store_pointer(void *cell, const void *pointer)
{
	memcpy(cell, &pointer, sizeof(pointer));
}

/* A pointer cell as a number, for the wire form. */
static inline uint64_t load_offset(const void *cell)
{
	uint64_t offset;

	memcpy(&offset, cell, sizeof(offset));
	return offset;
}

static inline struct codec_span load_span(const void *cell)
{
	struct codec_span span;

	memcpy(&span, cell, sizeof(span));
	return span;
}

static inline void store_span(void *cell, const void *at, size_t count)
{
	memcpy(cell, &(struct codec_span){at, count}, sizeof(struct codec_span));
}

static inline bool load_bool_is_valid(const void *cell)
{
	return *(const unsigned char *)cell <= 1;
}

static inline uint32_t load_enum(const void *cell)
{
	uint32_t value;

	memcpy(&value, cell, sizeof(value));
	return value;
}

static inline int64_t load_int(const void *cell)
{
	int64_t value;

	memcpy(&value, cell, sizeof(value));
	return value;
}

static inline double load_float(const void *cell)
{
	double value;

	memcpy(&value, cell, sizeof(value));
	return value;
}

/* What goes along with a walk that judges values. */
struct codec_judge {
	int wrong; /* what it returns for a wrong value */
	unsigned depth;
	struct codec_error *error;
};

static inline int judge_fail(const struct codec_judge *judge, const char *message)
{
	return codec_error_set(judge->error, judge->wrong, "%s", message);
}

static inline int judge_enter(struct codec_judge *judge)
{
	if (judge->depth == CODEC_DEPTH_MAX)
		return codec_error_set(judge->error, judge->wrong, "nested deeper than %u",
				       CODEC_DEPTH_MAX);
	judge->depth++;
	return 0;
}

/* A bool, a float or an enum. */
static inline int judge_scalar(const struct codec_judge *judge, const struct troupe_type *type,
			       const void *cell)
{
	if (type->kind == TROUPE_BOOL)
		return load_bool_is_valid(cell)
			       ? 0
			       : judge_fail(judge, "a bool, found another value");
	if (type->kind == TROUPE_FLOAT)
		return isfinite(load_float(cell))
			       ? 0
			       : judge_fail(judge, "a float that is not finite");
	return load_enum(cell) < type->count ? 0 : judge_fail(judge, "an enum out of range");
}

/* The bytes of a word that are the struct's. */
static inline size_t word_size(const struct troupe_type *type, const struct troupe_word *word)
{
	return type->size - word->offset < 8 ? type->size - word->offset : 8;
}

/* The word of a struct, the gaps zero. */
static inline uint64_t load_bits(const struct troupe_type *type, const struct troupe_word *word,
				 const char *value)
{
	uint64_t bits = 0;

	memcpy(&bits, value + word->offset, word_size(type, word));
	return bits & word->keep;
}

/* Not zero when something in a word that was loaded is out of its range. */
static inline uint64_t judge_word(const struct troupe_word *word, uint64_t bits)
{
	return (bits | (bits + word->add)) & word->bad;
}

/* The cell of the value that the optional in `cell` holds; NULL: absent. */
static inline const void *optional_value(const struct troupe_type *type, const void *cell)
{
	const void *pointer = load_pointer(cell);

	return pointer && is_text(type->item) ? cell : pointer;
}

/* Behind the last step; a type without any has no array of them either. */
static inline const struct troupe_step *steps_end(const struct troupe_type *type)
{
	return type->n_steps ? type->steps + type->n_steps : type->steps;
}

#endif
