#include "proto/codec.h"

#include "proto/codec_error.h"
#include "proto/codec_quick.h"
#include "proto/codec_walk.h"
#include "proto/json_text.h"
#include "proto/kind.h"
#include <errno.h>
#include <math.h>

struct sizer {
	size_t size; /* so far: where the next pointee may begin */
	/* Never follow steps: they know no names, so the path of an error takes a second
	 * walk. */
	bool by_fields;
	struct codec_judge judge;
};

static int size_struct(struct sizer *sizer, const struct troupe_type *type, const char *value);
static int size_items(struct sizer *sizer, const struct troupe_type *type, const void *cell);
static int size_optional(struct sizer *sizer, const struct troupe_type *type, const void *cell);

static int fail_null(struct sizer *sizer, const struct troupe_type *type)
{
	return codec_error_set(sizer->judge.error, -EINVAL, "%s, found NULL",
			       kind_phrase(type));
}

static int add_bytes(struct sizer *sizer, size_t align, size_t bytes)
{
	size_t at = align_up(sizer->size, align);

	if (at > CODEC_BLOCK_MAX || bytes > CODEC_BLOCK_MAX - at)
		return codec_error_set(sizer->judge.error, -EMSGSIZE, "more than %u bytes",
				       CODEC_BLOCK_MAX);
	sizer->size = at + bytes;
	return 0;
}

static int add_items(struct sizer *sizer, const struct troupe_type *type, size_t count)
{
	if (type->stride == 0)
		return judge_fail(&sizer->judge, "the type's items have no size");
	if (count > CODEC_BLOCK_MAX || count * type->stride > CODEC_BLOCK_MAX)
		return codec_error_set(sizer->judge.error, -EMSGSIZE, "more than %u bytes",
				       CODEC_BLOCK_MAX);
	return add_bytes(sizer, type->entry_align, count * type->stride);
}

static int size_text(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	const char *text = load_pointer(cell);
	size_t size;

	if (!text)
		return fail_null(sizer, type);
	size = strlen(text);
	if (size >= CODEC_BLOCK_MAX)
		return codec_error_set(sizer->judge.error, -EMSGSIZE, "more than %u bytes",
				       CODEC_BLOCK_MAX);
	if (type->kind == TROUPE_OBJECT) {
		if (json_scan_object(text, size, sizer->judge.error) < 0)
			return -EINVAL;
	} else if (!codec_is_utf8(text, size)) {
		return judge_fail(&sizer->judge, "not valid UTF-8");
	}
	return add_bytes(sizer, 1, size + 1);
}

/* Scalars right here, what nests through a call: so only nesting costs stack frames. */
static inline __attribute__((always_inline)) int
size_value(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	struct codec_span span;

	switch ((enum troupe_kind)type->kind) {
	case TROUPE_INT:
	case TROUPE_ADDRESS:
		return 0;
	case TROUPE_BOOL:
	case TROUPE_FLOAT:
	case TROUPE_ENUM:
		return judge_scalar(&sizer->judge, type, cell);
	case TROUPE_STRING:
	case TROUPE_OBJECT:
		return size_text(sizer, type, cell);
	case TROUPE_BINARY:
		span = load_span(cell);
		if (span.count > 0 && !span.at)
			return judge_fail(&sizer->judge, "bytes, found NULL");
		return add_bytes(sizer, 1, span.count);
	case TROUPE_STRUCT:
		return is_plain(type) ? 0 : size_struct(sizer, type, cell);
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		return size_items(sizer, type, cell);
	case TROUPE_OPTIONAL:
		return size_optional(sizer, type, cell);
	}
	return judge_fail(&sizer->judge, "a type of unknown kind");
}

/* The checks of a struct with steps. */
static bool are_checks_met(const struct troupe_type *type, const char *value)
{
	uint64_t odd = 0;

	for (unsigned i = 0; i < type->n_words; i++) {
		const struct troupe_word *word = &type->words[i];

		odd |= judge_word(word, load_bits(type, word, value));
	}
	for (unsigned i = 0; i < type->n_floats; i++)
		odd |= !isfinite(load_float(value + type->floats[i]));
	return odd == 0;
}

/* The texts of one step. */
static int size_texts(struct sizer *sizer, const struct troupe_step *step, const char *cell)
{
	for (const char *end = cell + step->count * sizeof(char *); cell < end;
	     cell += sizeof(char *)) {
		const char *text = load_pointer(cell);
		size_t length;

		if (!text) {
			if (step->kind == TROUPE_STEP_TEXT)
				return -EINVAL;
			continue;
		}
		length = strlen(text);
		if (length >= CODEC_BLOCK_MAX || !codec_is_utf8(text, length) ||
		    add_bytes(sizer, 1, length + 1) < 0)
			return -EINVAL;
	}
	return 0;
}

/* The pointees of a struct with steps, from one of them on. */
static int size_pointees(struct sizer *sizer, const struct troupe_type *type, const char *value,
			 const struct troupe_step *step)
{
	const struct troupe_step *end = steps_end(type);
	unsigned depth = sizer->judge.depth;

	for (; step < end; step++) {
		const char *cell = value + step->offset;

		if (step->kind == TROUPE_STEP_ITEMS) {
			struct codec_span span = load_span(cell);

			if (span.count > 0 &&
			    (!span.at || add_items(sizer, step->type, span.count) < 0))
				return -EINVAL;
			continue;
		}
		if (step->kind == TROUPE_STEP_VALUE) {
			sizer->judge.depth = depth + step->count;
			if (size_value(sizer, step->type, cell) < 0)
				return -EINVAL;
			continue;
		}
		if (size_texts(sizer, step, cell) < 0)
			return -EINVAL;
	}
	sizer->judge.depth = depth;
	return 0;
}

/* A struct with steps. A failure only says so. */
static int size_steps(struct sizer *sizer, const struct troupe_type *type, const char *value)
{
	if (sizer->judge.depth + type->levels > CODEC_DEPTH_MAX || !are_checks_met(type, value))
		return -EINVAL;
	return size_pointees(sizer, type, value, type->steps);
}

static int size_struct(struct sizer *sizer, const struct troupe_type *type, const char *value)
{
	int r;

	if (has_steps(type) && !sizer->by_fields)
		return size_steps(sizer, type, value);
	r = judge_enter(&sizer->judge);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < type->count; i++) {
		const struct troupe_field *field = &type->fields[i];

		r = size_value(sizer, field->type, value + field->offset);
		if (r < 0) {
			codec_error_field(sizer->judge.error, field->name);
			return r;
		}
	}
	sizer->judge.depth--;
	return 0;
}

static int size_entry(struct sizer *sizer, const struct troupe_type *type, const char *entry,
		      const char *last_key)
{
	const char *key = load_pointer(entry);
	size_t size;
	int r;

	if (!key)
		return judge_fail(&sizer->judge, "a key, found NULL");
	size = strlen(key);
	if (!codec_is_utf8(key, size))
		return judge_fail(&sizer->judge, "a key that is not valid UTF-8");
	if (last_key && strcmp(last_key, key) >= 0)
		r = judge_fail(&sizer->judge, "a key twice or out of order");
	else
		r = add_bytes(sizer, 1, size + 1);
	if (r == 0)
		r = size_value(sizer, type->item, entry + type->value_offset);
	if (r < 0)
		codec_error_key(sizer->judge.error, key, size);
	return r;
}

static int size_items(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	struct codec_span span = load_span(cell);
	bool is_map = type->kind == TROUPE_MAP;
	const char *item = span.at, *last_key = NULL;
	int r = judge_enter(&sizer->judge);

	if (r < 0)
		return r;
	if (span.count > 0 && !item)
		r = judge_fail(&sizer->judge,
			       is_map ? "entries, found NULL" : "items, found NULL");
	else if (span.count > 0)
		r = add_items(sizer, type, span.count);
	if (is_plain(type->item) && !is_map)
		span.count = 0;
	for (size_t i = 0; r == 0 && i < span.count; i++, item += type->stride) {
		if (is_map) {
			r = size_entry(sizer, type, item, last_key);
			last_key = load_pointer(item);
			continue;
		}
		r = size_value(sizer, type->item, item);
		if (r < 0)
			codec_error_index(sizer->judge.error, i);
	}
	sizer->judge.depth--;
	return r;
}

static int size_optional(struct sizer *sizer, const struct troupe_type *type, const void *cell)
{
	const struct troupe_type *item = type->item;
	const void *value = optional_value(type, cell);
	int r;

	if (!value)
		return 0;
	if (!is_text(item)) {
		r = add_bytes(sizer, item->align, placed_size(item));
		if (r < 0)
			return r;
	}
	return size_value(sizer, item, value);
}

/* The whole walk by fields, for what is wrong and where; or for a type that has no steps. */
static __attribute__((noinline)) int size_by_fields(const struct troupe_type *type,
						    const void *value, size_t *ret_size,
						    struct codec_error *ret_error)
{
	struct sizer sizer = {.size = type->size,
			      .by_fields = true,
			      .judge = {.wrong = -EINVAL, .error = ret_error}};
	int r = size_value(&sizer, type, value);

	if (r == 0)
		*ret_size = sizer.size;
	return r;
}

int codec_size(const struct troupe_type *type, const void *value, size_t *ret_size,
	       struct codec_error *ret_error)
{
	struct sizer sizer = {.size = type->size, .judge.wrong = -EINVAL};

	if (!is_plain(type)) {
		if (!has_steps(type) || size_steps(&sizer, type, value) < 0)
			return size_by_fields(type, value, ret_size, ret_error);
	}
	*ret_size = sizer.size;
	return 0;
}

/* Whether a text, whose NUL is one of its bytes, is UTF-8. */
static inline bool is_text_utf8(const char *text, size_t bytes)
{
	if (likely(move_is_usual(bytes)) &&
	    move_odd_bits(move_load(text) | move_load(text + bytes - 16)) == 0)
		return true;
	return codec_is_utf8(text, bytes - 1);
}

int codec_fill_doubts(const struct troupe_type *type, const struct codec_measure *measure,
		      const void *block, bool texts_only)
{
	const uint32_t *note = measure->notes;
	size_t size;

	if (!texts_only)
		return codec_size(type, block, &size, NULL);
	for (const struct troupe_step *step = type->steps; step < steps_end(type); step++) {
		const char *cell = (const char *)block + step->offset;

		for (unsigned i = 0; i < step->count; i++, note++, cell += sizeof(char *))
			if (step->kind != TROUPE_STEP_ITEMS && *note > 0 &&
			    !is_text_utf8(load_pointer(cell), *note))
				return -EINVAL;
	}
	return 0;
}
