#include "proto/layout.h"

#include "base/cleanup.h"
#include "proto/layout_text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_type(struct layout_text *text, const struct troupe_type *type);

static int print_struct(struct layout_text *text, const struct troupe_type *type)
{
	int r = layout_text_open_struct(text, type);

	if (r != 0)
		return r < 0 ? r : 0;
	for (uint32_t i = 0; i < type->count; i++) {
		r = layout_text_add_name(text, i > 0, type->fields[i].name);
		if (r < 0)
			return r;
		r = layout_text_add(text, ":");
		if (r < 0)
			return r;
		r = print_type(text, type->fields[i].type);
		if (r < 0)
			return r;
	}
	return layout_text_close_struct(text);
}

static int print_enum(struct layout_text *text, const struct troupe_type *type)
{
	int r = layout_text_add(text, "{");

	for (uint32_t i = 0; r == 0 && i < type->count; i++)
		r = layout_text_add_name(text, i > 0, type->names[i]);
	if (r < 0)
		return r;
	return layout_text_add(text, "}");
}

static int print_type(struct layout_text *text, const struct troupe_type *type)
{
	int r;

	if (type->kind == TROUPE_STRUCT)
		return print_struct(text, type);
	if (type->kind == TROUPE_ENUM)
		return print_enum(text, type);
	r = layout_text_open(text, (enum troupe_kind)type->kind);
	if (r < 0 || !type->item)
		return r;
	r = print_type(text, type->item);
	if (r < 0)
		return r;
	layout_text_close(text);
	return 0;
}

int layout_print(const struct troupe_type *type, char **ret_text)
{
	struct layout_text text = {0};
	int r = print_type(&text, type);

	if (r < 0) {
		free(text.text);
		return r;
	}
	*ret_text = text.text;
	return 0;
}

static uint64_t add_bytes(uint64_t hash, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		hash ^= (unsigned char)bytes[i];
		hash *= 0x100000001b3ull;
	}
	return hash;
}

uint64_t layout_hash(const char *qualified_name, char mark, const char *layout)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	hash = add_bytes(hash, qualified_name, strlen(qualified_name));
	hash = add_bytes(hash, &mark, 1);
	hash = add_bytes(hash, layout, strlen(layout));
	/* FNV leaves its high bits weak for short texts; tables index by them. */
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdull;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ull;
	hash ^= hash >> 33;
	return hash ? hash : 1;
}
