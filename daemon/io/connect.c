/* connect.c - tasks that connect: without blocking, and with nothing left when it fails. */
#include "io/dial.h"
#include "io/handshake.h"
#include "io/place.h"
#include "io/use.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <troupe/names.h>
#include <unistd.h>

#define REST_NS (10 * TROUPE_MS_NS) /* while a Unix socket's backlog is full */

/* As dial_socket(); while a Unix socket's backlog is full the task waits, and has no descriptor
 * that would be left when it is abandoned. */
static int begin_connect(struct troupe_self *self, const struct troupe_endpoint *endpoint,
			 int *ret_fd)
{
	int rc;

	while ((rc = dial_socket(endpoint, ret_fd)) == -EAGAIN) {
		rc = troupe_sleep(self, REST_NS);
		if (rc < 0)
			break;
	}
	return rc;
}

/* It is under way. */
static int wait_connected(struct troupe_self *self, struct stream *stream)
{
	struct use use;
	int rc;

	stream->port.ready = 0;
	rc = use_begin(self, stream->port.belonging.id, &stream_kind, LOOP_WRITE, &use);
	if (rc < 0)
		return rc;
	rc = use_wait(&use, 0);
	if (rc == 0)
		rc = dial_result(stream->port.fd);
	if (rc == 0)
		stream->port.ready = LOOP_READ | LOOP_WRITE;
	use_end(&use);
	return rc;
}

static void set_nodelay(int fd)
{
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static int connect_to(struct troupe_self *self, const struct troupe_endpoint *endpoint,
		      struct troupe_stream *ret_stream)
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
		rc = wait_connected(self, stream);
	if (rc < 0) {
		troupe_close(self, handle);
		return rc;
	}
	if (family != AF_UNIX)
		set_nodelay(fd);
	*ret_stream = handle;
	return 0;
}

/* To whichever address of a host answers first. */
static int connect_by_name(struct troupe_self *self, const char *text,
			   struct troupe_stream *ret_stream)
{
	struct sockaddr_storage found[LIMIT_NAME_ADDRESSES];
	struct place_host host;
	struct stream *stream;
	int rc;

	place_split(text, &host);
	rc = troupe_resolve(self, host.name, host.port, found, LIMIT_NAME_ADDRESSES);
	if (rc < 0)
		return rc;
	rc = dial_any(self, found, rc, &stream);
	if (rc < 0)
		return rc;
	set_nodelay(stream->port.fd);
	ret_stream->id = stream->port.belonging.id;
	return 0;
}

/* What is connected to: a place, or one whose host has a name. */
struct goal {
	const char *text;
	struct place place;
	bool is_name, is_tls;
};

static int read_goal(struct troupe_self *self, const char *text, struct goal *goal)
{
	*goal = (struct goal){.text = text};
	goal->is_name = place_parse(text, &goal->place) == -EADDRNOTAVAIL &&
			strncmp(text, "udp:", 4) != 0;
	goal->is_tls = text && strncmp(text, "tls:", 4) == 0;
	return goal->is_name ? 0 : stream_place_or_tls(self, text, &goal->place);
}

static int reach(struct troupe_self *self, const struct goal *goal,
		 struct troupe_stream *ret_stream)
{
	return goal->is_name ? connect_by_name(self, goal->text, ret_stream)
			     : connect_to(self, &goal->place.endpoint, ret_stream);
}

/* The keys come first: who cannot have them need not connect. */
static int reach_by_tls(struct troupe_self *self, const struct goal *goal,
			struct troupe_stream *ret_stream)
{
	struct troupe_stream handle;
	struct place_host host;
	struct keys *keys;
	int rc = keys_obtain(self, (struct troupe_tls){0}, &keys);

	if (rc < 0)
		return rc;
	rc = reach(self, goal, &handle);
	if (rc < 0) {
		keys_unref(keys);
		return rc;
	}
	place_split(goal->text, &host);
	rc = handshake_client(self, handle.id, keys, host.name);
	if (rc < 0)
		troupe_close(self, handle);
	else
		*ret_stream = handle;
	return rc;
}

int troupe_connect(struct troupe_self *self, const char *text, struct troupe_stream *ret_stream)
{
	struct goal goal;
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	rc = read_goal(self, text, &goal);
	if (rc < 0)
		return rc;
	if (pause_is_cut(task))
		return pause_refuse(task);
	rc = goal.is_tls ? reach_by_tls(self, &goal, ret_stream)
			 : reach(self, &goal, ret_stream);
	return rc < 0 ? rc : pause_ready(task, 0);
}
