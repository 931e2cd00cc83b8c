#include "proto/layout_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int layout_text_add(struct layout_text *text, const char *piece)
{
	size_t size = strlen(piece);

	if (size > LAYOUT_TEXT_MAX - text->size)
		return -E2BIG;
	if (text->size + size + 1 > text->room) {
		size_t room = 2 * (text->size + size + 1) + 64;
		char *grown = (char *)realloc(text->text, room);

		if (!grown)
			return -ENOMEM;
		text->text = grown;
		text->room = room;
	}
	memcpy(text->text + text->size, piece, size + 1);
	text->size += size;
	return 0;
}

int layout_text_add_name(struct layout_text *text, bool comma, const char *name)
{
	int r;

	if (++text->n_fields > LAYOUT_FIELDS_MAX)
		return -E2BIG;
	r = comma ? layout_text_add(text, ",") : 0;
	if (r < 0)
		return r;
	return layout_text_add(text, name);
}

static int enter(struct layout_text *text)
{
	if (text->depth == LAYOUT_DEPTH_MAX)
		return -E2BIG;
	text->depth++;
	return 0;
}

int layout_text_open_struct(struct layout_text *text, const void *id)
{
	char reference[16];
	int r;

	for (unsigned up = 0; up < text->n_structs; up++) {
		if (text->structs[text->n_structs - 1 - up] != id)
			continue;
		snprintf(reference, sizeof(reference), "^%u", up);
		r = layout_text_add(text, reference);
		return r < 0 ? r : 1;
	}
	r = enter(text);
	if (r < 0)
		return r;
	text->structs[text->n_structs++] = id;
	return layout_text_add(text, "(");
}

int layout_text_close_struct(struct layout_text *text)
{
	text->n_structs--;
	text->depth--;
	return layout_text_add(text, ")");
}

int layout_text_open(struct layout_text *text, enum troupe_kind kind)
{
	static const char *const words[] = {
		[TROUPE_BOOL] = "bool",     [TROUPE_INT] = "int",
		[TROUPE_FLOAT] = "float",   [TROUPE_STRING] = "string",
		[TROUPE_BINARY] = "binary", [TROUPE_ADDRESS] = "address",
		[TROUPE_OBJECT] = "object", [TROUPE_ARRAY] = "[]",
		[TROUPE_MAP] = "[string]",  [TROUPE_OPTIONAL] = "?",
	};
	int r;

	if (kind == TROUPE_ARRAY || kind == TROUPE_MAP || kind == TROUPE_OPTIONAL) {
		r = enter(text);
		if (r < 0)
			return r;
	}
	return layout_text_add(text, words[kind]);
}

void layout_text_close(struct layout_text *text)
{
	text->depth--;
}
