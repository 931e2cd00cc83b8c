#include "io/listener.h"

#include "base/endpoint.h"
#include "core/slice.h"
#include "io/place.h"
#include "io/socket.h"
#include "io/tls.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG           4096 /* the kernel takes its own limit, when that is less */
#define LOG_WARNING_LEVEL 4

/* ------------------------------------------------------------------ lives */

/* Its own, not that of whoever has put another there since. */
static void remove_path(const struct listener *listener)
{
	struct stat found;

	if (listener->path[0] && lstat(listener->path, &found) == 0 &&
	    found.st_dev == listener->file.st_dev && found.st_ino == listener->file.st_ino)
		(void)unlink(listener->path);
}

void listener_rouse(struct runtime *runtime, struct listener *listener, int result)
{
	task_wake_all(runtime, &listener->resting, result);
}

void listener_let_go(struct listener *listener)
{
	while (listener->n_held > 0)
		close(listener->held[--listener->n_held]);
}

static void close_listener(struct runtime *runtime, struct listener *listener)
{
	remove_path(listener);
	listener_let_go(listener);
	port_close(runtime, &listener->port);
	listener_rouse(runtime, listener, -ECONNABORTED);
	keys_unref(listener->keys);
	free(listener);
}

static void on_gone(struct runtime *runtime, struct belonging *belonging)
{
	close_listener(runtime, container_of(belonging, struct listener, port.belonging));
}

const struct belonging_kind listener_kind = {
	.name = "listener",
	.reading = "accept",
	.on_gone = on_gone,
};

struct listener *listener_find(const struct troupe_self *self, struct troupe_listener handle)
{
	struct belonging *belonging = belonging_find(self, handle.id, &listener_kind);

	return belonging ? container_of(belonging, struct listener, port.belonging) : NULL;
}

/* ------------------------------------------------------------------ opening */

static void set_options(int fd)
{
	/* those who are accepted have it, too */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	/* what is left of a listener that was here before is in nobody's way */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
}

/* "": it has none in the file system. */
static const char *path_of(const struct troupe_endpoint *endpoint)
{
	const struct sockaddr_un *local = (const void *)&endpoint->address;

	return local->sun_family == AF_UNIX ? local->sun_path : "";
}

/* A descriptor. */
static int open_socket(const struct troupe_endpoint *endpoint)
{
	int fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);
	int rc;

	if (fd < 0)
		return -errno;
	if (endpoint->address.ss_family != AF_UNIX)
		set_options(fd);
	rc = place_bind(fd, endpoint);
	if (rc == 0 && listen(fd, BACKLOG) < 0)
		rc = -errno;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* With the path of its file, "" being none; fd is taken, closed on failure, too. */
static int open_listener(struct troupe_self *self, int fd, const char *path,
			 struct listener **ret_listener)
{
	struct listener *listener = calloc(1, sizeof(*listener) + strlen(path) + 1);
	int rc;

	if (!listener) {
		close(fd);
		return -ENOMEM;
	}
	strcpy(listener->path, path);
	if (path[0] && lstat(path, &listener->file) < 0)
		listener->path[0] = '\0'; /* somebody has removed it already */
	listener->port.ready = LOOP_READ;
	rc = port_open(self, &listener->port, &listener_kind, fd, LOOP_READ | POLLER_EDGE);
	if (rc < 0) {
		remove_path(listener);
		free(listener);
		close(fd);
		return rc;
	}
	*ret_listener = listener;
	return 0;
}

/* At one that was handed in. The file of one that is others', too, stays. */
static int listen_handed(struct troupe_self *self, const char *text,
			 struct listener **ret_listener)
{
	int fd = socket_open(self, text, SOCK_STREAM);

	return fd < 0 ? fd : open_listener(self, fd, "", ret_listener);
}

static int listen_at(struct troupe_self *self, const struct place *place,
		     struct listener **ret_listener)
{
	int fd = open_socket(&place->endpoint);

	return fd < 0 ? fd : open_listener(self, fd, path_of(&place->endpoint), ret_listener);
}

int troupe_listen(struct troupe_self *self, const char *text,
		  struct troupe_listener *ret_listener)
{
	struct listener *listener;
	struct place place;
	int rc;

	if (socket_is_meant(text)) {
		rc = listen_handed(self, text, &listener);
	} else {
		rc = stream_place(self, text, false, &place);
		if (rc == 0)
			rc = listen_at(self, &place, &listener);
	}
	if (rc == 0)
		ret_listener->id = listener->port.belonging.id;
	return rc;
}

static int listen_with(struct troupe_self *self, const char *text,
		       struct listener **ret_listener)
{
	struct place place;
	int rc;

	if (text && strncmp(text, "tls:", 4) == 0 && socket_is_meant(text + 4))
		return listen_handed(self, text + 4, ret_listener);
	rc = stream_place_or_tls(self, text, &place);
	if (rc < 0)
		return rc;
	return listen_at(self, &place, ret_listener);
}

int troupe_tls_listen(struct troupe_self *self, const char *text, struct troupe_tls tls,
		      struct troupe_listener *ret_listener)
{
	struct listener *listener;
	struct keys *keys;
	int rc;

	if (!text || strncmp(text, "tls:", 4) != 0)
		return troupe_listen(self, text, ret_listener);
	keys = keys_find(self, tls);
	if (!keys)
		return -ESRCH;
	if (!keys->has_certificate)
		return -EINVAL;
	rc = listen_with(self, text, &listener);
	if (rc < 0)
		return rc;
	listener->keys = keys_ref(keys);
	ret_listener->id = listener->port.belonging.id;
	return 0;
}

void troupe_listener_close(struct troupe_self *self, struct troupe_listener handle)
{
	struct listener *listener = listener_find(self, handle);

	if (listener)
		close_listener(self->runtime, listener);
}

int troupe_listener_place(struct troupe_self *self, struct troupe_listener handle,
			  char ret_place[TROUPE_PLACE_MAX])
{
	const struct listener *listener = listener_find(self, handle);

	int rc = listener ? endpoint_of_socket(listener->port.fd, false, ret_place) : -ESRCH;

	if (rc == 0 && listener->keys)
		tls_mark_place(ret_place);
	return rc;
}

int troupe_listener_reserve(struct troupe_self *self, struct troupe_listener handle,
			    unsigned tasks, unsigned descriptors)
{
	struct listener *listener = listener_find(self, handle);

	if (!listener)
		return -ESRCH;
	if (tasks > TROUPE_RESERVE_TASKS_MAX || descriptors > TROUPE_RESERVE_DESCRIPTORS_MAX)
		return -EINVAL;
	listener_let_go(listener);
	listener->tasks = tasks;
	listener->descriptors = descriptors;
	return 0;
}

/* ------------------------------------------------------------------ accepting */

/* Whether it is the process or the kernel that has no more, for now. */
static bool is_short(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Once; and anew when it was well for a minute. */
static void warn_of_shortage(struct troupe_self *self, struct listener *listener, int error)
{
	const uint64_t now_ns = slice_now_ns(self->runtime);
	char text[160];

	if (!listener->short_ns || now_ns - listener->short_ns > LIMIT_SHORTAGE_NS) {
		snprintf(text, sizeof(text),
			 "connections have to wait: %s; tried again every %u ms",
			 strerrordesc_np(error), LIMIT_ACCEPT_REST_MS);
		unit_log(self->runtime, self->actor->unit, LOG_WARNING_LEVEL, text);
	}
	listener->short_ns = now_ns;
}

static struct listener *listener_of(struct use *use)
{
	return container_of(use->port, struct listener, port);
}

int listener_rest(struct use *use, bool is_long)
{
	return use_rest(use, &listener_of(use)->resting,
			is_long ? UINT64_MAX : LIMIT_ACCEPT_REST_MS * TROUPE_MS_NS);
}

int listener_recover(struct use *use, int error)
{
	warn_of_shortage(use->self, listener_of(use), -error);
	listener_let_go(listener_of(use)); /* who rests holds nothing */
	return listener_rest(use, false);
}

/* The kernel looks for a descriptor before it looks for a connection. */
static bool is_anyone_there(int fd)
{
	struct pollfd it = {.fd = fd, .events = POLLIN};

	return poll(&it, 1, 0) != 0;
}

/* What became of an accept() that failed. 0: try again. */
static int recover(struct use *use, int error)
{
	if (error == EAGAIN || (is_short(error) && !is_anyone_there(use->port->fd))) {
		port_tried(use->port, LOOP_READ);
		return 0;
	}
	if (is_short(error))
		return listener_recover(use, -error);
	/* All else is of the connection, which is gone (see accept(2)); unless it is no socket
	 * that listens, which none of ours is. */
	return error == EINVAL || error == EBADF ? -error : 0;
}

/* Descriptors that stand for those that the next connection is to open; all, or none. */
static int hold(struct listener *listener)
{
	while (listener->n_held < listener->descriptors) {
		int fd = eventfd(0, EFD_CLOEXEC);

		if (fd < 0) {
			fd = -errno;
			listener_let_go(listener);
			return fd;
		}
		listener->held[listener->n_held++] = fd;
	}
	return 0;
}

/* A descriptor. */
static int accept_next(struct listener *listener)
{
	int rc = hold(listener), fd;

	if (rc < 0)
		return rc;
	fd = accept4(listener->port.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		fd = -errno;
		listener_let_go(listener); /* who waits holds nothing */
	}
	return fd;
}

/* With TLS to be agreed on, where the listener has it. */
static int open_accepted(struct use *use, int fd, struct stream **ret_stream)
{
	struct keys *keys = listener_of(use)->keys;
	struct stream *stream;
	int rc = stream_open(use->self, fd, &stream);

	if (rc == 0 && keys) {
		rc = tls_new(&stream->port, stream->is_whole, keys_ref(keys), NULL,
			     &stream->tls);
		if (rc < 0)
			stream_close(use->self->runtime, stream);
	}
	if (rc == 0)
		*ret_stream = stream;
	return rc;
}

int listener_accept(struct use *use, struct stream **ret_stream)
{
	for (;;) {
		int rc = use_wait(use, 0), fd;

		if (rc < 0)
			return rc;
		fd = accept_next(listener_of(use));
		if (fd < 0)
			rc = recover(use, -fd);
		else if ((rc = open_accepted(use, fd, ret_stream)) == 0)
			return 0;
		else
			rc = listener_recover(use, rc);
		if (rc < 0)
			return rc;
	}
}

int troupe_accept(struct troupe_self *self, struct troupe_listener handle,
		  struct troupe_stream *ret_stream)
{
	struct stream *stream;
	struct use use;
	int rc = use_begin(self, handle.id, &listener_kind, LOOP_READ, &use);

	if (rc < 0)
		return rc;
	rc = listener_accept(&use, &stream);
	if (use.port)
		listener_let_go(listener_of(&use));
	if (rc == 0)
		ret_stream->id = stream->port.belonging.id;
	return use_end_ready(&use, rc);
}
