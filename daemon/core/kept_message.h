/* kept_message.h - a message that an actor has kept beyond its handler, with the memory that it
 * lies in.
 *
 * Owned by the actor, within bounds of its own. What actors do with them is said in
 * <troupe/actor.h>. One runtime, one thread.
 */
#ifndef CORE_KEPT_MESSAGE_H
#define CORE_KEPT_MESSAGE_H

#include "core/activation.h"

struct troupe_kept {
	struct slot slot;
	struct list of_owner; /* actor->messages */
	struct message *message;
	uint32_t owner; /* slot */
};

/* The actor is gone: what it kept is freed. */
void kept_message_drop_all(struct runtime *runtime, struct actor *owner);

#endif
