/* peer.c - connections, and how long each may stay in a phase. */
#include "server.h"

#include <stdlib.h>
#include <sys/socket.h>

/* What idles may stay for so long when others wait for its place. */
#define CROWDED_IDLE_NS (200 * TROUPE_MS_NS)

static uint64_t phase_ns(const struct server *server, enum phase phase)
{
	switch (phase) {
	case PHASE_HEADER:
		return server->settings.header_ns;
	case PHASE_BODY:
		return server->settings.body_ns;
	case PHASE_IDLE:
		return server->settings.idle_ns;
	default:
		return UINT64_MAX / 2;
	}
}

void peers_init(struct peers *peers)
{
	for (int i = 0; i < PHASE_COUNT; i++)
		TAILQ_INIT(&peers->phases[i]);
}

void peer_enter(struct server *server, struct peer *peer, enum phase phase)
{
	TAILQ_REMOVE(&server->peers.phases[peer->phase], peer, link);
	peer->phase = phase;
	peer->since_ns = troupe_now_ns(server->self);
	TAILQ_INSERT_TAIL(&server->peers.phases[phase], peer, link);
}

struct peer *peer_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

void peer_on_connection(void *context, struct MHD_Connection *connection, void **ret_peer,
			enum MHD_ConnectionNotificationCode code)
{
	struct server *server = context;
	struct peer *peer = *ret_peer;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (!peer)
			return;
		TAILQ_REMOVE(&server->peers.phases[peer->phase], peer, link);
		server->peers.count--;
		free(peer);
		*ret_peer = NULL;
		server_peer_gone(server);
		return;
	}
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return;
	peer->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			   ->connect_fd;
	peer->phase = PHASE_HEADER;
	peer->since_ns = troupe_now_ns(server->self);
	TAILQ_INSERT_TAIL(&server->peers.phases[PHASE_HEADER], peer, link);
	server->peers.count++;
	*ret_peer = peer;
}

/* libmicrohttpd reads the end of the connection, and lets go of all that belongs to it. */
static void end(struct server *server, struct peer *peer)
{
	shutdown(peer->fd, SHUT_RDWR);
	peer_enter(server, peer, PHASE_BUSY);
}

void peers_sweep(struct server *server, bool is_crowded)
{
	uint64_t now_ns = troupe_now_ns(server->self);

	for (enum phase phase = 0; phase < PHASE_BUSY; phase++) {
		struct peer_list *list = &server->peers.phases[phase];
		uint64_t most_ns = phase_ns(server, phase);
		struct peer *peer;

		if (is_crowded && phase == PHASE_IDLE && most_ns > CROWDED_IDLE_NS)
			most_ns = CROWDED_IDLE_NS;
		while ((peer = TAILQ_FIRST(list)) && peer->since_ns + most_ns <= now_ns) {
			server->timed_out++;
			end(server, peer);
		}
	}
}

uint64_t peers_due_ns(const struct server *server)
{
	uint64_t due_ns = UINT64_MAX;

	for (enum phase phase = 0; phase < PHASE_BUSY; phase++) {
		const struct peer *peer = TAILQ_FIRST(&server->peers.phases[phase]);

		if (peer && peer->since_ns + phase_ns(server, phase) < due_ns)
			due_ns = peer->since_ns + phase_ns(server, phase);
	}
	return due_ns;
}
