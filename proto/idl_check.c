#include "proto/idl_check.h"

#include "base/cleanup.h"
#include "proto/idl_lex.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
	const struct idl_member *const *one = (const struct idl_member *const *)a;
	const struct idl_member *const *other = (const struct idl_member *const *)b;

	return strcmp((*one)->name, (*other)->name);
}

static int resolve(struct idl_reference *reference, const struct idl_member *const *sorted,
		   size_t n, struct idl_error *error)
{
	char name[IDL_NAME_MAX + 1];
	struct idl_member key = {.name = name};
	const struct idl_member *wanted = &key;
	const struct idl_member *const *found = NULL;

	strcpy(name, reference->name); /* the parser has checked its length */
	if (n > 0)
		found = (const struct idl_member *const *)bsearch(
			&wanted, sorted, n, sizeof(*sorted), compare_names);
	if (!found)
		return idl_lex_fail(error, reference->line, reference->column,
				    "there is no type '%s' in this interface", name);
	if ((*found)->kind != IDL_TYPE)
		return idl_lex_fail(error, reference->line, reference->column,
				    "expected a type, but '%s' is %s", name,
				    (*found)->kind == IDL_METHOD ? "a method" : "an error");
	reference->type->named = *found;
	reference->type->kind = (*found)->type->kind;
	return 0;
}

static int resolve_all(struct idl *idl, struct idl_reference *references,
		       struct idl_error *error)
{
	cleanup_free const struct idl_member **sorted = NULL;
	int r;

	sorted = (const struct idl_member **)calloc(idl->n_members + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < idl->n_members; i++)
		sorted[i] = &idl->members[i];
	qsort(sorted, idl->n_members, sizeof(*sorted), compare_names);
	for (struct idl_reference *at = references; at; at = at->next) {
		r = resolve(at, sorted, idl->n_members, error);
		if (r < 0)
			return r;
	}
	return 0;
}

/* How deep the structs that a member holds by value nest, itself included. */
struct depths {
	const struct idl *idl;
	struct idl_error *error;
	unsigned *known;  /* by member; 0: not yet */
	unsigned *active; /* by member: being measured */
	int r;            /* the first failure; depths mean nothing then */
};

static unsigned measure_member(struct depths *depths, const struct idl_member *member,
			       unsigned above);

static void refuse(struct depths *depths, const struct idl_member *member, const char *why)
{
	if (depths->r == 0)
		depths->r = idl_lex_fail(depths->error, member->line, 1, "'%s'%s", member->name,
					 why);
}

static void refuse_depth(struct depths *depths, const struct idl_member *member)
{
	_Static_assert(IDL_DEPTH_MAX == 32, "as the text says");
	refuse(depths, member, ": structs nest deeper than 32 by value");
}

static unsigned measure_type(struct depths *depths, const struct idl_member *member,
			     const struct idl_type *type, unsigned above)
{
	unsigned deepest = 0;

	if (type->kind != TROUPE_STRUCT || depths->r)
		return 0;
	if (type->named)
		return measure_member(depths, type->named, above);
	if (above >= IDL_DEPTH_MAX) {
		refuse_depth(depths, member);
		return 0;
	}
	for (size_t i = 0; i < type->n_fields; i++) {
		unsigned depth = measure_type(depths, member, type->fields[i].type, above + 1);

		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

/* A member that was measured under another one is not walked again: the work stays linear. */
static unsigned measure_member(struct depths *depths, const struct idl_member *member,
			       unsigned above)
{
	size_t i = (size_t)(member - depths->idl->members);

	if (depths->active[i])
		refuse(depths, member,
		       " would contain itself; it may only through ?, [] or [string]");
	if (depths->known[i] == 0 && depths->r == 0) {
		depths->active[i] = 1;
		depths->known[i] = measure_type(depths, member, member->type, above);
		depths->active[i] = 0;
	}
	if (above + depths->known[i] > IDL_DEPTH_MAX)
		refuse_depth(depths, member);
	return depths->known[i];
}

/* Structs below an item, in which another by-value nest begins. */
static void measure_items(struct depths *depths, const struct idl_member *member,
			  const struct idl_type *type)
{
	while (type->item) {
		type = type->item;
		(void)measure_type(depths, member, type, 0);
	}
	if (type->kind != TROUPE_STRUCT || type->named)
		return;
	for (size_t i = 0; i < type->n_fields; i++)
		measure_items(depths, member, type->fields[i].type);
}

static int measure_all(const struct idl *idl, struct idl_error *error)
{
	cleanup_free unsigned *marks =
		(unsigned *)calloc(2 * idl->n_members + 1, sizeof(*marks));
	struct depths depths = {idl, error, marks, marks ? marks + idl->n_members : NULL, 0};

	if (!marks)
		return -ENOMEM;
	for (size_t i = 0; i < idl->n_members && depths.r == 0; i++) {
		const struct idl_member *member = &idl->members[i];

		(void)measure_member(&depths, member, 0);
		measure_items(&depths, member, member->type);
		if (member->kind != IDL_METHOD)
			continue;
		(void)measure_type(&depths, member, member->out, 0);
		measure_items(&depths, member, member->out);
	}
	return depths.r;
}

int idl_check(struct idl *idl, struct idl_reference *references, struct idl_error *error)
{
	int r = resolve_all(idl, references, error);

	return r < 0 ? r : measure_all(idl, error);
}
