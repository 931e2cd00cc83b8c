#include "proto/steps.h"

#include "proto/codec_walk.h"
#include <errno.h>
#include <string.h>

enum group { CHECKS, GAPS, POINTEES, N_GROUPS };

struct maker {
	struct troupe_step steps[N_GROUPS][STEPS_MAX];
	uint16_t counts[N_GROUPS];
	uint16_t n;
	uint16_t levels;
	bool is_full;
};

static void add_step(struct maker *maker, enum group group, struct troupe_step step)
{
	maker->is_full = maker->is_full || maker->n == STEPS_MAX;
	if (maker->is_full)
		return;
	maker->steps[group][maker->counts[group]++] = step;
	maker->n++;
}

static void count_level(struct maker *maker, unsigned level)
{
	if (level > maker->levels)
		maker->levels = (uint16_t)level;
}

static void add_gap(struct maker *maker, uint32_t from, uint32_t to)
{
	while (from < to && !maker->is_full) {
		uint32_t size = to - from > 8 ? 8 : to - from;

		add_step(maker, GAPS,
			 (struct troupe_step){TROUPE_STEP_GAP, (uint16_t)size, from, NULL});
		from += size;
	}
}

static void add_struct(struct maker *maker, const struct troupe_type *type, uint32_t base,
		       uint16_t level);

static void add_value(struct maker *maker, const struct troupe_type *type, uint32_t offset,
		      uint16_t level)
{
	struct troupe_step step = {.offset = offset};

	switch ((enum troupe_kind)type->kind) {
	case TROUPE_INT:
	case TROUPE_ADDRESS:
		return;
	case TROUPE_BOOL:
		step.kind = TROUPE_STEP_BOOL;
		add_step(maker, CHECKS, step);
		return;
	case TROUPE_FLOAT:
		step.kind = TROUPE_STEP_FLOAT;
		add_step(maker, CHECKS, step);
		return;
	case TROUPE_ENUM:
		step.kind = TROUPE_STEP_ENUM;
		step.type = type;
		add_step(maker, CHECKS, step);
		return;
	case TROUPE_STRING:
		step.kind = TROUPE_STEP_TEXT;
		add_step(maker, POINTEES, step);
		return;
	case TROUPE_STRUCT:
		if (!is_plain(type))
			add_struct(maker, type, offset, level);
		return;
	case TROUPE_OPTIONAL:
		if (type->item->kind == TROUPE_STRING) {
			step.kind = TROUPE_STEP_OPTIONAL_TEXT;
			add_step(maker, POINTEES, step);
			return;
		}
		break;
	case TROUPE_ARRAY:
		if (is_plain(type->item)) {
			count_level(maker, level + 1u);
			step.kind = TROUPE_STEP_ITEMS;
			step.type = type;
			add_step(maker, POINTEES, step);
			return;
		}
		break;
	case TROUPE_BINARY:
	case TROUPE_OBJECT:
	case TROUPE_MAP:
		break;
	}
	step.kind = TROUPE_STEP_VALUE;
	step.count = level;
	step.type = type;
	add_step(maker, POINTEES, step);
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

int steps_make(struct troupe_type *type, struct arena *arena)
{
	struct maker maker = {.n = 0};
	struct troupe_step *steps;

	if (type->kind != TROUPE_STRUCT || is_plain(type))
		return 0;
	add_struct(&maker, type, 0, 0);
	if (maker.is_full)
		return 0;
	steps = arena_alloc(arena, (maker.n + 1u) * sizeof(*steps));
	if (!steps)
		return -ENOMEM;
	type->steps = steps;
	for (unsigned i = 0; i < N_GROUPS; i++) {
		memcpy(steps, maker.steps[i], maker.counts[i] * sizeof(*steps));
		steps += maker.counts[i];
	}
	type->n_checks = maker.counts[CHECKS];
	type->n_gaps = maker.counts[GAPS];
	type->n_pointees = maker.counts[POINTEES];
	type->levels = maker.levels;
	type->flags |= TROUPE_TYPE_STEPS;
	return 0;
}
