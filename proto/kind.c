#include "proto/kind.h"

#include "proto/codec_walk.h"

const struct kind kinds[TROUPE_OPTIONAL + 1] = {
	[TROUPE_BOOL] = {"bool", "TROUPE_BOOL", "bool ", "a bool", 1, 1, 0},
	[TROUPE_INT] = {"int", "TROUPE_INT", "int64_t ", "an int", 8, 8, TROUPE_TYPE_PLAIN},
	[TROUPE_FLOAT] = {"float", "TROUPE_FLOAT", "double ", "a float", 8, 8, 0},
	[TROUPE_STRING] = {"string", "TROUPE_STRING", "const char *", "a string", 8, 8, 0},
	[TROUPE_BINARY] = {"binary", "TROUPE_BINARY", "struct troupe_binary ",
			   "a string in base64", 16, 8, 0},
	[TROUPE_ADDRESS] = {"address", "TROUPE_ADDRESS", "struct troupe_address ",
			    "a string with an address", 16, 4, TROUPE_TYPE_PLAIN},
	[TROUPE_OBJECT] = {"object", "TROUPE_OBJECT", "const char *", "an object", 8, 8, 0},
	[TROUPE_ENUM] = {"{", "TROUPE_ENUM", NULL, "an enum's name", 4, 4, 0},
	[TROUPE_STRUCT] = {"(", "TROUPE_STRUCT", NULL, "an object", 0, 1, 0},
	[TROUPE_ARRAY] = {"[]", "TROUPE_ARRAY", NULL, "an array", 16, 8, 0},
	[TROUPE_MAP] = {"[string]", "TROUPE_MAP", NULL, "an object", 16, 8, 0},
	[TROUPE_OPTIONAL] = {"?", "TROUPE_OPTIONAL", NULL, NULL, 8, 8, 0},
};

const char *kind_phrase(const struct troupe_type *type)
{
	while (type->kind == TROUPE_OPTIONAL)
		type = type->item;
	return type->kind >= TROUPE_BOOL && type->kind < TROUPE_OPTIONAL
		       ? kinds[type->kind].phrase
		       : "a type of unknown kind";
}

/* Where the compiler puts the fields of a struct. */
static void measure_fields(struct troupe_type *type, struct troupe_field *fields)
{
	uint32_t end = 0;

	/* A struct without fields is all padding. */
	type->flags = type->count > 0 ? TROUPE_TYPE_PLAIN : 0;
	for (uint32_t i = 0; i < type->count; i++) {
		const struct troupe_type *of = fields[i].type;

		fields[i].offset = (uint32_t)align_up(end, of->align);
		if (!is_plain(of) || fields[i].offset != end)
			type->flags = 0;
		end = fields[i].offset + (uint32_t)placed_size(of);
		type->align = of->align > type->align ? of->align : type->align;
	}
	type->size = (uint32_t)align_up(end, type->align);
	if (type->size != end)
		type->flags = 0;
}

void kind_measure(struct troupe_type *type, struct troupe_field *fields)
{
	const struct kind *kind = &kinds[type->kind];

	type->size = kind->size;
	type->align = kind->align;
	type->flags = kind->flags;
	type->fields = fields;
	if (type->kind == TROUPE_STRUCT)
		measure_fields(type, fields);
}

void kind_measure_items(struct troupe_type *type)
{
	if (type->kind == TROUPE_ARRAY) {
		type->stride = (uint32_t)placed_size(type->item);
		type->entry_align = type->item->align;
	} else if (type->kind == TROUPE_MAP) {
		type->value_offset = sizeof(char *);
		type->entry_align = _Alignof(char *);
		type->stride = (uint32_t)align_up(sizeof(char *) + placed_size(type->item),
						  _Alignof(char *));
	}
}
