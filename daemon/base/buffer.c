/* buffer.c - bytes in, bytes out, one block of memory. */
#include "base/buffer.h"

#include "base/check.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN  256u
#define ROOM_KEEP (64u << 10) /* an empty buffer holds on to no more than this */

void buffer_init(struct buffer *buffer, size_t limit)
{
	*buffer = (struct buffer){.limit = limit};
}

void buffer_init_in(struct buffer *buffer, void *memory, size_t room, size_t limit)
{
	*buffer = (struct buffer){.memory = memory,
				  .own = memory,
				  .own_room = room,
				  .room = room,
				  .limit = limit};
}

static void free_memory(struct buffer *buffer)
{
	if (buffer->memory != buffer->own)
		free(buffer->memory);
}

void buffer_fini(struct buffer *buffer)
{
	free_memory(buffer);
	buffer->memory = buffer->own;
	buffer->room = buffer->own_room;
	buffer->start = buffer->end = 0;
}

/* Move what is held to memory of a size that is at least `needed`. */
static int grow(struct buffer *buffer, size_t needed)
{
	size_t held = buffer_size(buffer), room = ROOM_MIN;
	unsigned char *memory;

	while (room < needed)
		if (__builtin_mul_overflow(room, 2u, &room))
			return -ENOMEM;
	/* Not realloc(): it would copy the eaten part too. */
	memory = malloc(room);
	if (!memory)
		return -ENOMEM;
	if (held > 0)
		memcpy(memory, buffer_data(buffer), held);
	free_memory(buffer);
	buffer->memory = memory;
	buffer->start = 0;
	buffer->end = held;
	buffer->room = room;
	return 0;
}

void *buffer_reserve(struct buffer *buffer, size_t size)
{
	size_t held = buffer_size(buffer);

	if (held > buffer->limit || size > buffer->limit - held) {
		errno = ENOBUFS;
		return NULL;
	}
	if (!buffer->memory || size > buffer->room - buffer->end) {
		/* Moving pays only when it frees more than it copies; otherwise a reader that
		 * eats a byte at a time would make each append a copy of everything. */
		if (buffer->memory && held + size <= buffer->room && held <= buffer->start) {
			memcpy(buffer->memory, buffer_data(buffer), held);
			buffer->start = 0;
			buffer->end = held;
		} else if (grow(buffer, held + size) < 0) {
			errno = ENOMEM;
			return NULL;
		}
	}
	return buffer->memory + buffer->end;
}

void buffer_added(struct buffer *buffer, size_t size)
{
	check(size <= buffer->room - buffer->end);
	buffer->end += size;
}

int buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	void *place = buffer_reserve(buffer, size);

	if (!place)
		return -errno;
	if (size > 0)
		memcpy(place, data, size);
	buffer_added(buffer, size);
	return 0;
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	char *text;
	int size, r;

	va_start(arguments, format);
	size = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (size < 0)
		return -ENOMEM;
	r = buffer_append(buffer, text, (size_t)size);
	free(text);
	return r;
}

void buffer_eat(struct buffer *buffer, size_t size)
{
	check(size <= buffer_size(buffer));
	buffer->start += size;
	if (buffer->start < buffer->end)
		return;
	buffer->start = buffer->end = 0;
	if (buffer->room > ROOM_KEEP)
		buffer_fini(buffer);
}

void buffer_cut(struct buffer *buffer, size_t size)
{
	check(size <= buffer_size(buffer));
	if (size == 0)
		buffer_eat(buffer, buffer_size(buffer));
	else
		buffer->end = buffer->start + size;
}
