/* leavers.c - clients that left in a request, or behind one, and were not heard. */
#include "leavers.h"

#include "server.h"
#include <gnutls/gnutls.h>
#include <sys/socket.h>

static bool has_left(const struct peer *peer)
{
	gnutls_session_t session = peer_session(peer);
	char byte;

	if (session && gnutls_record_check_pending(session) > 0)
		return false;
	/* One that is refused may still be reading why. */
	if (MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_HTTP_STATUS))
		return false;
	return recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Those of a phase that are in it since then, the latest first. */
static void look_at(struct server *server, enum phase phase, uint64_t since_ns)
{
	struct peer *peer = TAILQ_LAST(&server->peers.phases[phase], peer_list);

	while (peer && peer->since_ns >= since_ns) {
		struct peer *before = TAILQ_PREV(peer, peer_list, link);

		if (has_left(peer))
			peer_end(server, peer);
		peer = before;
	}
}

/* Who idles had to say it with his request, and is looked at once. */
static bool is_anybody_there(const struct server *server)
{
	const struct peer_list *phases = server->peers.phases;
	const struct peer *idle = TAILQ_LAST(&phases[PHASE_IDLE], peer_list);

	return !TAILQ_EMPTY(&phases[PHASE_HEADER]) || !TAILQ_EMPTY(&phases[PHASE_BODY]) ||
	       (idle && idle->since_ns >= server->swept_ns);
}

void leavers_sweep(struct server *server)
{
	uint64_t before_ns = server->swept_ns, now_ns = troupe_now_ns(server->self);

	if (now_ns < leavers_due_ns(server))
		return;
	server->swept_ns = now_ns;
	look_at(server, PHASE_HEADER, 0);
	look_at(server, PHASE_BODY, 0);
	look_at(server, PHASE_IDLE, before_ns);
}

uint64_t leavers_due_ns(const struct server *server)
{
	if (!is_anybody_there(server))
		return UINT64_MAX;
	return server->swept_ns + TROUPE_SECOND_NS;
}
