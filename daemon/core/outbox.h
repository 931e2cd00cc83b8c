/* outbox.h - what waits for clients: replies, and notices that a call has been kept, in one
 * queue.
 *
 * It is emptied after each handler (client_call.h), so that no client's code runs inside one,
 * and what one has answered is not lost with the next that crashes. Where clients have no room
 * it is bounded: when it is full, no actor has a turn. One runtime, one thread.
 */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include "core/inside.h"

/* The last in the queue; it is handed out after the handler at hand, and the turn at hand ends
 * soon, so that it leaves. */
void outbox_push(struct runtime *runtime, struct mail *mail);
/* The first, taken out; there is one. */
struct mail *outbox_pop(struct runtime *runtime);

/* Whether what waits holds so much memory that no actor may have a turn before some is handed
 * out. Then the turn at hand ends after its handler: a handler's answers are always taken. */
static inline bool outbox_is_full(const struct runtime *runtime)
{
	return runtime->outbox.bytes >= LIMIT_OUTBOX_BYTES;
}

/* Whether there is something that can be handed out. */
static inline bool outbox_has_mail(const struct runtime *runtime)
{
	return runtime->outbox.first && !runtime->outbox.held;
}

#endif
