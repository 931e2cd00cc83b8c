#include "proto/gen_model.h"

#include "base/cleanup.h"
#include "proto/idl_lex.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A name in C depends on its own name in the IDL only, never on what else is there: a member
 * that is added must not rename another. So two that meet are an error, and not
 * distinguished by a number. */

void gen_claim(struct gen_model *model, enum gen_space space, const char *name,
	       const char *what, unsigned line)
{
	struct gen_claim *claim =
		(struct gen_claim *)arena_alloc(&model->arena, sizeof(*claim));

	model->no_memory |= !claim;
	if (!claim)
		return;
	*claim = (struct gen_claim){model->claims, name, what, line, space};
	model->claims = claim;
	model->n_claims++;
}

/* The name that a member takes with a suffix. */
static void claim_with(struct gen_model *model, enum gen_space space,
		       const struct gen_member *member, const char *suffix)
{
	gen_claim(model, space, gen_printf(model, "%s_%s", member->stem, suffix),
		  member->type->what, member->idl->line);
}

/* A member of what X_HANDLERS() is given. */
static void claim_handler(struct gen_model *model, const struct gen_member *method,
			  const char *way)
{
	gen_claim(model, GEN_NAME,
		  gen_printf(model, "%s_HANDLERS() .%s%s", model->upper, method->c_name, way),
		  gen_printf(model, "a handler of %s", method->type->what), method->idl->line);
}

static void claim_method(struct gen_model *model, const struct gen_member *method)
{
	static const char *const functions[] = {
		"send", "ask",         "ask_more",       "return",      "reply",
		"keep", "drop",        "wants_more",     "wants_reply", "reply_read",
		"deny", "expect_more", "fail_parameter", "await",       "put"};
	const char *what = method->type->what;

	claim_with(model, GEN_MACRO, method, "method");
	if (model->host)
		return;
	gen_claim(model, GEN_FIELD, method->c_name, what, method->idl->line);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		claim_with(model, GEN_NAME, method, functions[i]);
	claim_with(model, GEN_TAG, method, "call");
	claim_with(model, GEN_TAG, method, "reply");
	claim_with(model, GEN_TAG, method, "answer");
	gen_claim(model, GEN_NAME, gen_printf(model, "%s_REPLY", method->constant), what,
		  method->idl->line);
	claim_handler(model, method, "");
	claim_handler(model, method, "_task");
	claim_handler(model, method, "_alone");
	for (size_t i = 0; i < model->n_errors; i++) {
		const struct gen_member *error = &model->errors[i];

		gen_claim(model, GEN_NAME,
			  gen_printf(model, "%s_fail_%s", method->stem, error->type->stem),
			  gen_printf(model, "failing %s with %s", what, error->type->what),
			  error->idl->line);
	}
}

static void claim_error(struct gen_model *model, const struct gen_member *error)
{
	claim_with(model, GEN_MACRO, error, "error");
	if (!model->host)
		gen_claim(model, GEN_FIELD, error->c_name, error->type->what, error->idl->line);
}

void gen_claim_members(struct gen_model *model)
{
	const char *what = "the interface";

	gen_claim(model, GEN_MACRO, gen_printf(model, "%s_interface", model->prefix), what, 1);
	gen_claim(model, GEN_NAME, gen_printf(model, "%s_HANDLERS", model->upper), what, 1);
	for (size_t i = 0; i < model->n_errors; i++)
		claim_error(model, &model->errors[i]);
	for (size_t i = 0; i < model->n_methods; i++)
		claim_method(model, &model->methods[i]);
}

/* By name, and what counts everywhere before all others of the name. */
static int compare_claims(const void *a, const void *b)
{
	const struct gen_claim *one = *(const struct gen_claim *const *)a;
	const struct gen_claim *other = *(const struct gen_claim *const *)b;
	int order = strcmp(one->name, other->name);

	return order != 0 ? order : (int)one->space - (int)other->space;
}

/* Whether two neighbours in that order are one name at one place. Two fields of one struct
 * were distinguished by the parser. */
static bool meet(const struct gen_claim *one, const struct gen_claim *other)
{
	if (strcmp(one->name, other->name) != 0)
		return false;
	return one->space == GEN_MACRO ||
	       (one->space == other->space && one->space != GEN_FIELD);
}

int gen_claims_check(struct gen_model *model, struct idl_error *ret_error)
{
	cleanup_free const struct gen_claim **claims =
		(const struct gen_claim **)calloc(model->n_claims + 1, sizeof(*claims));
	size_t n = 0;

	if (!claims)
		return -ENOMEM;
	for (const struct gen_claim *claim = model->claims; claim; claim = claim->next)
		claims[n++] = claim;
	qsort(claims, n, sizeof(*claims), compare_claims);
	for (size_t i = 1; i < n; i++) {
		const struct gen_claim *one = claims[i - 1], *other = claims[i];

		if (!meet(one, other))
			continue;
		if (one->line > other->line) {
			one = claims[i];
			other = claims[i - 1];
		}
		return idl_lex_fail(ret_error, other->line, 1,
				    "%s and %s would both be '%s' in C; rename one",
				    other->what, one->what, one->name);
	}
	return 0;
}
