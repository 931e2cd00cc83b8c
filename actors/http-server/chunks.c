/* chunks.c - bodies in chunks, and those of them that stand still. */
#include "chunks.h"

#include "refusal.h"
#include "server.h"
#include <gnutls/gnutls.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define RUNS    16                  /* of libmicrohttpd, without any of a body: it stands */
#define LOOK_NS (50 * TROUPE_MS_NS) /* what has not been read then never will be */

void chunks_begin(struct server *server, struct peer *peer)
{
	peer->is_chunked = true;
	peer->moved_run = server->runs;
	peer->unread = 0;
	TAILQ_INSERT_TAIL(&server->peers.chunked, peer, chunked_link);
}

void chunks_end(struct server *server, struct peer *peer)
{
	if (peer->is_chunked)
		TAILQ_REMOVE(&server->peers.chunked, peer, chunked_link);
	peer->is_chunked = false;
}

void chunks_move(struct server *server, struct peer *peer)
{
	if (!peer->is_chunked)
		return;
	chunks_end(server, peer);
	chunks_begin(server, peer);
}

/* Bytes, or the end of the connection as one. */
static size_t unread_of(const struct peer *peer)
{
	gnutls_session_t session = peer_session(peer);
	size_t inside = session ? gnutls_record_check_pending(session) : 0;
	int outside = 0;
	char byte;

	if (ioctl(peer->fd, FIONREAD, &outside) < 0)
		outside = 0;
	if (outside == 0 && recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		outside = 1;
	return inside + (size_t)outside;
}

static bool is_standing(const struct server *server, const struct peer *peer)
{
	return server->runs - peer->moved_run >= RUNS;
}

/* What has come just now is read by the next run. What was there at the last look, too, while
 * nothing of the body was given, is not. */
static void look(struct server *server)
{
	struct peer *next, *peer;

	for (peer = TAILQ_FIRST(&server->peers.chunked); peer && is_standing(server, peer);
	     peer = next) {
		size_t before = peer->unread;

		next = TAILQ_NEXT(peer, chunked_link);
		peer->unread = unread_of(peer);
		if (peer->phase == PHASE_BODY && before > 0 && peer->unread >= before) {
			server->malformed++;
			refusal_write(server, peer, MHD_HTTP_BAD_REQUEST);
		}
	}
}

bool chunks_stand_still(struct server *server)
{
	const struct peer *first = TAILQ_FIRST(&server->peers.chunked);
	uint64_t now_ns = troupe_now_ns(server->self);

	if (!first || !is_standing(server, first))
		return false;
	if (now_ns - server->looked_ns >= LOOK_NS) {
		server->looked_ns = now_ns;
		look(server);
	}
	return true;
}
