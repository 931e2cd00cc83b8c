/* connection.c - what one client's stream holds, and what it waits for. */
#include "control/connection.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define LINGER_NS 2000000000ull

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

bool connection_is_output_high(const struct connection *connection)
{
	return buffer_size(&connection->out) + connection->waiting >= OUTPUT_HIGH;
}

bool connection_has_room(const struct connection *connection)
{
	return connection->starved && !connection_is_output_high(connection);
}

/* Whether it should take in nothing for now. Never while nothing of its own is under way: no
 * other event would set it going again. */
static bool is_held_back(const struct connection *connection)
{
	return connection_is_output_high(connection) ||
	       (connection->n_calls > 0 && account_is_high(connection->account));
}

bool connection_may_dispatch(const struct connection *connection)
{
	return connection->state == CONNECTION_OPEN && connection->has_frame &&
	       connection->n_streams == 0 && connection->n_calls < LIMIT_PIPELINED &&
	       !is_held_back(connection) &&
	       (!connection->server->draining || has_due(connection));
}

bool connection_may_read(const struct connection *connection)
{
	if (connection->end_of_input)
		return false;
	if (connection->state == CONNECTION_LINGERING)
		return true;
	return connection->state == CONNECTION_OPEN && !connection->has_frame &&
	       !is_held_back(connection);
}

/* ---- what it holds */

void connection_doom(struct connection *connection)
{
	struct control_server *server = connection->server;

	if (connection->state == CONNECTION_DOOMED)
		return;
	connection->state = CONNECTION_DOOMED;
	loop_io_stop(&connection->io);
	list_remove(&connection->turn);
	list_append(&server->doomed, &connection->doomed_link);
	/* What is doomed holds nothing any more in the eyes of the limits. */
	account_charge(connection->account, connection->held, 0);
	connection->held = 0;
	host_wake(server);
}

/* The connection that holds most; of one account, or of any. */
static struct connection *find_greediest(struct control_server *server,
					 const struct account *account)
{
	struct connection *greediest = NULL;

	list_each (struct connection, connection, &server->connections, link) {
		if (connection->state == CONNECTION_DOOMED ||
		    (account && connection->account != account))
			continue;
		if (!greediest || connection->held > greediest->held)
			greediest = connection;
	}
	return greediest;
}

/* Some of its bytes have grown: while a limit is passed, doom the connection that holds
 * most. */
static void enforce_limits(struct control_server *server, struct account *account)
{
	for (;;) {
		bool uid = account_is_over(account);
		struct connection *greediest;

		if (!uid && !ledger_is_over(&server->ledger))
			return;
		greediest = find_greediest(server, uid ? account : NULL);
		if (!greediest)
			return;
		host_trouble(server, "closing a connection of uid %u, pid %d: %zu bytes held%s",
			     greediest->peer->public.uid, (int)greediest->peer->public.pid,
			     greediest->held,
			     uid ? ", too many of that user" : ", too many in all");
		connection_doom(greediest);
	}
}

static void charge(struct connection *connection)
{
	size_t held = buffer_size(&connection->in) + buffer_size(&connection->out) +
		      connection->waiting + connection->working;
	bool grown;

	if (connection->state == CONNECTION_DOOMED || held == connection->held)
		return;
	account_charge(connection->account, connection->held, held);
	grown = held > connection->held;
	connection->held = held;
	if (grown)
		enforce_limits(connection->server, connection->account);
}

/* ---- what comes next */

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

/* Give it a turn, if it does not wait for one yet. Users take turns, and the connections of
 * each user. */
static void queue_up(struct connection *connection)
{
	struct control_server *server = connection->server;
	struct account *account = connection->account;

	if (!list_is_empty(&connection->turn))
		return;
	list_append(&account->queue, &connection->turn);
	if (list_is_empty(&account->turn))
		list_append(&server->turns, &account->turn);
	host_wake(server);
}

void connection_update(struct connection *connection)
{
	struct control_server *server = connection->server;
	unsigned events = 0;
	int r;

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
	if (connection_may_dispatch(connection) || connection->readable || connection->closed ||
	    connection_has_room(connection) ||
	    (buffer_size(&connection->out) > 0 && !connection->blocked))
		queue_up(connection);
	if (connection_may_read(connection))
		events |= LOOP_READ;
	if (connection->blocked)
		events |= LOOP_WRITE;
	if (events == 0 && !connection->hung_up)
		events = LOOP_HANGUP;
	/* One whose turn is to come will most likely read on after it. */
	if (!list_is_empty(&connection->turn))
		events |= connection->io.events & LOOP_READ;
	r = loop_io_set(&connection->io, events);
	if (r < 0)
		host_trouble(server, "cannot notice when a client hangs up: %s", strerror(-r));
	if (connection->state == CONNECTION_LINGERING)
		host_sweep_soon(server);
}

void connection_drain(struct connection *connection)
{
	int unread = 0;

	/* Bounded by what a socket holds. */
	if (connection->state == CONNECTION_OPEN &&
	    ioctl(connection->io.fd, FIONREAD, &unread) == 0)
		connection->due = buffer_size(&connection->in) + (size_t)unread;
	connection_update(connection);
}

static void on_io(struct loop_io *io, unsigned events)
{
	struct connection *connection = connection_of(io);

	/* A hang-up comes as both other events, where they are watched for. */
	if (events & LOOP_HANGUP)
		connection->closed = true;
	if (events & LOOP_WRITE)
		connection->blocked = false;
	if (events & LOOP_READ && connection_may_read(connection))
		connection->readable = true;
	connection_update(connection);
}

/* ---- life */

int connection_new(struct control_server *server, int fd)
{
	cleanup_close int taken = fd;
	struct connection *connection;
	struct credentials *peer = NULL;
	int r;

	r = credentials_new(fd, &peer);
	connection = r == 0 ? calloc(1, sizeof(*connection)) : NULL;
	if (!connection) {
		r = r < 0 ? r : -ENOMEM;
		host_trouble(server, "cannot take a connection: %s", strerror(-r));
		goto fail;
	}
	if (server->config.ops->level_of(server->config.context, &peer->public) ==
	    CONTROL_NOTHING) {
		host_trouble(server, "refused a connection of uid %u, pid %d", peer->public.uid,
			     (int)peer->public.pid);
		r = -EACCES;
		goto fail;
	}
	r = ledger_open(&server->ledger, peer->public.uid, &connection->account);
	if (r < 0) {
		host_trouble(server, "refused a connection of uid %u, pid %d: %s",
			     peer->public.uid, (int)peer->public.pid,
			     r == -EUSERS   ? "too many of that user"
			     : r == -ENFILE ? "too many"
					    : strerror(-r));
		goto fail;
	}
	connection->server = server;
	connection->number = ++server->last_connection;
	connection->peer = peer;
	list_init(&connection->turn);
	list_init(&connection->doomed_link);
	list_init(&connection->calls);
	list_init(&connection->oneways);
	buffer_init(&connection->in, server->config.frame_max + 1 + CONNECTION_READ);
	buffer_init(&connection->out, SIZE_MAX);
	list_append(&server->connections, &connection->link);
	loop_io_init(&connection->io, server->config.loop, take_fd(&taken), on_io);
	/* Most likely its first call is there already: not a whole pass later. */
	connection->readable = true;
	connection_update(connection);
	return 0;

fail:
	free(connection);
	credentials_unref(peer);
	return r;
}

void connection_free(struct connection *connection)
{
	const struct control_config *config = &connection->server->config;

	check(connection->state == CONNECTION_DOOMED);
	check(list_is_empty(&connection->calls) && list_is_empty(&connection->oneways));
	if (config->ops->on_left)
		config->ops->on_left(config->context, connection->number, connection->marks);
	list_remove(&connection->doomed_link);
	list_remove(&connection->link);
	close(connection->io.fd);
	account_close(connection->account);
	buffer_fini(&connection->in);
	buffer_fini(&connection->out);
	credentials_unref(connection->peer);
	free(connection);
}
