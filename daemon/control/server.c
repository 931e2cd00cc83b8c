/* server.c - connections served in turn, and what all of them may hold. */
#include "control/server.h"

#include "base/check.h"
#include "base/limits.h"
#include "control/connection.h"
#include "control/host.h"
#include "control/listener.h"
#include "control/open_call.h"
#include "control/traffic.h"
#include <errno.h>
#include <stdlib.h>

#define TROUBLE_BURST 10u
#define TROUBLE_NS    10000000000ull /* in which a burst may be logged */

static struct connection *connection_at(struct list *link)
{
	return container_of(link, struct connection, link);
}

/* ---- the loop's pass */

/* Give each that waits a turn, the users in turn: until all had one, or the time of a pass is
 * over, since whoever else waits for the loop has waited long enough then. What has still
 * something to do has queued up again. */
static void serve_turns(struct control_server *server)
{
	uint64_t now = loop_clock_ns(server->config.loop), end = now + LIMIT_CONTROL_PASS_NS;
	struct list later;

	list_init(&later);
	server->pass++;
	while (!list_is_empty(&server->turns) && now < end) {
		struct account *account = list_first(&server->turns, struct account, turn);
		struct connection *connection =
			list_first(&account->queue, struct connection, turn);

		list_remove(&account->turn);
		/* What was doomed has left the queue. */
		if (list_is_empty(&account->queue))
			continue;
		if (connection->pass == server->pass) {
			list_append(&later, &account->turn);
			continue;
		}
		list_remove(&connection->turn);
		if (!list_is_empty(&account->queue))
			list_append(&server->turns, &account->turn);
		connection->pass = server->pass;
		traffic_turn(connection, now + LIMIT_CONTROL_TURN_NS < end
						 ? now + LIMIT_CONTROL_TURN_NS
						 : end);
		now = loop_clock_ns(server->config.loop);
	}
	while (!list_is_empty(&later)) {
		struct list *link = later.next;

		list_remove(link);
		list_append(&server->turns, link);
	}
}

static void free_doomed(struct control_server *server)
{
	uint64_t now = loop_clock_ns(server->config.loop), end = now + LIMIT_CONTROL_PASS_NS;

	while (!list_is_empty(&server->doomed) && now < end) {
		traffic_end(list_first(&server->doomed, struct connection, doomed_link));
		now = loop_clock_ns(server->config.loop);
	}
}

static bool is_idle(const struct control_server *server)
{
	list_foreach (at, &server->connections) {
		if (!connection_is_idle(connection_at(at)))
			return false;
	}
	return true;
}

static bool on_work(struct loop_work *work)
{
	struct control_server *server = container_of(work, struct control_server, work);

	serve_turns(server);
	if (server->config.ops->on_served)
		server->config.ops->on_served(server->config.context);
	free_doomed(server);
	/* From a timer's callback, so that the host may free the server then. */
	if (server->draining && !server->is_drained && is_idle(server)) {
		server->is_drained = true;
		loop_timer_start(&server->drained, 0);
	}
	if (!list_is_empty(&server->turns) || !list_is_empty(&server->doomed))
		return true;
	loop_work_stop(work);
	return false;
}

static void on_sweep(struct loop_timer *timer)
{
	struct control_server *server = container_of(timer, struct control_server, sweep);
	bool again = false;

	list_foreach_safe (at, &server->connections) {
		if (traffic_sweep(connection_at(at)))
			again = true;
	}
	if (again)
		host_sweep_soon(server);
}

/* ---- life */

static void on_drained(struct loop_timer *timer)
{
	struct control_server *server = container_of(timer, struct control_server, drained);

	server->on_drained(server->drain_context);
}

int control_server_new(const struct control_config *config, struct control_server **ret_server)
{
	struct control_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	check(config->ops->level_of);
	server->config = *config;
	if (server->config.frame_max == 0)
		server->config.frame_max = LIMIT_FRAME_DEFAULT;
	ledger_init(&server->ledger);
	server->ledger.connections_quota = (struct control_quota){
		.all = config->connections ? config->connections : LIMIT_CONNECTIONS,
		.uid = config->connections_uid ? config->connections_uid
					       : LIMIT_CONNECTIONS_UID,
		.kept = config->connections_kept,
	};
	server->ledger.shares = config->shares;
	server->ledger.held_max = config->held_all ? config->held_all : LIMIT_HELD_BYTES;
	server->ledger.held_uid_max =
		config->held_uid ? config->held_uid : LIMIT_HELD_BYTES_UID;
	rate_limit_init(&server->trouble, TROUBLE_NS, TROUBLE_BURST);
	list_init(&server->connections);
	list_init(&server->turns);
	list_init(&server->doomed);
	list_init(&server->orphans);
	list_init(&server->listeners);
	loop_work_init(&server->work, config->loop, on_work);
	loop_timer_init(&server->sweep, config->loop, on_sweep);
	loop_timer_init(&server->drained, config->loop, on_drained);
	*ret_server = server;
	return 0;
}

void control_server_free(struct control_server *server)
{
	if (!server)
		return;
	while (!list_is_empty(&server->listeners))
		listener_free(server->listeners.next);
	while (!list_is_empty(&server->connections))
		traffic_end(connection_at(server->connections.next));
	while (!list_is_empty(&server->orphans))
		open_call_cancel(list_first(&server->orphans, struct open_call, link));
	loop_timer_stop(&server->drained);
	loop_timer_stop(&server->sweep);
	loop_work_stop(&server->work);
	free(server);
}

int control_server_listen(struct control_server *server, int fd, bool is_shared)
{
	return listener_new(server, fd, is_shared);
}

void control_server_unlisten(struct control_server *server, int fd)
{
	list_foreach_safe (at, &server->listeners)
		if (listener_fd(at) == fd)
			listener_free(at);
}

int control_server_adopt(struct control_server *server, int fd)
{
	return connection_new(server, fd);
}

void control_server_drain(struct control_server *server,
			  void (*on_drained_callback)(void *context), void *context)
{
	list_foreach_safe (at, &server->listeners)
		listener_drain(at);
	server->draining = true;
	server->on_drained = on_drained_callback;
	server->drain_context = context;
	/* Idle ones are closed, but for what they have written so far. */
	list_foreach_safe (link, &server->connections)
		connection_drain(connection_at(link));
	host_wake(server);
}

unsigned control_server_connections(const struct control_server *server)
{
	return server->ledger.connections;
}
