#include "proto/gen.h"

#include "base/cleanup.h"
#include "proto/gen_model.h"
#include "proto/idl_lex.h"
#include "proto/layout.h"
#include "proto/layout_text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_type(struct layout_text *text, const struct idl_type *type)
{
	if (type->named)
		type = type->named->type;
	if (!layout_text_open(text, type->kind, type))
		return;
	for (size_t i = 0; i < type->n_fields && !text->error; i++) {
		const struct idl_field *field = &type->fields[i];

		layout_text_add_name(text, i, field->name, field->type);
		if (field->type)
			print_type(text, field->type);
	}
	if (type->item)
		print_type(text, type->item);
	layout_text_close(text, type->kind);
}

int gen_layout(const struct idl_type *type, char **ret_text)
{
	struct layout_text text = {0};

	print_type(&text, type);
	return layout_text_finish(&text, ret_text);
}

int gen_hash(const struct idl *idl, const struct idl_member *member,
	     const struct idl_type *type, char mark, FILE *listing, uint64_t *ret_hash,
	     struct idl_error *error)
{
	cleanup_free char *layout = NULL;
	cleanup_free char *name = NULL;
	int r = gen_layout(type, &layout);

	if (r == -E2BIG)
		return idl_lex_fail(
			error, member->line, 1,
			"'%s' is too large: written out, its types hold more than %u "
			"fields, %u levels or %u bytes",
			member->name, (unsigned)LAYOUT_FIELDS_MAX, (unsigned)LAYOUT_DEPTH_MAX,
			LAYOUT_TEXT_MAX);
	if (r < 0)
		return r;
	if (asprintf(&name, "%s.%s", idl->name, member->name) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	*ret_hash = layout_hash(name, mark, layout);
	if (listing)
		fprintf(listing, "%016" PRIx64 " %s %c %s\n", *ret_hash, name, mark, layout);
	return 0;
}

static int list_member(const struct idl *idl, const struct idl_member *member, FILE *listing,
		       struct idl_error *error)
{
	char mark = member->kind == IDL_ERROR ? '!' : '(';
	uint64_t hash;
	int r;

	if (member->kind == IDL_TYPE)
		return 0;
	r = gen_hash(idl, member, member->type, mark, listing, &hash, error);
	if (r == 0 && member->out)
		r = gen_hash(idl, member, member->out, '>', listing, &hash, error);
	return r;
}

int gen_layouts(const struct idl *idl, char **ret_text, struct idl_error *ret_error)
{
	cleanup_free char *text = NULL;
	size_t size;
	FILE *listing = open_memstream(&text, &size);
	int r = 0;

	if (!listing)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < idl->n_members; i++)
		r = list_member(idl, &idl->members[i], listing, ret_error);
	if (fclose(listing) != 0 && r == 0)
		r = -ENOMEM;
	if (r < 0)
		return r;
	*ret_text = take_pointer(&text);
	return 0;
}
