#include "proto/gen_model.h"

#include <string.h>

static void write_fields(const struct gen_type *type, FILE *out)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct gen_field *field = &type->fields[i];

		gen_write_comment(out, "\t", field->doc);
		fprintf(out, "\t%s%s;\n", field->type->c, field->c_name);
	}
	/* C has no empty structs; C++ has, of another size. */
	if (type->n_fields == 0)
		fputs("\tchar unused;\n", out);
}

/* Write the struct of an array, map or struct, after those that it holds by value. Pointers
 * need the forward declarations only. */
static void write_struct(struct gen_model *model, struct gen_type *type, FILE *out)
{
	if (type->written || type->kind == TROUPE_ENUM || !type->tag)
		return;
	type->written = true;
	for (size_t i = 0; i < type->n_fields; i++)
		write_struct(model, type->fields[i].type, out);
	if (type->kind == TROUPE_STRUCT)
		gen_write_comment(out, "", type->doc);
	fprintf(out, "struct %s {\n", type->tag);
	if (type->kind == TROUPE_ARRAY)
		fprintf(out, "\t%sitems;\n\tsize_t count;\n",
			gen_pointer_to(model, type->item));
	else if (type->kind == TROUPE_MAP)
		fprintf(out, "\tconst struct %s *items; /* sorted by key */\n\tsize_t count;\n",
			type->entry);
	else
		write_fields(type, out);
	fputs("};\n\n", out);
}

static void write_enum(const struct gen_type *type, FILE *out)
{
	gen_write_comment(out, "", type->doc);
	fprintf(out, "enum %s {\n", type->tag);
	for (size_t i = 0; i < type->n_fields; i++) {
		gen_write_comment(out, "\t", type->fields[i].doc);
		fprintf(out, "\t%s%s%s\n", type->fields[i].c_name, i == 0 ? " = 0" : "",
			i + 1 < type->n_fields ? "," : "");
	}
	fputs("};\n", out);
	fprintf(out, "TROUPE_STATIC_ASSERT(sizeof(enum %s) == 4, \"enums of 4 bytes\");\n\n",
		type->tag);
}

/* The structs that a pointer may mean before they are defined. */
static bool needs_forward(const struct gen_type *type)
{
	return type->tag && type->kind != TROUPE_ENUM && (type->array || type->optional);
}

void gen_write_structs(struct gen_model *model, FILE *out)
{
	bool any = false;

	for (struct gen_type *type = model->types; type; type = type->next)
		if (type->kind == TROUPE_ENUM)
			write_enum(type, out);
	for (struct gen_type *type = model->types; type; type = type->next) {
		if (needs_forward(type))
			fprintf(out, "struct %s;\n", type->tag);
		if (type->entry)
			fprintf(out, "struct %s;\n", type->entry);
		any = any || needs_forward(type) || type->entry;
	}
	if (any)
		putc('\n', out);
	for (struct gen_type *type = model->types; type; type = type->next)
		write_struct(model, type, out);
	for (struct gen_type *type = model->types; type; type = type->next)
		if (type->entry)
			fprintf(out, "struct %s {\n\tconst char *key;\n\t%svalue;\n};\n\n",
				type->entry, type->item->c);
}
