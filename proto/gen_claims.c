#include "proto/gen_model.h"

#include "base/cleanup.h"
#include "proto/idl_lex.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A name in C depends on its own name in the IDL only, never on what else is there: a member
 * that is added must not rename another. So two that meet are an error, and not
 * distinguished by a number. */

int gen_claim(struct gen_model *model, enum gen_space space, const char *name, const char *what,
	      unsigned line)
{
	struct gen_claim *claim =
		(struct gen_claim *)arena_alloc(&model->arena, sizeof(*claim));

	if (!claim || !name || !what)
		return -ENOMEM;
	*claim = (struct gen_claim){model->claims, name, what, line, space};
	model->claims = claim;
	model->n_claims++;
	return 0;
}

static int claim_all(struct gen_model *model, enum gen_space space,
		     const struct gen_member *member, const char *what,
		     const char *const *suffixes)
{
	int r = 0;

	for (; r == 0 && *suffixes; suffixes++)
		r = gen_claim(model, space,
			      arena_printf(&model->arena, "%s_%s", member->stem, *suffixes),
			      what, member->idl->line);
	return r;
}

static int claim_method(struct gen_model *model, const struct gen_member *method)
{
	static const char *const functions[] = {
		"send",           "ask",         "ask_more",   "return",      "reply",
		"keep",           "drop",        "wants_more", "wants_reply", "reply_read",
		"fail_parameter", "expect_more", "deny",       NULL};
	static const char *const descriptors[] = {"method", NULL};
	struct arena *arena = &model->arena;
	const char *what = method->type->what;
	unsigned line = method->idl->line;
	int r = claim_all(model, GEN_MACRO, method, what, descriptors);

	if (r < 0 || model->host)
		return r;
	r = gen_claim(model, GEN_FIELD, method->c_name, what, line);
	if (r < 0)
		return r;
	r = claim_all(model, GEN_NAME, method, what, functions);
	if (r < 0)
		return r;
	r = gen_claim(model, GEN_TAG, arena_printf(arena, "%s_call", method->stem), what, line);
	if (r < 0)
		return r;
	r = gen_claim(model, GEN_TAG, arena_printf(arena, "%s_reply", method->stem), what,
		      line);
	if (r < 0)
		return r;
	r = gen_claim(model, GEN_NAME, arena_printf(arena, "%s_REPLY", method->constant), what,
		      line);
	for (size_t i = 0; r == 0 && i < model->n_errors; i++)
		r = gen_claim(model, GEN_NAME,
			      arena_printf(arena, "%s_fail_%s", method->stem,
					   model->errors[i].type->stem),
			      arena_printf(arena, "failing %s with %s", what,
					   model->errors[i].type->what),
			      model->errors[i].idl->line);
	return r;
}

static int claim_error(struct gen_model *model, const struct gen_member *error)
{
	static const char *const descriptors[] = {"error", NULL};
	int r = claim_all(model, GEN_MACRO, error, error->type->what, descriptors);

	if (r < 0 || model->host)
		return r;
	return gen_claim(model, GEN_FIELD, error->c_name, error->type->what, error->idl->line);
}

int gen_claim_members(struct gen_model *model)
{
	struct arena *arena = &model->arena;
	const char *what = "the interface";
	int r;

	r = gen_claim(model, GEN_MACRO, arena_printf(arena, "%s_interface", model->prefix),
		      what, 1);
	if (r < 0)
		return r;
	r = gen_claim(model, GEN_NAME, arena_printf(arena, "%s_HANDLERS", model->upper), what,
		      1);
	for (size_t i = 0; r == 0 && i < model->n_errors; i++)
		r = claim_error(model, &model->errors[i]);
	for (size_t i = 0; r == 0 && i < model->n_methods; i++)
		r = claim_method(model, &model->methods[i]);
	return r;
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
