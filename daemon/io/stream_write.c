#include "io/stream.h"

#include "io/use.h"
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of a file at once: what a turn has time for. */
#define FILE_PIECE (256u << 10)

static int begin(struct troupe_self *self, struct troupe_stream handle, struct use *use)
{
	int rc = use_begin(self, handle.id, &stream_kind, LOOP_WRITE, use);
	const struct stream *stream;

	if (rc < 0)
		return rc;
	stream = stream_of(use->port);
	if (stream->is_datagram || stream->is_torn)
		return use_end_ready(use, stream->is_datagram ? -EINVAL : -EPIPE);
	return 0;
}

/* It ends with an error. */
static int fail(struct use *use, bool has_begun, int rc)
{
	if (use->port && has_begun)
		stream_of(use->port)->is_torn = true;
	return use_end_ready(use, rc);
}

/* What the kernel takes. -EAGAIN: nothing now. */
static ssize_t give(struct stream *stream, const void *data, size_t size)
{
	struct port *port = &stream->port;
	ssize_t n;

	do
		n = stream->is_socket ? send(port->fd, data, size, MSG_NOSIGNAL)
				      : write(port->fd, data, size);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		port_tried(port, LOOP_WRITE);
	return port_error(errno);
}

int troupe_write(struct troupe_self *self, struct troupe_stream to, const void *data,
		 size_t size)
{
	size_t done = 0;
	struct use use;
	int rc = begin(self, to, &use);

	if (rc < 0)
		return rc;
	while (done < size) {
		ssize_t n = give(stream_of(use.port), (const char *)data + done, size - done);

		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		rc = n == -EAGAIN ? use_wait(&use, stream_of(use.port)->idle_ns) : (int)n;
		if (rc < 0)
			return fail(&use, done > 0, rc);
	}
	return use_end_ready(&use, 0);
}

ssize_t troupe_send_file(struct troupe_self *self, struct troupe_stream to, int fd,
			 off_t offset, size_t size)
{
	size_t done = 0;
	struct use use;
	int rc = begin(self, to, &use);

	if (rc < 0)
		return rc;
	while (done < size) {
		const size_t left = size - done;
		struct port *port = use.port;
		ssize_t n =
			sendfile(port->fd, fd, &offset, left > FILE_PIECE ? FILE_PIECE : left);

		if (n == 0)
			break; /* the file ends here */
		if (n > 0) {
			done += (size_t)n;
			/* others have waited long enough for what may have come from a disk */
			(void)pause_ready(use.task, 0);
			rc = use_look_again(&use);
		} else if (errno == EAGAIN) {
			port_tried(port, LOOP_WRITE);
			rc = use_wait(&use, stream_of(port)->idle_ns);
		} else {
			rc = errno == EINTR ? 0 : port_error(errno);
		}
		if (rc < 0)
			return fail(&use, done > 0, rc);
	}
	(void)use_end_ready(&use, 0);
	return (ssize_t)done;
}
