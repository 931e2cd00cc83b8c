/* handler.h - what is done around each call of a plug-in's function in a turn.
 *
 * Inline, since it is part of the way of every message. One runtime, one thread.
 */
#ifndef CORE_HANDLER_H
#define CORE_HANDLER_H

#include "core/activation.h"
#include "core/failure.h"
#include "core/inside.h"

/* A handler's result is counted, and may end the actor. */
static inline void take_result(struct troupe_self *self, int rc)
{
	if (unlikely(rc < 0))
		failure_take(self, rc);
}

/* The message is dealt with, and nobody else has it. */
static inline void drop_message(struct runtime *runtime, struct actor *actor,
				struct message *message, size_t head)
{
	size_t size = head + message->mail.size;

	load_subtract(&actor->load, (struct load){0, (uint32_t)((size + 15) / 16)});
	slab_give(&runtime->messages, message, size);
}

#endif
