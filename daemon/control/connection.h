/* connection.h - one client's stream: bytes in, cut into frames; replies out, in order.
 *
 * Belongs to a server and lives until the end of the loop's pass in which it was doomed: within
 * a pass a pointer to one stays good whatever its calls do. Life: OPEN (takes calls), ENDING
 * (takes no more, answers those it has), LINGERING (all is written, what still comes is thrown
 * away, so that a client that is still writing can read why it was refused), DOOMED.
 */
#ifndef CONTROL_CONNECTION_H
#define CONTROL_CONNECTION_H

#include "base/buffer.h"
#include "control/host.h"
#include "control/peer.h"
#include <stdbool.h>

enum connection_state {
	CONNECTION_OPEN,
	CONNECTION_ENDING,
	CONNECTION_LINGERING,
	CONNECTION_DOOMED
};

struct connection {
	struct control_server *server;
	struct list link;
	struct list turn; /* in its account's queue */
	uint64_t pass;    /* the server's, in which it had its last turn */
	struct list doomed_link;
	struct loop_io io;
	uint64_t number; /* never used twice */
	struct peer *peer;
	struct account *account;
	enum connection_state state;
	bool readable;     /* there was something to read */
	bool end_of_input; /* the client writes no more */
	bool hung_up;      /* nor does it read */
	bool blocked;      /* the socket took no more */

	struct buffer in;
	size_t scanned; /* bytes of `in` known to hold no NUL */
	bool has_frame; /* in[scanned] is the NUL of the first frame */

	struct buffer out;
	struct list calls;   /* that get a reply, in their order; struct call */
	struct list oneways; /* that get none */
	unsigned n_calls;    /* in both */
	unsigned n_streams;  /* of these: with `more` */
	size_t waiting;      /* bytes of replies that wait for those before them */
	size_t working;      /* bytes of the frames of open calls */
	size_t held;         /* what its account was charged with */
	uint64_t linger_until_ns;
	/* The server drains: bytes of input that had come by then and were not taken on yet. */
	size_t due;
};

/* Begin to serve `fd` (taken, on failure too), a connected stream socket that does not
 * block. */
int connection_new(struct control_server *server, int fd);

/* Read, take on the calls that are there, and write: once each, up to the bytes and the frames
 * of one turn, and taking on nothing new after `until_ns`. For the server's work. */
void connection_turn(struct connection *connection, uint64_t until_ns);

/* Something about it has changed (input, output, calls): charge its account, and decide what it
 * waits for next. */
void connection_settle(struct connection *connection);

/* The client broke the protocol: say so when all calls before are answered, then close. field: the member of the call that
 * is wrong, "" where all of it is; what: why, for people. */
void connection_refuse(struct connection *connection, const char *field, const char *what);

/* No reply can reach the client any more: its calls are cancelled; what it sent is still read,
 * for the oneway calls. */
void connection_hang_up(struct connection *connection);

/* Close it at the end of this pass. */
void connection_doom(struct connection *connection);

/* See whether the client closed, or its time is over. For the server's sweep; true: it wants to
 * be swept again. */
bool connection_sweep(struct connection *connection);

/* For the server: close and free; open calls are cancelled. */
void connection_free(struct connection *connection);

/* The server drains: what has come so far is still taken on, and nothing that comes later. */
void connection_drain(struct connection *connection);

/* Whether no call is open, nothing waits to be written, and nothing is to be taken on before
 * the server is drained. */
bool connection_is_idle(const struct connection *connection);

#endif
