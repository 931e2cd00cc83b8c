/* listener.c - accepting connections. */
#include "control/listener.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "control/connection.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The kernel's queue is first come, first served for all users: a connection may be queued
 * behind hundreds of another user's. */
#define ACCEPTS_A_TURN 512
#define ACCEPT_NS      2000000ull /* of one pass of the loop */
#define PAUSE_NS       100000000ull

struct listener {
	struct control_server *server;
	struct list link;
	struct loop_io io;
	struct loop_timer pause; /* running: descriptors ran out */
	bool is_shared;          /* others hold the socket, and accept after us */
};

static struct listener *listener_of(struct list *link)
{
	return container_of(link, struct listener, link);
}

static void on_pause_over(struct loop_timer *timer)
{
	struct listener *listener = container_of(timer, struct listener, pause);

	loop_io_set(&listener->io, LOOP_READ);
}

static void on_readable(struct loop_io *io, unsigned events)
{
	struct listener *listener = container_of(io, struct listener, io);
	uint64_t end = loop_clock_ns(io->loop) + ACCEPT_NS;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN && (i == 0 || loop_clock_ns(io->loop) < end); i++) {
		int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			/* A failure was logged by it, and the descriptor closed. */
			(void)connection_new(listener->server, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* What is not accepted stays readable: watching it now would spin. */
			host_trouble(listener->server,
				     "cannot accept connections: out of %s; trying again",
				     errno == EMFILE || errno == ENFILE ? "descriptors"
									: "memory");
			loop_io_stop(io);
			loop_timer_start(&listener->pause, PAUSE_NS);
			return;
		}
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

int listener_new(struct control_server *server, int fd, bool is_shared)
{
	cleanup_close int taken = fd;
	struct listener *listener;
	int r;

	r = io_set_nonblock(fd);
	if (r >= 0)
		r = io_set_cloexec(fd);
	if (r < 0)
		return r;
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	listener->server = server;
	listener->is_shared = is_shared;
	list_append(&server->listeners, &listener->link);
	loop_timer_init(&listener->pause, server->config.loop, on_pause_over);
	loop_io_init(&listener->io, server->config.loop, take_fd(&taken), on_readable);
	loop_io_set(&listener->io, LOOP_READ);
	return 0;
}

/* Accept no more; the socket stays open. */
static void stop(struct listener *listener)
{
	loop_timer_stop(&listener->pause);
	loop_io_stop(&listener->io);
}

void listener_drain(struct list *link)
{
	struct listener *listener = listener_of(link);

	/* Connections beyond a limit are accepted and closed. */
	for (unsigned i = 0; !listener->is_shared && i < LIMIT_CONNECTIONS; i++) {
		int fd = accept4(listener->io.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			(void)connection_new(listener->server, fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
	stop(listener);
}

int listener_fd(struct list *link)
{
	return listener_of(link)->io.fd;
}

void listener_free(struct list *link)
{
	struct listener *listener = listener_of(link);

	stop(listener);
	close(listener->io.fd);
	list_remove(&listener->link);
	free(listener);
}
