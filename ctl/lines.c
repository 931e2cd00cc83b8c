/* lines.c - input, line by line. */
#include "ctl/lines.h"

#include "base/list.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE (256u << 10)

static void on_readable(struct loop_io *io, unsigned events)
{
	struct lines *lines = container_of(io, struct lines, io);
	void *place = buffer_reserve(&lines->buffer, READ_SIZE);
	ssize_t n;

	(void)events;
	if (!place) {
		n = -1;
	} else {
		n = read(io->fd, place, READ_SIZE);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
	}
	loop_io_stop(io);
	if (n > 0) {
		buffer_added(&lines->buffer, (size_t)n);
		lines->bytes += (size_t)n;
		return;
	}
	lines->end_of_input = true;
	lines->error = n < 0 ? -errno : 0;
}

void lines_init(struct lines *lines, struct loop *loop, int fd)
{
	*lines = (struct lines){0};
	buffer_init(&lines->buffer, LINES_MAX + 1 + READ_SIZE);
	loop_io_init(&lines->io, loop, fd, on_readable);
}

void lines_fini(struct lines *lines)
{
	loop_io_stop(&lines->io);
	buffer_fini(&lines->buffer);
}

void lines_pause(struct lines *lines)
{
	loop_io_stop(&lines->io);
}

/* Take `size` bytes and the `end` bytes after them. The bytes stay where they are until the
 * next read. */
static const char *take(struct lines *lines, size_t size, size_t end)
{
	const char *line =
		lines->buffer.memory ? (const char *)buffer_data(&lines->buffer) : "";

	lines->scanned = 0;
	lines->number++;
	/* Not buffer_eat(): it may give the memory back that the caller is about to read. */
	lines->buffer.start += size + end;
	return line;
}

int lines_next(struct lines *lines, const char **ret_line, size_t *ret_size)
{
	size_t size = buffer_size(&lines->buffer);
	const char *data = size ? (const char *)buffer_data(&lines->buffer) : "";
	const char *newline = NULL;
	bool too_long;

	if (size > lines->scanned)
		newline = memchr(data + lines->scanned, '\n', size - lines->scanned);
	if (!newline && !lines->end_of_input) {
		lines->scanned = size;
		if (size > LINES_MAX || lines->skipping) {
			/* Too long already: none of it is needed any more. */
			lines->skipping = true;
			buffer_eat(&lines->buffer, size);
			lines->scanned = 0;
		}
		loop_io_set(&lines->io, LOOP_READ);
		return 0;
	}
	if (!newline && size == 0 && !lines->skipping)
		return 0;
	size = newline ? (size_t)(newline - data) : size;
	too_long = lines->skipping || size > LINES_MAX;
	lines->skipping = false;
	*ret_line = take(lines, size, newline ? 1 : 0);
	*ret_size = size;
	return too_long ? -EMSGSIZE : 1;
}
