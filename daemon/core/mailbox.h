/* mailbox.h - an actor's mailbox: first in first out, bounded by messages and bytes.
 *
 * Sends and calls need room; replies and notices are always taken, since what they answer has
 * been paid for. One runtime, one thread.
 */
#ifndef CORE_MAILBOX_H
#define CORE_MAILBOX_H

#include "core/inside.h"
#include "core/runq.h"

static inline void mailbox_push(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	mail->next = NULL;
	if (actor->head)
		actor->tail->next = mail;
	else
		actor->head = mail;
	actor->tail = mail;
	if (!(actor->flags & ACTOR_QUEUED))
		runq_push(runtime, actor);
}

/* 0: a send or call of that charge may be added. -EAGAIN: not now; -EMSGSIZE: never. The
 * refusal is counted. */
int mailbox_refuse(struct actor *actor, uint32_t charge);

static inline bool mailbox_has_room(const struct actor *actor, uint32_t charge)
{
	return actor->queued < actor->unit->mailbox &&
	       (uint64_t)actor->charged + charge <= actor->unit->mailbox_units;
}

/* Add a send or call, for which mailbox_has_room() was true. Takes the message. */
static inline void mailbox_add(struct runtime *runtime, struct actor *actor,
			       struct message *message)
{
	actor->queued++;
	actor->charged += message_charge(message);
	mailbox_push(runtime, actor, &message->mail);
}

/* Add a reply or failure. Takes the message. */
static inline void mailbox_add_reply(struct runtime *runtime, struct actor *actor,
				     struct message *message)
{
	actor->charged += message_charge(message);
	mailbox_push(runtime, actor, &message->mail);
}

/* Add the notice of a record, which must not lie in a mailbox. */
static inline void mailbox_notify(struct runtime *runtime, struct actor *actor,
				  struct mail *notice, enum mail_kind kind)
{
	notice->kind = (uint8_t)kind;
	notice->flags |= MAIL_QUEUED;
	mailbox_push(runtime, actor, notice);
}

/* All that lies in it, replies and notices too. Walks through it. */
uint32_t mailbox_count(const struct actor *actor);

/* Free what a dying actor's mailbox holds: calls are answered with ActorDied, sends go to
 * dead letters. */
void mailbox_drain(struct runtime *runtime, struct actor *actor);

#endif
