/* writer.c - output in pieces. */
#include "ctl/writer.h"

#include "base/list.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_room(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

	return poll(&poll_fd, 1, 0) > 0;
}

static void write_some(struct writer *writer)
{
	while (buffer_size(&writer->buffer) > 0) {
		size_t size = buffer_size(&writer->buffer);
		ssize_t n;

		if (!writer->regular && !has_room(writer->io.fd))
			break;
		/* A pipe that has room has room for PIPE_BUF. */
		if (!writer->regular && size > PIPE_BUF)
			size = PIPE_BUF;
		n = write(writer->io.fd, buffer_data(&writer->buffer), size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			writer->error = -errno;
			loop_io_stop(&writer->io);
			return;
		}
		buffer_eat(&writer->buffer, (size_t)n);
	}
	loop_io_set(&writer->io, buffer_size(&writer->buffer) > 0 ? LOOP_WRITE : 0);
}

static void on_writable(struct loop_io *io, unsigned events)
{
	(void)events;
	write_some(container_of(io, struct writer, io));
}

void writer_init(struct writer *writer, struct loop *loop, int fd)
{
	struct stat status;

	*writer = (struct writer){0};
	writer->regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	buffer_init(&writer->buffer, SIZE_MAX);
	loop_io_init(&writer->io, loop, fd, on_writable);
}

void writer_fini(struct writer *writer)
{
	loop_io_stop(&writer->io);
	buffer_fini(&writer->buffer);
}

int writer_put(struct writer *writer, const void *data, size_t size)
{
	return writer->error ? 0 : buffer_append(&writer->buffer, data, size);
}

void writer_flush(struct writer *writer)
{
	if (!writer->error && !writer->io.started)
		write_some(writer);
}
