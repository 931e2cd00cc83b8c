#include "io/stream.h"

#include "io/tls.h"
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
	if (stream->is_datagram)
		return use_end_ready(use, -EINVAL);
	rc = tls_refusal_to_write(stream->tls);
	if (rc == 0 && (stream->is_torn || (stream->tls && stream->tls->has_said_end)))
		rc = -EPIPE;
	return rc < 0 ? use_end_ready(use, rc) : 0;
}

/* It ends with an error. */
static int fail(struct use *use, bool has_begun, int rc)
{
	if (use->port && has_begun)
		stream_of(use->port)->is_torn = true;
	return use_end_ready(use, rc);
}

/* What is taken of it. -EAGAIN: nothing now. */
static ssize_t give(const struct use *use, const void *data, size_t size)
{
	struct stream *stream = stream_of(use->port);

	return stream->tls ? tls_write(use->self->runtime, stream->tls, data, size)
			   : port_give(&stream->port, stream->is_socket, data, size);
}

/* Encrypted, and not with the kernel yet. */
static bool has_output(const struct use *use)
{
	const struct tls *tls = use->port ? stream_of(use->port)->tls : NULL;

	return tls && buffer_size(&tls->output) > 0;
}

/* Arithmetic takes time: others have theirs between two records. */
static int let_others(struct use *use)
{
	(void)pause_ready(use->task, 0);
	return use_look_again(use);
}

int troupe_write(struct troupe_self *self, struct troupe_stream to, const void *data,
		 size_t size)
{
	size_t done = 0;
	struct use use;
	int rc = begin(self, to, &use);

	if (rc < 0)
		return rc;
	while (done < size || has_output(&use)) {
		ssize_t n = give(&use, (const char *)data + done, size - done);

		if (n >= 0) {
			done += (size_t)n;
			rc = stream_of(use.port)->tls && done < size ? let_others(&use) : 0;
		} else {
			rc = n == -EAGAIN ? use_wait(&use, stream_of(use.port)->idle_ns)
					  : (int)n;
		}
		if (rc < 0)
			return fail(&use, done > 0, rc);
	}
	return use_end_ready(&use, 0);
}

static ssize_t send_encrypted(struct use *use, int fd, off_t offset, size_t size)
{
	size_t done = 0;

	while (done < size || has_output(use)) {
		struct stream *stream = stream_of(use->port);
		ssize_t n = tls_write_file(use->self->runtime, stream->tls, fd,
					   offset + (off_t)done, size - done);
		int rc = n == -EAGAIN ? use_wait(use, stream->idle_ns) : n < 0 ? (int)n : 0;

		if (n == 0)
			size = done; /* it ends here */
		if (n > 0)
			done += (size_t)n;
		if (n > 0)
			rc = let_others(use);
		if (rc < 0)
			return fail(use, done > 0, rc);
	}
	(void)use_end_ready(use, 0);
	return (ssize_t)done;
}

ssize_t troupe_send_file(struct troupe_self *self, struct troupe_stream to, int fd,
			 off_t offset, size_t size)
{
	size_t done = 0;
	struct use use;
	int rc = begin(self, to, &use);

	if (rc < 0)
		return rc;
	if (stream_of(use.port)->tls)
		return send_encrypted(&use, fd, offset, size);
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
