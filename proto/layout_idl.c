#include "proto/layout_idl.h"

#include <stdbool.h>
#include <string.h>

/* The structs around the place of the walk. Layouts are no deeper than LAYOUT_DEPTH_MAX. */
struct around {
	const struct around *outer;
	const struct troupe_type *from;
	struct idl_type *made;
};

static struct idl_type *convert(const struct troupe_type *type, struct arena *arena,
				const struct around *around);

static struct idl_type *refer(struct arena *arena, struct idl_type *to, unsigned up)
{
	struct idl_type *made = arena_alloc(arena, sizeof(*made));
	struct idl_member *member = arena_alloc(arena, sizeof(*member));

	if (!made || !member)
		return NULL;
	member->kind = IDL_TYPE;
	member->name = arena_printf(arena, "^%u", up);
	member->type = to;
	made->kind = TROUPE_STRUCT;
	made->named = member;
	return member->name ? made : NULL;
}

static bool convert_fields(const struct troupe_type *type, struct arena *arena,
			   const struct around *around, struct idl_type *made)
{
	for (uint32_t i = 0; i < type->count; i++) {
		const char *name =
			type->kind == TROUPE_STRUCT ? type->fields[i].name : type->names[i];
		struct idl_field *field = &made->fields[i];

		field->name = arena_copy(arena, name, strlen(name));
		if (!field->name)
			return false;
		if (type->kind != TROUPE_STRUCT)
			continue;
		field->type = convert(type->fields[i].type, arena, around);
		if (!field->type)
			return false;
	}
	made->n_fields = type->count;
	return true;
}

static struct idl_type *convert(const struct troupe_type *type, struct arena *arena,
				const struct around *around)
{
	unsigned up = 0;

	for (const struct around *at = around; at; at = at->outer, up++)
		if (at->from == type)
			return refer(arena, at->made, up);

	struct idl_type *made = arena_alloc(arena, sizeof(*made));
	if (!made)
		return NULL;
	made->kind = (enum troupe_kind)type->kind;
	if (type->item) {
		made->item = convert(type->item, arena, around);
		return made->item ? made : NULL;
	}
	if (type->count == 0)
		return made;
	const struct around inner = {around, type, made};
	made->fields = arena_alloc(arena, type->count * sizeof(*made->fields));
	if (!made->fields ||
	    !convert_fields(type, arena, type->kind == TROUPE_STRUCT ? &inner : around, made))
		return NULL;
	return made;
}

const struct idl_type *layout_to_idl(const struct layout *layout, struct arena *arena)
{
	return convert(layout_type(layout), arena, NULL);
}
