#include "proto/gen_model.h"

#include "proto/kind.h"
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
	const struct gen_fill fill = {.model = model};

	fprintf(out, "static const struct %s_descriptors_ {\n", model->prefix);
	for (const struct gen_type *type = model->types; type; type = type->next)
		declare_type(type, out);
	gen_fill(&fill,
		 "$[\tstruct troupe_method $t_method_;\n$]"
		 "$(\tstruct troupe_error $T_error_;\n$)",
		 out);
	if (model->n_methods > 0)
		gen_fill(&fill, "\tconst struct troupe_method *methods_[$1];\n", out);
	if (model->n_errors > 0)
		gen_fill(&fill, "\tconst struct troupe_error *errors_[$2];\n", out);
	fputs("\tstruct troupe_interface interface_;\n", out);
}

static void write_type(const struct gen_model *model, const struct gen_type *type, FILE *out)
{
	const struct troupe_type *made = &type->made;

	fprintf(out, "\t{sizeof(struct troupe_type), %s, %s%s, %u, %u, %u, %u, %u, %u,\n\t\t",
		kinds[type->kind].constant,
		made->flags & TROUPE_TYPE_PLAIN   ? "TROUPE_TYPE_PLAIN"
		: made->flags & TROUPE_TYPE_STEPS ? "TROUPE_TYPE_STEPS"
						  : "0",
		made->flags & TROUPE_TYPE_QUICK ? " | TROUPE_TYPE_QUICK" : "", made->align,
		made->size, made->count, made->stride, made->value_offset, made->entry_align);
	gen_write_member(model, type->stem, "_fields",
			 type->kind == TROUPE_STRUCT ? made->count : 0, out);
	gen_write_member(model, type->stem, "_names",
			 type->kind == TROUPE_ENUM ? made->count : 0, out);
	if (type->item)
		fprintf(out, "&%s_descriptors_.%s,\n", model->prefix, type->item->descriptor);
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
	const struct gen_fill fill = {.model = model};

	gen_fill(&fill,
		 "$[\t{sizeof(struct troupe_method), 0, \"$I\", \"$m\",\n"
		 "\t\t&$p_descriptors_.$d, &$p_descriptors_.$o,\n"
		 "\t\t$h, $k},\n$]"
		 "$(\t{sizeof(struct troupe_error), 0, \"$I.$M\",\n"
		 "\t\t&$p_descriptors_.$D, $H},\n$)",
		 out);
	if (model->n_methods > 0)
		gen_fill(&fill, "\t{\n$[\t\t&$p_descriptors_.$t_method_,\n$]\t},\n", out);
	if (model->n_errors > 0)
		gen_fill(&fill, "\t{\n$(\t\t&$p_descriptors_.$T_error_,\n$)\t},\n", out);
	gen_fill(&fill, "\t{sizeof(struct troupe_interface), 0, $1, $2, \"$I\", $P_IDL_,\n\t\t",
		 out);
	gen_write_member(model, "", "methods", model->n_methods, out);
	gen_write_member(model, "", "errors", model->n_errors, out);
	fputs("},\n", out);
}

static void write_names(const struct gen_model *model, FILE *out)
{
	fputs("/* The descriptors' names. */\n", out);
	for (const struct gen_type *type = model->types; type; type = type->next)
		if (type->visible)
			fprintf(out, "#define %s_type %s_descriptors_.%s\n", type->tag,
				model->prefix, type->descriptor);
	gen_fill(&(struct gen_fill){.model = model},
		 "$[#define $s_method $p_descriptors_.$t_method_\n$]"
		 "$(#define $S_error $p_descriptors_.$T_error_\n$)"
		 "#define $p_interface $p_descriptors_.interface_\n\n",
		 out);
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
	fputs("};\n", out);
	if (!model->host)
		fprintf(out, "TROUPE_NOTE_INTERFACE(%s, \"%s\", %s_IDL_)\n", model->prefix,
			model->idl->name, model->upper);
	fputs("#pragma GCC diagnostic pop\n\n", out);
	write_names(model, out);
}
