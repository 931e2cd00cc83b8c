#include "proto/idl.h"

#include "proto/arena.h"
#include "proto/idl_check.h"
#include "proto/idl_lex.h"
#include "proto/idl_names.h"
#include "proto/kind.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An idl and the memory of all it points to. */
struct idl_own {
	struct idl idl;
	struct arena arena;
};

struct idl_parser {
	struct idl_lex lex;
	struct arena *arena;
	struct idl_reference *references;
	struct idl_type nowhere; /* stands in for what there was no memory for */
};

/* What fails ends the text: lex->r says that it did, and nothing more is read. */

static void fail_here(struct idl_parser *parser, const char *message)
{
	idl_lex_refuse(&parser->lex, parser->lex.token_line, parser->lex.token_column, "%s",
		       message);
}

static void *allocate(struct idl_parser *parser, size_t size)
{
	void *memory = arena_alloc(parser->arena, size);

	if (!memory)
		idl_lex_stop(&parser->lex, -ENOMEM);
	return memory;
}

/* Make room for one more in an array. */
static void *extend(struct idl_parser *parser, void *items, size_t count, size_t size)
{
	items = arena_extend(parser->arena, items, count, size);
	if (!items)
		idl_lex_stop(&parser->lex, -ENOMEM);
	return items;
}

static char *copy_token(struct idl_parser *parser)
{
	char *copy = allocate(parser, parser->lex.length + 1);

	return copy ? memcpy(copy, parser->lex.start, parser->lex.length) : NULL;
}

/* Take a name of the kind that is_name() knows, and go past it. NULL: it failed. */
static char *parse_name(struct idl_parser *parser, bool (*is_name)(const char *, size_t),
			const char *expected)
{
	struct idl_lex *lex = &parser->lex;
	char *name;

	if (lex->token != IDL_TOKEN_WORD || !is_name(lex->start, lex->length))
		idl_lex_expected(lex, expected);
	else if (lex->length > IDL_MEMBER_NAME_MAX)
		fail_here(parser, "this name is longer than 63 bytes");
	if (lex->r)
		return NULL;
	name = copy_token(parser);
	idl_lex_next(lex);
	return name;
}

/* The comment before this token as text: without '#', one blank after it and what trails. */
static char *parse_doc(struct idl_parser *parser)
{
	const char *at = parser->lex.doc;
	const char *end = at ? at + parser->lex.doc_size : NULL;
	char *doc = at ? allocate(parser, parser->lex.doc_size + 1) : NULL;
	size_t used = 0;

	while (doc && at < end) {
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
	return doc;
}

/* Where a mark was written, and what it says. */
struct mark {
	enum idl_mark kind;
	unsigned line, column;
};

static void parse_type(struct idl_parser *parser, struct mark mark, unsigned depth,
		       struct idl_type *type);

static struct idl_type *new_type(struct idl_parser *parser)
{
	struct idl_type *type = allocate(parser, sizeof(*type));

	return type ? type : &parser->nowhere;
}

static void check_unique(struct idl_parser *parser, const struct idl_type *type)
{
	struct idl_lex *lex = &parser->lex;

	for (size_t i = 0; i < type->n_fields; i++) {
		const char *name = type->fields[i].name;

		if (strlen(name) == lex->length && memcmp(name, lex->start, lex->length) == 0)
			idl_lex_refuse(lex, lex->token_line, lex->token_column,
				       "a second '%s' in one pair of parentheses", name);
	}
}

/* After the '(': one `name` or `name: type`. The first one decides what this is. */
static void parse_field(struct idl_parser *parser, struct idl_type *type, unsigned depth,
			struct idl_field *field)
{
	struct idl_lex *lex = &parser->lex;
	bool first = type->n_fields == 0;
	struct mark mark = {lex->mark, lex->mark_line, lex->mark_column};

	field->doc = parse_doc(parser);
	idl_lex_take_mark(lex);
	field->name = parse_name(parser, idl_is_field_name,
				 first ? "a field, a name or ')'" : "a name");
	if (first)
		type->kind = idl_lex_is_punct(lex, ':') ? TROUPE_STRUCT : TROUPE_ENUM;
	if (type->kind == TROUPE_ENUM) {
		if (mark.kind != IDL_MARK_NONE)
			idl_lex_refuse(lex, mark.line, mark.column,
				       "this mark is not before a field");
		if (idl_lex_is_punct(lex, ':'))
			fail_here(parser, "expected ',' or ')', found ':': this began as "
					  "an enum, without types");
		return;
	}
	idl_lex_skip(lex, ':', "':' and a type");
	field->type = new_type(parser);
	parse_type(parser, mark, depth, field->type);
}

/* ( ... ): a struct or an enum; () is the empty struct. */
static void parse_fields(struct idl_parser *parser, unsigned depth, struct idl_type *type)
{
	struct idl_lex *lex = &parser->lex;

	type->kind = TROUPE_STRUCT;
	idl_lex_skip(lex, '(', "'('");
	while (!lex->r && (type->n_fields > 0 || !idl_lex_is_punct(lex, ')'))) {
		if (type->n_fields == IDL_FIELDS_MAX)
			fail_here(parser, "more than 256 fields or names");
		check_unique(parser, type);
		type->fields =
			extend(parser, type->fields, type->n_fields, sizeof(*type->fields));
		if (lex->r)
			return;
		parse_field(parser, type, depth, &type->fields[type->n_fields]);
		type->n_fields++;
		if (!idl_lex_is_punct(lex, ','))
			break;
		idl_lex_next(lex);
	}
	/* A first name without a type is taken for one of an enum, which is rarely meant. */
	idl_lex_skip(lex, ')',
		     type->kind == TROUPE_ENUM && type->n_fields == 1
			     ? "':' and a type, or for an enum ',' or ')'"
			     : "',' or ')'");
}

static void refuse_mark(struct idl_parser *parser, struct mark mark)
{
	if (mark.kind != IDL_MARK_NONE)
		idl_lex_refuse(&parser->lex, mark.line, mark.column,
			       "only strings can be marked");
}

/* A plain type or a reference. */
static void parse_word_type(struct idl_parser *parser, struct mark mark, struct idl_type *type)
{
	struct idl_lex *lex = &parser->lex;
	struct idl_reference *reference;

	for (enum troupe_kind kind = TROUPE_BOOL; kind <= TROUPE_OBJECT; kind++) {
		/* These are strings, with a mark. */
		if (kind == TROUPE_BINARY || kind == TROUPE_ADDRESS ||
		    !idl_lex_is_word(lex, kinds[kind].word))
			continue;
		type->kind = kind;
		if (kind != TROUPE_STRING)
			refuse_mark(parser, mark);
		else if (mark.kind != IDL_MARK_NONE)
			type->kind =
				mark.kind == IDL_MARK_BINARY ? TROUPE_BINARY : TROUPE_ADDRESS;
		idl_lex_next(lex);
		return;
	}
	reference = allocate(parser, sizeof(*reference));
	if (!reference)
		return;
	reference->line = lex->token_line;
	reference->column = lex->token_column;
	reference->name = parse_name(
		parser, idl_is_member_name,
		"a type (bool, int, float, string, object, a name, '(', '[' or '?')");
	refuse_mark(parser, mark);
	reference->type = type;
	reference->next = parser->references;
	parser->references = reference;
}

/* Past '[': "]" makes an array, "string]" a map. */
static void parse_brackets(struct idl_parser *parser, struct idl_type *type)
{
	struct idl_lex *lex = &parser->lex;

	type->kind = idl_lex_is_word(lex, "string") ? TROUPE_MAP : TROUPE_ARRAY;
	if (type->kind == TROUPE_MAP)
		idl_lex_next(lex);
	idl_lex_skip(lex, ']', type->kind == TROUPE_MAP ? "']'" : "']' or 'string]'");
}

/* depth: of anonymous types, prefixes included, around this one. */
static void parse_type(struct idl_parser *parser, struct mark mark, unsigned depth,
		       struct idl_type *type)
{
	struct idl_lex *lex = &parser->lex;
	bool optional = idl_lex_is_punct(lex, '?'), is_struct = idl_lex_is_punct(lex, '(');

	if (!optional && !is_struct && !idl_lex_is_punct(lex, '[')) {
		parse_word_type(parser, mark, type);
		return;
	}
	if (depth == IDL_DEPTH_MAX)
		fail_here(parser, "types nest deeper than 32");
	if (is_struct) {
		refuse_mark(parser, mark);
		parse_fields(parser, depth + 1, type);
		return;
	}
	idl_lex_next(lex);
	type->kind = TROUPE_OPTIONAL;
	if (optional && idl_lex_is_punct(lex, '?'))
		idl_lex_expected(lex, "a type that is not optional itself");
	if (!optional)
		parse_brackets(parser, type);
	if (lex->r)
		return;
	type->item = new_type(parser);
	parse_type(parser, mark, depth + 1, type->item);
}

static struct idl_type *parse_struct(struct idl_parser *parser, const char *owner)
{
	struct idl_lex *lex = &parser->lex;
	unsigned line = lex->token_line, column = lex->token_column;
	struct idl_type *type = new_type(parser);

	parse_fields(parser, 1, type);
	if (owner && type->kind != TROUPE_STRUCT)
		idl_lex_refuse(lex, line, column,
			       "%s takes a struct, found an enum (fields are 'name: type')",
			       owner);
	return type;
}

static void parse_member(struct idl_parser *parser, struct idl_member *member)
{
	static const char *const keywords[] = {"type", "method", "error"};
	static const char *const owners[] = {NULL, "a method", "an error"};
	struct idl_lex *lex = &parser->lex;
	size_t kind = 0;

	while (kind < 3 && !idl_lex_is_word(lex, keywords[kind]))
		kind++;
	if (kind == 3) {
		idl_lex_expected(lex, "'type', 'method' or 'error'");
		return;
	}
	member->kind = (enum idl_member_kind)kind;
	member->doc = parse_doc(parser);
	idl_lex_next(lex);
	member->line = lex->token_line;
	member->name =
		parse_name(parser, idl_is_member_name, "a name that begins with a capital");
	member->type = parse_struct(parser, owners[kind]);
	if (kind != IDL_METHOD)
		return;
	if (lex->token == IDL_TOKEN_ARROW)
		idl_lex_next(lex);
	else
		idl_lex_expected(lex, "'->'");
	member->out = parse_struct(parser, owners[kind]);
}

static void check_member(struct idl_parser *parser, const struct idl *idl,
			 const struct idl_member *member)
{
	for (size_t i = 0; i < idl->n_members && !parser->lex.r; i++)
		if (strcmp(idl->members[i].name, member->name) == 0)
			idl_lex_refuse(&parser->lex, member->line, 1,
				       "a second '%s'; the first is in line %u", member->name,
				       idl->members[i].line);
}

static void parse_members(struct idl_parser *parser, struct idl *idl)
{
	struct idl_lex *lex = &parser->lex;

	while (lex->token != IDL_TOKEN_END) {
		struct idl_member *member;

		if (idl->n_members == IDL_MEMBERS_MAX)
			fail_here(parser, "more than 1024 types, methods and errors");
		idl->members =
			extend(parser, idl->members, idl->n_members, sizeof(*idl->members));
		if (lex->r)
			return;
		member = &idl->members[idl->n_members];
		parse_member(parser, member);
		check_member(parser, idl, member);
		idl->n_members++;
	}
}

static void parse_interface(struct idl_parser *parser, struct idl *idl)
{
	struct idl_lex *lex = &parser->lex;

	if (!idl_lex_is_word(lex, "interface"))
		idl_lex_expected(lex, "'interface'");
	idl->doc = parse_doc(parser);
	idl_lex_next(lex);
	if (lex->token != IDL_TOKEN_WORD || !idl_is_interface_name(lex->start, lex->length))
		idl_lex_expected(lex, "an interface name like 'org.example.name'");
	idl->name = copy_token(parser);
	idl_lex_next(lex);
	parse_members(parser, idl);
}

int idl_parse(const char *text, size_t size, struct idl **ret_idl, struct idl_error *ret_error)
{
	struct idl_parser parser = {0};
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
	if (own->idl.text) {
		idl_lex_init(&parser.lex, own->idl.text, size, ret_error);
		parse_interface(&parser, &own->idl);
	}
	r = own->idl.text ? parser.lex.r : -ENOMEM;
	if (r == 0)
		r = idl_check(&own->idl, parser.references, ret_error);
	if (r < 0)
		idl_free(&own->idl);
	else
		*ret_idl = &own->idl;
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
