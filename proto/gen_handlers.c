#include "proto/gen_model.h"

/* X_HANDLERS(): a table of typed functions, a thunk for each that calls through it (the
 * compiler sees the const table and calls the function itself), and the untyped table that the
 * host reads. */

static void write_typed(const struct gen_model *model, FILE *out)
{
	fputs("\tstruct table##_typed { \\\n", out);
	for (size_t i = 0; i < model->n_methods; i++) {
		const struct gen_member *method = &model->methods[i];

		fprintf(out,
			"\t\tint (*%s)(struct troupe_self *, state_type *, struct %s_call, \\\n"
			"\t\t\tconst struct %s *) TROUPE_ABSENT; \\\n",
			method->c_name, method->stem, method->stem);
	}
	fputs("\t}; \\\n"
	      "\tstatic const struct table##_typed table##_functions = {__VA_ARGS__}; \\\n",
	      out);
}

static void write_thunk(const struct gen_member *method, FILE *out)
{
	fprintf(out,
		"\tstatic int table##_on_%s(struct troupe_self *self, void *state, \\\n"
		"\t\t\tstruct troupe_call call, const void *in) \\\n"
		"\t{ \\\n"
		"\t\tstruct %s_call typed = {call}; \\\n"
		"\t\tif (!table##_functions.%s) \\\n"
		"\t\t\treturn troupe_fail_not_implemented(self, call); \\\n"
		"\t\treturn table##_functions.%s(self, (state_type *)state, typed, \\\n"
		"\t\t\t(const struct %s *)in); \\\n"
		"\t} \\\n",
		method->c_name, method->stem, method->c_name, method->c_name, method->stem);
}

void gen_write_handlers(struct gen_model *model, FILE *out)
{
	if (model->n_methods == 0)
		return;
	fprintf(out,
		"/* Define `table`, the handlers of %s for actors whose state is state_type. "
		"The rest are "
		"designators of\n"
		" * functions; a method without one is answered with MethodNotImplemented:\n"
		" *\n"
		" *   static int on_%s(struct troupe_self *self, STATE_TYPE *me,\n"
		" *                   struct %s_call call, const struct %s *in);\n"
		" *   %s_HANDLERS(table, STATE_TYPE, .%s = on_%s) */\n",
		model->idl->name, model->methods[0].type->stem, model->methods[0].stem,
		model->methods[0].stem, model->upper, model->methods[0].c_name,
		model->methods[0].type->stem);
	fprintf(out, "#define %s_HANDLERS(table, state_type, ...) \\\n", model->upper);
	write_typed(model, out);
	for (size_t i = 0; i < model->n_methods; i++)
		write_thunk(&model->methods[i], out);
	fputs("\tstatic troupe_handler_fn *const table##_handlers[] = { \\\n", out);
	for (size_t i = 0; i < model->n_methods; i++)
		fprintf(out, "\t\ttable##_on_%s, \\\n", model->methods[i].c_name);
	fputs("\t}; \\\n", out);
	fprintf(out,
		"\tstatic const struct troupe_handlers table = { \\\n"
		"\t\t.table_size = sizeof(struct troupe_handlers), \\\n"
		"\t\t.n_handlers = %zu, \\\n"
		"\t\t.interface = &%s_interface, \\\n"
		"\t\t.handlers = table##_handlers};\n",
		model->n_methods, model->prefix);
}
