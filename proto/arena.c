#include "proto/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST ((size_t)960) /* with its head a piece that malloc() has at hand */
#define CHUNK_MAX   ((size_t)16 << 10)
#define ALIGN       _Alignof(max_align_t)

struct arena_chunk {
	struct arena_chunk *next;
	size_t room;
	_Alignas(max_align_t) unsigned char memory[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

void arena_fini(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks;

	while (chunk) {
		struct arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	arena_init(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	void *piece;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (!chunk || size > chunk->room - arena->used) {
		size_t room = !chunk                         ? CHUNK_FIRST
			      : chunk->room >= CHUNK_MAX / 2 ? CHUNK_MAX
							     : 2 * chunk->room;

		room = room < size ? size : room;
		chunk = (struct arena_chunk *)malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->room = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
		arena->used = 0;
	}
	piece = chunk->memory + arena->used;
	arena->used += size;
	return memset(piece, 0, size);
}

char *arena_copy(struct arena *arena, const char *text, size_t size)
{
	char *copy = (char *)arena_alloc(arena, size + 1);

	if (copy && size > 0)
		memcpy(copy, text, size);
	return copy;
}

void *arena_extend(struct arena *arena, void *items, size_t count, size_t size)
{
	void *grown;

	/* There is room up to the next power of two. */
	if (count & (count - 1))
		return items;
	grown = arena_alloc(arena, (count ? 2 * count : 1) * size);
	if (grown && count > 0)
		memcpy(grown, items, count * size);
	return grown;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text, *copy;
	int size;

	va_start(arguments, format);
	size = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (size < 0)
		return NULL;
	copy = arena_copy(arena, text, (size_t)size);
	free(text);
	return copy;
}
