#include "proto/gen_model.h"

#include "proto/kind.h"
#include <inttypes.h>
#include <string.h>

/* All descriptors are members of one const struct, because C++ has no tentative definitions:
 * only members of one object can point at one another in any order there. Macros give them
 * names of their own. */

static void declare_type(const struct gen_type *type, FILE *out)
{
	fprintf(out, "\tstruct troupe_type %s;\n", type->descriptor);
	gen_declare_steps(type, out);
	if (type->n_fields == 0)
		return;
	if (type->kind == TROUPE_STRUCT)
		fprintf(out, "\tstruct troupe_field %s_fields_[%zu];\n", type->stem,
			type->n_fields);
	else
		fprintf(out, "\tconst char *%s_names_[%zu];\n", type->stem, type->n_fields);
}

static void declare_all(const struct gen_model *model, FILE *out)
{
	fprintf(out, "static const struct %s_descriptors_ {\n", model->prefix);
	for (const struct gen_type *type = model->types; type; type = type->next)
		declare_type(type, out);
	for (size_t i = 0; i < model->n_methods; i++)
		fprintf(out, "\tstruct troupe_method %s_method_;\n",
			model->methods[i].type->stem);
	for (size_t i = 0; i < model->n_errors; i++)
		fprintf(out, "\tstruct troupe_error %s_error_;\n", model->errors[i].type->stem);
	if (model->n_methods > 0)
		fprintf(out, "\tconst struct troupe_method *methods_[%zu];\n",
			model->n_methods);
	if (model->n_errors > 0)
		fprintf(out, "\tconst struct troupe_error *errors_[%zu];\n", model->n_errors);
	fputs("\tstruct troupe_interface interface_;\n", out);
}

/* The C type of a value, for sizeof. */
static void write_c_type(const struct gen_type *type, FILE *out)
{
	size_t size = strlen(type->c);

	if (type->c[size - 1] == ' ')
		size--;
	fwrite(type->c, 1, size, out);
}

static void write_items(const struct gen_type *type, FILE *out)
{
	if (type->kind == TROUPE_MAP) {
		fprintf(out,
			"\t\tsizeof(struct %s), offsetof(struct %s, value), __alignof__(struct "
			"%s),\n",
			type->entry, type->entry, type->entry);
		return;
	}
	fputs("\t\tsizeof(", out);
	write_c_type(type->item, out);
	fputs("), 0, __alignof__(", out);
	write_c_type(type->item, out);
	fputs("),\n", out);
}

static void write_type(const struct gen_model *model, const struct gen_type *type, FILE *out)
{
	bool is_struct = type->kind == TROUPE_STRUCT;
	bool has_items = type->kind == TROUPE_ARRAY || type->kind == TROUPE_MAP;
	const char *prefix = model->prefix;

	fprintf(out, "\t{sizeof(struct troupe_type), %s, %s%s, __alignof__(",
		kinds[type->kind].constant,
		type->made.flags & TROUPE_TYPE_PLAIN   ? "TROUPE_TYPE_PLAIN"
		: type->made.flags & TROUPE_TYPE_STEPS ? "TROUPE_TYPE_STEPS"
						       : "0",
		type->made.flags & TROUPE_TYPE_QUICK ? " | TROUPE_TYPE_QUICK" : "");
	write_c_type(type, out);
	fputs("),\n\t\t", out);
	if (is_struct && type->n_fields == 0) {
		fputs("0,", out);
	} else {
		fputs("sizeof(", out);
		write_c_type(type, out);
		fputs("),", out);
	}
	fprintf(out, " %zu,\n", type->n_fields);
	if (has_items)
		write_items(type, out);
	else
		fputs("\t\t0, 0, 0,\n", out);
	fputs("\t\t", out);
	gen_write_member(model, type->stem, "_fields", is_struct ? type->n_fields : 0, out);
	gen_write_member(model, type->stem, "_names",
			 type->kind == TROUPE_ENUM ? type->n_fields : 0, out);
	if (type->item)
		fprintf(out, "&%s_descriptors_.%s,\n", prefix, type->item->descriptor);
	else
		fputs("NULL,\n", out);
	gen_write_step_counts(model, type, out);
}

static void write_field_list(const struct gen_model *model, const struct gen_type *type,
			     FILE *out)
{
	if (type->n_fields == 0)
		return;
	fputs("\t{\n", out);
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct gen_field *field = &type->fields[i];

		if (field->type)
			fprintf(out,
				"\t\t{\"%s\", &%s_descriptors_.%s, offsetof(struct %s, %s), "
				"0},\n",
				field->name, model->prefix, field->type->descriptor, type->tag,
				field->c_name);
		else
			fprintf(out, "\t\t\"%s\",\n", field->name);
	}
	fputs("\t},\n", out);
}

static void write_members(const struct gen_model *model, FILE *out)
{
	const char *prefix = model->prefix;
	const char *interface = model->idl->name;

	for (size_t i = 0; i < model->n_methods; i++) {
		const struct gen_member *method = &model->methods[i];

		fprintf(out,
			"\t{sizeof(struct troupe_method), 0, \"%s\", \"%s\",\n"
			"\t\t&%s_descriptors_.%s, &%s_descriptors_.%s,\n"
			"\t\t0x%016" PRIx64 "ull, 0x%016" PRIx64 "ull},\n",
			interface, method->idl->name, prefix, method->type->descriptor, prefix,
			method->out->descriptor, method->hash, method->out_hash);
	}
	for (size_t i = 0; i < model->n_errors; i++) {
		const struct gen_member *error = &model->errors[i];

		fprintf(out,
			"\t{sizeof(struct troupe_error), 0, \"%s.%s\",\n"
			"\t\t&%s_descriptors_.%s, 0x%016" PRIx64 "ull},\n",
			interface, error->idl->name, prefix, error->type->descriptor,
			error->hash);
	}
}

static void write_tables(const struct gen_model *model, FILE *out)
{
	const char *prefix = model->prefix;

	if (model->n_methods > 0) {
		fputs("\t{\n", out);
		for (size_t i = 0; i < model->n_methods; i++)
			fprintf(out, "\t\t&%s_descriptors_.%s_method_,\n", prefix,
				model->methods[i].type->stem);
		fputs("\t},\n", out);
	}
	if (model->n_errors > 0) {
		fputs("\t{\n", out);
		for (size_t i = 0; i < model->n_errors; i++)
			fprintf(out, "\t\t&%s_descriptors_.%s_error_,\n", prefix,
				model->errors[i].type->stem);
		fputs("\t},\n", out);
	}
	fprintf(out, "\t{sizeof(struct troupe_interface), 0, %zu, %zu, \"%s\", %s_IDL_,\n\t\t",
		model->n_methods, model->n_errors, model->idl->name, model->upper);
	gen_write_member(model, "", "methods", model->n_methods, out);
	gen_write_member(model, "", "errors", model->n_errors, out);
	fputs("},\n", out);
}

static void write_names(const struct gen_model *model, FILE *out)
{
	const char *prefix = model->prefix;

	fputs("/* The descriptors' names. */\n", out);
	for (const struct gen_type *type = model->types; type; type = type->next)
		if (type->visible)
			fprintf(out, "#define %s_type %s_descriptors_.%s\n", type->tag, prefix,
				type->descriptor);
	for (size_t i = 0; i < model->n_methods; i++)
		fprintf(out, "#define %s_method %s_descriptors_.%s_method_\n",
			model->methods[i].stem, prefix, model->methods[i].type->stem);
	for (size_t i = 0; i < model->n_errors; i++)
		fprintf(out, "#define %s_error %s_descriptors_.%s_error_\n",
			model->errors[i].stem, prefix, model->errors[i].type->stem);
	fprintf(out, "#define %s_interface %s_descriptors_.interface_\n\n", prefix, prefix);
}

void gen_write_descriptors(struct gen_model *model, FILE *out)
{
	fprintf(out, "/* The interface as it was written. */\n#define %s_IDL_ \\\n\t",
		model->upper);
	gen_write_string(out, model->idl->text);
	fputs("\n\n", out);
	/* ISO C promises room for 4095 bytes in a literal; gcc and clang have room for all. g++
	 * knows neither the limit nor the warning. And a later SDK's descriptors may end in
	 * members that are not written here. */
	fputs("#pragma GCC diagnostic push\n"
	      "#pragma GCC diagnostic ignored \"-Wmissing-field-initializers\"\n"
	      "#if defined(__clang__) || !defined(__cplusplus)\n"
	      "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n#endif\n",
	      out);
	gen_write_step_checks(model, out);
	declare_all(model, out);
	fprintf(out, "} %s_descriptors_ __attribute__((unused)) = {\n", model->prefix);
	for (const struct gen_type *type = model->types; type; type = type->next) {
		write_type(model, type, out);
		gen_write_steps(model, type, out);
		write_field_list(model, type, out);
	}
	write_members(model, out);
	write_tables(model, out);
	fputs("};\n", out);
	if (!model->host)
		fprintf(out, "TROUPE_NOTE_INTERFACE(%s, \"%s\", %s_IDL_)\n", model->prefix,
			model->idl->name, model->upper);
	fputs("#pragma GCC diagnostic pop\n\n", out);
	write_names(model, out);
}
