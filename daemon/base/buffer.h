/* buffer.h - bytes that grow at the end and are eaten from the front, up to a limit.
 *
 * Memory of the caller, init/fini; one thread at a time. The data is at 16-byte alignment when
 * nothing was eaten.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>

struct buffer {
	unsigned char *memory;
	unsigned char *own; /* of whoever made it: used first, never freed; or NULL */
	size_t own_room;
	size_t start, end; /* of the bytes held, in memory */
	size_t room;       /* size of memory */
	size_t limit;      /* on bytes held */
};

void buffer_init(struct buffer *buffer, size_t limit);
/* The same in `room` bytes of the caller's memory, borrowed until buffer_fini(): only what is
 * over that takes other memory, until the buffer runs empty. */
void buffer_init_in(struct buffer *buffer, void *memory, size_t room, size_t limit);
/* Drop all that is held, and give the memory back. */
void buffer_fini(struct buffer *buffer);

static inline size_t buffer_size(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}

static inline unsigned char *buffer_data(const struct buffer *buffer)
{
	return buffer->memory + buffer->start;
}

/* Make room for `size` more bytes and return where they go; buffer_added() then takes them in.
 * NULL: the limit (errno ENOBUFS) or no memory (ENOMEM). Pointers into the buffer from before
 * are invalid. */
void *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_added(struct buffer *buffer, size_t size);

/* Reserve, copy, add. -ENOBUFS, -ENOMEM: nothing was added. */
int buffer_append(struct buffer *buffer, const void *data, size_t size);
int buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Drop `size` bytes from the front. Memory beyond 64 KiB is given back when the buffer runs
 * empty. */
void buffer_eat(struct buffer *buffer, size_t size);
/* Drop all but the first `size` bytes, in the same way. */
void buffer_cut(struct buffer *buffer, size_t size);

#endif
