/* outside.h - calls that no actor made: they come in through the agent, and their replies
 * leave that way.
 *
 * Replies wait in the outbox and are handed out between turns, so that the outside never runs
 * inside a handler. One thread.
 */
#ifndef CORE_OUTSIDE_H
#define CORE_OUTSIDE_H

#include "core/inside.h"

struct call;

/* A call has been kept in another process. Not from inside a handler. */
void outside_tell_kept(struct call *call);

/* Hand out a last reply at once; the queue is empty. `type`: of reply->data. Not from inside
 * a handler. */
void outside_reply(struct runtime *runtime, struct call *call, const struct troupe_reply *reply,
		   const struct troupe_type *type);

/* Hand out what has come, as far as the outside has room, for a millisecond at most. Not from inside
 * a handler. */
void outside_deliver(struct runtime *runtime);
/* All of it, room or not. */
void outside_drain(struct runtime *runtime);

#endif
