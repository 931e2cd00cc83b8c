/* peer.c - connections, and how long each may stay in a phase. */
#include "chunks.h"
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
	TAILQ_INIT(&peers->agreeing);
	TAILQ_INIT(&peers->chunked);
}

gnutls_session_t peer_session(const struct peer *peer)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

/* Its TLS is agreed on, or it has gone. What is parked does neither. */
static void has_agreed(struct server *server, struct peer *peer)
{
	if (peer->is_agreeing)
		TAILQ_REMOVE(&server->peers.agreeing, peer, agreeing_link);
	peer->is_agreeing = false;
}

/* Only then there is anything to describe. */
static bool is_agreed(gnutls_session_t session)
{
	char *text = gnutls_session_get_desc(session);

	gnutls_free(text);
	return text != NULL;
}

static void park(struct server *server, struct peer *peer)
{
	gnutls_session_t session = peer_session(peer);
	uint32_t events =
		gnutls_record_get_direction(session) ? TROUPE_WRITABLE : TROUPE_READABLE;

	if (is_agreed(session)) {
		has_agreed(server, peer);
		return;
	}
	if (troupe_watch_start(server->self, peer->fd, events, server->on_parked,
			       (uintptr_t)peer, &peer->parked) < 0)
		return; /* it is run again, which takes time, but goes on */
	TAILQ_REMOVE(&server->peers.agreeing, peer, agreeing_link);
	MHD_suspend_connection(peer->connection);
}

void peers_park(struct server *server)
{
	struct peer *peer = TAILQ_FIRST(&server->peers.agreeing);

	while (peer) {
		struct peer *next = TAILQ_NEXT(peer, agreeing_link);

		park(server, peer);
		peer = next;
	}
}

void peer_unpark(struct server *server, struct peer *peer)
{
	troupe_watch_stop(server->self, peer->parked);
	peer->parked = (struct troupe_watch){0};
	TAILQ_INSERT_TAIL(&server->peers.agreeing, peer, agreeing_link);
	MHD_resume_connection(peer->connection);
}

void peers_unpark(struct server *server)
{
	struct peer *peer;

	/* they are in no other phase */
	TAILQ_FOREACH(peer, &server->peers.phases[PHASE_HEADER], link)
	if (peer->parked.id)
		peer_unpark(server, peer);
}

void peer_asks(struct server *server, struct peer *peer)
{
	has_agreed(server, peer);
	if (peer->phase != PHASE_HEADER)
		peer_enter(server, peer, PHASE_HEADER);
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
		has_agreed(server, peer); /* what is parked does not close */
		chunks_end(server, peer);
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
	peer->connection = connection;
	if (peer_session(peer)) {
		peer->is_agreeing = true;
		TAILQ_INSERT_TAIL(&server->peers.agreeing, peer, agreeing_link);
	}
	peer->phase = PHASE_HEADER;
	peer->since_ns = troupe_now_ns(server->self);
	TAILQ_INSERT_TAIL(&server->peers.phases[PHASE_HEADER], peer, link);
	server->peers.count++;
	*ret_peer = peer;
}

void peer_end(struct server *server, struct peer *peer)
{
	shutdown(peer->fd, SHUT_RDWR);
	/* It neither reads nor hears of the end while its buffer is full. */
	if (peer->phase == PHASE_BODY)
		MHD_set_connection_option(peer->connection, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
	peer_enter(server, peer, PHASE_BUSY);
	if (peer->parked.id)
		peer_unpark(server, peer);
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
			peer_end(server, peer);
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
