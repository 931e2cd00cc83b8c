/* held.h - replies of a stream that their client has not read yet, kept in order up to a limit.
 *
 * Belongs to a call while that is open; after the stream's last reply it lives on alone until the client has read
 * everything or is gone. Master process, one thread.
 */
#ifndef MASTER_HELD_H
#define MASTER_HELD_H

#include "control/server.h"
#include <stdbool.h>
#include <stddef.h>

struct master;
struct held;

/* *ret_held is given. -ENOMEM. */
int held_new(struct master *master, struct control_call *client, struct held **ret_held);
/* The call is over without a last reply, which somebody else gives or nobody needs. NULL is fine. */
void held_free(struct held *held);

/* One more reply (text of an object, copied): sent at once if the client reads. -ENOBUFS: LIMIT_STREAM_HELD or LIMIT_STREAMS_HELD
 * is reached; -ENOMEM. */
int held_add(struct held *held, const char *text, size_t size);

/* The last one: an error by name, or (NULL) a reply. The held is taken, and the client with it: it is answered when it
 * has read what stands before, in any case. */
void held_finish(struct held *held, const char *error, const char *text, size_t size);

#endif
