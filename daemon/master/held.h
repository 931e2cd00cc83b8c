/* held.h - replies of a stream on their way to the client: those that it has not read yet are
 * kept in order, up to a limit.
 *
 * What the client's connection has taken is reported to the call, which sends it on to the
 * worker, so that the actor goes on only as fast as the client reads. A stream of a worker that
 * sends more all the same reaches the limit.
 *
 * Belongs to a call while that is open; after the stream's last reply it lives on alone until
 * the client has read everything or is gone. Master process, one thread.
 */
#ifndef MASTER_HELD_H
#define MASTER_HELD_H

#include "control/server.h"
#include <stdbool.h>
#include <stddef.h>

struct master;
struct held;

/* Callback: the client's connection has taken the next `count` replies, `weight` together.
 * Returns a negative errno value when that could not be sent to the worker: it is called again
 * later. */
typedef int held_taken(void *context, unsigned count, size_t weight);

/* *ret_held is given. -ENOMEM. */
int held_new(struct master *master, struct control_call *client, held_taken *on_taken,
	     void *context, struct held **ret_held);
/* The call is over without a last reply, which another part gives or which is not needed. NULL
 * is fine. */
void held_free(struct held *held);

/* One more reply (text of an object, copied): sent at once if the client reads. weight: what it
 * counts for. -ENOBUFS: LIMIT_STREAM_HELD or LIMIT_STREAMS_HELD is reached; -ENOMEM. */
int held_add(struct held *held, const char *text, size_t size, size_t weight);

/* The last one: an error by name, or (NULL) a reply. The held is taken, and the client with it,
 * which is answered in any case, once it has read the replies before. */
void held_finish(struct held *held, const char *error, const char *text, size_t size);

#endif
