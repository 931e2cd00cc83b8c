#include "proto/gen_model.h"

#include "proto/gen_names.h"
#include "proto/idl_lex.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *gen_pointer_to(struct gen_model *model, const struct gen_type *type)
{
	if (type->c[strlen(type->c) - 1] == '*')
		return arena_printf(&model->arena, "%sconst *", type->c);
	return arena_printf(&model->arena, "const %s*", type->c);
}

static struct gen_type *add_type(struct gen_model *model, enum troupe_kind kind)
{
	struct gen_type *type = (struct gen_type *)arena_alloc(&model->arena, sizeof(*type));

	if (!type)
		return NULL;
	type->kind = kind;
	*model->last_type = type;
	model->last_type = &type->next;
	return type;
}

static int get_plain(struct gen_model *model, enum troupe_kind kind, struct gen_type **ret_type)
{
	static const struct {
		const char *stem, *descriptor, *c;
	} plain[] = {
		[TROUPE_BOOL] = {"bool", "bool_", "bool "},
		[TROUPE_INT] = {"int", "int_", "int64_t "},
		[TROUPE_FLOAT] = {"float", "float_", "double "},
		[TROUPE_STRING] = {"string", "string_", "const char *"},
		[TROUPE_BINARY] = {"binary", "binary_", "struct troupe_binary "},
		[TROUPE_ADDRESS] = {"address", "address_", "struct troupe_address "},
		[TROUPE_OBJECT] = {"object", "object_", "const char *"},
	};

	if (!model->plain[kind]) {
		struct gen_type *type = add_type(model, kind);

		if (!type)
			return -ENOMEM;
		type->stem = plain[kind].stem;
		type->descriptor = plain[kind].descriptor;
		type->c = plain[kind].c;
		type->what = plain[kind].stem;
		type->plain = kind == TROUPE_INT || kind == TROUPE_ADDRESS;
		model->plain[kind] = type;
	}
	*ret_type = model->plain[kind];
	return 0;
}

/* Name a type that has a struct or an enum of its own, and its descriptor. */
static int name_type(struct gen_model *model, struct gen_type *type, const char *stem,
		     const char *what, unsigned line)
{
	struct arena *arena = &model->arena;
	int r;

	type->visible = true;
	type->stem = stem;
	type->what = what;
	type->line = line;
	type->tag = arena_printf(arena, "%s_%s", model->prefix, stem);
	type->descriptor = arena_printf(arena, "%s_type_", stem);
	type->c =
		arena_printf(arena, "%s %s_%s ", type->kind == TROUPE_ENUM ? "enum" : "struct",
			     model->prefix, stem);
	if (!type->tag || !type->descriptor || !type->c)
		return -ENOMEM;
	r = gen_claim(model, GEN_TAG, type->tag, what, line);
	if (r < 0)
		return r;
	return gen_claim(model, GEN_MACRO, arena_printf(arena, "%s_type", type->tag), what,
			 line);
}

static int make_array(struct gen_model *model, struct gen_type *item,
		      struct gen_type **ret_type)
{
	struct gen_type *type = add_type(model, TROUPE_ARRAY);
	const char *stem = arena_printf(&model->arena, "%s_array", item->stem);
	const char *what = arena_printf(&model->arena, "the arrays of %s", item->what);

	if (!type || !stem || !what)
		return -ENOMEM;
	item->array = type;
	type->item = item;
	*ret_type = type;
	return name_type(model, type, stem, what, item->line);
}

static int make_map(struct gen_model *model, struct gen_type *item, struct gen_type **ret_type)
{
	struct gen_type *type = add_type(model, TROUPE_MAP);
	const char *stem = arena_printf(&model->arena, "%s_map", item->stem);
	const char *what = arena_printf(&model->arena, "the maps of %s", item->what);
	int r;

	if (!type || !stem || !what)
		return -ENOMEM;
	item->map = type;
	type->item = item;
	*ret_type = type;
	r = name_type(model, type, stem, what, item->line);
	if (r < 0)
		return r;
	type->entry = arena_printf(&model->arena, "%s_entry", type->tag);
	return gen_claim(model, GEN_TAG, type->entry, what, item->line);
}

static int make_optional(struct gen_model *model, struct gen_type *item,
			 struct gen_type **ret_type)
{
	struct gen_type *type = add_type(model, TROUPE_OPTIONAL);
	bool is_text = item->kind == TROUPE_STRING || item->kind == TROUPE_OBJECT;

	if (!type)
		return -ENOMEM;
	item->optional = type;
	type->item = item;
	type->line = item->line;
	type->stem = arena_printf(&model->arena, "%s_optional", item->stem);
	type->descriptor = arena_printf(&model->arena, "%s_optional_type_", item->stem);
	type->what = arena_printf(&model->arena, "optional %s", item->what);
	type->c = is_text ? item->c : gen_pointer_to(model, item);
	if (!type->stem || !type->descriptor || !type->what || !type->c)
		return -ENOMEM;
	*ret_type = type;
	/* It has no struct, but a descriptor, which must not be taken for that of a `type XOptional`. */
	return gen_claim(model, GEN_NAME,
			 arena_printf(&model->arena, "%s_%s_type", model->prefix, type->stem),
			 type->what, type->line);
}

/* Who a type belongs to, for names and messages. */
struct owner {
	const char *stem;
	const char *what;
	unsigned line;
};

static int get_type(struct gen_model *model, const struct idl_type *idl,
		    const struct owner *owner, struct gen_type **ret_type);

static int fill_enum(struct gen_model *model, const struct idl_type *idl, struct gen_type *type)
{
	for (size_t i = 0; i < idl->n_fields; i++) {
		struct gen_field *field = &type->fields[i];
		const char *snake = gen_snake(&model->arena, idl->fields[i].name);
		const char *name;
		int r;

		field->name = idl->fields[i].name;
		field->doc = idl->fields[i].doc;
		if (!snake)
			return -ENOMEM;
		name = arena_printf(&model->arena, "%s_%s", type->tag, snake);
		if (!name)
			return -ENOMEM;
		field->c_name = gen_upper(&model->arena, name);
		r = gen_claim(
			model, GEN_NAME, field->c_name,
			arena_printf(&model->arena, "'%s' of %s", field->name, type->what),
			type->line);
		if (r < 0)
			return r;
	}
	return 0;
}

static int fill_struct(struct gen_model *model, const struct idl_type *idl,
		       struct gen_type *type)
{
	/* A struct without fields is all padding. */
	type->plain = idl->n_fields > 0;
	for (size_t i = 0; i < idl->n_fields; i++) {
		struct gen_field *field = &type->fields[i];
		const char *snake = gen_snake(&model->arena, idl->fields[i].name);
		struct owner owner = {.line = type->line};
		int r;

		field->name = idl->fields[i].name;
		field->doc = idl->fields[i].doc;
		field->c_name = gen_safe(&model->arena, field->name);
		if (!snake || !field->c_name)
			return -ENOMEM;
		/* C++ takes a member of its struct's name for a constructor. */
		if (strcmp(field->c_name, type->tag) == 0)
			field->c_name = arena_printf(&model->arena, "%s_", field->name);
		owner.stem = arena_printf(&model->arena, "%s_%s", type->stem, snake);
		owner.what = arena_printf(&model->arena, "'%s' of %s", field->name, type->what);
		if (!field->c_name || !owner.stem || !owner.what)
			return -ENOMEM;
		r = gen_claim(model, GEN_FIELD, field->c_name, owner.what, owner.line);
		if (r < 0)
			return r;
		r = get_type(model, idl->fields[i].type, &owner, &field->type);
		if (r < 0)
			return r;
		type->plain = type->plain && field->type->plain;
	}
	return 0;
}

/* Give an empty type its name and content; it may be in use already, by its own fields. */
static int fill_type(struct gen_model *model, struct gen_type *type, const struct idl_type *idl,
		     const struct owner *owner)
{
	int r = name_type(model, type, owner->stem, owner->what, owner->line);

	if (r < 0)
		return r;
	type->n_fields = idl->n_fields;
	type->fields = (struct gen_field *)arena_alloc(
		&model->arena, (idl->n_fields + 1) * sizeof(*type->fields));
	if (!type->fields)
		return -ENOMEM;
	if (type->kind == TROUPE_ENUM)
		return fill_enum(model, idl, type);
	return fill_struct(model, idl, type);
}

/* A named type. It is entered before it is filled, so that recursion finds it; what holds it by value is
 * filled after it, so that `plain` is known by then. */
static int get_named(struct gen_model *model, const struct idl_member *member,
		     struct gen_type **ret_type)
{
	size_t i = (size_t)(member - model->idl->members);
	struct owner owner = {.line = member->line};
	struct gen_type *type = model->named[i];

	if (!type) {
		owner.stem = gen_member(&model->arena, member->name);
		owner.what = arena_printf(&model->arena, "type '%s'", member->name);
		type = add_type(model, member->type->kind);
		if (!type || !owner.stem || !owner.what)
			return -ENOMEM;
		type->doc = member->doc;
		model->named[i] = type;
		*ret_type = type;
		return fill_type(model, type, member->type, &owner);
	}
	*ret_type = type;
	return 0;
}

static int get_type(struct gen_model *model, const struct idl_type *idl,
		    const struct owner *owner, struct gen_type **ret_type)
{
	struct gen_type *item;
	struct gen_type **derived;
	int r;

	if (idl->named)
		return get_named(model, idl->named, ret_type);
	if (idl->kind == TROUPE_STRUCT || idl->kind == TROUPE_ENUM) {
		*ret_type = add_type(model, idl->kind);
		if (!*ret_type)
			return -ENOMEM;
		return fill_type(model, *ret_type, idl, owner);
	}
	if (!idl->item)
		return get_plain(model, idl->kind, ret_type);
	r = get_type(model, idl->item, owner, &item);
	if (r < 0)
		return r;
	derived = idl->kind == TROUPE_ARRAY ? &item->array
		  : idl->kind == TROUPE_MAP ? &item->map
					    : &item->optional;
	if (*derived) {
		*ret_type = *derived;
		return 0;
	}
	if (idl->kind == TROUPE_ARRAY)
		return make_array(model, item, ret_type);
	if (idl->kind == TROUPE_MAP)
		return make_map(model, item, ret_type);
	return make_optional(model, item, ret_type);
}

/* The struct of a method's input or output, or of an error. */
static int make_struct(struct gen_model *model, const struct idl_member *member,
		       const struct idl_type *idl, const char *suffix, const char *what,
		       struct gen_type **ret_type)
{
	const char *snake = gen_member(&model->arena, member->name);
	struct owner owner = {.line = member->line};
	struct gen_type *type = add_type(model, TROUPE_STRUCT);

	if (!snake || !type)
		return -ENOMEM;
	owner.stem = arena_printf(&model->arena, "%s%s", snake, suffix);
	owner.what = arena_printf(&model->arena, "%s '%s'", what, member->name);
	if (!owner.stem || !owner.what)
		return -ENOMEM;
	type->doc = member->doc;
	*ret_type = type;
	return fill_type(model, type, idl, &owner);
}

/* The member of a reply that represents an error, among those that every reply has. */
static const char *error_member(struct gen_model *model, const char *snake)
{
	static const char *const taken[] = {"status", "continues", "out", "error_name",
					    "detail"};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(snake, taken[i]) == 0)
			return arena_printf(&model->arena, "%s_", snake);
	return gen_safe(&model->arena, snake);
}

static int add_member(struct gen_model *model, const struct idl_member *idl,
		      struct gen_member *member, struct idl_error *error)
{
	const char *snake = gen_member(&model->arena, idl->name);
	bool is_method = idl->kind == IDL_METHOD;
	int r;

	if (!snake)
		return -ENOMEM;
	member->idl = idl;
	member->c_name =
		is_method ? gen_safe(&model->arena, snake) : error_member(model, snake);
	member->stem = arena_printf(&model->arena, "%s_%s", model->prefix, snake);
	if (!member->c_name || !member->stem)
		return -ENOMEM;
	member->constant = gen_upper(&model->arena, member->stem);
	if (!member->constant)
		return -ENOMEM;
	/* The hash first: it refuses what nests too deep to be walked. */
	r = gen_hash(model->idl, idl, idl->type, is_method ? '(' : '!', NULL, &member->hash,
		     error);
	if (r < 0)
		return r;
	r = make_struct(model, idl, idl->type, "", is_method ? "method" : "error",
			&member->type);
	if (r < 0 || !is_method)
		return r;
	r = gen_hash(model->idl, idl, idl->out, '>', NULL, &member->out_hash, error);
	if (r < 0)
		return r;
	r = make_struct(model, idl, idl->out, "_out", "the output of", &member->out);
	if (r < 0)
		return r;
	member->out->doc = NULL;
	return 0;
}

static int add_members(struct gen_model *model, struct idl_error *error)
{
	const struct idl *idl = model->idl;
	struct gen_type *type;
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
		r = get_named(model, &idl->members[i], &type);
		if (r < 0)
			return r;
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
	model->prefix =
		options->prefix ? options->prefix : gen_prefix(&model->arena, idl->name);
	if (!model->prefix)
		return -ENOMEM;
	model->upper = gen_upper(&model->arena, model->prefix);
	model->named =
		(struct gen_type **)arena_alloc(&model->arena, n * sizeof(*model->named));
	model->methods =
		(struct gen_member *)arena_alloc(&model->arena, n * sizeof(*model->methods));
	model->errors =
		(struct gen_member *)arena_alloc(&model->arena, n * sizeof(*model->errors));
	if (!model->upper || !model->named || !model->methods || !model->errors)
		return -ENOMEM;
	r = add_members(model, ret_error);
	if (r < 0)
		return r;
	r = gen_make_steps(model);
	if (r < 0)
		return r;
	r = gen_claim_members(model);
	if (r < 0)
		return r;
	return gen_claims_check(model, ret_error);
}

void gen_model_fini(struct gen_model *model)
{
	arena_fini(&model->arena);
}
