/* client_call.h - calls that no actor made but a client: they come in through the agent, and
 * their replies leave that way.
 *
 * Replies wait in the outbox and are handed out before the next handler begins, so that no
 * client's code runs inside one, and none is lost when that one crashes. One thread.
 */
#ifndef CORE_CLIENT_CALL_H
#define CORE_CLIENT_CALL_H

#include "core/inside.h"

struct call;

/* A call has been kept in another process. Not from inside a handler. */
void client_call_report_kept(struct call *call);

/* Hand out a last reply at once; the queue is empty. `type`: of reply->data. Not from inside
 * a handler. */
void client_call_end(struct runtime *runtime, struct call *call,
		     const struct troupe_reply *reply, const struct troupe_type *type);

/* Hand out what has come, as far as clients have room, for a millisecond at most: between two
 * handlers of a turn. Not from inside one. */
void client_calls_hand_out(struct runtime *runtime);
/* The same at the end of a turn: what was handed out leaves (on_replied()). */
void client_calls_deliver(struct runtime *runtime);
/* All of it, room or not. */
void client_calls_drain(struct runtime *runtime);

#endif
