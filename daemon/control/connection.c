/* connection.c - bytes in and out of one client's stream. */
#include "control/connection.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "control/call.h"
#include "control/dispatch.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define READ_SIZE   (64u << 10) /* one read */
#define TURN_BYTES  (64u << 10) /* of frames taken on in one turn; one frame may be larger */
#define TURN_FRAMES 64u
#define LINGER_NS   2000000000ull

static struct connection *connection_of(struct loop_io *io)
{
	return container_of(io, struct connection, io);
}

/* Whether there may be a frame that came before the server began to drain. */
static bool has_due(const struct connection *connection)
{
	if (connection->state != CONNECTION_OPEN)
		return false;
	if (connection->has_frame)
		return connection->scanned < connection->due;
	return buffer_size(&connection->in) < connection->due && !connection->end_of_input;
}

bool connection_is_idle(const struct connection *connection)
{
	if (connection->state == CONNECTION_DOOMED)
		return true;
	return connection->n_calls == 0 && buffer_size(&connection->out) == 0 &&
	       !has_due(connection);
}

/* ---- what it waits for */

static bool is_output_high(const struct connection *connection)
{
	return buffer_size(&connection->out) + connection->waiting >= OUTPUT_HIGH;
}

/* Whether it should take in nothing for now. Never while nothing of its own is under way:
 * nobody else would set it going again. */
static bool is_held_back(const struct connection *connection)
{
	return is_output_high(connection) ||
	       (connection->n_calls > 0 && account_is_high(connection->account));
}

static bool may_dispatch(const struct connection *connection)
{
	return connection->state == CONNECTION_OPEN && connection->has_frame &&
	       connection->n_streams == 0 && connection->n_calls < LIMIT_PIPELINED &&
	       !is_held_back(connection) &&
	       (!connection->server->draining || has_due(connection));
}

/* A frame that cannot be taken on yet stops reading; without one, reading is also how a close
 * is noticed. */
static bool may_read(const struct connection *connection)
{
	if (connection->end_of_input)
		return false;
	if (connection->state == CONNECTION_LINGERING)
		return true;
	return connection->state == CONNECTION_OPEN && !connection->has_frame &&
	       !is_held_back(connection);
}

static void charge(struct connection *connection)
{
	size_t held = buffer_size(&connection->in) + buffer_size(&connection->out) +
		      connection->waiting + connection->working;
	bool grown;

	/* What is doomed holds nothing any more in the eyes of the limits. */
	if (connection->state == CONNECTION_DOOMED)
		held = 0;
	if (held == connection->held)
		return;
	account_charge(connection->account, connection->held, held);
	grown = held > connection->held;
	connection->held = held;
	if (grown)
		server_enforce_limits(connection->server, connection->account);
}

void connection_doom(struct connection *connection)
{
	struct control_server *server = connection->server;

	if (connection->state == CONNECTION_DOOMED)
		return;
	connection->state = CONNECTION_DOOMED;
	loop_io_stop(&connection->io);
	list_remove(&connection->turn);
	list_append(&server->doomed, &connection->doomed_link);
	charge(connection);
	server_wake(server);
}

/* All is answered and written: close, or wait for the client to read it. */
static void end(struct connection *connection)
{
	if (connection->end_of_input || connection->hung_up) {
		connection_doom(connection);
		return;
	}
	if (connection->state == CONNECTION_LINGERING)
		return;
	shutdown(connection->io.fd, SHUT_WR);
	connection->state = CONNECTION_LINGERING;
	connection->linger_until_ns = loop_now_ns(connection->io.loop) + LINGER_NS;
}

void connection_settle(struct connection *connection)
{
	struct control_server *server = connection->server;
	unsigned events = 0;

	charge(connection);
	if (connection->state == CONNECTION_OPEN && connection->end_of_input &&
	    !connection->has_frame)
		connection->state = CONNECTION_ENDING; /* half a frame may be left: dropped */
	if ((connection->state == CONNECTION_ENDING ||
	     (connection->state == CONNECTION_OPEN && server->draining)) &&
	    connection_is_idle(connection))
		end(connection);
	if (connection->state == CONNECTION_DOOMED)
		return;
	if (may_dispatch(connection) || connection->readable ||
	    (buffer_size(&connection->out) > 0 && !connection->blocked))
		server_queue(server, connection);
	if (may_read(connection))
		events |= LOOP_READ;
	if (connection->blocked)
		events |= LOOP_WRITE;
	/* One whose turn is to come will most likely read on after it. */
	if (!list_is_empty(&connection->turn))
		events |= connection->io.events & LOOP_READ;
	loop_io_set(&connection->io, events);
	if (!(events & LOOP_READ) || connection->state == CONNECTION_LINGERING)
		server_sweep_soon(server);
}

void connection_drain(struct connection *connection)
{
	int unread = 0;

	/* Bounded by what a socket holds. */
	if (connection->state == CONNECTION_OPEN &&
	    ioctl(connection->io.fd, FIONREAD, &unread) == 0)
		connection->due = buffer_size(&connection->in) + (size_t)unread;
	connection_settle(connection);
}

/* ---- input */

/* Look for the end of the first frame, in the bytes that were not looked at before. */
static void find_frame(struct connection *connection)
{
	size_t size = buffer_size(&connection->in);
	const unsigned char *data, *nul;

	if (connection->has_frame || connection->scanned == size)
		return;
	data = buffer_data(&connection->in);
	nul = memchr(data + connection->scanned, 0, size - connection->scanned);
	connection->has_frame = nul;
	connection->scanned = nul ? (size_t)(nul - data) : size;
	if (connection->scanned > connection->server->config.frame_max)
		connection_refuse(connection, "", "the message is too large (FrameMax=)");
}

static void eat_frame(struct connection *connection)
{
	size_t size = connection->scanned + 1;

	buffer_eat(&connection->in, size);
	connection->due -= size < connection->due ? size : connection->due;
	connection->scanned = 0;
	connection->has_frame = false;
	if (buffer_size(&connection->in) == 0)
		buffer_fini(&connection->in); /* idle connections hold no memory */
	find_frame(connection);
}

static void take_on_frames(struct connection *connection, uint64_t until_ns)
{
	size_t bytes = 0;

	for (unsigned n = 0; n < TURN_FRAMES && bytes < TURN_BYTES && may_dispatch(connection);
	     n++) {
		bytes += connection->scanned;
		dispatch_frame(connection, (const char *)buffer_data(&connection->in),
			       connection->scanned);
		if (connection->state == CONNECTION_OPEN)
			eat_frame(connection);
		if (loop_clock_ns(connection->io.loop) >= until_ns)
			return;
	}
}

static void take_end_of_input(struct connection *connection)
{
	struct pollfd poll_fd = {.fd = connection->io.fd};

	connection->end_of_input = true;
	/* Closed, or only for writing? The kernel reports HUP unasked when both ways are
	 * shut. */
	if (poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR)))
		connection_hang_up(connection);
}

/* Throw away what comes. */
static void discard_input(struct connection *connection)
{
	char sink[16384];
	ssize_t n = recv(connection->io.fd, sink, sizeof(sink), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		connection_doom(connection);
}

static void read_input(struct connection *connection)
{
	void *place = buffer_reserve(&connection->in, READ_SIZE);
	ssize_t n;

	if (!place) {
		server_trouble(connection->server, "no memory for a client's call");
		connection_doom(connection);
		return;
	}
	n = recv(connection->io.fd, place, READ_SIZE, MSG_DONTWAIT);
	if (n > 0) {
		buffer_added(&connection->in, (size_t)n);
		find_frame(connection);
		return;
	}
	if (buffer_size(&connection->in) == 0)
		buffer_fini(&connection->in);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		take_end_of_input(connection);
}

/* ---- output */

static void flush(struct connection *connection)
{
	size_t size = buffer_size(&connection->out);
	ssize_t n;

	if (size == 0 || connection->blocked)
		return;
	n = send(connection->io.fd, buffer_data(&connection->out), size,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		connection_hang_up(connection);
		return;
	}
	if (n > 0)
		buffer_eat(&connection->out, (size_t)n);
	connection->blocked = buffer_size(&connection->out) > 0;
	if (!connection->blocked)
		buffer_fini(&connection->out);
}

/* ---- turns */

void connection_turn(struct connection *connection, uint64_t until_ns)
{
	if (connection->readable && may_read(connection)) {
		if (connection->state == CONNECTION_LINGERING)
			discard_input(connection);
		else
			read_input(connection);
	}
	connection->readable = false;
	take_on_frames(connection, until_ns);
	if (connection->state != CONNECTION_DOOMED)
		flush(connection);
	connection_settle(connection);
}

static void on_io(struct loop_io *io, unsigned events)
{
	struct connection *connection = connection_of(io);

	/* HUP comes as both events, asked for or not. */
	if (events & LOOP_WRITE)
		connection->blocked = false;
	if (events & LOOP_READ && may_read(connection))
		connection->readable = true;
	connection_settle(connection);
}

/* ---- ends */

void connection_refuse(struct connection *connection, const char *field, const char *what)
{
	struct call *call;

	if (connection->state != CONNECTION_OPEN)
		return;
	server_trouble(connection->server, "closing a connection of uid %u, pid %d: %s%s%s",
		       connection->peer->public.uid, (int)connection->peer->public.pid, field,
		       *field ? " " : "", what);
	connection->state = CONNECTION_ENDING;
	connection->has_frame = false;
	connection->scanned = 0;
	buffer_fini(&connection->in);
	call = connection->hung_up ? NULL : call_new(connection, false, false, 0);
	if (call)
		control_call_invalid_parameter(&call->public, field, what);
}

void connection_hang_up(struct connection *connection)
{
	if (connection->hung_up)
		return;
	connection->hung_up = true;
	connection->blocked = false;
	buffer_fini(&connection->out);
	call_cancel_all(connection);
	if (connection->state != CONNECTION_OPEN)
		connection_doom(connection);
}

bool connection_sweep(struct connection *connection)
{
	struct pollfd poll_fd = {.fd = connection->io.fd};

	if (connection->state == CONNECTION_DOOMED)
		return false;
	if (connection->state == CONNECTION_LINGERING) {
		if (loop_now_ns(connection->io.loop) >= connection->linger_until_ns)
			connection_doom(connection);
		return connection->state == CONNECTION_LINGERING;
	}
	if (connection->io.events & LOOP_READ)
		return false;
	if (poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR))) {
		connection_hang_up(connection);
		connection_settle(connection);
	}
	return connection->state != CONNECTION_DOOMED;
}

int connection_new(struct control_server *server, int fd)
{
	cleanup_close int taken = fd;
	struct connection *connection;
	struct peer *peer = NULL;
	int r;

	r = peer_new(fd, &peer);
	if (r < 0)
		return r;
	connection = calloc(1, sizeof(*connection));
	if (!connection) {
		r = -ENOMEM;
		goto fail;
	}
	if (server->config.ops->level_of(server->config.context, &peer->public) ==
	    CONTROL_NOTHING) {
		server_trouble(server, "refused a connection of uid %u, pid %d",
			       peer->public.uid, (int)peer->public.pid);
		r = -EACCES;
		goto fail;
	}
	r = ledger_open(&server->ledger, peer->public.uid, &connection->account);
	if (r < 0) {
		server_trouble(server, "refused a connection of uid %u, pid %d: too many%s",
			       peer->public.uid, (int)peer->public.pid,
			       r == -EUSERS ? " of that user" : "");
		goto fail;
	}
	connection->server = server;
	connection->number = ++server->last_connection;
	connection->peer = peer;
	list_init(&connection->turn);
	list_init(&connection->doomed_link);
	list_init(&connection->calls);
	list_init(&connection->oneways);
	buffer_init(&connection->in, server->config.frame_max + 1 + READ_SIZE);
	buffer_init(&connection->out, SIZE_MAX);
	list_append(&server->connections, &connection->link);
	loop_io_init(&connection->io, server->config.loop, take_fd(&taken), on_io);
	/* Most likely its first call is there already: not a whole pass later. */
	connection->readable = true;
	connection_settle(connection);
	return 0;

fail:
	free(connection);
	peer_unref(peer);
	return r;
}

void connection_free(struct connection *connection)
{
	const struct control_config *config = &connection->server->config;

	connection_doom(connection);
	call_cancel_all(connection);
	if (config->ops->on_left)
		config->ops->on_left(config->context, connection->number);
	list_remove(&connection->doomed_link);
	list_remove(&connection->link);
	close(connection->io.fd);
	account_close(connection->account);
	buffer_fini(&connection->in);
	buffer_fini(&connection->out);
	peer_unref(connection->peer);
	free(connection);
}
