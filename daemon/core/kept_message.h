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
	struct list of_owner; /* actor->messages, or task->answers */
	struct message *message;
	uint32_t owner;      /* slot */
	struct list **chain; /* that it is in, when it is a task's; NULL: the actor's */
};

/* A place for an answer of one of an actor's tasks, in its chain, without a message. NULL: the
 * limit, or its unit's share. */
struct troupe_kept *kept_message_reserve(struct runtime *runtime, struct actor *owner,
					 struct list **chain);

/* The same, in the place of `kept` when that is in this chain, whose message goes. */
struct troupe_kept *kept_message_renew(struct troupe_self *self, struct troupe_kept *kept,
				       struct list **chain);

/* Whether one that a plug-in hands back is in that chain. */
bool kept_message_is_in(const struct troupe_self *self, const struct troupe_kept *kept,
			struct list *const *chain);

/* One of the actor's, or of a task's, is free; its message too, when it has one. */
void kept_message_drop(struct runtime *runtime, struct troupe_kept *kept);

/* All answers of a task. */
void kept_message_drop_chain(struct runtime *runtime, struct list **chain);

/* A copy of a message whose block is of that type. NULL: no memory. */
struct message *kept_message_copy(struct runtime *runtime, const struct troupe_type *type,
				  const struct message *message);

/* The actor is gone: what it kept is freed. */
void kept_message_drop_all(struct runtime *runtime, struct actor *owner);

#endif
