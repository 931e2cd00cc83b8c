/* wires.c - descriptors of an actor's own, watched. */
#define _GNU_SOURCE
#include "wires.varlink.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <troupe/io.h>
#include <unistd.h>

#define COPIES_MAX 200

struct connection {
	struct connection *next, **place;
	struct troupe_watch watch;
	int fd;
	size_t size, sent; /* of `bytes` */
	char bytes[4096];
};

struct wires {
	int listener; /* 0: none */
	struct connection *connections;
	int64_t count, bytes, ignored;
	int always; /* 0: none */
	/* Reuse */
	struct wires_reuse_call call;
	struct troupe_watch watch;
	int pair[2];
	int64_t left, copies, round, wrong;
	int copy[COPIES_MAX], n_copies;
};

static int on_pair(struct troupe_self *self, struct wires *me, uint64_t context,
		   const struct troupe_watch_event *event);
static int on_connection(struct troupe_self *self, struct wires *me, uint64_t context,
			 const struct troupe_watch_event *event);
static int on_listener(struct troupe_self *self, struct wires *me, uint64_t context,
		       const struct troupe_watch_event *event);
static int on_always(struct troupe_self *self, struct wires *me, uint64_t context,
		     const struct troupe_watch_event *event);
TROUPE_WATCH(on_pair, struct wires)
TROUPE_WATCH(on_connection, struct wires)
TROUPE_WATCH(on_listener, struct wires)
TROUPE_WATCH(on_always, struct wires)

/* ------------------------------------------------------------------ connections */

static void hang_up(struct troupe_self *self, struct wires *me, struct connection *connection)
{
	(void)troupe_watch_stop(self, connection->watch);
	close(connection->fd);
	*connection->place = connection->next;
	if (connection->next)
		connection->next->place = connection->place;
	free(connection);
	me->count--;
}

static int on_connection(struct troupe_self *self, struct wires *me, uint64_t context,
			 const struct troupe_watch_event *event)
{
	struct connection *connection = (struct connection *)(uintptr_t)context;
	ssize_t n;

	if (event->events & TROUPE_READABLE && connection->sent == connection->size) {
		n = read(event->fd, connection->bytes, sizeof(connection->bytes));
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			hang_up(self, me, connection);
			return 0;
		}
		connection->size = n > 0 ? (size_t)n : 0;
		connection->sent = 0;
	}
	n = send(event->fd, connection->bytes + connection->sent,
		 connection->size - connection->sent, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) {
		hang_up(self, me, connection);
		return 0;
	}
	if (n > 0) {
		connection->sent += (size_t)n;
		me->bytes += n;
	}
	return troupe_watch_set(self, connection->watch,
				connection->sent < connection->size ? TROUPE_WRITABLE
								    : TROUPE_READABLE);
}

static int on_listener(struct troupe_self *self, struct wires *me, uint64_t context,
		       const struct troupe_watch_event *event)
{
	int fd = accept4(event->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), r;
	struct connection *connection;

	(void)context;
	if (fd < 0)
		return errno == EAGAIN || errno == ECONNABORTED ? 0 : -errno;
	connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return -ENOMEM;
	}
	connection->fd = fd;
	r = troupe_watch_start(self, fd, TROUPE_READABLE, &on_connection_entry,
			       (uint64_t)(uintptr_t)connection, &connection->watch);
	if (r < 0) {
		close(fd);
		free(connection);
		return r;
	}
	connection->next = me->connections;
	connection->place = &me->connections;
	if (connection->next)
		connection->next->place = &connection->next;
	me->connections = connection;
	me->count++;
	return 0;
}

static int on_listen(struct troupe_self *self, struct wires *me, struct wires_listen_call call,
		     const struct wires_listen *in)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct troupe_watch watch;
	int fd, r;

	if (strlen(in->path) >= sizeof(address.sun_path))
		return wires_listen_fail_parameter(self, call, "path", "must be shorter");
	strcpy(address.sun_path, in->path);
	(void)unlink(in->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0
		    ? -errno
		    : troupe_watch_start(self, fd, TROUPE_READABLE, &on_listener_entry, 0,
					 &watch);
	if (r < 0) {
		close(fd);
		return r;
	}
	me->listener = fd;
	return wires_listen_return(self, call, &(struct wires_listen_out){0});
}

static int on_count(struct troupe_self *self, struct wires *me, struct wires_count_call call,
		    const struct wires_count *in)
{
	(void)in;
	return wires_count_return(
		self, call,
		&(struct wires_count_out){.connections = me->count, .bytes = me->bytes});
}

/* ------------------------------------------------------------------ one number, many files */

static int next_pair(struct troupe_self *self, struct wires *me)
{
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, me->pair) < 0)
		return -errno;
	r = troupe_watch_start(self, me->pair[0], TROUPE_READABLE, &on_pair_entry,
			       (uint64_t)++me->round, &me->watch);
	if (r < 0)
		return r;
	return write(me->pair[1], "x", 1) == 1 ? 0 : -EIO;
}

static int on_pair(struct troupe_self *self, struct wires *me, uint64_t context,
		   const struct troupe_watch_event *event)
{
	int r;

	if ((int64_t)context != me->round || event->fd != me->pair[0])
		me->wrong++;
	if (me->n_copies < me->copies) /* the byte is not read: it stays readable */
		me->copy[me->n_copies++] = dup(event->fd);
	r = troupe_watch_stop(self, me->watch);
	close(me->pair[0]);
	close(me->pair[1]);
	if (r < 0)
		return r;
	if (--me->left > 0)
		return next_pair(self, me);
	while (me->n_copies > 0)
		close(me->copy[--me->n_copies]);
	return wires_reuse_return(self, me->call,
				  &(struct wires_reuse_out){.wrong = me->wrong});
}

static int on_reuse(struct troupe_self *self, struct wires *me, struct wires_reuse_call call,
		    const struct wires_reuse *in)
{
	int r;

	if (in->times < 1)
		return wires_reuse_fail_parameter(self, call, "times", "must be 1 or more");
	if (in->copies < 0 || in->copies > COPIES_MAX)
		return wires_reuse_fail_parameter(self, call, "copies", "must be 0 to 200");
	r = wires_reuse_keep(self, &call);
	if (r < 0)
		return r;
	me->call = call;
	me->left = in->times;
	me->copies = in->copies;
	me->wrong = 0;
	return next_pair(self, me);
}

/* ------------------------------------------------------------------ what is never read */

static int on_always(struct troupe_self *self, struct wires *me, uint64_t context,
		     const struct troupe_watch_event *event)
{
	(void)self;
	(void)context;
	(void)event;
	me->ignored++;
	return 0;
}

static int on_ignore(struct troupe_self *self, struct wires *me, struct wires_ignore_call call,
		     const struct wires_ignore *in)
{
	struct troupe_watch watch;
	int ends[2], r;

	(void)in;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
		return -errno;
	close(ends[1]);
	me->always = ends[0];
	r = troupe_watch_start(self, ends[0], TROUPE_READABLE, &on_always_entry, 0, &watch);
	return r < 0 ? r : wires_ignore_return(self, call, &(struct wires_ignore_out){0});
}

static int on_ignored(struct troupe_self *self, struct wires *me,
		      struct wires_ignored_call call, const struct wires_ignored *in)
{
	(void)in;
	return wires_ignored_return(self, call,
				    &(struct wires_ignored_out){.events = me->ignored});
}

static void end(struct troupe_self *self, struct wires *me, enum troupe_cause cause)
{
	(void)cause;
	while (me->connections)
		hang_up(self, me, me->connections);
	if (me->listener)
		close(me->listener); /* its watch, stopped by nobody, ends with the actor */
	if (me->always)
		close(me->always);
}

TROUPE_LIFE(life, struct wires, void, .fini = end)
WIRES_HANDLERS(wiring, struct wires, .listen = on_listen, .count = on_count, .reuse = on_reuse,
	       .ignore = on_ignore, .ignored = on_ignored)
TROUPE_ACTOR(wires) = {
	TROUPE_ABI(wires),
	.state_size = sizeof(struct wires),
	.life = &life,
	.interfaces = {&wiring},
	.entries = {&on_pair_entry, &on_connection_entry, &on_listener_entry, &on_always_entry},
};
