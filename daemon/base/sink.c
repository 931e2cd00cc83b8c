#include "base/sink.h"

#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sink_kind kind_of(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return SINK_FILE; /* each write will say what is wrong */
	if (S_ISSOCK(status.st_mode))
		return SINK_SOCKET;
	if (S_ISFIFO(status.st_mode))
		return SINK_PIPE;
	return S_ISCHR(status.st_mode) && isatty(fd) ? SINK_TERMINAL : SINK_FILE;
}

/* The number in decimal, without snprintf(), which a signal handler must not call. */
static int open_again(int fd)
{
	char path[32] = "/proc/self/fd/", digits[12];
	size_t n = 0, at = strlen(path);

	do {
		digits[n++] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd > 0);
	while (n > 0)
		path[at++] = digits[--n];
	path[at] = '\0';
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void sink_init(struct sink *sink, int fd)
{
	int saved = errno;

	sink->kind = kind_of(fd);
	sink->fd = fd;
	sink->own = -1;
	sink->pipe[0] = sink->pipe[1] = -1;
	sink->held = sink->at = 0;
	sink->once = sink->kind == SINK_TERMINAL ? 1 : SINK_PIECE;
	if (sink->kind == SINK_PIPE && pipe2(sink->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		sink->kind = SINK_POLLED;
	if (sink->kind == SINK_TERMINAL) {
		sink->own = open_again(fd);
		if (sink->own < 0)
			sink->kind = SINK_POLLED;
	}
	errno = saved;
}

void sink_fini(struct sink *sink)
{
	int saved = errno;

	if (sink->own >= 0)
		close(sink->own);
	for (size_t i = 0; i < 2; i++)
		if (sink->pipe[i] >= 0)
			close(sink->pipe[i]);
	sink->kind = SINK_FILE;
	sink->fd = sink->own = sink->pipe[0] = sink->pipe[1] = -1;
	sink->held = 0;
	errno = saved;
}

/* Make our own pipe empty: the piece in it is lost. */
static void discard(struct sink *sink)
{
	char scrap[SINK_PIECE];

	while (read(sink->pipe[0], scrap, sizeof(scrap)) > 0)
		;
}

/* Move the piece in our own pipe on; it is one buffer there, which is moved as a whole. */
static ssize_t move_on(struct sink *sink)
{
	ssize_t n = splice(sink->pipe[0], NULL, sink->fd, NULL, SINK_PIECE, SPLICE_F_NONBLOCK);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		int saved = errno;

		discard(sink);
		errno = saved;
	}
	return n;
}

static ssize_t write_when_writable(int fd, const char *data, size_t size)
{
	struct pollfd look = {.fd = fd, .events = POLLOUT};

	if (poll(&look, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, data, size);
}

/* As write(2), but that it does not wait. */
static ssize_t write_some(struct sink *sink, const char *data, size_t size)
{
	switch (sink->kind) {
	case SINK_SOCKET:
		return send(sink->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	case SINK_TERMINAL:
		return write(sink->own, data, size);
	case SINK_POLLED:
		return write_when_writable(sink->fd, data,
					   size < sink->once ? size : sink->once);
	default:
		return write(sink->fd, data, size);
	}
}

/* Write what is held. 0, -EAGAIN, or another error: it is lost. */
static int write_held(struct sink *sink)
{
	while (sink->held > 0) {
		ssize_t n = sink->kind == SINK_PIPE
				    ? move_on(sink)
				    : write_some(sink, sink->rest + sink->at, sink->held);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			sink->held = 0;
			return -errno;
		}
		if (n <= 0)
			return -EAGAIN;
		sink->at += (size_t)n;
		sink->held -= (size_t)n < sink->held ? (size_t)n : sink->held;
	}
	return 0;
}

int sink_put(struct sink *sink, const char *data, size_t size)
{
	int r = write_held(sink);

	check(size > 0 && size <= SINK_PIECE);
	if (r == -EAGAIN)
		return r;
	/* Our own pipe is empty, and takes that much without waiting. */
	if (sink->kind == SINK_PIPE && write(sink->pipe[1], data, size) < 0)
		return -errno;
	if (sink->kind != SINK_PIPE)
		memcpy(sink->rest, data, size);
	sink->at = 0;
	sink->held = size;
	r = write_held(sink);
	return r == -EAGAIN ? 0 : r;
}

bool sink_flush(struct sink *sink)
{
	return write_held(sink) != -EAGAIN;
}

void sink_try(int fd, const char *data, size_t size)
{
	struct sink sink;

	sink_init(&sink, fd);
	(void)sink_put(&sink, data, size);
	sink_fini(&sink);
}
