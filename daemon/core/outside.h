/* outside.h - calls that no actor made: they come in through the agent, and their replies
 * leave that way.
 *
 * Replies wait in a queue of the runtime and are handed out between turns, so that the
 * outside never runs inside a handler. One thread.
 */
#ifndef CORE_OUTSIDE_H
#define CORE_OUTSIDE_H

#include "core/inside.h"

struct call;

/* Whether the call's stream may have one more reply, as far as the outside has read it. */
bool outside_has_room(const struct call *call);

/* A reply, error or failure for call->outside; takes the message, whose `call` is set here.
 * The last one closes the call for all but outside_deliver(). */
void outside_add(struct runtime *runtime, struct call *call, struct message *message);

/* The call has been kept: the outside is told between turns. -ENOMEM. */
int outside_kept(struct runtime *runtime, struct call *call);

/* The same at once, when it was kept in another process. Not from inside a handler. */
void outside_tell_kept(struct call *call);

/* End a call of the outside without a reply. */
void outside_fail(struct runtime *runtime, struct call *call, enum troupe_status status,
		  const char *detail);

/* Hand out a last reply at once; the queue is empty. `type`: of reply->data. Not from inside
 * a handler. */
void outside_reply(struct runtime *runtime, struct call *call, const struct troupe_reply *reply,
		   const struct troupe_type *type);

/* Whether replies for the outside hold so much memory that no actor may have a turn before some
 * are handed out. Then the turn at hand ends after its handler: a handler's answers are always
 * taken. */
bool outside_is_full(const struct runtime *runtime);

/* Whether there is something that can be handed out. */
static inline bool outside_has_mail(const struct runtime *runtime)
{
	return runtime->outside_first && !runtime->outside_held;
}

/* Hand out what has come, as far as the outside has room, for a millisecond at most. Not from inside
 * a handler. */
void outside_deliver(struct runtime *runtime);
/* All of it, room or not. */
void outside_drain(struct runtime *runtime);

#endif
