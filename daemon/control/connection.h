/* connection.h - one client's stream: what it holds, and what it waits for.
 *
 * Belongs to a server and lives until the end of the loop's pass in which it was doomed: within
 * a pass a pointer to one stays good whatever its calls do. Life: OPEN (takes calls), ENDING
 * (takes no more, answers those it has), LINGERING (all is written, what still comes is thrown
 * away, so that a client that is still writing can read why it was refused), DOOMED.
 */
#ifndef CONTROL_CONNECTION_H
#define CONTROL_CONNECTION_H

#include "base/buffer.h"
#include "control/credentials.h"
#include "control/host.h"
#include <stdbool.h>

#define CONNECTION_READ (64u << 10) /* one read */

/* More than this unread: it takes no calls, streams get -EAGAIN. */
#define OUTPUT_HIGH (1u << 20)

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
	uint64_t marks;  /* the host's own */
	struct credentials *peer;
	struct account *account;
	enum connection_state state;
	bool readable;     /* there was something to read */
	bool end_of_input; /* the client writes no more */
	bool hung_up;      /* nor does it read */
	bool blocked;      /* the socket took no more */
	bool closed;       /* by the client, both ways: to be hung up on its next turn */

	struct buffer in;
	size_t scanned; /* bytes of `in` known to hold no NUL */
	bool has_frame; /* in[scanned] is the NUL of the first frame */

	struct buffer out;
	struct list calls;         /* that get a reply, in their order; struct open_call */
	struct list oneways;       /* that get none */
	unsigned n_calls;          /* in both */
	unsigned n_streams;        /* of these: with `more`; 1 at most */
	struct open_call *starved; /* the stream that a reply of was refused; NULL: none */
	size_t waiting;            /* bytes of replies that wait for those before them */
	size_t working;            /* bytes of the frames of open calls */
	size_t held;               /* what its account was charged with */
	uint64_t linger_until_ns;
	/* The server drains: bytes of input that had come by then and were not taken on yet. */
	size_t due;
};

/* Begin to serve `fd` (taken, on failure too), a connected stream socket that does not
 * block. */
int connection_new(struct control_server *server, int fd);

/* Something about it has changed (input, output, calls): charge its account, which may doom
 * whichever connection holds most, and decide what it waits for next. */
void connection_update(struct connection *connection);

/* Close it at the end of this pass. */
void connection_doom(struct connection *connection);

/* Close and free it: it is doomed, and has no calls any more. */
void connection_free(struct connection *connection);

/* The server drains: what has come so far is still taken on, and nothing that comes later. */
void connection_drain(struct connection *connection);

/* Whether no call is open, nothing waits to be written, and nothing is to be taken on before
 * the server is drained. */
bool connection_is_idle(const struct connection *connection);

/* Whether OUTPUT_HIGH is reached. */
bool connection_is_output_high(const struct connection *connection);

/* Whether a stream waits for room that there is by now. */
bool connection_has_room(const struct connection *connection);

/* Whether the frame that it has may be taken on now. */
bool connection_may_dispatch(const struct connection *connection);

/* Whether it may be read from. A frame that cannot be taken on yet stops reading; without one,
 * reading is also how a close is noticed. */
bool connection_may_read(const struct connection *connection);

#endif
