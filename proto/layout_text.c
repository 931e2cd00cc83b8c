#include "proto/layout_text.h"

#include "proto/kind.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct layout_text *text, const char *piece)
{
	size_t size = strlen(piece);

	if (!text->error && size > LAYOUT_TEXT_MAX - text->size)
		text->error = -E2BIG;
	if (!text->error && text->size + size + 1 > text->room) {
		size_t room = 2 * (text->size + size + 1) + 64;
		char *grown = (char *)realloc(text->text, room);

		if (grown) {
			text->text = grown;
			text->room = room;
		} else {
			text->error = -ENOMEM;
		}
	}
	if (text->error)
		return;
	memcpy(text->text + text->size, piece, size + 1);
	text->size += size;
}

void layout_text_add_name(struct layout_text *text, size_t i, const char *name, bool is_field)
{
	if (!text->error && ++text->n_fields > LAYOUT_FIELDS_MAX)
		text->error = -E2BIG;
	add(text, i > 0 ? "," : "");
	add(text, name);
	add(text, is_field ? ":" : "");
}

/* Whether the struct is open already, a reference to which is then written. */
static bool refer(struct layout_text *text, const void *id)
{
	char reference[16];

	for (unsigned up = 0; up < text->n_structs; up++) {
		if (text->structs[text->n_structs - 1 - up] != id)
			continue;
		snprintf(reference, sizeof(reference), "^%u", up);
		add(text, reference);
		return true;
	}
	return false;
}

bool layout_text_open(struct layout_text *text, enum troupe_kind kind, const void *id)
{
	if (text->error || (kind == TROUPE_STRUCT && refer(text, id)))
		return false;
	if (kind > TROUPE_ENUM) {
		if (text->depth == LAYOUT_DEPTH_MAX) {
			text->error = -E2BIG;
			return false;
		}
		text->depth++;
	}
	if (kind == TROUPE_STRUCT)
		text->structs[text->n_structs++] = id;
	add(text, kinds[kind].word);
	return kind >= TROUPE_ENUM && !text->error;
}

void layout_text_close(struct layout_text *text, enum troupe_kind kind)
{
	text->depth -= kind > TROUPE_ENUM;
	text->n_structs -= kind == TROUPE_STRUCT;
	add(text, kind == TROUPE_STRUCT ? ")" : kind == TROUPE_ENUM ? "}" : "");
}

int layout_text_finish(struct layout_text *text, char **ret_text)
{
	if (text->error)
		free(text->text);
	else
		*ret_text = text->text;
	return text->error;
}
