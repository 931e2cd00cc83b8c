/* mailbox.h - an actor's mailbox: first in first out, bounded by messages and bytes.
 *
 * Sends and calls need room; replies and notices are always taken, since what they answer has
 * been paid for. One runtime, one thread.
 */
#ifndef CORE_MAILBOX_H
#define CORE_MAILBOX_H

#include "core/inside.h"
#include "core/runq.h"

/* The mails form a ring: actor->tail is the last, the one behind it the first. */
static inline void mailbox_push(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	struct mail *tail = actor->tail;

	if (tail) {
		mail->next = tail->next;
		tail->next = mail;
	} else {
		mail->next = mail;
	}
	actor->tail = mail;
	if (!(actor->marks & ACTOR_QUEUED))
		runq_push(runtime, actor);
}

/* All that lies in the mailbox of an actor that has mail, as a list that ends with NULL; the
 * last of it is actor->tail before. The mailbox is empty then. */
static inline struct mail *mailbox_take_all(struct actor *actor)
{
	struct mail *first = actor->tail->next;

	actor->tail->next = NULL;
	actor->tail = NULL;
	return first;
}

/* What is left of such a list, back before all that has come since. */
static inline void mailbox_put_back(struct actor *actor, struct mail *first, struct mail *last)
{
	if (actor->tail) {
		last->next = actor->tail->next;
		actor->tail->next = first;
	} else {
		last->next = first;
		actor->tail = last;
	}
}

/* Why a send or call of that charge is not added. -EAGAIN: not now; -EMSGSIZE: never; -ESRCH:
 * the actor ends. The refusal is counted. */
int mailbox_refuse(struct runtime *runtime, struct actor *actor, uint32_t charge);

static inline bool mailbox_has_room(const struct actor *actor, uint32_t charge)
{
	return actor->load.queued < actor->unit->mailbox &&
	       (uint64_t)actor->load.charged + charge <= actor->unit->mailbox_units;
}

/* Add a send or call, for which mailbox_has_room() was true. Takes the message. */
static inline void mailbox_add(struct runtime *runtime, struct actor *actor,
			       struct message *message)
{
	load_add(&actor->load, (struct load){1, message_charge(message)});
	mailbox_push(runtime, actor, &message->mail);
}

/* Add a reply or failure. Takes the message. */
static inline void mailbox_add_reply(struct runtime *runtime, struct actor *actor,
				     struct message *message)
{
	load_add(&actor->load, (struct load){0, message_charge(message)});
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

#endif
