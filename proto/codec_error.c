#include "proto/codec_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEY_SHOWN 48 /* bytes of a map's key in a path */

/* The most bytes of text, up to `room`, that do not cut a character. */
static size_t cut_text(const char *text, size_t size, size_t room)
{
	if (size <= room)
		return size;
	while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
		room--;
	return room;
}

int codec_error_set(struct codec_error *error, int code, const char *format, ...)
{
	char text[512];
	size_t size;
	va_list ap;

	if (!error)
		return code;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	size = strlen(text);
	if (!codec_is_utf8(text, cut_text(text, size, sizeof(error->message) - 1)))
		size = 0;
	size = cut_text(text, size, sizeof(error->message) - 1);
	memcpy(error->message, text, size);
	error->message[size] = '\0';
	error->path[0] = '\0';
	return code;
}

static void prepend_step(struct codec_error *error, const char *step, size_t size)
{
	char *path = error->path;
	size_t room = sizeof(error->path) - 1;
	size_t old = strlen(path);
	int dot = old > 0 && path[0] != '[';

	size = cut_text(step, size, room);
	if (size + (size_t)dot > room)
		dot = 0;
	old = cut_text(path, old, room - size - (size_t)dot);
	memmove(path + size + dot, path, old);
	memcpy(path, step, size);
	if (dot)
		path[size] = '.';
	path[size + (size_t)dot + old] = '\0';
}

void codec_error_field(struct codec_error *error, const char *name)
{
	if (error)
		prepend_step(error, name, strlen(name));
}

void codec_error_index(struct codec_error *error, size_t index)
{
	char step[32];

	if (error)
		prepend_step(error, step, (size_t)snprintf(step, sizeof(step), "[%zu]", index));
}

void codec_error_key(struct codec_error *error, const char *key, size_t size)
{
	char step[KEY_SHOWN + 8];
	size_t shown;
	int n;

	if (!error)
		return;
	shown = cut_text(key, size, KEY_SHOWN);
	if (!codec_is_utf8(key, shown))
		shown = 0;
	n = snprintf(step, sizeof(step), "[\"%.*s%s\"]", (int)shown, key,
		     shown < size ? "..." : "");
	prepend_step(error, step, (size_t)n);
}
