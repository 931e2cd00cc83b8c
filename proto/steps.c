#include "proto/steps.h"

#include "proto/codec.h"
#include "proto/codec_walk.h"
#include <errno.h>
#include <string.h>

struct maker {
	struct troupe_step steps[STEPS_MAX];
	struct troupe_word words[STEPS_MAX];
	uint32_t floats[STEPS_MAX];
	uint16_t n_steps, n_words, n_floats;
	uint16_t levels;
	bool is_full;
};

/* Whether one more of something may be added. */
static bool has_room(struct maker *maker, uint16_t n)
{
	maker->is_full = maker->is_full || n == STEPS_MAX;
	return !maker->is_full;
}

static void add_step(struct maker *maker, const struct troupe_type *type, uint32_t offset,
		     enum troupe_step_kind kind, uint16_t count)
{
	if (has_room(maker, maker->n_steps))
		maker->steps[maker->n_steps++] =
			(struct troupe_step){(uint16_t)kind, count, offset, type};
}

static void add_text(struct maker *maker, uint32_t offset, enum troupe_step_kind kind)
{
	struct troupe_step *last =
		maker->n_steps > 0 ? &maker->steps[maker->n_steps - 1] : NULL;

	if (last && last->kind == kind && last->count < UINT16_MAX &&
	    last->offset + last->count * sizeof(char *) == offset)
		last->count++;
	else
		add_step(maker, NULL, offset, kind, 1);
}

/* The word around an offset; they come in order. NULL: one too many. */
static struct troupe_word *word_at(struct maker *maker, uint32_t offset)
{
	struct troupe_word *word = &maker->words[maker->n_words];

	offset -= offset % 8;
	if (maker->n_words > 0 && word[-1].offset == offset)
		return word - 1;
	if (!has_room(maker, maker->n_words))
		return NULL;
	maker->n_words++;
	*word = (struct troupe_word){.keep = UINT64_MAX, .offset = offset};
	return word;
}

static char *part_of(uint64_t *bits, uint32_t offset)
{
	return (char *)bits + offset % 8;
}

static void add_gap(struct maker *maker, uint32_t from, uint32_t to)
{
	for (; from < to; from++) {
		struct troupe_word *word = word_at(maker, from);

		if (!word)
			return;
		*part_of(&word->keep, from) = 0;
	}
}

static void add_bool(struct maker *maker, uint32_t offset)
{
	static const uint8_t add = 0x80 - 2, bad = 0x80;
	struct troupe_word *word = word_at(maker, offset);

	if (!word)
		return;
	memcpy(part_of(&word->add, offset), &add, sizeof(add));
	memcpy(part_of(&word->bad, offset), &bad, sizeof(bad));
}

static void add_enum(struct maker *maker, uint32_t offset, uint32_t count)
{
	const uint32_t bad = 0x80000000, add = count < bad ? bad - count : 0;
	struct troupe_word *word = word_at(maker, offset);

	if (!word)
		return;
	memcpy(part_of(&word->add, offset), &add, sizeof(add));
	memcpy(part_of(&word->bad, offset), &bad, sizeof(bad));
}

static void count_level(struct maker *maker, unsigned level)
{
	if (level > maker->levels)
		maker->levels = (uint16_t)level;
}

static void add_struct(struct maker *maker, const struct troupe_type *type, uint32_t base,
		       uint16_t level);

static void add_value(struct maker *maker, const struct troupe_type *type, uint32_t offset,
		      uint16_t level)
{
	switch ((enum troupe_kind)type->kind) {
	case TROUPE_INT:
	case TROUPE_ADDRESS:
		return;
	case TROUPE_BOOL:
		add_bool(maker, offset);
		return;
	case TROUPE_FLOAT:
		if (has_room(maker, maker->n_floats))
			maker->floats[maker->n_floats++] = offset;
		return;
	case TROUPE_ENUM:
		add_enum(maker, offset, type->count);
		return;
	case TROUPE_STRING:
		add_text(maker, offset, TROUPE_STEP_TEXT);
		return;
	case TROUPE_STRUCT:
		if (!is_plain(type))
			add_struct(maker, type, offset, level);
		return;
	case TROUPE_OPTIONAL:
		if (type->item->kind == TROUPE_STRING) {
			add_text(maker, offset, TROUPE_STEP_OPTIONAL_TEXT);
			return;
		}
		break;
	case TROUPE_ARRAY:
		if (is_plain(type->item)) {
			count_level(maker, level + 1u);
			add_step(maker, type, offset, TROUPE_STEP_ITEMS, 1);
			return;
		}
		break;
	case TROUPE_BINARY:
	case TROUPE_OBJECT:
	case TROUPE_MAP:
		break;
	}
	add_step(maker, type, offset, TROUPE_STEP_VALUE, level);
}

static void add_struct(struct maker *maker, const struct troupe_type *type, uint32_t base,
		       uint16_t level)
{
	uint32_t end = 0;

	count_level(maker, ++level);
	for (uint32_t i = 0; i < type->count && !maker->is_full; i++) {
		const struct troupe_field *field = &type->fields[i];

		add_gap(maker, base + end, base + field->offset);
		end = field->offset + field->type->size;
		add_value(maker, field->type, base + field->offset, level);
	}
	add_gap(maker, base + end, base + type->size);
}

/* Whether the quick way, which looks for nothing unusual, may be taken. */
static bool is_quick(const struct troupe_type *type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < type->n_steps; i++)
		n += type->steps[i].kind == TROUPE_STEP_VALUE ? 1 : type->steps[i].count;
	return type->size % 8 == 0 && type->size > 0 && type->size <= TROUPE_QUICK_SIZE &&
	       n <= TROUPE_QUICK_POINTEES;
}

static const void *keep(struct arena *arena, const void *from, size_t size)
{
	void *kept = arena_alloc(arena, size ? size : 1);

	return kept ? memcpy(kept, from, size) : NULL;
}

int steps_make(struct troupe_type *type, struct arena *arena)
{
	struct maker maker = {.n_steps = 0};

	if (type->kind != TROUPE_STRUCT)
		return 0;
	if (!is_plain(type)) {
		add_struct(&maker, type, 0, 0);
		/* No value can be that deep: whoever walks the fields says so. */
		if (maker.is_full || maker.levels > CODEC_DEPTH_MAX)
			return 0;
		type->steps = keep(arena, maker.steps, maker.n_steps * sizeof(*maker.steps));
		type->words = keep(arena, maker.words, maker.n_words * sizeof(*maker.words));
		type->floats =
			keep(arena, maker.floats, maker.n_floats * sizeof(*maker.floats));
		if (!type->steps || !type->words || !type->floats)
			return -ENOMEM;
		type->n_steps = maker.n_steps;
		type->n_words = maker.n_words;
		type->n_floats = maker.n_floats;
		type->levels = maker.levels;
		type->flags |= TROUPE_TYPE_STEPS;
	}
	if (is_quick(type))
		type->flags |= TROUPE_TYPE_QUICK;
	return 0;
}
