#include "proto/gen_model.h"

#include "proto/gen_names.h"
#include "proto/idl_lex.h"
#include "proto/kind.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *gen_pointer_to(struct gen_model *model, const struct gen_type *type)
{
	size_t size = strlen(type->c);

	if (size > 0 && type->c[size - 1] == '*')
		return gen_printf(model, "%sconst *", type->c);
	return gen_printf(model, "const %s*", type->c);
}

static struct gen_type *add_type(struct gen_model *model, enum troupe_kind kind)
{
	struct gen_type *type = (struct gen_type *)arena_alloc(&model->arena, sizeof(*type));

	model->no_memory |= !type;
	type = type ? type : &model->nowhere;
	type->kind = kind;
	*model->last_type = type;
	model->last_type = &type->next;
	return type;
}

static struct gen_type *get_plain(struct gen_model *model, enum troupe_kind kind)
{
	if (!model->plain[kind]) {
		struct gen_type *type = add_type(model, kind);

		type->stem = type->what = kinds[kind].word;
		type->descriptor = gen_printf(model, "%s_", type->stem);
		type->c = kinds[kind].c;
		model->plain[kind] = type;
	}
	return model->plain[kind];
}

/* Who a type belongs to, for names and messages. */
struct owner {
	const char *stem;
	const char *what;
	unsigned line;
};

/* Name a type that has a struct or an enum of its own, and its descriptor. */
static void name_type(struct gen_model *model, struct gen_type *type, const struct owner *owner)
{
	type->visible = true;
	type->stem = owner->stem;
	type->what = owner->what;
	type->line = owner->line;
	type->tag = gen_printf(model, "%s_%s", model->prefix, type->stem);
	type->descriptor = gen_printf(model, "%s_type_", type->stem);
	type->c = gen_printf(model, "%s %s ", type->kind == TROUPE_ENUM ? "enum" : "struct",
			     type->tag);
	gen_claim(model, GEN_TAG, type->tag, type->what, type->line);
	gen_claim(model, GEN_MACRO, gen_printf(model, "%s_type", type->tag), type->what,
		  type->line);
}

/* An array or a map. */
static void name_items(struct gen_model *model, struct gen_type *type,
		       const struct gen_type *item)
{
	const char *word = type->kind == TROUPE_ARRAY ? "array" : "map";

	name_type(model, type,
		  &(struct owner){
			  .stem = gen_printf(model, "%s_%s", item->stem, word),
			  .what = gen_printf(model, "the %ss of %s", word, item->what),
			  .line = item->line,
		  });
	if (type->kind == TROUPE_ARRAY)
		return;
	type->entry = gen_printf(model, "%s_entry", type->tag);
	gen_claim(model, GEN_TAG, type->entry, type->what, type->line);
}

static void name_optional(struct gen_model *model, struct gen_type *type,
			  const struct gen_type *item)
{
	bool is_text = item->kind == TROUPE_STRING || item->kind == TROUPE_OBJECT;

	type->line = item->line;
	type->stem = gen_printf(model, "%s_optional", item->stem);
	type->descriptor = gen_printf(model, "%s_type_", type->stem);
	type->what = gen_printf(model, "optional %s", item->what);
	type->c = is_text ? item->c : gen_pointer_to(model, item);
	/* It has no struct, but a descriptor, which must not be taken for that of a `type
	 * XOptional`. */
	gen_claim(model, GEN_NAME, gen_printf(model, "%s_%s_type", model->prefix, type->stem),
		  type->what, type->line);
}

static struct gen_type *get_type(struct gen_model *model, const struct idl_type *idl,
				 const struct owner *owner);

static void fill_enum(struct gen_model *model, const struct idl_type *idl,
		      struct gen_type *type)
{
	for (size_t i = 0; i < idl->n_fields; i++) {
		struct gen_field *field = &type->fields[i];
		const char *snake =
			gen_text(model, gen_snake(&model->arena, idl->fields[i].name));
		const char *name = gen_printf(model, "%s_%s", type->tag, snake);

		field->name = idl->fields[i].name;
		field->doc = idl->fields[i].doc;
		field->c_name = gen_text(model, gen_upper(&model->arena, name));
		gen_claim(model, GEN_NAME, field->c_name,
			  gen_printf(model, "'%s' of %s", field->name, type->what), type->line);
	}
}

static void fill_struct(struct gen_model *model, const struct idl_type *idl,
			struct gen_type *type)
{
	for (size_t i = 0; i < idl->n_fields; i++) {
		struct gen_field *field = &type->fields[i];
		const char *snake =
			gen_text(model, gen_snake(&model->arena, idl->fields[i].name));
		struct owner owner = {.line = type->line};

		field->name = idl->fields[i].name;
		field->doc = idl->fields[i].doc;
		field->c_name = gen_text(model, gen_safe(&model->arena, field->name));
		/* C++ takes a member of its struct's name for a constructor. */
		if (strcmp(field->c_name, type->tag) == 0)
			field->c_name = gen_printf(model, "%s_", field->name);
		owner.stem = gen_printf(model, "%s_%s", type->stem, snake);
		owner.what = gen_printf(model, "'%s' of %s", field->name, type->what);
		gen_claim(model, GEN_FIELD, field->c_name, owner.what, owner.line);
		field->type = get_type(model, idl->fields[i].type, &owner);
	}
}

/* Give an empty type its name and content; it may be in use already, by its own fields. */
static void fill_type(struct gen_model *model, struct gen_type *type,
		      const struct idl_type *idl, const struct owner *owner)
{
	name_type(model, type, owner);
	type->fields = (struct gen_field *)arena_alloc(
		&model->arena, (idl->n_fields + 1) * sizeof(*type->fields));
	model->no_memory |= !type->fields;
	if (model->no_memory)
		return;
	type->n_fields = idl->n_fields;
	if (type->kind == TROUPE_ENUM)
		fill_enum(model, idl, type);
	else
		fill_struct(model, idl, type);
}

/* A named type. It is entered before it is filled, so that recursion finds it. */
static struct gen_type *get_named(struct gen_model *model, const struct idl_member *member)
{
	struct gen_type **place = &model->named[member - model->idl->members], *type = *place;
	struct owner owner = {.line = member->line};

	if (type)
		return type;
	owner.stem = gen_text(model, gen_member(&model->arena, member->name));
	owner.what = gen_printf(model, "type '%s'", member->name);
	*place = type = add_type(model, member->type->kind);
	type->doc = member->doc;
	fill_type(model, type, member->type, &owner);
	return type;
}

static struct gen_type *get_type(struct gen_model *model, const struct idl_type *idl,
				 const struct owner *owner)
{
	struct gen_type *item;
	struct gen_type **derived;

	if (idl->named)
		return get_named(model, idl->named);
	if (idl->kind == TROUPE_STRUCT || idl->kind == TROUPE_ENUM) {
		struct gen_type *type = add_type(model, idl->kind);

		fill_type(model, type, idl, owner);
		return type;
	}
	if (!idl->item)
		return get_plain(model, idl->kind);
	item = get_type(model, idl->item, owner);
	derived = idl->kind == TROUPE_ARRAY ? &item->array
		  : idl->kind == TROUPE_MAP ? &item->map
					    : &item->optional;
	if (*derived || model->no_memory)
		return model->no_memory ? &model->nowhere : *derived;
	*derived = add_type(model, idl->kind);
	(*derived)->item = item;
	if (idl->kind == TROUPE_OPTIONAL)
		name_optional(model, *derived, item);
	else
		name_items(model, *derived, item);
	return *derived;
}

/* The struct of a method's input or output, or of an error. */
static struct gen_type *make_struct(struct gen_model *model, const struct idl_member *member,
				    const struct idl_type *idl, const char *suffix,
				    const char *what)
{
	const char *snake = gen_text(model, gen_member(&model->arena, member->name));
	struct gen_type *type = add_type(model, TROUPE_STRUCT);
	const struct owner owner = {
		.stem = gen_printf(model, "%s%s", snake, suffix),
		.what = gen_printf(model, "%s '%s'", what, member->name),
		.line = member->line,
	};

	fill_type(model, type, idl, &owner);
	return type;
}

/* The member of a reply that represents an error, among those that every reply has. */
static const char *error_member(struct gen_model *model, const char *snake)
{
	static const char *const taken[] = {"status", "code",       "continues",
					    "out",    "error_name", "detail"};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(snake, taken[i]) == 0)
			return gen_printf(model, "%s_", snake);
	return gen_text(model, gen_safe(&model->arena, snake));
}

static int add_member(struct gen_model *model, const struct idl_member *idl,
		      struct gen_member *member, struct idl_error *error)
{
	const char *snake = gen_text(model, gen_member(&model->arena, idl->name));
	bool is_method = idl->kind == IDL_METHOD;
	uint64_t hash;
	int r;

	member->idl = idl;
	member->c_name = is_method ? gen_text(model, gen_safe(&model->arena, snake))
				   : error_member(model, snake);
	member->stem = gen_printf(model, "%s_%s", model->prefix, snake);
	member->constant = gen_text(model, gen_upper(&model->arena, member->stem));
	/* The hash first: it refuses what nests too deep to be walked. */
	r = gen_hash(model->idl, idl, idl->type, is_method ? '(' : '!', NULL, &hash, error);
	if (r < 0)
		return r;
	member->hash = gen_printf(model, "0x%016" PRIx64 "ull", hash);
	member->type = make_struct(model, idl, idl->type, "", is_method ? "method" : "error");
	member->type->doc = idl->doc;
	if (!is_method)
		return 0;
	r = gen_hash(model->idl, idl, idl->out, '>', NULL, &hash, error);
	if (r < 0)
		return r;
	member->out_hash = gen_printf(model, "0x%016" PRIx64 "ull", hash);
	member->out = make_struct(model, idl, idl->out, "_out", "the output of");
	return 0;
}

static int add_members(struct gen_model *model, struct idl_error *error)
{
	const struct idl *idl = model->idl;
	uint64_t hash;
	int r;

	for (size_t i = 0; i < idl->n_members; i++) {
		if (idl->members[i].kind != IDL_TYPE)
			continue;
		/* Types that no method uses must fit as well: [Config] sections are such. */
		r = gen_hash(idl, &idl->members[i], idl->members[i].type, '=', NULL, &hash,
			     error);
		if (r < 0)
			return r;
		(void)get_named(model, &idl->members[i]);
	}
	for (size_t i = 0; i < idl->n_members; i++) {
		struct gen_member *member;

		if (idl->members[i].kind == IDL_TYPE)
			continue;
		member = idl->members[i].kind == IDL_METHOD
				 ? &model->methods[model->n_methods++]
				 : &model->errors[model->n_errors++];
		r = add_member(model, &idl->members[i], member, error);
		if (r < 0)
			return r;
	}
	return 0;
}

int gen_model_init(struct gen_model *model, const struct idl *idl,
		   const struct gen_options *options, struct idl_error *ret_error)
{
	size_t n = idl->n_members + 1;
	int r;

	*model = (struct gen_model){.idl = idl, .host = options->host};
	arena_init(&model->arena);
	model->last_type = &model->types;
	if (options->prefix && !gen_is_prefix(options->prefix))
		return idl_lex_fail(
			ret_error, 1, 1,
			"'%s' is no prefix; one is made of small letters, digits and "
			"'_'",
			options->prefix);
	model->prefix = options->prefix ? options->prefix
					: gen_text(model, gen_prefix(&model->arena, idl->name));
	model->upper = gen_text(model, gen_upper(&model->arena, model->prefix));
	model->named =
		(struct gen_type **)arena_alloc(&model->arena, n * sizeof(*model->named));
	model->methods =
		(struct gen_member *)arena_alloc(&model->arena, n * sizeof(*model->methods));
	model->errors =
		(struct gen_member *)arena_alloc(&model->arena, n * sizeof(*model->errors));
	if (!model->named || !model->methods || !model->errors)
		return -ENOMEM;
	r = add_members(model, ret_error);
	if (r < 0)
		return r;
	gen_claim_members(model);
	if (model->no_memory)
		return -ENOMEM;
	r = gen_make_steps(model);
	return r < 0 ? r : gen_claims_check(model, ret_error);
}

void gen_model_fini(struct gen_model *model)
{
	arena_fini(&model->arena);
}
