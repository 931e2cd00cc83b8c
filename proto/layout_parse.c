#include "proto/layout.h"

#include "proto/arena.h"
#include "proto/codec_walk.h"
#include "proto/idl.h"
#include "proto/steps.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_NAME_MAX 63 /* bytes; what the IDL allows */

/* A type in the making. Items may be of a struct that is not complete yet (a struct may hold an array of
 * itself), so what depends on their size is filled in at the end, along the list of types. */
struct made_type {
	struct troupe_type type;
	struct made_type *older;
};

/* A struct around the place of the parser. */
struct open_struct {
	struct troupe_type *type;
	unsigned n_pointers; /* pointers around it */
};

struct layout {
	struct arena memory;
	const struct troupe_type *root;
};

struct parser {
	const char *at, *end;
	struct arena *memory;
	struct made_type *newest;
	size_t n_fields;     /* in the whole text, names of enums included */
	unsigned depth;      /* structs, arrays, maps and optionals open */
	unsigned n_pointers; /* of them arrays, maps and optionals */
	unsigned n_structs;
	struct open_struct structs[LAYOUT_DEPTH_MAX];
};

static int parse_type(struct parser *parser, const struct troupe_type **ret_type);

static bool take(struct parser *parser, const char *token)
{
	size_t size = strlen(token);

	if ((size_t)(parser->end - parser->at) < size || memcmp(parser->at, token, size) != 0)
		return false;
	parser->at += size;
	return true;
}

static struct troupe_type *make_type(struct parser *parser, enum troupe_kind kind, size_t size,
				     size_t align)
{
	struct made_type *made = arena_alloc(parser->memory, sizeof(*made));

	if (!made)
		return NULL;
	made->type = (struct troupe_type){
		.table_size = sizeof(made->type),
		.kind = (uint8_t)kind,
		.size = (uint32_t)size,
		.align = (uint16_t)align,
	};
	made->older = parser->newest;
	parser->newest = made;
	return &made->type;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_letter_or_digit(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

/* A letter, then letters, digits and single '_' between them. */
static int parse_name(struct parser *parser, const char **ret_name)
{
	const char *at = parser->at, *end = parser->end;
	const char *name;

	if (at == end || !is_letter(*at))
		return -EINVAL;
	while (++at < end) {
		if (*at == '_' && end - at > 1)
			at++;
		if (!is_letter_or_digit(*at))
			break;
	}
	if (at[-1] == '_' || (size_t)(at - parser->at) > FIELD_NAME_MAX)
		return -EINVAL;
	if (++parser->n_fields > LAYOUT_FIELDS_MAX)
		return -EINVAL;
	name = arena_copy(parser->memory, parser->at, (size_t)(at - parser->at));
	if (!name)
		return -ENOMEM;
	parser->at = at;
	*ret_name = name;
	return 0;
}

/* Make room for one more in an array of the arena, which doubles at powers of two. */
static void *grow_array(struct arena *memory, void *items, uint32_t count, size_t size)
{
	void *grown;

	if (count & (count - 1))
		return items;
	grown = arena_alloc(memory, (count ? 2 * (size_t)count : 1) * size);
	if (grown && count > 0)
		memcpy(grown, items, count * size);
	return grown;
}

static int parse_enum(struct parser *parser, struct troupe_type **ret_type)
{
	struct troupe_type *type = make_type(parser, TROUPE_ENUM, 4, 4);
	const char **names = NULL;

	if (!type)
		return -ENOMEM;
	do {
		const char *name;
		int r = parse_name(parser, &name);

		if (r < 0)
			return r;
		for (uint32_t i = 0; i < type->count; i++)
			if (strcmp(names[i], name) == 0)
				return -EINVAL;
		if (type->count == IDL_FIELDS_MAX)
			return -EINVAL;
		names = grow_array(parser->memory, names, type->count, sizeof(*names));
		if (!names)
			return -ENOMEM;
		names[type->count++] = name;
	} while (take(parser, ","));
	if (!take(parser, "}"))
		return -EINVAL;
	type->names = names;
	*ret_type = type;
	return 0;
}

static int parse_field(struct parser *parser, struct troupe_type *type,
		       struct troupe_field *fields)
{
	struct troupe_field *field = &fields[type->count];
	int r = parse_name(parser, &field->name);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < type->count; i++)
		if (strcmp(fields[i].name, field->name) == 0)
			return -EINVAL;
	if (!take(parser, ":"))
		return -EINVAL;
	r = parse_type(parser, &field->type);
	if (r < 0)
		return r;
	field->offset = (uint32_t)align_up(type->size, field->type->align);
	if (!is_plain(field->type) || field->offset != type->size)
		type->flags = 0;
	type->size = (uint32_t)(field->offset + placed_size(field->type));
	if (field->type->align > type->align)
		type->align = field->type->align;
	type->count++;
	return 0;
}

static int parse_fields(struct parser *parser, struct troupe_type *type)
{
	struct troupe_field *fields = NULL;
	size_t end;

	type->flags = TROUPE_TYPE_PLAIN;
	do {
		int r;

		if (type->count == IDL_FIELDS_MAX)
			return -EINVAL;
		fields = grow_array(parser->memory, fields, type->count, sizeof(*fields));
		if (!fields)
			return -ENOMEM;
		r = parse_field(parser, type, fields);
		if (r < 0)
			return r;
	} while (take(parser, ","));
	if (!take(parser, ")"))
		return -EINVAL;
	type->fields = fields;
	end = align_up(type->size, type->align);
	if (end != type->size)
		type->flags = 0;
	type->size = (uint32_t)end;
	return 0;
}

static int parse_struct(struct parser *parser, struct troupe_type **ret_type)
{
	struct troupe_type *type = make_type(parser, TROUPE_STRUCT, 0, 1);
	int r;

	if (!type)
		return -ENOMEM;
	if (!take(parser, ")")) {
		parser->structs[parser->n_structs++] =
			(struct open_struct){type, parser->n_pointers};
		r = parse_fields(parser, type);
		if (r < 0)
			return r;
		parser->n_structs--;
	}
	*ret_type = type;
	return 0;
}

static int parse_item(struct parser *parser, enum troupe_kind kind,
		      struct troupe_type **ret_type)
{
	struct troupe_type *type;
	int r;

	type = make_type(parser, kind, kind == TROUPE_OPTIONAL ? 8 : 16, 8);
	if (!type)
		return -ENOMEM;
	parser->n_pointers++;
	r = parse_type(parser, &type->item);
	parser->n_pointers--;
	if (r < 0)
		return r;
	if (kind == TROUPE_OPTIONAL && type->item->kind == TROUPE_OPTIONAL)
		return -EINVAL;
	*ret_type = type;
	return 0;
}

/* A struct may hold itself only behind a pointer, or it would have no end. */
static int parse_reference(struct parser *parser, const struct troupe_type **ret_type)
{
	const struct open_struct *open;
	unsigned up = 0;
	const char *digits = parser->at;

	for (; parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9';
	     parser->at++) {
		up = up * 10 + (unsigned)(*parser->at - '0');
		if (up >= parser->n_structs || (*digits == '0' && parser->at > digits))
			return -EINVAL;
	}
	if (parser->at == digits || up >= parser->n_structs)
		return -EINVAL;
	open = &parser->structs[parser->n_structs - 1 - up];
	if (open->n_pointers == parser->n_pointers)
		return -EINVAL;
	*ret_type = open->type;
	return 0;
}

static int parse_scalar(struct parser *parser, struct troupe_type **ret_type)
{
	static const struct {
		const char word[8];
		enum troupe_kind kind;
		uint8_t size, align;
	} scalars[] = {
		{"bool", TROUPE_BOOL, 1, 1},      {"int", TROUPE_INT, 8, 8},
		{"float", TROUPE_FLOAT, 8, 8},    {"string", TROUPE_STRING, 8, 8},
		{"binary", TROUPE_BINARY, 16, 8}, {"address", TROUPE_ADDRESS, 16, 4},
		{"object", TROUPE_OBJECT, 8, 8},
	};

	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
		if (!take(parser, scalars[i].word))
			continue;
		*ret_type =
			make_type(parser, scalars[i].kind, scalars[i].size, scalars[i].align);
		if (!*ret_type)
			return -ENOMEM;
		if (scalars[i].kind == TROUPE_INT || scalars[i].kind == TROUPE_ADDRESS)
			(*ret_type)->flags = TROUPE_TYPE_PLAIN;
		return 0;
	}
	return -EINVAL;
}

static int parse_nested(struct parser *parser, struct troupe_type **ret_type)
{
	if (take(parser, "("))
		return parse_struct(parser, ret_type);
	if (take(parser, "[]"))
		return parse_item(parser, TROUPE_ARRAY, ret_type);
	if (take(parser, "[string]"))
		return parse_item(parser, TROUPE_MAP, ret_type);
	if (take(parser, "?"))
		return parse_item(parser, TROUPE_OPTIONAL, ret_type);
	return -EINVAL;
}

static int parse_type(struct parser *parser, const struct troupe_type **ret_type)
{
	struct troupe_type *type = NULL;
	int r;

	if (take(parser, "^"))
		return parse_reference(parser, ret_type);
	if (parser->at < parser->end && strchr("([?", *parser->at)) {
		if (parser->depth == LAYOUT_DEPTH_MAX)
			return -EINVAL;
		parser->depth++;
		r = parse_nested(parser, &type);
		parser->depth--;
	} else if (take(parser, "{")) {
		r = parse_enum(parser, &type);
	} else {
		r = parse_scalar(parser, &type);
	}
	if (r == 0)
		*ret_type = type;
	return r;
}

/* All structs are complete: set the distance between the items of arrays and maps. */
static void measure_items(struct made_type *made)
{
	for (; made; made = made->older) {
		struct troupe_type *type = &made->type;

		if (type->kind == TROUPE_ARRAY) {
			type->stride = (uint32_t)placed_size(type->item);
			type->entry_align = type->item->align;
		} else if (type->kind == TROUPE_MAP) {
			type->value_offset = sizeof(char *);
			type->entry_align = _Alignof(char *);
			type->stride = (uint32_t)align_up(
				sizeof(char *) + placed_size(type->item), _Alignof(char *));
		}
	}
}

int layout_parse(const char *text, size_t size, struct layout **ret_layout)
{
	struct parser parser = {.at = text};
	struct layout *layout;
	int r;

	if (size == 0 || size > LAYOUT_TEXT_MAX || text[0] != '(')
		return -EINVAL;
	parser.end = text + size;
	layout = calloc(1, sizeof(*layout));
	if (!layout)
		return -ENOMEM;
	arena_init(&layout->memory);
	parser.memory = &layout->memory;
	r = parse_type(&parser, &layout->root);
	if (r == 0 && parser.at != parser.end)
		r = -EINVAL;
	if (r < 0) {
		layout_free(layout);
		return r;
	}
	measure_items(parser.newest);
	for (struct made_type *made = parser.newest; made && r == 0; made = made->older)
		r = steps_make(&made->type, &layout->memory);
	if (r < 0) {
		layout_free(layout);
		return r;
	}
	*ret_layout = layout;
	return 0;
}

const struct troupe_type *layout_type(const struct layout *layout)
{
	return layout->root;
}

void layout_free(struct layout *layout)
{
	if (!layout)
		return;
	arena_fini(&layout->memory);
	free(layout);
}
