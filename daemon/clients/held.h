/* held.h - replies of a stream that its client has not read yet: kept in order, up to a limit.
 *
 * What the client's connection takes is counted, for the worker, so that the actor goes on only
 * as fast as the client reads. A stream of a worker that sends more all the same reaches the
 * limit. Part of a call, whose client it answers. Master process, one thread.
 */
#ifndef CLIENTS_HELD_H
#define CLIENTS_HELD_H

#include "base/list.h"
#include "control/server.h"
#include <stdbool.h>
#include <stddef.h>

struct held {
	struct control_call *client; /* borrowed */
	struct list replies;         /* the last one of the stream may be among them */
	size_t bytes;                /* of their texts, but for that one's */
	/* What the connection has taken, and the worker was sent no notice of yet */
	unsigned taken;
	size_t taken_bytes;
};

void held_init(struct held *held, struct control_call *client);
void held_fini(struct held *held);

/* One more reply (text of an object, copied): sent at once if the client reads. -ENOBUFS:
 * LIMIT_STREAM_HELD or LIMIT_STREAMS_HELD is reached; -ENOMEM. */
int held_add(struct held *held, const char *text, size_t size);

/* The last one (copied): an error by name, or (NULL) a reply. True: the client was answered.
 * False: it will be when it has read the replies before. */
bool held_finish(struct held *held, const char *error, const char *text, size_t size);

/* There is room: send what the client takes. True: the last reply is among it, and the client
 * was answered. */
bool held_flush(struct held *held);

/* Whether the client has taken so much that the worker should know. */
bool held_has_taken_much(const struct held *held);

#endif
