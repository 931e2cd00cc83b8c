/* caller.h - notices to the caller of a call: replies, the end without one, that it was kept.
 *
 * The one place that knows what kinds of callers there are: an actor here gets all of it in its
 * mailbox, a task of one with what wakes it, a client in the outbox. What waits there names the
 * call by its index, so a client's record stays until the outbox is past it. One runtime, one
 * thread.
 */
#ifndef CORE_CALLER_H
#define CORE_CALLER_H

#include "core/call.h"

/* A reply or error, of which entry, descriptor, hash, call and context are set; takes the
 * message. The call is closed, unless more follow. */
void caller_reply(struct runtime *runtime, struct call *call, struct message *message);

/* The call ends without a reply; the caller gets a notice. end.detail is copied. The callee
 * gets no notice. */
void caller_fail(struct runtime *runtime, struct call *call, struct call_end end);

/* End a call that is late, or a oneway one whose client is gone. The callee gets a cancel,
 * unless it is about to let go of the call. */
void caller_expire(struct runtime *runtime, struct call *call);

/* The callee has kept the call, so that its answer may take long: a default deadline of a
 * stream does not hold any more, and a client gets a notice. -ENOMEM: no memory for that
 * notice. */
int caller_kept(struct runtime *runtime, struct call *call);

/* The window of all streams that its caller reads. NULL: it is a client, or a task that reads
 * item by item, which has them elsewhere than in the mailbox. */
struct window *caller_shared_window(struct runtime *runtime, const struct call *call);

/* So many of the replies in its own window have been taken. */
void caller_taken(struct runtime *runtime, struct call *call, struct window *own,
		  uint32_t count, uint64_t bytes);

/* Close a client's call: the client gets nothing of it but what is in the outbox already. */
void caller_close(struct runtime *runtime, struct call *call);

#endif
