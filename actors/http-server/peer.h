/* peer.h - connections, and how long each may stay in a phase. A phase has one time for all, so
 * a list for each, the oldest first, is in order. */
#ifndef HTTPSERVER_PEER_H
#define HTTPSERVER_PEER_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <troupe/io.h>

enum phase {
	PHASE_HEADER, /* a request's line and header are awaited, or arrive */
	PHASE_BODY,
	PHASE_IDLE, /* kept alive */
	PHASE_BUSY, /* is being answered: libmicrohttpd's idle time, or the call's, holds */
	PHASE_COUNT
};

struct peer {
	TAILQ_ENTRY(peer) link; /* in its phase's list */
	enum phase phase;
	int fd;
	uint64_t since_ns; /* of the phase */
	struct MHD_Connection *connection;
	/* Of one whose TLS is being agreed on: */
	bool is_agreeing;
	TAILQ_ENTRY(peer) agreeing_link; /* unless it is parked */
	struct troupe_watch parked;      /* until something comes; id 0: it is not */
	/* Of one whose body comes in chunks (chunks.h): */
	bool is_chunked;
	TAILQ_ENTRY(peer) chunked_link;
	uint64_t moved_run; /* of the server's runs: when something of the body came last */
	size_t unread;      /* bytes, when it was looked at since then */
};

TAILQ_HEAD(peer_list, peer);

struct peers {
	struct peer_list phases[PHASE_COUNT];
	struct peer_list agreeing;
	struct peer_list chunked; /* the one of which nothing came for longest first */
	unsigned count;
};

struct server;

void peers_init(struct peers *peers);

/* MHD_OPTION_NOTIFY_CONNECTION's, whose context is the server. */
void peer_on_connection(void *context, struct MHD_Connection *connection, void **peer,
			enum MHD_ConnectionNotificationCode code);

/* NULL: there was no memory for it. */
struct peer *peer_of(struct MHD_Connection *connection);

/* A request begins. */
void peer_asks(struct server *server, struct peer *peer);

/* libmicrohttpd takes a connection whose TLS is being agreed on for ready all the time, and has
 * to run again and again while nothing comes. To be called after it ran: those are suspended
 * until their sockets are ready. */
void peers_park(struct server *server);
/* The watch of one that is parked has fired: let it go on. */
void peer_unpark(struct server *server, struct peer *peer);
/* All of them, since the server ends: suspended ones are not closed. */
void peers_unpark(struct server *server);

void peer_enter(struct server *server, struct peer *peer, enum phase phase);

/* Of its TLS; NULL: it has none. */
gnutls_session_t peer_session(const struct peer *peer);

/* Shut its socket: libmicrohttpd reads the end of the connection, or in a second at most sees
 * that its time is over, and lets go of all that belongs to it. */
void peer_end(struct server *server, struct peer *peer);

/* End those whose phase took too long; with is_crowded, those that idle and could make room. */
void peers_sweep(struct server *server, bool is_crowded);

/* When the next one's phase is over; UINT64_MAX: there is none. */
uint64_t peers_due_ns(const struct server *server);

#endif
