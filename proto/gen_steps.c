#include "proto/gen_model.h"

#include "proto/kind.h"
#include "proto/steps.h"
#include <errno.h>
#include <inttypes.h>

static void begin_type(struct gen_type *type)
{
	type->made = (struct troupe_type){
		.table_size = sizeof(type->made),
		.kind = (uint8_t)type->kind,
		.item = type->item ? &type->item->made : NULL,
	};
	kind_measure(&type->made, NULL);
	type->made.count = (uint32_t)type->n_fields;
}

/* Where the compiler will put the members of a struct. */
static int lay_out(struct gen_model *model, struct gen_type *type)
{
	struct troupe_field *fields;

	if (type->kind != TROUPE_STRUCT || type->made.fields)
		return 0;
	fields = (struct troupe_field *)arena_alloc(&model->arena,
						    (type->n_fields + 1) * sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	for (size_t i = 0; i < type->n_fields; i++) {
		int r = lay_out(model, type->fields[i].type);

		if (r < 0)
			return r;
		fields[i].type = &type->fields[i].type->made;
	}
	kind_measure(&type->made, fields);
	return 0;
}

int gen_make_steps(struct gen_model *model)
{
	for (struct gen_type *type = model->types; type; type = type->next)
		begin_type(type);
	for (struct gen_type *type = model->types; type; type = type->next) {
		int r = lay_out(model, type);

		if (r < 0)
			return r;
	}
	for (struct gen_type *type = model->types; type; type = type->next) {
		int r = steps_make(&type->made, &model->arena);

		kind_measure_items(&type->made);
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct gen_type *type_of(const struct troupe_type *made)
{
	return (const void *)((const char *)made - offsetof(struct gen_type, made));
}

static void declare(const struct gen_type *type, const char *what, const char *name, unsigned n,
		    FILE *out)
{
	if (n > 0)
		fprintf(out, "\t%s %s_%s_[%u];\n", what, type->stem, name, n);
}

void gen_declare_steps(const struct gen_type *type, FILE *out)
{
	declare(type, "struct troupe_step", "steps", type->made.n_steps, out);
	declare(type, "struct troupe_word", "words", type->made.n_words, out);
	declare(type, "uint32_t", "floats", type->made.n_floats, out);
}

static void write_step(const struct gen_model *model, const struct troupe_step *step, FILE *out)
{
	static const char *const words[] = {
		[TROUPE_STEP_TEXT] = "TEXT",
		[TROUPE_STEP_OPTIONAL_TEXT] = "OPTIONAL_TEXT",
		[TROUPE_STEP_ITEMS] = "ITEMS",
		[TROUPE_STEP_VALUE] = "VALUE",
	};

	fprintf(out, "\t\t{TROUPE_STEP_%s, %u, %u, ", words[step->kind], step->count,
		step->offset);
	if (step->type)
		fprintf(out, "&%s_descriptors_.%s},\n", model->prefix,
			type_of(step->type)->descriptor);
	else
		fputs("NULL},\n", out);
}

void gen_write_steps(const struct gen_model *model, const struct gen_type *type, FILE *out)
{
	const struct troupe_type *made = &type->made;

	for (unsigned i = 0; i < made->n_steps; i++) {
		fputs(i == 0 ? "\t{\n" : "", out);
		write_step(model, &made->steps[i], out);
		fputs(i + 1 == made->n_steps ? "\t},\n" : "", out);
	}
	for (unsigned i = 0; i < made->n_words; i++) {
		const struct troupe_word *word = &made->words[i];

		fprintf(out,
			"%s\t\t{0x%016" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", %u, 0},\n%s",
			i == 0 ? "\t{\n" : "", word->keep, word->add, word->bad, word->offset,
			i + 1 == made->n_words ? "\t},\n" : "");
	}
	for (unsigned i = 0; i < made->n_floats; i++)
		fprintf(out, "%s%u%s", i == 0 ? "\t{" : ", ", made->floats[i],
			i + 1 == made->n_floats ? "},\n" : "");
}

void gen_write_member(const struct gen_model *model, const char *stem, const char *suffix,
		      size_t n, FILE *out)
{
	if (n > 0)
		fprintf(out, "%s_descriptors_.%s%s_, ", model->prefix, stem, suffix);
	else
		fputs("NULL, ", out);
}

void gen_write_step_counts(const struct gen_model *model, const struct gen_type *type,
			   FILE *out)
{
	const struct troupe_type *made = &type->made;

	fputs("\t\t", out);
	gen_write_member(model, type->stem, "_steps", made->n_steps, out);
	gen_write_member(model, type->stem, "_words", made->n_words, out);
	gen_write_member(model, type->stem, "_floats", made->n_floats, out);
	fprintf(out, "%u, %u, %u, %u},\n", made->n_steps, made->n_words, made->n_floats,
		made->levels);
}

static void check_size(const char *tag, unsigned size, unsigned align, FILE *out)
{
	fprintf(out,
		"TROUPE_STATIC_ASSERT(sizeof(struct %s) == %u && __alignof__(struct %s) == %u, "
		"\"laid out as its descriptor says\");\n",
		tag, size, tag, align);
}

void gen_write_step_checks(const struct gen_model *model, FILE *out)
{
	for (const struct gen_type *type = model->types; type; type = type->next) {
		/* A struct without fields has a byte of its own in C. */
		if (type->tag && type->kind != TROUPE_ENUM && type->made.size > 0)
			check_size(type->tag, type->made.size, type->made.align, out);
		if (type->entry)
			check_size(type->entry, type->made.stride, type->made.entry_align, out);
	}
}
