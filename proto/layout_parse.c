#include "proto/layout.h"

#include "proto/arena.h"
#include "proto/idl.h"
#include "proto/idl_names.h"
#include "proto/kind.h"
#include "proto/steps.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A type in the making. Items may be of a struct that is not complete yet (a struct may hold an
 * array of itself), so what depends on their size is filled in at the end, along the list of
 * types. */
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

struct layout_parser {
	const char *at, *end;
	struct arena *memory;
	struct made_type *newest;
	size_t n_fields;     /* in the whole text, names of enums included */
	unsigned depth;      /* structs, arrays, maps and optionals open */
	unsigned n_pointers; /* of them arrays, maps and optionals */
	unsigned n_structs;
	struct open_struct structs[LAYOUT_DEPTH_MAX];
	bool no_memory; /* why something could not be parsed; else the text is wrong */
};

/* All functions return NULL when there is no such thing at the parser's place, or no memory. */

static const struct troupe_type *parse_type(struct layout_parser *parser);

static bool take(struct layout_parser *parser, const char *token)
{
	size_t size = strlen(token);

	if ((size_t)(parser->end - parser->at) < size || memcmp(parser->at, token, size) != 0)
		return false;
	parser->at += size;
	return true;
}

static void *allocate(struct layout_parser *parser, size_t size)
{
	void *memory = arena_alloc(parser->memory, size);

	parser->no_memory |= !memory;
	return memory;
}

static struct troupe_type *make_type(struct layout_parser *parser, enum troupe_kind kind)
{
	struct made_type *made = allocate(parser, sizeof(*made));

	if (!made)
		return NULL;
	made->type.table_size = sizeof(made->type);
	made->type.kind = (uint8_t)kind;
	kind_measure(&made->type, NULL);
	made->older = parser->newest;
	parser->newest = made;
	return &made->type;
}

static const char *parse_name(struct layout_parser *parser)
{
	const char *at = parser->at;
	char *name;

	while (parser->at < parser->end && !strchr(",:)}", *parser->at))
		parser->at++;
	if (parser->at - at > IDL_MEMBER_NAME_MAX ||
	    !idl_is_field_name(at, (size_t)(parser->at - at)) ||
	    ++parser->n_fields > LAYOUT_FIELDS_MAX)
		return NULL;
	name = allocate(parser, (size_t)(parser->at - at) + 1);
	return name ? memcpy(name, at, (size_t)(parser->at - at)) : NULL;
}

/* Make room for one more in an array. */
static void *extend(struct layout_parser *parser, void *items, uint32_t count, size_t size)
{
	if (count == IDL_FIELDS_MAX)
		return NULL;
	items = arena_extend(parser->memory, items, count, size);
	parser->no_memory |= !items;
	return items;
}

static struct troupe_type *parse_enum(struct layout_parser *parser)
{
	struct troupe_type *type = make_type(parser, TROUPE_ENUM);
	const char **names = NULL;

	if (!type)
		return NULL;
	do {
		const char *name = parse_name(parser);

		for (uint32_t i = 0; name && i < type->count; i++)
			if (strcmp(names[i], name) == 0)
				return NULL;
		names = name ? extend(parser, names, type->count, sizeof(*names)) : NULL;
		if (!names)
			return NULL;
		names[type->count++] = name;
	} while (take(parser, ","));
	type->names = names;
	return take(parser, "}") ? type : NULL;
}

static bool parse_field(struct layout_parser *parser, struct troupe_type *type,
			struct troupe_field *fields)
{
	struct troupe_field *field = &fields[type->count];

	field->name = parse_name(parser);
	for (uint32_t i = 0; field->name && i < type->count; i++)
		if (strcmp(fields[i].name, field->name) == 0)
			return false;
	if (!field->name || !take(parser, ":"))
		return false;
	field->type = parse_type(parser);
	type->count++;
	return field->type != NULL;
}

static bool parse_fields(struct layout_parser *parser, struct troupe_type *type)
{
	struct troupe_field *fields = NULL;

	do {
		fields = extend(parser, fields, type->count, sizeof(*fields));
		if (!fields || !parse_field(parser, type, fields))
			return false;
	} while (take(parser, ","));
	kind_measure(type, fields);
	return take(parser, ")");
}

static struct troupe_type *parse_struct(struct layout_parser *parser)
{
	struct troupe_type *type = make_type(parser, TROUPE_STRUCT);

	if (!type || take(parser, ")"))
		return type;
	parser->structs[parser->n_structs++] = (struct open_struct){type, parser->n_pointers};
	if (!parse_fields(parser, type))
		return NULL;
	parser->n_structs--;
	return type;
}

static struct troupe_type *parse_item(struct layout_parser *parser, enum troupe_kind kind)
{
	struct troupe_type *type = make_type(parser, kind);

	if (!type)
		return NULL;
	parser->n_pointers++;
	type->item = parse_type(parser);
	parser->n_pointers--;
	if (!type->item || (kind == TROUPE_OPTIONAL && type->item->kind == TROUPE_OPTIONAL))
		return NULL;
	return type;
}

/* A struct may hold itself only behind a pointer, or it would have no end. */
static const struct troupe_type *parse_reference(struct layout_parser *parser)
{
	const struct open_struct *open;
	unsigned up = 0;
	const char *digits = parser->at;

	for (; parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9';
	     parser->at++) {
		up = up * 10 + (unsigned)(*parser->at - '0');
		if (up >= parser->n_structs || (*digits == '0' && parser->at > digits))
			return NULL;
	}
	if (parser->at == digits || up >= parser->n_structs)
		return NULL;
	open = &parser->structs[parser->n_structs - 1 - up];
	return open->n_pointers == parser->n_pointers ? NULL : open->type;
}

static const struct troupe_type *parse_type(struct layout_parser *parser)
{
	const struct troupe_type *type;
	enum troupe_kind kind = TROUPE_BOOL;

	if (take(parser, "^"))
		return parse_reference(parser);
	while (kind <= TROUPE_OPTIONAL && !take(parser, kinds[kind].word))
		kind++;
	if (kind < TROUPE_ENUM)
		return make_type(parser, kind);
	if (kind == TROUPE_ENUM)
		return parse_enum(parser);
	if (kind > TROUPE_OPTIONAL || parser->depth == LAYOUT_DEPTH_MAX)
		return NULL;
	parser->depth++;
	type = kind == TROUPE_STRUCT ? parse_struct(parser) : parse_item(parser, kind);
	parser->depth--;
	return type;
}

int layout_parse(const char *text, size_t size, struct layout **ret_layout)
{
	struct layout_parser parser = {.at = text};
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
	layout->root = parse_type(&parser);
	r = parser.no_memory ? -ENOMEM : layout->root && parser.at == parser.end ? 0 : -EINVAL;
	for (struct made_type *made = parser.newest; made && r == 0; made = made->older) {
		/* All structs are complete now. */
		kind_measure_items(&made->type);
		r = steps_make(&made->type, &layout->memory);
	}
	if (r < 0)
		layout_free(layout);
	else
		*ret_layout = layout;
	return r;
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
