#include "core/caller.h"
#include "core/awaited.h"
#include "core/callee.h"
#include "core/items.h"
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

/* A notice has no place for text; when there is no memory for a message (NULL), the text is
 * what is left out. */
static struct message *make_failure(struct runtime *runtime, struct call_end end)
{
	struct message *message =
		message_new(&runtime->messages, MAIL_FAILURE, strlen(end.detail) + 1);

	if (!message)
		return NULL;
	message->mail.status = (uint8_t)end.status;
	message->hash = 0;
	message->descriptor = NULL;
	message->call = (uint32_t)end.code;
	strcpy((char *)message_block(message), end.detail);
	return message;
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

static void fail_client(struct runtime *runtime, struct call *call, struct call_end end)
{
	struct message *message = end.detail ? make_failure(runtime, end) : NULL;

	if (message) {
		add_to_outbox(runtime, call, message);
		return;
	}
	call->mail.kind = MAIL_END;
	call->mail.status = (uint8_t)end.status;
	call->code = end.code;
	queue_answer(runtime, call, &call->mail);
	caller_close(runtime, call);
}

/* ------------------------------------------------------------------ whoever it is */

struct window *caller_shared_window(struct runtime *runtime, const struct call *call)
{
	if (call->flags & (CALL_OF_CLIENT | CALL_ITEMS))
		return NULL;
	return &cold_get(runtime, actor_at(runtime, call->caller))->window;
}

void caller_taken(struct runtime *runtime, struct call *call, struct window *own,
		  uint32_t count, uint64_t bytes)
{
	callee_taken(runtime, call, count, own->used - count);
	wait_give(runtime, own, count, bytes);
}

/* A reply of a stream lies in its caller's mailbox. */
COLD static void claim_windows(struct runtime *runtime, const struct call *call,
			       struct mail *reply)
{
	struct window *own = call_own_window(runtime, call);

	window_claim(caller_shared_window(runtime, call), reply->size);
	if (own) {
		window_claim(own, reply->size);
		reply->flags |= MAIL_WINDOW;
	}
}

void caller_reply(struct runtime *runtime, struct call *call, struct message *message)
{
	struct actor *caller;

	if (unlikely(call->flags & (CALL_OF_CLIENT | CALL_TASK))) {
		if (call->flags & CALL_ITEMS)
			items_reply(runtime, call, message);
		else if (call->flags & CALL_TASK)
			awaited_reply(runtime, call, message);
		else
			add_to_outbox(runtime, call, message);
		return;
	}
	caller = actor_at(runtime, call->caller);
	mailbox_add_reply(runtime, caller, message);
	if (message->mail.flags & MAIL_CONTINUES)
		claim_windows(runtime, call, &message->mail);
	else
		call_close(runtime, call);
}

void caller_fail(struct runtime *runtime, struct call *call, struct call_end end)
{
	struct actor *caller;
	struct message *message;

	if (call->flags & CALL_OF_CLIENT) {
		fail_client(runtime, call, end);
		return;
	}
	caller = actor_at(runtime, call->caller);
	message = end.detail ? make_failure(runtime, end) : NULL;
	if (call->flags & CALL_ITEMS) {
		items_end(runtime, call, end, message);
		return;
	}
	if (call->flags & CALL_TASK) {
		awaited_end(runtime, call, end, message);
		return;
	}
	if (message) {
		message->mail.entry = call->entry;
		message->from = call->target;
		message->extra = call->context;
		mailbox_add_reply(runtime, caller, message);
	} else {
		call->mail.status = (uint8_t)end.status;
		call->code = end.code;
		mailbox_notify(runtime, caller, &call->mail, MAIL_END);
	}
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
		caller_fail(runtime, call, (struct call_end){.status = TROUPE_TIMEOUT});
}
