#include "proto/gen_model.h"

/* What a caller and a callee of one method write: typed names for the SDK's calls. */

static const char send_text[] =
	"TROUPE_WARN_UNUSED\n"
	"static inline int $s_send(struct troupe_self *self, struct troupe_address to,\n"
	"\t\tconst struct $s *in)\n"
	"{\n"
	"\treturn troupe_send(self, to, &$s_method, in);\n"
	"}\n\n";

static const char ask_text[] =
	"TROUPE_WARN_UNUSED\n"
	"static inline int $s_ask$m(struct troupe_self *self, struct troupe_address to,\n"
	"\t\tconst struct $s *in, const struct troupe_entry *entry,\n"
	"\t\tuint64_t context, uint64_t timeout_ns,\n"
	"\t\tstruct troupe_request *ret_request)\n"
	"{\n"
	"\treturn troupe_call(self, to, &$s_method, in, entry, context, timeout_ns, $f,\n"
	"\t\t\tret_request);\n"
	"}\n\n";

static const char answer_text[] =
	"static inline int $s_return(struct troupe_self *self, struct $s_call call,\n"
	"\t\tconst struct $s_out *out)\n"
	"{\n"
	"\treturn troupe_return(self, call.call, &$s_method, out);\n"
	"}\n\n"
	"TROUPE_WARN_UNUSED\n"
	"static inline int $s_reply(struct troupe_self *self, struct $s_call call,\n"
	"\t\tconst struct $s_out *out)\n"
	"{\n"
	"\treturn troupe_reply(self, call.call, &$s_method, out);\n"
	"}\n\n"
	"static inline int $s_fail_parameter(struct troupe_self *self, struct $s_call call,\n"
	"\t\tconst char *field, const char *reason)\n"
	"{\n"
	"\treturn troupe_fail_parameter(self, call.call, field, reason);\n"
	"}\n\n"
	"static inline int $s_expect_more(struct troupe_self *self, struct $s_call call)\n"
	"{\n"
	"\treturn troupe_fail_expected_more(self, call.call);\n"
	"}\n\n"
	"static inline int $s_deny(struct troupe_self *self, struct $s_call call)\n"
	"{\n"
	"\treturn troupe_fail_permission_denied(self, call.call);\n"
	"}\n\n";

static const char fail_text[] =
	"static inline int $s_fail_$e(struct troupe_self *self, struct $s_call call,\n"
	"\t\tconst struct $p_$e *data)\n"
	"{\n"
	"\treturn troupe_fail(self, call.call, &$p_$e_error, data);\n"
	"}\n\n";

static const char handle_text[] =
	"TROUPE_WARN_UNUSED\n"
	"static inline int $s_keep(struct troupe_self *self, struct $s_call *call)\n"
	"{\n"
	"\treturn troupe_call_keep(self, &call->call);\n"
	"}\n\n"
	"static inline int $s_drop(struct troupe_self *self, struct $s_call call)\n"
	"{\n"
	"\treturn troupe_call_drop(self, call.call);\n"
	"}\n\n"
	"static inline bool $s_wants_more(struct troupe_self *self, struct $s_call call)\n"
	"{\n"
	"\treturn troupe_call_wants_more(self, call.call);\n"
	"}\n\n"
	"static inline bool $s_wants_reply(struct troupe_self *self, struct $s_call call)\n"
	"{\n"
	"\treturn troupe_call_wants_reply(self, call.call);\n"
	"}\n\n";

static const char reply_text[] =
	"/* Define FUNCTION_entry, where replies to $M arrive:\n"
	" * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,\n"
	" *                     const struct $s_reply *reply); */\n"
	"#define $c_REPLY(function, state_type) \\\n"
	"\tstatic int function##_thunk(struct troupe_self *self, void *state, uint64_t "
	"context, \\\n"
	"\t\t\tconst void *event) \\\n"
	"\t{ \\\n"
	"\t\tstruct $s_reply typed = \\\n"
	"\t\t\t$s_reply_read((const struct troupe_reply *)event); \\\n"
	"\t\treturn function(self, (state_type *)state, context, &typed); \\\n"
	"\t} \\\n"
	"\tstatic const struct troupe_entry function##_entry = { \\\n"
	"\t\t.table_size = sizeof(struct troupe_entry), \\\n"
	"\t\t.kind = TROUPE_ENTRY_REPLY, \\\n"
	"\t\t.name = #function, \\\n"
	"\t\t.method = &$s_method, \\\n"
	"\t\t.interface = &$p_interface, \\\n"
	"\t\t.on_event = function##_thunk};\n\n";

/* The meaning of the letters after '$' in these texts. */
struct fill {
	const struct gen_model *model;
	const struct gen_member *method;
	const struct gen_member *error;
	const char *more, *flags;
};

static void write_filled(const struct fill *fill, const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text != '$') {
			putc(*text, out);
			continue;
		}
		switch (*++text) {
		case 's':
			fputs(fill->method->stem, out);
			break;
		case 'M':
			fputs(fill->method->idl->name, out);
			break;
		case 'c':
			fputs(fill->method->constant, out);
			break;
		case 'e':
			fputs(fill->error->type->stem, out);
			break;
		case 'p':
			fputs(fill->model->prefix, out);
			break;
		case 'm':
			fputs(fill->more, out);
			break;
		default:
			fputs(fill->flags, out);
			break;
		}
	}
}

/* The reply, typed: a pointer for each error, of which at most one is set. */
static void write_reply(const struct gen_model *model, const struct gen_member *method,
			FILE *out)
{
	const char *stem = method->stem;

	fprintf(out,
		"/* How a call of %s ended. At most one of `out` and the errors is not NULL. "
		"*/\n"
		"struct %s_reply {\n\tenum troupe_status status;\n"
		"\tint32_t code; /* FAILED: what the handler returned; else 0 */\n"
		"\tbool continues; /* more replies follow */\n"
		"\tconst struct %s_out *out;\n"
		"\tconst char *error_name; /* qualified; NULL when OK */\n"
		"\tconst char *detail; /* for a log; may be NULL */\n",
		method->idl->name, stem, stem);
	for (size_t i = 0; i < model->n_errors; i++)
		fprintf(out, "\tconst struct %s *%s;\n", model->errors[i].stem,
			model->errors[i].c_name);
	fprintf(out,
		"};\n\nstatic inline struct %s_reply %s_reply_read(const struct troupe_reply "
		"*reply)\n{\n"
		"\tstruct %s_reply typed = {reply->status, reply->code, reply->continues, "
		"NULL,\n"
		"\t\treply->error_name, reply->detail",
		stem, stem, stem);
	for (size_t i = 0; i < model->n_errors; i++)
		fputs(", NULL", out);
	fprintf(out,
		"};\n\n\tif (reply->status == TROUPE_OK)\n"
		"\t\ttyped.out = (const struct %s_out *)reply->data;\n",
		stem);
	for (size_t i = 0; i < model->n_errors; i++)
		fprintf(out,
			"\tif (reply->error == &%s_error)\n\t\ttyped.%s = (const struct %s "
			"*)reply->data;\n",
			model->errors[i].stem, model->errors[i].c_name, model->errors[i].stem);
	fputs("\treturn typed;\n}\n\n", out);
}

void gen_write_calls(struct gen_model *model, FILE *out)
{
	for (size_t i = 0; i < model->n_methods; i++) {
		struct fill fill = {.model = model, .method = &model->methods[i]};

		write_filled(&fill,
			     "/* ---------------- $M ---------------- */\n\n"
			     "/* A call of $M that waits for its answer. */\n"
			     "struct $s_call {\n\tstruct troupe_call call;\n};\n\n",
			     out);
		write_filled(&fill, send_text, out);
		fill.more = "";
		fill.flags = "0";
		write_filled(&fill, ask_text, out);
		fill.more = "_more";
		fill.flags = "TROUPE_MORE";
		write_filled(&fill, ask_text, out);
		write_filled(&fill, answer_text, out);
		for (size_t j = 0; j < model->n_errors; j++) {
			fill.error = &model->errors[j];
			write_filled(&fill, fail_text, out);
		}
		write_filled(&fill, handle_text, out);
		write_reply(model, &model->methods[i], out);
		write_filled(&fill, reply_text, out);
	}
}
