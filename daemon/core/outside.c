#include "core/outside.h"
#include "core/call.h"
#include "core/chain.h"
#include "core/client.h"
#include "core/mailbox.h"
#include "core/slice.h"
#include "core/wait.h"
#include "proto/codec.h"
#include "proto/status.h"
#include <errno.h>
#include <string.h>

#define DELIVER_NS 1000000u /* replies handed out at a stretch */

/* What a mail in the queue counts for. */
static size_t bytes_of(const struct mail *mail)
{
	return mail->kind == MAIL_END ? 0 : message_head(mail->kind) + mail->size;
}

bool outside_is_full(const struct runtime *runtime)
{
	return runtime->outside_bytes >= LIMIT_OUTSIDE_BYTES;
}

static void queue_mail(struct runtime *runtime, struct mail *mail)
{
	mail->next = NULL;
	if (runtime->outside_first)
		runtime->outside_last->next = mail;
	else
		runtime->outside_first = mail;
	runtime->outside_last = mail;
	runtime->pause = true; /* the actors', so that it is told soon */
	runtime->outside_bytes += bytes_of(mail);
	if (outside_is_full(runtime))
		slice_cut(runtime);
}

static void queue_answer(struct runtime *runtime, struct call *call, struct mail *mail)
{
	queue_mail(runtime, mail);
	call->unread++;
}

/* What is queued names the call by its index, so the record has to stay until the queue is
 * past it. */
static void close_call(struct runtime *runtime, struct call *call)
{
	/* Who waits for its stream's window is owed an on_room. */
	if (call->outside)
		wait_wake_all(runtime, &call->outside->waiters);
	if (call->unread)
		call->mail.flags |= MAIL_QUEUED;
	else
		call->outside = NULL;
	call_close(runtime, call);
}

static bool is_within(const struct call *call, uint32_t count, uint64_t bytes)
{
	const struct runtime_outside *outside = call->outside;

	return call->unread + outside->unread <= count &&
	       outside->queued_bytes + outside->unread_bytes <= bytes;
}

bool outside_has_room(const struct call *call)
{
	return is_within(call, LIMIT_CLIENT_UNREAD - 1, LIMIT_CLIENT_UNREAD_BYTES - 1);
}

void outside_add(struct runtime *runtime, struct call *call, struct message *message)
{
	message->extra = slots_index(&runtime->calls, call);
	queue_answer(runtime, call, &message->mail);
	if (message->mail.flags & MAIL_CONTINUES)
		call->outside->queued_bytes += message->mail.size;
	else
		close_call(runtime, call);
}

int outside_kept(struct runtime *runtime, struct call *call)
{
	struct message *message = message_new(&runtime->messages, MAIL_KEPT, 0);

	if (!message)
		return -ENOMEM;
	/* By its id: it may end before this is handed out, and then nobody needs it. */
	message->call = slots_id(call);
	queue_mail(runtime, &message->mail);
	return 0;
}

void outside_fail(struct runtime *runtime, struct call *call, enum troupe_status status,
		  const char *detail)
{
	struct message *message =
		detail ? message_new(&runtime->messages, MAIL_FAILURE, strlen(detail) + 1)
		       : NULL;

	if (message) {
		message->mail.status = (uint8_t)status;
		strcpy((char *)message_block(message), detail);
		outside_add(runtime, call, message);
		return;
	}
	call->mail.kind = MAIL_END;
	call->mail.status = (uint8_t)status;
	queue_answer(runtime, call, &call->mail);
	close_call(runtime, call);
}

static const struct troupe_type *read_message(const struct message *message,
					      struct troupe_reply *reply)
{
	const struct troupe_method *method = message->descriptor;
	const struct troupe_error *error = message->descriptor;

	switch (message->mail.kind) {
	case MAIL_REPLY:
		reply->continues = message->mail.flags & MAIL_CONTINUES;
		reply->data = message_block(message);
		return method->out;
	case MAIL_ERROR:
		reply->status = TROUPE_ERROR;
		if (!error) {
			reply->error_name = (const char *)message_block(message);
			return NULL;
		}
		reply->error = error;
		reply->error_name = error->name;
		reply->data = message_block(message);
		return error->type;
	default:
		reply->status = message->mail.status;
		reply->error_name = status_error_name(reply->status);
		reply->detail = (const char *)message_block(message);
		return NULL;
	}
}

void outside_tell_kept(struct call *call)
{
	if (call->outside->on_kept)
		call->outside->on_kept(call->outside);
}

static void deliver_kept(struct runtime *runtime, struct message *message)
{
	struct call *call = call_find(runtime, message->call);

	message_free(&runtime->messages, message);
	if (call)
		outside_tell_kept(call);
}

static void deliver_mail(struct runtime *runtime, struct mail *mail)
{
	struct troupe_reply reply = {0};
	const struct troupe_type *type = NULL;
	struct message *message = NULL;
	struct runtime_outside *outside;
	struct call *call;

	if (mail->kind == MAIL_END) {
		call = container_of(mail, struct call, mail);
		reply.status = mail->status;
		reply.error_name = status_error_name(reply.status);
	} else {
		message = message_of(mail);
		call = slots_at(&runtime->calls, (uint32_t)message->extra);
		type = read_message(message, &reply);
	}
	outside = call->outside;
	call->unread--;
	if (outside && reply.continues) {
		outside->queued_bytes -= mail->size;
		outside->unread++;
	}
	if (slots_is_closed(&call->slot) && call->unread == 0) {
		call->outside = NULL;
		call_give(runtime, call);
	}
	if (outside) {
		if (!reply.continues)
			outside->id = 0;
		outside->on_reply(outside, &reply, type);
	}
	if (message)
		message_free(&runtime->messages, message);
}

void outside_reply(struct runtime *runtime, struct call *call, const struct troupe_reply *reply,
		   const struct troupe_type *type)
{
	struct runtime_outside *outside = call->outside;

	close_call(runtime, call);
	outside->id = 0;
	outside->on_reply(outside, reply, type);
}

static void deliver_first(struct runtime *runtime)
{
	struct mail *mail = runtime->outside_first;

	runtime->outside_first = mail->next;
	runtime->outside_bytes -= bytes_of(mail);
	if (mail->kind == MAIL_KEPT)
		deliver_kept(runtime, message_of(mail));
	else
		deliver_mail(runtime, mail);
}

void outside_deliver(struct runtime *runtime)
{
	uint64_t until_ns;

	if (!outside_has_mail(runtime))
		return;
	until_ns = slice_read_ns(runtime) + DELIVER_NS;
	/* A reply handed out may be the one that fills the room, or takes long. */
	do
		deliver_first(runtime);
	while (outside_has_mail(runtime) && slice_read_ns(runtime) < until_ns);
}

void outside_drain(struct runtime *runtime)
{
	while (runtime->outside_first)
		deliver_first(runtime);
}

static struct call *find_call(struct runtime *runtime, const struct runtime_outside *outside)
{
	uint32_t index = (uint32_t)outside->id;
	struct call *call;

	if (outside->id == 0 || index >= runtime->calls.used)
		return NULL;
	call = slots_at(&runtime->calls, index);
	return call->outside == outside && call->flags & CALL_OUTSIDE ? call : NULL;
}

void runtime_outside_taken(struct runtime *runtime, struct runtime_outside *outside,
			   uint32_t count, uint64_t bytes)
{
	struct call *call = find_call(runtime, outside);

	if (count > outside->unread)
		count = outside->unread;
	outside->unread -= count;
	outside->unread_bytes -= bytes < outside->unread_bytes ? bytes : outside->unread_bytes;
	if (!call || slots_is_closed(&call->slot))
		return;
	for (uint32_t i = 0; i < count; i++)
		call_taken(runtime, call);
	if (is_within(call, LIMIT_CLIENT_UNREAD / 2, LIMIT_CLIENT_UNREAD_BYTES / 2))
		wait_wake_all(runtime, &outside->waiters);
}

void runtime_outside_hold(struct runtime *runtime, bool hold)
{
	runtime->outside_held = hold;
}

int runtime_find_method(struct runtime *runtime, struct troupe_address address,
			const char *interface, size_t interface_size, const char *method,
			const struct troupe_method **ret_method)
{
	struct actor *actor = actor_find(runtime, address);
	const struct type_handler *handler;
	bool has_interface;

	if (!actor)
		return -ESRCH;
	handler = type_find_name(actor->unit->type, interface, interface_size, method,
				 &has_interface);
	if (!handler)
		return has_interface ? -ENOSYS : -ENOPKG;
	*ret_method = handler->method;
	return 0;
}

/* A message of the outside, not in its actor's mailbox yet. */
static int make_message(struct runtime *runtime, struct actor *actor, enum mail_kind kind,
			const struct troupe_method *method, const void *in,
			struct message **ret_message)
{
	struct message *message;
	size_t size;
	int rc;

	if (!actor)
		return -ESRCH;
	rc = codec_size(method->in, in, &size, NULL);
	if (rc < 0)
		return rc;
	runtime_touch(runtime);
	message = message_new(&runtime->messages, kind, size);
	if (!message)
		return -ENOMEM;
	if (!mailbox_has_room(actor, message_charge(message))) {
		rc = mailbox_refuse(runtime, actor, message_charge(message));
		message_free(&runtime->messages, message);
		return rc;
	}
	message->hash = method->in_hash;
	message->from = (struct troupe_address){0};
	message->descriptor = method;
	codec_copy(method->in, in, message_block(message), size);
	*ret_message = message;
	return 0;
}

int runtime_outside_call(struct runtime *runtime, struct troupe_address to,
			 const struct troupe_method *method, const void *in,
			 uint64_t deadline_ns, uint32_t flags, struct runtime_outside *outside)
{
	struct actor *actor = actor_find(runtime, to);
	struct message *message;
	struct call *call;
	int rc;

	if (flags & ~TROUPE_MORE)
		return -EINVAL;
	rc = make_message(runtime, actor, MAIL_CALL, method, in, &message);
	if (rc < 0)
		return rc;
	/* Whoever is outside keeps the deadline itself; here it only says when the call needs not
	 * be run any more. */
	call = call_new_outside(runtime, method);
	if (!call) {
		message_free(&runtime->messages, message);
		return -ENOMEM;
	}
	outside->unread_bytes = outside->queued_bytes = 0;
	outside->unread = 0;
	outside->waiters = NULL;
	call->outside = outside;
	call->target = to;
	outside->id = slots_id(call);
	message->call = outside->id;
	message->extra = deadline_ns;
	if (flags & TROUPE_MORE) {
		call->flags |= CALL_MORE;
		message->mail.flags = MAIL_MORE;
	}
	mailbox_add(runtime, actor, message);
	return 0;
}

int runtime_outside_send(struct runtime *runtime, struct troupe_address to,
			 const struct troupe_method *method, const void *in, uint64_t client)
{
	struct actor *actor = actor_find(runtime, to);
	struct message *message;
	int rc = make_message(runtime, actor, MAIL_SEND, method, in, &message);

	if (rc < 0)
		return rc;
	if (client && !client_get(runtime, client)) {
		message_free(&runtime->messages, message);
		return -ENOMEM;
	}
	message->from = client_address(client);
	mailbox_add(runtime, actor, message);
	return 0;
}

void runtime_outside_cancel(struct runtime *runtime, struct runtime_outside *outside)
{
	struct call *call = find_call(runtime, outside);

	if (!call)
		return;
	outside->id = 0;
	wait_wake_all(runtime, &outside->waiters);
	call->outside = NULL;
	if (slots_is_closed(&call->slot))
		return; /* its last reply will find nobody */
	call_abandon(runtime, call);
	close_call(runtime, call);
}
