/* arena.h - many small pieces of memory that are freed together.
 *
 * Memory of the caller, init/fini; one thread at a time. What was allocated is given for the
 * life of the arena.
 */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;                /* of the newest */
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);

/* Zeroed memory, aligned for any type. NULL: no memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of `size` bytes with a NUL after them. NULL: no memory. */
char *arena_copy(struct arena *arena, const char *text, size_t size);

/* Room for one more behind `count` items, each of `size` bytes, that were all added so: where
 * they are now, the new one zero. NULL: no memory. What they leave stays the arena's. */
void *arena_extend(struct arena *arena, void *items, size_t count, size_t size);

/* Printed text. NULL: no memory. */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
