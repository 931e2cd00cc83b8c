#include "io/stream.h"

#include "base/endpoint.h"
#include "base/io.h"
#include "io/place.h"
#include "io/tls.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_WARNING_LEVEL 4

/* ------------------------------------------------------------------ input */

static void give_input(struct runtime *runtime, struct stream *stream)
{
	const size_t limit = stream->input.limit;

	buffer_fini(&stream->input);
	buffer_init(&stream->input, limit);
	if (stream->has_scratch)
		runtime->io->scratch_is_lent = false;
	stream->has_scratch = false;
}

void stream_settle(struct runtime *runtime, struct stream *stream)
{
	if (stream->lent > 0)
		buffer_eat(&stream->input, stream->lent);
	stream->lent = 0;
	if (buffer_size(&stream->input) == 0 && stream->input.memory)
		give_input(runtime, stream);
}

void *stream_reserve(struct runtime *runtime, struct stream *stream, size_t size)
{
	struct io *io = runtime->io;

	if (!stream->input.memory && !io->scratch_is_lent) {
		buffer_init_in(&stream->input, io->scratch, sizeof(io->scratch),
			       stream->input.limit);
		stream->has_scratch = io->scratch_is_lent = true;
	}
	return buffer_reserve(&stream->input, size);
}

static int parse(const struct troupe_self *self, const char *text, struct place *ret_place)
{
	int rc = place_parse(text, ret_place);
	char line[TROUPE_PLACE_MAX + 80];

	if (rc == -EADDRNOTAVAIL) {
		snprintf(line, sizeof(line),
			 "place %s: names are not looked up: an address is wanted", text);
		unit_log(self->runtime, self->actor->unit, LOG_WARNING_LEVEL, line);
		return -EINVAL;
	}
	return rc;
}

int stream_place_or_tls(const struct troupe_self *self, const char *text,
			struct place *ret_place)
{
	int rc = parse(self, text, ret_place);

	return rc == 0 && ret_place->is_datagram ? -EOPNOTSUPP : rc;
}

int stream_place(const struct troupe_self *self, const char *text, bool for_datagrams,
		 struct place *ret_place)
{
	int rc = parse(self, text, ret_place);

	if (rc < 0 || ret_place->endpoint.address.ss_family == AF_UNIX)
		return rc;
	if (ret_place->is_tls && !for_datagrams) {
		unit_log(self->runtime, self->actor->unit, LOG_WARNING_LEVEL,
			 "\"tls:\" is listened at by troupe_tls_listen()");
		return -EINVAL;
	}
	return ret_place->is_datagram == for_datagrams ? 0 : -EOPNOTSUPP;
}

/* ------------------------------------------------------------------ lives */

static void free_stream(struct runtime *runtime, struct stream *stream)
{
	tls_free(stream->tls);
	give_input(runtime, stream);
	free(stream);
}

/* Of TLS: our end is said, or on its way; once. */
static int finish_tls(struct runtime *runtime, struct stream *stream)
{
	int rc, fd;

	if (stream->tls->has_said_end && buffer_size(&stream->tls->output) == 0)
		return 0; /* also by a farewell that is under way */
	rc = tls_end(runtime, stream->tls);
	if (rc == 0)
		(void)shutdown(stream->port.fd, SHUT_WR); /* it has been said already */
	if (rc != -EAGAIN)
		return rc; /* 0, too */
	fd = fcntl(stream->port.fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno
		      : farewell_say(&runtime->io->farewells, fd, &stream->tls->output);
}

/* What has been written is all, and the other side does not know yet. */
static bool owes_end(const struct stream *stream)
{
	return stream->tls && tls_refusal_to_write(stream->tls) == 0 && !stream->is_torn &&
	       !stream->port.writing.is_taken && stream->port.fd >= 0 &&
	       (!stream->tls->has_said_end || buffer_size(&stream->tls->output) > 0);
}

void stream_close(struct runtime *runtime, struct stream *stream)
{
	if (owes_end(stream))
		(void)finish_tls(runtime, stream);
	port_close(runtime, &stream->port);
	free_stream(runtime, stream);
}

static void on_gone(struct runtime *runtime, struct belonging *belonging)
{
	stream_close(runtime, container_of(belonging, struct stream, port.belonging));
}

static uint64_t count_bytes(struct belonging *belonging)
{
	const struct stream *stream = container_of(belonging, struct stream, port.belonging);

	return buffer_size(&stream->input) +
	       (stream->tls ? buffer_size(&stream->tls->output) : 0);
}

const struct belonging_kind stream_kind = {
	.name = "stream",
	.on_gone = on_gone,
	.count_bytes = count_bytes,
};

static int option(int fd, int which)
{
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, which, &value, &size) < 0 ? -1 : value;
}

int stream_open(struct troupe_self *self, int fd, struct stream **ret_stream)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	int rc = -ENOMEM, type, domain;

	if (!stream) {
		close(fd);
		return rc;
	}
	buffer_init(&stream->input, TROUPE_STREAM_BUFFER);
	type = option(fd, SO_TYPE);
	stream->is_socket = type >= 0;
	stream->is_datagram = type == SOCK_DGRAM;
	domain = option(fd, SO_DOMAIN);
	/* of others, what is passed beside the bytes may cut them up */
	stream->is_whole = type == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6);
	stream->port.ready = LOOP_READ | LOOP_WRITE; /* may be: the first one tries */
	rc = port_open(self, &stream->port, &stream_kind, fd,
		       LOOP_READ | LOOP_WRITE | POLLER_EDGE);
	if (rc < 0) {
		free(stream);
		if (rc != -EEXIST) /* else it is not ours to close */
			close(fd);
		return rc;
	}
	*ret_stream = stream;
	return 0;
}

/* ------------------------------------------------------------------ the SDK */

int troupe_adopt(struct troupe_self *self, int fd, struct troupe_stream *ret_stream)
{
	struct stream *stream;
	int rc = io_set_nonblock(fd);

	if (rc < 0) {
		close(fd); /* it was taken; of one that is not open that does nothing */
		return rc;
	}
	rc = stream_open(self, fd, &stream);
	if (rc == 0)
		ret_stream->id = stream->port.belonging.id;
	return rc;
}

int troupe_detach(struct troupe_self *self, struct troupe_stream handle, int *ret_fd)
{
	struct stream *stream = stream_find(self, handle.id);
	int fd;

	if (!stream)
		return -ESRCH;
	if (stream->tls)
		return -EOPNOTSUPP;
	if (stream->port.reading.is_taken || stream->port.writing.is_taken ||
	    buffer_size(&stream->input) > stream->lent)
		return -EBUSY;
	fd = port_detach(self->runtime, &stream->port);
	free_stream(self->runtime, stream);
	if (fd < 0)
		return -EBADF;
	*ret_fd = fd;
	return 0;
}

void troupe_close(struct troupe_self *self, struct troupe_stream handle)
{
	struct stream *stream = stream_find(self, handle.id);

	if (stream)
		stream_close(self->runtime, stream);
}

int troupe_finish(struct troupe_self *self, struct troupe_stream handle)
{
	struct stream *stream = stream_find(self, handle.id);
	int rc;

	if (!stream)
		return -ESRCH;
	if (stream->port.writing.is_taken)
		return -EBUSY;
	/* it would be the end for all of them */
	if (stream->is_shared)
		return -EPERM;
	if (stream->tls) {
		rc = tls_refusal_to_write(stream->tls);
		return rc < 0            ? rc
		       : stream->is_torn ? -EPIPE
					 : finish_tls(self->runtime, stream);
	}
	return shutdown(stream->port.fd, SHUT_WR) < 0 ? -errno : 0;
}

int troupe_limit(struct troupe_self *self, struct troupe_stream handle, uint64_t idle_ns,
		 size_t buffer)
{
	struct stream *stream = stream_find(self, handle.id);

	if (!stream)
		return -ESRCH;
	if (buffer > TROUPE_STREAM_BUFFER_MAX)
		return -EINVAL;
	stream->idle_ns = idle_ns;
	stream->input.limit = buffer ? buffer : TROUPE_STREAM_BUFFER;
	return 0;
}

int troupe_peer(struct troupe_self *self, struct troupe_stream handle,
		char ret_place[TROUPE_PLACE_MAX])
{
	struct stream *stream = stream_find(self, handle.id);

	int rc = stream ? endpoint_of_socket(stream->port.fd, true, ret_place) : -ESRCH;

	if (rc == 0 && stream->tls)
		tls_mark_place(ret_place);
	return rc;
}
