#include "core/mailbox.h"
#include "core/call.h"
#include "core/kept.h"
#include "core/more.h"
#include "core/peer.h"
#include "core/timer.h"
#include "core/wait.h"
#include <errno.h>

int mailbox_refuse(struct runtime *runtime, struct actor *actor, uint32_t charge)
{
	if (charge > actor->unit->mailbox_most)
		return -EMSGSIZE;
	more_get(runtime, actor)->refused++;
	return -EAGAIN;
}

static void drain_call(struct runtime *runtime, struct actor *actor, struct message *message)
{
	if (message->mail.flags & MAIL_INBOUND) {
		struct kept_call *kept = kept_find(runtime, message->call);

		if (!kept)
			return;
		if (kept->state != KEPT_GONE)
			peer_fail(runtime, actor_address(runtime, actor), kept->caller,
				  kept->call, TROUPE_ACTOR_DIED, NULL);
		kept_free(runtime, kept);
	} else {
		struct call *call = call_find(runtime, message->call);

		if (call)
			call_fail(runtime, call, TROUPE_ACTOR_DIED, NULL);
	}
}

/* Notices go back to their records: closed ones end here, others may be told of again. */
static void drain_mail(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	struct message *message = message_of(mail);
	struct kept_call *kept;

	switch (mail->kind) {
	case MAIL_SEND:
		runtime_dead_letter(runtime, message->from, actor_address(runtime, actor),
				    message->descriptor, "actor-died");
		break;
	case MAIL_CALL:
		drain_call(runtime, actor, message);
		break;
	case MAIL_END:
		call_give(runtime, container_of(mail, struct call, mail));
		return;
	case MAIL_TICK:
		timer_untick(runtime, container_of(mail, struct timer, mail));
		return;
	case MAIL_ROOM: {
		const struct wait_past past =
			wait_finish(runtime, container_of(mail, struct wait, mail));

		wait_settle(runtime, actor_slot(runtime, actor), &past);
		return;
	}
	case MAIL_CANCEL:
		kept = container_of(mail, struct kept_call, mail);
		mail->flags &= (uint8_t)~MAIL_QUEUED;
		if (slots_is_closed(&kept->slot))
			kept_give(runtime, kept);
		return;
	}
	load_subtract(&actor->load, (struct load){0, message_charge(message)});
	message_free(&runtime->messages, message);
}

uint32_t mailbox_count(const struct actor *actor)
{
	const struct mail *mail = actor->tail;
	uint32_t count = 0;

	for (; mail && (count == 0 || mail != actor->tail); mail = mail->next)
		count++;
	return count;
}

void mailbox_drain(struct runtime *runtime, struct actor *actor)
{
	while (actor->tail) {
		struct mail *mail = actor->tail->next;

		if (mail == actor->tail)
			actor->tail = NULL;
		else
			actor->tail->next = mail->next;
		if (mail->kind == MAIL_SEND || mail->kind == MAIL_CALL)
			load_subtract(&actor->load, (struct load){1, 0});
		drain_mail(runtime, actor, mail);
	}
}
