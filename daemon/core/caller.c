#include "core/caller.h"
#include "core/callee.h"
#include "core/mailbox.h"
#include "core/outbox.h"
#include "core/wait.h"
#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------------ clients */

static void queue_answer(struct runtime *runtime, struct call *call, struct mail *mail)
{
	outbox_push(runtime, mail);
	call->queued++;
}

/* What is queued names the call by its index, so the record has to stay until the queue is
 * past it. */
void caller_close(struct runtime *runtime, struct call *call)
{
	/* Who waits for its stream's window is owed an on_room. */
	if (call->client_call)
		wait_wake_all(runtime, &call->client_call->window.waiters);
	if (call->queued)
		call->mail.flags |= MAIL_QUEUED;
	else
		call->client_call = NULL;
	call_close(runtime, call);
}

static void add_to_outbox(struct runtime *runtime, struct call *call, struct message *message)
{
	message->extra = slots_index(&runtime->calls, call);
	queue_answer(runtime, call, &message->mail);
	if (message->mail.flags & MAIL_CONTINUES)
		window_claim(&call->client_call->window, message->mail.size);
	else
		caller_close(runtime, call);
}

static int report_kept(struct runtime *runtime, struct call *call)
{
	struct message *message = message_new(&runtime->messages, MAIL_KEPT, 0);

	if (!message)
		return -ENOMEM;
	/* By its id: it may end before this is handed out, and then nobody needs it. */
	message->call = slots_id(call);
	outbox_push(runtime, &message->mail);
	return 0;
}

static void fail_client(struct runtime *runtime, struct call *call, enum troupe_status status,
			const char *detail)
{
	struct message *message =
		detail ? message_new(&runtime->messages, MAIL_FAILURE, strlen(detail) + 1)
		       : NULL;

	if (message) {
		message->mail.status = (uint8_t)status;
		strcpy((char *)message_block(message), detail);
		add_to_outbox(runtime, call, message);
		return;
	}
	call->mail.kind = MAIL_END;
	call->mail.status = (uint8_t)status;
	queue_answer(runtime, call, &call->mail);
	caller_close(runtime, call);
}

/* ------------------------------------------------------------------ whoever it is */

struct window *caller_window(struct runtime *runtime, const struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		return &call->client_call->window;
	return &cold_get(runtime, actor_at(runtime, call->caller))->window;
}

void caller_reply(struct runtime *runtime, struct call *call, struct message *message)
{
	struct actor *caller;

	if (unlikely(call->flags & CALL_OF_CLIENT)) {
		add_to_outbox(runtime, call, message);
		return;
	}
	caller = actor_at(runtime, call->caller);
	mailbox_add_reply(runtime, caller, message);
	if (message->mail.flags & MAIL_CONTINUES)
		window_claim(&cold_get(runtime, caller)->window, message->mail.size);
	else
		call_close(runtime, call);
}

/* A notice has no place for text; when there is no memory for a message, the text is what is
 * left out. */
static bool fail_with_detail(struct runtime *runtime, struct call *call,
			     enum troupe_status status, const char *detail)
{
	struct message *message =
		message_new(&runtime->messages, MAIL_FAILURE, strlen(detail) + 1);

	if (!message)
		return false;
	message->mail.status = (uint8_t)status;
	message->mail.entry = call->entry;
	message->hash = 0;
	message->from = call->target;
	message->descriptor = NULL;
	message->call = 0;
	message->extra = call->context;
	strcpy((char *)message_block(message), detail);
	mailbox_add_reply(runtime, actor_at(runtime, call->caller), message);
	call_close(runtime, call);
	return true;
}

void caller_fail(struct runtime *runtime, struct call *call, enum troupe_status status,
		 const char *detail)
{
	if (call->flags & CALL_OF_CLIENT) {
		fail_client(runtime, call, status, detail);
		return;
	}
	if (detail && fail_with_detail(runtime, call, status, detail))
		return;
	call->mail.status = (uint8_t)status;
	mailbox_notify(runtime, actor_at(runtime, call->caller), &call->mail, MAIL_END);
	call_close(runtime, call);
}

int caller_kept(struct runtime *runtime, struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		return report_kept(runtime, call);
	if (call->flags & CALL_UNTIL_KEPT)
		wheel_remove(&runtime->wheel, &call->deadline);
	return 0;
}

void caller_expire(struct runtime *runtime, struct call *call)
{
	callee_cancel(runtime, call);
	if (call->flags & CALL_ONEWAY)
		call_close(runtime, call);
	else
		caller_fail(runtime, call, TROUPE_TIMEOUT, NULL);
}
