/* open_call.h - the open calls of a connection, and their replies in the right order.
 *
 * A call is made for each valid frame and lives until it was answered for the last time or
 * cancelled. Replies go straight to the connection's output when all calls before have been
 * answered, else they wait with the call.
 */
#ifndef CONTROL_OPEN_CALL_H
#define CONTROL_OPEN_CALL_H

#include "control/connection.h"

struct open_call {
	struct control_call public;
	struct control_server *server;
	struct connection *connection; /* NULL: gone, then `link` is in the server's orphans */
	struct list link;
	struct credentials *peer;
	struct account *account;
	bool has_claim; /* of `share`, and so many bytes of it */
	unsigned share;
	size_t claimed;
	struct buffer replies; /* that wait for the calls before this one */
	size_t frame_size;     /* counts among what the connection holds */
	bool finished;
};

/* A reply may not be larger than this; what is over becomes an error. Text grows with its
 * encoding, so this is more than a message. */
#define REPLY_MAX (2u * LIMIT_FRAME)

/* NULL: no memory. */
struct open_call *open_call_new(struct connection *connection, bool oneway, bool more,
				size_t frame_size);

/* The stream that a reply of was refused has room, if the output is low again: call on_room. */
void open_call_give_room(struct connection *connection);

/* The client is gone: call on_gone of each call, and free them; oneway calls, for which no
 * client waits, go on as the server's orphans. */
void open_call_cancel_all(struct connection *connection);

/* For the server's end: on_gone, and free. The call is of no connection. */
void open_call_cancel(struct open_call *call);

#endif
