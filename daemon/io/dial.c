#include "io/dial.h"

#include "core/slice.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct dial {
	struct troupe_self *self;
	struct task *task;
	struct list *waiting; /* the task */
	struct troupe_endpoint endpoints[LIMIT_CONNECT_ADDRESSES];
	int n, n_begun;
	/* Of those begun. */
	uint64_t streams[LIMIT_CONNECT_ADDRESSES];  /* 0: it has failed */
	uint64_t given_up[LIMIT_CONNECT_ADDRESSES]; /* when it is; UINT64_MAX: never */
	uint64_t next_ns;                           /* when the next one begins */
	int failed, error;                          /* the last one that has, and why */
};

/* ------------------------------------------------------------------ one socket */

int dial_result(int fd)
{
	socklen_t size = sizeof(int);
	int error;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno
								       : port_error(error);
}

int dial_socket(const struct troupe_endpoint *endpoint, int *ret_fd)
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

/* ------------------------------------------------------------------ which, in what order */

static struct troupe_endpoint endpoint_of(const struct sockaddr_storage *address)
{
	return (struct troupe_endpoint){.size = address->ss_family == AF_INET6
							? sizeof(struct sockaddr_in6)
							: sizeof(struct sockaddr_in),
					.address = *address};
}

/* The first from *at on that is, or is not, of the first one's family; *at is behind it then.
 * NULL: there is none. */
static const struct sockaddr_storage *next_of(const struct sockaddr_storage *addresses, int n,
					      int *at, bool is_first_family)
{
	while (*at < n) {
		const struct sockaddr_storage *address = &addresses[(*at)++];

		if ((address->ss_family == addresses[0].ss_family) == is_first_family)
			return address;
	}
	return NULL;
}

/* By turns of both families, each in its order: where one of them leads nowhere, each address
 * of it does. */
static void choose(struct dial *dial, const struct sockaddr_storage *addresses, int n)
{
	int at[2] = {0, 0};

	for (int i = 0; dial->n < n && dial->n < (int)LIMIT_CONNECT_ADDRESSES; i++) {
		const struct sockaddr_storage *address =
			next_of(addresses, n, &at[i % 2], i % 2 == 0);

		if (address)
			dial->endpoints[dial->n++] = endpoint_of(address);
	}
}

/* ------------------------------------------------------------------ attempts */

static void fail(struct dial *dial, int i, int error)
{
	dial->streams[i] = 0;
	if (i < dial->failed)
		return;
	dial->failed = i;
	dial->error = error;
}

static int open_attempt(struct dial *dial, int i)
{
	struct stream *stream;
	int fd, rc = dial_socket(&dial->endpoints[i], &fd), under_way = rc;

	if (rc < 0 && rc != -EINPROGRESS)
		return rc;
	rc = stream_open(dial->self, fd, &stream);
	if (rc < 0)
		return rc;
	if (under_way < 0)
		stream->port.ready = 0;
	stream->port.dialing = &dial->waiting;
	dial->streams[i] = stream->port.belonging.id;
	return 0;
}

static void begin_next(struct dial *dial, uint64_t now_ns)
{
	int i = dial->n_begun++, rc = open_attempt(dial, i);

	dial->next_ns = now_ns + LIMIT_CONNECT_BESIDE_NS;
	dial->given_up[i] = i + 1 < dial->n ? now_ns + LIMIT_CONNECT_NEXT_NS : UINT64_MAX;
	if (rc < 0)
		fail(dial, i, rc);
}

/* Whether it is connected; else it has failed when streams[i] is 0. */
static bool look_at(struct dial *dial, int i, uint64_t now_ns)
{
	struct stream *stream = stream_find(dial->self, dial->streams[i]);
	int rc = -EINPROGRESS;

	if (!stream) {
		fail(dial, i, -ECONNABORTED); /* somebody has closed what he did not open */
		return false;
	}
	if (stream->port.ready & LOOP_WRITE)
		rc = dial_result(stream->port.fd);
	else if (now_ns >= dial->given_up[i])
		rc = -EHOSTUNREACH;
	if (rc == 0 || rc == -EINPROGRESS)
		return rc == 0;
	stream_close(dial->self->runtime, stream);
	fail(dial, i, rc);
	return false;
}

/* The first that is connected; -1: none is. *ret_live: so many may still be. */
static int look(struct dial *dial, uint64_t now_ns, int *ret_live)
{
	int n = 0;

	for (int i = 0; i < dial->n_begun; i++) {
		if (dial->streams[i] == 0)
			continue;
		if (look_at(dial, i, now_ns))
			return i;
		n += dial->streams[i] != 0;
	}
	*ret_live = n;
	return -1;
}

/* When it must look again, whatever comes until then. */
static uint64_t alarm_ns(const struct dial *dial)
{
	uint64_t at_ns = dial->n_begun < dial->n ? dial->next_ns : UINT64_MAX;

	for (int i = 0; i < dial->n_begun; i++)
		if (dial->streams[i] && dial->given_up[i] < at_ns)
			at_ns = dial->given_up[i];
	return at_ns;
}

static int wait(struct dial *dial, uint64_t now_ns)
{
	struct runtime *runtime = dial->self->runtime;
	const uint64_t at_ns = alarm_ns(dial);
	int rc;

	if (pause_is_cut(dial->task))
		return pause_refuse(dial->task);
	if (at_ns != UINT64_MAX)
		wheel_add(&runtime->wheel,
			  wheel_name(RUNTIME_TASK_NODE, dial->task->slot.index),
			  slice_later_ns(runtime, at_ns - now_ns));
	dial->task->waits_for = "connect";
	rc = pause_wait_in(dial->task, &dial->waiting);
	return rc < 0 ? rc : 0;
}

/* Which one is connected; or an error. */
static int dial_all(struct dial *dial)
{
	for (;;) {
		const uint64_t now_ns = slice_now_ns(dial->self->runtime);
		int live, i = look(dial, now_ns, &live), rc = 0;

		if (i >= 0)
			return i;
		if (dial->n_begun < dial->n && (live == 0 || now_ns >= dial->next_ns))
			begin_next(dial, now_ns);
		else if (live == 0)
			return dial->error;
		else
			rc = wait(dial, now_ns);
		if (rc < 0)
			return rc;
	}
}

int dial_any(struct troupe_self *self, const struct sockaddr_storage *addresses, int n,
	     struct stream **ret_stream)
{
	struct dial dial = {.self = self, .task = self->task};
	int rc;

	choose(&dial, addresses, n);
	rc = dial_all(&dial);
	for (int i = 0; i < dial.n_begun; i++) {
		struct stream *stream = stream_find(self, dial.streams[i]);

		if (!stream)
			continue;
		if (i != rc) {
			stream_close(self->runtime, stream);
			continue;
		}
		stream->port.dialing = NULL;
		stream->port.ready = LOOP_READ | LOOP_WRITE;
		*ret_stream = stream;
	}
	return rc < 0 ? rc : 0;
}
