#include "proto/idl.h"

#include "proto/arena.h"
#include "proto/idl_check.h"
#include "proto/idl_lex.h"
#include "proto/idl_names.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An idl and the memory of all it points to. */
struct idl_own {
	struct idl idl;
	struct arena arena;
};

/* Fields and members are gathered in lists, and become arrays when their number is known. */
struct field_node {
	struct field_node *next;
	struct idl_field field;
};

struct member_node {
	struct member_node *next;
	struct idl_member member;
};

struct parser {
	struct idl_lex lex;
	struct arena *arena;
	struct idl_reference *references;
};

static int fail_here(struct parser *parser, const char *message)
{
	return idl_lex_fail(parser->lex.error, parser->lex.token_line, parser->lex.token_column,
			    "%s", message);
}

/* Take a name of the kind that is_name() knows, and go past it. */
static int parse_name(struct parser *parser, bool (*is_name)(const char *, size_t),
		      const char *expected, char **ret_name)
{
	struct idl_lex *lex = &parser->lex;

	if (lex->token != IDL_TOKEN_WORD || !is_name(lex->start, lex->length))
		return idl_lex_expected(lex, expected);
	if (lex->length > IDL_MEMBER_NAME_MAX)
		return fail_here(parser, "this name is longer than 63 bytes");
	*ret_name = arena_copy(parser->arena, lex->start, lex->length);
	if (!*ret_name)
		return -ENOMEM;
	return idl_lex_next(lex);
}

/* The comment before this token as text: without '#', one blank after it and what trails. */
static int parse_doc(struct parser *parser, char **ret_doc)
{
	const char *at = parser->lex.doc;
	const char *end = at ? at + parser->lex.doc_size : NULL;
	size_t used = 0;
	char *doc;

	*ret_doc = NULL;
	if (!at)
		return 0;
	doc = (char *)arena_alloc(parser->arena, parser->lex.doc_size + 1);
	if (!doc)
		return -ENOMEM;
	while (at < end) {
		const char *line_end = (const char *)memchr(at, '\n', (size_t)(end - at));
		const char *next;

		if (!line_end)
			line_end = end;
		next = line_end < end ? line_end + 1 : end;
		while (*at != '#')
			at++;
		at++;
		if (at < line_end && *at == ' ')
			at++;
		while (line_end > at &&
		       (line_end[-1] == ' ' || line_end[-1] == '\t' || line_end[-1] == '\r'))
			line_end--;
		if (used > 0)
			doc[used++] = '\n';
		memcpy(doc + used, at, (size_t)(line_end - at));
		used += (size_t)(line_end - at);
		at = next;
	}
	*ret_doc = doc;
	return 0;
}

static int parse_type(struct parser *parser, enum idl_mark mark, unsigned depth,
		      struct idl_type *type);

static struct idl_type *new_type(struct parser *parser)
{
	return (struct idl_type *)arena_alloc(parser->arena, sizeof(struct idl_type));
}

static int check_unique(struct parser *parser, const struct field_node *first)
{
	struct idl_lex *lex = &parser->lex;

	for (const struct field_node *node = first; node; node = node->next)
		if (strlen(node->field.name) == lex->length &&
		    memcmp(node->field.name, lex->start, lex->length) == 0)
			return idl_lex_fail(lex->error, lex->token_line, lex->token_column,
					    "a second '%s' in one pair of parentheses",
					    node->field.name);
	return 0;
}

/* After the '(': one `name` or `name: type`. The first one decides what this is. */
static int parse_field(struct parser *parser, struct idl_type *type, unsigned depth,
		       struct idl_field *field)
{
	struct idl_lex *lex = &parser->lex;
	bool first = type->n_fields == 0;
	enum idl_mark mark = lex->mark;
	unsigned mark_line = lex->mark_line, mark_column = lex->mark_column;
	int r;

	r = parse_doc(parser, &field->doc);
	if (r < 0)
		return r;
	idl_lex_take_mark(lex);
	r = parse_name(parser, idl_is_field_name, first ? "a field, a name or ')'" : "a name",
		       &field->name);
	if (r < 0)
		return r;
	if (first)
		type->kind = idl_lex_is_punct(lex, ':') ? TROUPE_STRUCT : TROUPE_ENUM;
	if (type->kind == TROUPE_ENUM) {
		if (mark != IDL_MARK_NONE)
			return idl_lex_fail(lex->error, mark_line, mark_column,
					    "this mark is not before a field");
		if (idl_lex_is_punct(lex, ':'))
			return fail_here(parser,
					 "expected ',' or ')', found ':': this began as "
					 "an enum, without types");
		return 0;
	}
	r = idl_lex_skip(lex, ':', "':' and a type");
	if (r < 0)
		return r;
	field->type = new_type(parser);
	if (!field->type)
		return -ENOMEM;
	r = parse_type(parser, mark, depth, field->type);
	if (r == -EDOM)
		return idl_lex_fail(lex->error, mark_line, mark_column,
				    "only strings can be marked");
	return r;
}

/* ( ... ): a struct or an enum; () is the empty struct. */
static int parse_fields(struct parser *parser, unsigned depth, struct idl_type *type)
{
	struct idl_lex *lex = &parser->lex;
	struct field_node *first = NULL;
	struct field_node **last = &first;
	size_t n = 0;
	int r;

	type->kind = TROUPE_STRUCT;
	r = idl_lex_skip(lex, '(', "'('");
	if (r < 0)
		return r;
	while (type->n_fields > 0 || !idl_lex_is_punct(lex, ')')) {
		struct field_node *node;

		if (type->n_fields == IDL_FIELDS_MAX)
			return fail_here(parser, "more than 256 fields or names");
		r = check_unique(parser, first);
		if (r < 0)
			return r;
		node = (struct field_node *)arena_alloc(parser->arena, sizeof(*node));
		if (!node)
			return -ENOMEM;
		r = parse_field(parser, type, depth, &node->field);
		if (r < 0)
			return r;
		*last = node;
		last = &node->next;
		type->n_fields++;
		if (!idl_lex_is_punct(lex, ','))
			break;
		r = idl_lex_next(lex);
		if (r < 0)
			return r;
	}
	/* A first name without a type is taken for one of an enum, which is rarely meant. */
	r = idl_lex_skip(lex, ')',
			 type->kind == TROUPE_ENUM && type->n_fields == 1
				 ? "':' and a type, or for an enum ',' or ')'"
				 : "',' or ')'");
	if (r < 0 || type->n_fields == 0)
		return r;
	type->fields = (struct idl_field *)arena_alloc(parser->arena,
						       type->n_fields * sizeof(*type->fields));
	if (!type->fields)
		return -ENOMEM;
	for (const struct field_node *node = first; node; node = node->next)
		type->fields[n++] = node->field;
	return 0;
}

/* A plain type or a reference. -EDOM: marked, but no string. */
static int parse_word_type(struct parser *parser, enum idl_mark mark, struct idl_type *type)
{
	static const struct {
		const char *word;
		enum troupe_kind kind;
	} plain[] = {{"bool", TROUPE_BOOL},
		     {"int", TROUPE_INT},
		     {"float", TROUPE_FLOAT},
		     {"string", TROUPE_STRING},
		     {"object", TROUPE_OBJECT}};
	struct idl_lex *lex = &parser->lex;
	struct idl_reference *reference;
	char *name;
	int r;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (!idl_lex_is_word(lex, plain[i].word))
			continue;
		type->kind = plain[i].kind;
		if (mark != IDL_MARK_NONE && type->kind != TROUPE_STRING)
			return -EDOM;
		if (mark != IDL_MARK_NONE)
			type->kind = mark == IDL_MARK_BINARY ? TROUPE_BINARY : TROUPE_ADDRESS;
		return idl_lex_next(lex);
	}
	reference = (struct idl_reference *)arena_alloc(parser->arena, sizeof(*reference));
	if (!reference)
		return -ENOMEM;
	reference->line = lex->token_line;
	reference->column = lex->token_column;
	r = parse_name(parser, idl_is_member_name,
		       "a type (bool, int, float, string, object, a name, '(', '[' or '?')",
		       &name);
	if (r < 0)
		return r;
	if (mark != IDL_MARK_NONE)
		return -EDOM;
	reference->name = name;
	reference->type = type;
	reference->next = parser->references;
	parser->references = reference;
	return 0;
}

/* Past '[': "]" makes an array, "string]" a map. */
static int parse_brackets(struct parser *parser, struct idl_type *type)
{
	struct idl_lex *lex = &parser->lex;
	int r;

	type->kind = TROUPE_ARRAY;
	if (idl_lex_is_word(lex, "string")) {
		type->kind = TROUPE_MAP;
		r = idl_lex_next(lex);
		if (r < 0)
			return r;
		return idl_lex_skip(lex, ']', "']'");
	}
	return idl_lex_skip(lex, ']', "']' or 'string]'");
}

/* depth: of anonymous types, prefixes included, around this one. */
static int parse_type(struct parser *parser, enum idl_mark mark, unsigned depth,
		      struct idl_type *type)
{
	struct idl_lex *lex = &parser->lex;
	bool optional;
	int r;

	if (idl_lex_is_punct(lex, '(')) {
		if (depth == IDL_DEPTH_MAX)
			return fail_here(parser, "types nest deeper than 32");
		if (mark != IDL_MARK_NONE)
			return -EDOM;
		return parse_fields(parser, depth + 1, type);
	}
	optional = idl_lex_is_punct(lex, '?');
	if (!optional && !idl_lex_is_punct(lex, '['))
		return parse_word_type(parser, mark, type);
	if (depth == IDL_DEPTH_MAX)
		return fail_here(parser, "types nest deeper than 32");
	r = idl_lex_next(lex);
	if (r < 0)
		return r;
	type->kind = TROUPE_OPTIONAL;
	if (optional && idl_lex_is_punct(lex, '?'))
		return idl_lex_expected(lex, "a type that is not optional itself");
	if (!optional) {
		r = parse_brackets(parser, type);
		if (r < 0)
			return r;
	}
	type->item = new_type(parser);
	if (!type->item)
		return -ENOMEM;
	return parse_type(parser, mark, depth + 1, type->item);
}

static int parse_struct(struct parser *parser, const char *owner, struct idl_type **ret_type)
{
	struct idl_lex *lex = &parser->lex;
	unsigned line = lex->token_line, column = lex->token_column;
	struct idl_type *type = new_type(parser);
	int r;

	if (!type)
		return -ENOMEM;
	r = parse_fields(parser, 1, type);
	if (r < 0)
		return r;
	if (owner && type->kind != TROUPE_STRUCT)
		return idl_lex_fail(
			lex->error, line, column,
			"%s takes a struct, found an enum (fields are 'name: type')", owner);
	*ret_type = type;
	return 0;
}

static int parse_member(struct parser *parser, struct idl_member *member)
{
	static const char *const keywords[] = {"type", "method", "error"};
	static const char *const owners[] = {NULL, "a method", "an error"};
	struct idl_lex *lex = &parser->lex;
	size_t kind = 0;
	int r;

	while (kind < 3 && !idl_lex_is_word(lex, keywords[kind]))
		kind++;
	if (kind == 3)
		return idl_lex_expected(lex, "'type', 'method' or 'error'");
	member->kind = (enum idl_member_kind)kind;
	r = parse_doc(parser, &member->doc);
	if (r < 0)
		return r;
	r = idl_lex_next(lex);
	if (r < 0)
		return r;
	member->line = lex->token_line;
	r = parse_name(parser, idl_is_member_name, "a name that begins with a capital",
		       &member->name);
	if (r < 0)
		return r;
	r = parse_struct(parser, owners[kind], &member->type);
	if (r < 0 || kind != IDL_METHOD)
		return r;
	if (lex->token != IDL_TOKEN_ARROW)
		return idl_lex_expected(lex, "'->'");
	r = idl_lex_next(lex);
	if (r < 0)
		return r;
	return parse_struct(parser, owners[kind], &member->out);
}

static int parse_members(struct parser *parser, struct idl *idl)
{
	struct idl_lex *lex = &parser->lex;
	struct member_node *first = NULL;
	struct member_node **last = &first;
	size_t n = 0;
	int r;

	while (lex->token != IDL_TOKEN_END) {
		struct member_node *node;

		if (idl->n_members == IDL_MEMBERS_MAX)
			return fail_here(parser, "more than 1024 types, methods and errors");
		node = (struct member_node *)arena_alloc(parser->arena, sizeof(*node));
		if (!node)
			return -ENOMEM;
		r = parse_member(parser, &node->member);
		if (r < 0)
			return r;
		for (const struct member_node *other = first; other; other = other->next)
			if (strcmp(other->member.name, node->member.name) == 0)
				return idl_lex_fail(lex->error, node->member.line, 1,
						    "a second '%s'; the first is in line %u",
						    node->member.name, other->member.line);
		*last = node;
		last = &node->next;
		idl->n_members++;
	}
	idl->members = (struct idl_member *)arena_alloc(
		parser->arena, (idl->n_members + 1) * sizeof(*idl->members));
	if (!idl->members)
		return -ENOMEM;
	for (const struct member_node *node = first; node; node = node->next)
		idl->members[n++] = node->member;
	return 0;
}

static int parse_interface(struct parser *parser, struct idl *idl)
{
	struct idl_lex *lex = &parser->lex;
	int r;

	if (!idl_lex_is_word(lex, "interface"))
		return idl_lex_expected(lex, "'interface'");
	r = parse_doc(parser, &idl->doc);
	if (r < 0)
		return r;
	r = idl_lex_next(lex);
	if (r < 0)
		return r;
	if (lex->token != IDL_TOKEN_WORD || !idl_is_interface_name(lex->start, lex->length))
		return idl_lex_expected(lex, "an interface name like 'org.example.name'");
	idl->name = arena_copy(parser->arena, lex->start, lex->length);
	if (!idl->name)
		return -ENOMEM;
	r = idl_lex_next(lex);
	if (r < 0)
		return r;
	return parse_members(parser, idl);
}

int idl_parse(const char *text, size_t size, struct idl **ret_idl, struct idl_error *ret_error)
{
	struct parser parser = {0};
	struct idl_own *own;
	int r;

	if (size > IDL_TEXT_MAX)
		return idl_lex_fail(ret_error, 1, 1, "the text is larger than 1 MiB");
	own = (struct idl_own *)calloc(1, sizeof(*own));
	if (!own)
		return -ENOMEM;
	arena_init(&own->arena);
	parser.arena = &own->arena;
	own->idl.text = arena_copy(&own->arena, text, size);
	if (!own->idl.text) {
		r = -ENOMEM;
		goto fail;
	}
	r = idl_lex_init(&parser.lex, own->idl.text, size, ret_error);
	if (r < 0)
		goto fail;
	r = parse_interface(&parser, &own->idl);
	if (r < 0)
		goto fail;
	r = idl_check(&own->idl, parser.references, ret_error);
	if (r < 0)
		goto fail;
	*ret_idl = &own->idl;
	return 0;
fail:
	idl_free(&own->idl);
	return r;
}

void idl_free(struct idl *idl)
{
	struct idl_own *own = (struct idl_own *)idl; /* its first member */

	if (!idl)
		return;
	arena_fini(&own->arena);
	free(own);
}

const struct idl_member *idl_find(const struct idl *idl, const char *name)
{
	for (size_t i = 0; i < idl->n_members; i++)
		if (strcmp(idl->members[i].name, name) == 0)
			return &idl->members[i];
	return NULL;
}
