/* server.h - what a server is made of. Its parts are peer.h (connections), exchange.h (a
 * request and its answer), call.h, events.h, files.h; server.c brings libmicrohttpd's turns and
 * the host's together. */
#ifndef HTTPSERVER_SERVER_H
#define HTTPSERVER_SERVER_H

#include "listener.h"
#include "peer.h"
#include "settings.h"
#include <microhttpd.h>
#include <stdint.h>
#include <sys/queue.h>
#include <troupe/io.h>

struct exchange;
TAILQ_HEAD(exchange_list, exchange);

/* A libmicrohttpd daemon: one for plain connections, one for TLS. */
struct house {
	struct MHD_Daemon *daemon; /* NULL: not needed */
	struct troupe_watch watch; /* of its epoll descriptor */
};

enum { PLAIN, SECURE, HOUSES };

struct door {
	struct listener listener;
	struct troupe_watch watch;
	char name[PLACE_MAX];
};

/* A call under way. The host remembers an index and a generation of it, never a pointer. */
struct ticket {
	struct exchange *exchange; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

struct server {
	struct troupe_self *self; /* of the handler that runs */
	/* entries, for those who start what arrives at them */
	const struct troupe_entry *on_answer, *on_reader, *on_websocket, *on_parked;
	struct settings settings;
	struct house houses[HOUSES];
	struct door doors[LISTENERS_MAX];
	size_t n_doors;
	bool is_resting;     /* no connection is accepted: too many, or no descriptors left */
	uint64_t rested_ns;  /* when it last was warned of that; 0: never */
	bool is_stopping;    /* in fini */
	uint64_t rest_until; /* no descriptor was left; ns, 0: it rests for another reason */
	struct peers peers;
	struct ticket *tickets; /* settings.calls of them */
	uint32_t first_free;    /* settings.calls: none */
	unsigned n_calls, n_streams;
	size_t behind; /* bytes of all streams that their readers have not taken */
	struct exchange_list resumed; /* suspended ones to go on at the end of this turn */
	struct exchange_list opening; /* streams without an event so far, the oldest first */
	struct exchange_list streams; /* open ones, the one that has been quiet longest first */
	TAILQ_HEAD(, websocket) websockets;
	uint64_t ping_ns;         /* when they are pinged next; 0: there is none */
	struct troupe_timer turn; /* at the end of what is queued, when it is due */
	bool is_turn_due;
	struct troupe_timer wake; /* for what is due at wake_ns; UINT64_MAX: nothing */
	uint64_t wake_ns;
	uint64_t swept_ns;  /* when clients that had left were looked for last */
	uint64_t runs;      /* of libmicrohttpd */
	uint64_t looked_ns; /* when bodies that stand still were looked at last */
	int64_t accepted, turned_away, requests, malformed, timed_out;
};

/* Have libmicrohttpd run once all that is queued for the server now was handled: whatever is
 * resumed until then goes on together. */
void server_turn_soon(struct server *server);

/* The highest number of a descriptor that a connection or a file may have; those above are left
 * to the others of the worker. */
int server_last_descriptor(void);

/* A connection has ended: there may be room for another. */
void server_peer_gone(struct server *server);

#endif
