#include "core/rest.h"

#include "core/mailbox.h"

void rest_hold(struct troupe_self *self, struct rest *rest)
{
	struct mail *mail = &self->activation.message->mail;

	mail->next = NULL;
	if (rest->last)
		rest->last->next = mail;
	else
		rest->first = mail;
	rest->last = mail;
	rest->count++;
	load_add(&self->actor->load, (struct load){1, 0});
	self->activation.outcome.call = SELF_NO_MESSAGE;
	self->activation.outcome.kept = true;
}

void rest_end(struct runtime *runtime, struct actor *actor)
{
	actor->marks = (actor->marks & ~ACTOR_RESTS) | ACTOR_RELEASED;
	if (!(actor->marks & ACTOR_QUEUED))
		runq_push(runtime, actor);
}

void rest_empty(struct actor *actor, struct rest *rest)
{
	actor->marks &= ~(ACTOR_RESTS | ACTOR_RELEASED);
	if (rest->first)
		mailbox_put_back(actor, rest->first, rest->last);
	rest->first = rest->last = NULL;
	rest->count = 0;
}
