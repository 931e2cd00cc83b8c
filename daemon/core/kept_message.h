/* kept_message.h - a message that an actor has kept beyond its handler, with the memory that it
 * lies in.
 *
 * Owned by the actor, within bounds of its own. As said in <troupe/actor.h>, see self.h. One
 * runtime, one thread.
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

int self_keep(struct troupe_self *self, struct troupe_kept **ret_kept);
const void *self_kept_in(const struct troupe_kept *kept);
void self_release(struct troupe_self *self, struct troupe_kept *kept);

/* The actor is gone: what it kept is freed. */
void kept_message_drop_all(struct runtime *runtime, struct actor *owner);

#endif
