/* datagram.c - sockets of datagrams: streams in all but reading and writing. */
#include "base/endpoint.h"
#include "io/place.h"
#include "io/socket.h"
#include "io/stream.h"
#include "io/use.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A descriptor. */
static int open_socket(const struct troupe_self *self, const char *text)
{
	struct place place;
	int fd, rc = stream_place(self, text, true, &place);

	if (rc < 0)
		return rc;
	fd = socket(place.endpoint.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return -errno;
	rc = place_bind(fd, &place.endpoint);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

int troupe_datagram_open(struct troupe_self *self, const char *text,
			 struct troupe_stream *ret_stream)
{
	const bool is_handed = socket_is_meant(text);
	struct stream *stream;
	int fd = is_handed ? socket_open(self, text, SOCK_DGRAM) : open_socket(self, text), rc;

	if (fd < 0)
		return fd;
	rc = stream_open(self, fd, &stream);
	if (rc < 0)
		return rc;
	stream->is_shared = is_handed;
	ret_stream->id = stream->port.belonging.id;
	return 0;
}

int troupe_datagram_place(struct troupe_self *self, struct troupe_stream handle,
			  char ret_place[TROUPE_PLACE_MAX])
{
	const struct stream *stream = stream_find(self, handle.id);

	return stream ? endpoint_of_socket(stream->port.fd, false, ret_place) : -ESRCH;
}

static int begin(struct troupe_self *self, struct troupe_stream handle, unsigned event,
		 struct use *use)
{
	int rc = use_begin(self, handle.id, &stream_kind, event, use);

	if (rc < 0 || stream_of(use->port)->is_datagram)
		return rc;
	return use_end_ready(use, -EINVAL);
}

/* After a system call that has failed. 0: try again. */
static int recover(struct use *use, int error)
{
	if (error == EINTR)
		return 0;
	if (error != EAGAIN)
		return port_error(error);
	port_tried(use->port, use->event);
	return use_wait(use, stream_of(use->port)->idle_ns);
}

ssize_t troupe_receive(struct troupe_self *self, struct troupe_stream handle, void *buffer,
		       size_t size, struct troupe_endpoint *ret_from)
{
	struct troupe_endpoint from = {0};
	struct iovec iov = {buffer, size};
	struct msghdr message = {.msg_name = &from.address, .msg_iov = &iov, .msg_iovlen = 1};
	struct use use;
	ssize_t n;
	int rc = begin(self, handle, LOOP_READ, &use);

	if (rc < 0)
		return rc;
	for (;;) {
		message.msg_namelen = sizeof(from.address);
		n = recvmsg(use.port->fd, &message, 0);
		if (n >= 0)
			break;
		rc = recover(&use, errno);
		if (rc < 0)
			return use_end_ready(&use, rc);
	}
	from.size = message.msg_namelen;
	if (ret_from)
		*ret_from = from;
	(void)use_end_ready(&use, 0);
	return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

int troupe_send_to(struct troupe_self *self, struct troupe_stream handle, const void *data,
		   size_t size, const struct troupe_endpoint *to)
{
	struct use use;
	int rc;

	if (!to || to->size == 0 || to->size > sizeof(to->address))
		return -EINVAL;
	rc = begin(self, handle, LOOP_WRITE, &use);
	if (rc < 0)
		return rc;
	while (sendto(use.port->fd, data, size, MSG_NOSIGNAL,
		      (const struct sockaddr *)&to->address, to->size) < 0) {
		rc = recover(&use, errno);
		if (rc < 0)
			return use_end_ready(&use, rc);
	}
	return use_end_ready(&use, 0);
}
