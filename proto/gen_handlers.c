#include "proto/gen_model.h"

/* X_HANDLERS(): a table of typed functions, a thunk for each that calls through it (the
 * compiler sees the const table and calls the function itself), and the untyped table that the
 * host reads. The example is of the first method. */
static const char handlers_text[] =
	"/* Define `table`, the handlers of $I for actors whose state is state_type. The rest "
	"are "
	"designators of\n"
	" * functions; a method without one is answered with MethodNotImplemented:\n"
	" *\n"
	" *   static int on_$t(struct troupe_self *self, STATE_TYPE *me,\n"
	" *                   struct $s_call call, const struct $s *in);\n"
	" *   $P_HANDLERS(table, STATE_TYPE, .$n = on_$t)\n"
	" *\n"
	" * .$n_task: it is run as a task, and others are handled while it waits; .$n_alone: "
	"as a\n"
	" * task while whose waits none is. One of the three a method. */\n"
	"#define $P_HANDLERS(table, state_type, ...) \\\n"
	"\tstruct table##_typed { \\\n"
	"$[\t\tint (*$n)(struct troupe_self *, state_type *, struct $s_call, \\\n"
	"\t\t\tconst struct $s *) TROUPE_ABSENT; \\\n"
	"\t\tint (*$n_task)(struct troupe_self *, state_type *, struct $s_call, \\\n"
	"\t\t\tconst struct $s *) TROUPE_ABSENT; \\\n"
	"\t\tint (*$n_alone)(struct troupe_self *, state_type *, struct $s_call, \\\n"
	"\t\t\tconst struct $s *) TROUPE_ABSENT; \\\n$]"
	"\t}; \\\n"
	"\tstatic const struct table##_typed table##_functions = {__VA_ARGS__}; \\\n"
	"$[\tstatic int table##_on_$n(struct troupe_self *self, void *state, \\\n"
	"\t\t\tstruct troupe_call call, const void *in) \\\n"
	"\t{ \\\n"
	"\t\tstruct $s_call typed = {call}; \\\n"
	"\t\tif (table##_functions.$n) \\\n"
	"\t\t\treturn table##_functions.$n(self, (state_type *)state, typed, \\\n"
	"\t\t\t\t(const struct $s *)in); \\\n"
	"\t\tif (table##_functions.$n_task) \\\n"
	"\t\t\treturn table##_functions.$n_task(self, (state_type *)state, typed, \\\n"
	"\t\t\t\t(const struct $s *)in); \\\n"
	"\t\tif (table##_functions.$n_alone) \\\n"
	"\t\t\treturn table##_functions.$n_alone(self, (state_type *)state, typed, \\\n"
	"\t\t\t\t(const struct $s *)in); \\\n"
	"\t\treturn troupe_fail_not_implemented(self, call); \\\n"
	"\t} \\\n$]"
	"\tstatic troupe_handler_fn *const table##_handlers[] = { \\\n"
	"$[\t\ttable##_on_$n, \\\n$]"
	"\t}; \\\n"
	"\tstatic const struct troupe_handlers table = { \\\n"
	"\t\t.table_size = sizeof(struct troupe_handlers), \\\n"
	"\t\t.n_handlers = $1, \\\n"
	"\t\t.interface = &$p_interface, \\\n"
	"\t\t.handlers = table##_handlers, \\\n"
	"\t\t.ways = &table##_functions};\n";

void gen_write_handlers(struct gen_model *model, FILE *out)
{
	if (model->n_methods > 0)
		gen_fill(&(struct gen_fill){.model = model, .method = model->methods},
			 handlers_text, out);
}
