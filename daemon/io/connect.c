/* connect.c - tasks that connect: without blocking, and with nothing left when it fails. */
#include "io/place.h"
#include "io/stream.h"
#include "io/use.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <troupe/names.h>
#include <unistd.h>

#define REST_NS (10 * TROUPE_MS_NS) /* while a Unix socket's backlog is full */

static int socket_error(int fd)
{
	socklen_t size = sizeof(int);
	int error;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno
								       : port_error(error);
}

/* 0; -EINPROGRESS: it is under way. */
static int try_connect(const struct troupe_endpoint *endpoint, int *ret_fd)
{
	int fd, rc;

	fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	do
		rc = connect(fd, (const struct sockaddr *)&endpoint->address, endpoint->size);
	while (rc < 0 && errno == EINTR);
	rc = rc < 0 ? port_error(errno) : 0;
	if (rc == 0 || rc == -EINPROGRESS)
		*ret_fd = fd;
	else
		close(fd);
	return rc;
}

/* The same; while a Unix socket's backlog is full the task waits, and has no descriptor that
 * would be left when it is abandoned. */
static int begin_connect(struct troupe_self *self, const struct troupe_endpoint *endpoint,
			 int *ret_fd)
{
	int rc;

	while ((rc = try_connect(endpoint, ret_fd)) == -EAGAIN) {
		rc = troupe_sleep(self, REST_NS);
		if (rc < 0)
			break;
	}
	return rc;
}

/* It is under way. */
static int wait_connected(struct troupe_self *self, struct stream *stream, uint64_t wait_ns)
{
	struct use use;
	int rc;

	stream->port.ready = 0;
	rc = use_begin(self, stream->port.belonging.id, &stream_kind, LOOP_WRITE, &use);
	if (rc == 0)
		rc = use_wait(&use, wait_ns);
	if (rc == 0)
		rc = socket_error(stream->port.fd);
	if (rc == 0) {
		stream->port.ready = LOOP_READ | LOOP_WRITE;
		use_end(&use);
	}
	return rc;
}

static void set_nodelay(int fd)
{
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* wait_ns: for so long at most; 0: without end. */
static int connect_to(struct troupe_self *self, const struct troupe_endpoint *endpoint,
		      uint64_t wait_ns, struct troupe_stream *ret_stream)
{
	const int family = endpoint->address.ss_family;
	struct troupe_stream handle;
	struct stream *stream;
	int fd = -1, rc, under_way;

	under_way = begin_connect(self, endpoint, &fd);
	if (under_way < 0 && under_way != -EINPROGRESS)
		return under_way;
	rc = stream_open(self, fd, &stream);
	if (rc < 0)
		return rc;
	handle.id = stream->port.belonging.id;
	if (under_way < 0)
		rc = wait_connected(self, stream, wait_ns);
	if (rc < 0) {
		troupe_close(self, handle);
		return rc;
	}
	if (family != AF_UNIX)
		set_nodelay(fd);
	*ret_stream = handle;
	return 0;
}

static struct troupe_endpoint endpoint_of(const struct sockaddr_storage *address)
{
	return (struct troupe_endpoint){.size = address->ss_family == AF_INET6
							? sizeof(struct sockaddr_in6)
							: sizeof(struct sockaddr_in),
					.address = *address};
}

/* To the addresses of a host in turn, until one answers. */
static int connect_by_name(struct troupe_self *self, const char *text,
			   struct troupe_stream *ret_stream)
{
	struct sockaddr_storage found[LIMIT_CONNECT_ADDRESSES];
	struct place_host host;
	int n, rc = -ENOENT;

	place_split(text, &host);
	n = troupe_resolve(self, host.name, host.port, found, LIMIT_CONNECT_ADDRESSES);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		const struct troupe_endpoint endpoint = endpoint_of(&found[i]);

		rc = connect_to(self, &endpoint, i + 1 < n ? LIMIT_CONNECT_NEXT_NS : 0,
				ret_stream);
		if (rc == 0 || pause_is_cut(self->task))
			break;
	}
	return rc;
}

int troupe_connect(struct troupe_self *self, const char *text, struct troupe_stream *ret_stream)
{
	struct place place;
	struct task *task;
	int rc = pause_begin(self, &task);
	bool is_name;

	if (rc < 0)
		return rc;
	is_name = place_parse(text, &place) == -EADDRNOTAVAIL && strncmp(text, "tcp:", 4) == 0;
	rc = is_name ? 0 : stream_place(self, text, false, &place);
	if (rc < 0)
		return rc;
	if (pause_is_cut(task))
		return pause_refuse(task);
	rc = is_name ? connect_by_name(self, text, ret_stream)
		     : connect_to(self, &place.endpoint, 0, ret_stream);
	return rc < 0 ? rc : pause_ready(task, 0);
}
