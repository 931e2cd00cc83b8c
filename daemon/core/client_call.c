#include "core/client_call.h"
#include "core/call.h"
#include "core/callee.h"
#include "core/caller.h"
#include "core/client.h"
#include "core/mailbox.h"
#include "core/outbox.h"
#include "core/slice.h"
#include "core/wait.h"
#include "proto/codec.h"
#include "proto/status.h"
#include <errno.h>
#include <string.h>

#define DELIVER_NS 1000000u /* replies handed out at a stretch */

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
		reply->code = (int32_t)message->call;
		reply->error_name = status_error_name(reply->status);
		reply->detail = (const char *)message_block(message);
		return NULL;
	}
}

void client_call_report_kept(struct call *call)
{
	if (call->client_call->on_kept)
		call->client_call->on_kept(call->client_call);
}

static void deliver_kept(struct runtime *runtime, struct message *message)
{
	struct call *call = call_find(runtime, message->call);

	message_free(&runtime->messages, message);
	if (call)
		client_call_report_kept(call);
}

static void deliver_mail(struct runtime *runtime, struct mail *mail)
{
	struct troupe_reply reply = {0};
	const struct troupe_type *type = NULL;
	struct message *message = NULL;
	struct runtime_client_call *client_call;
	struct call *call;

	if (mail->kind == MAIL_END) {
		call = container_of(mail, struct call, mail);
		reply.status = mail->status;
		reply.code = call->code;
		reply.error_name = status_error_name(reply.status);
	} else {
		message = message_of(mail);
		call = slots_at(&runtime->calls, (uint32_t)message->extra);
		type = read_message(message, &reply);
	}
	client_call = call->client_call;
	call->queued--;
	if (client_call && reply.continues) /* on_reply counts the bytes from here on */
		window_give(&client_call->window, 0, mail->size);
	if (slots_is_closed(&call->slot) && call->queued == 0) {
		call->client_call = NULL;
		call_give(runtime, call);
	}
	if (client_call) {
		if (!reply.continues)
			client_call->id = 0;
		client_call->on_reply(client_call, &reply, type);
	}
	if (message)
		message_free(&runtime->messages, message);
}

static void end_replies(struct runtime *runtime)
{
	runtime->outbox.is_begun = false;
	if (runtime->ops->on_replied)
		runtime->ops->on_replied(runtime->context);
}

void client_call_end(struct runtime *runtime, struct call *call,
		     const struct troupe_reply *reply, const struct troupe_type *type)
{
	struct runtime_client_call *client_call = call->client_call;

	caller_close(runtime, call);
	client_call->id = 0;
	client_call->on_reply(client_call, reply, type);
	end_replies(runtime);
}

static void deliver_first(struct runtime *runtime)
{
	struct mail *mail = outbox_pop(runtime);

	if (mail->kind == MAIL_KEPT)
		deliver_kept(runtime, message_of(mail));
	else
		deliver_mail(runtime, mail);
}

void client_calls_hand_out(struct runtime *runtime)
{
	uint64_t until_ns;

	if (!outbox_has_mail(runtime))
		return;
	runtime->outbox.is_begun = true;
	deliver_first(runtime);
	/* A reply handed out may be the one that fills the room, or takes long. One alone is
	 * not worth a look at the clock. */
	if (!outbox_has_mail(runtime))
		return;
	until_ns = slice_read_ns(runtime) + DELIVER_NS;
	do
		deliver_first(runtime);
	while (outbox_has_mail(runtime) && slice_read_ns(runtime) < until_ns);
}

void client_calls_deliver(struct runtime *runtime)
{
	client_calls_hand_out(runtime);
	if (runtime->outbox.is_begun)
		end_replies(runtime);
}

void client_calls_drain(struct runtime *runtime)
{
	while (runtime->outbox.first)
		deliver_first(runtime);
}

static struct call *find_call(struct runtime *runtime,
			      const struct runtime_client_call *client_call)
{
	uint32_t index = (uint32_t)client_call->id;
	struct call *call;

	if (client_call->id == 0 || index >= runtime->calls.used)
		return NULL;
	call = slots_at(&runtime->calls, index);
	return call->client_call == client_call && call->flags & CALL_OF_CLIENT ? call : NULL;
}

void runtime_client_taken(struct runtime *runtime, struct runtime_client_call *client_call,
			  uint32_t count, uint64_t bytes)
{
	struct call *call = find_call(runtime, client_call);

	if (count > client_call->window.used)
		count = client_call->window.used;
	if (!call || slots_is_closed(&call->slot)) {
		window_give(&client_call->window, count, bytes);
		return;
	}
	caller_taken(runtime, call, &client_call->window, count, bytes);
}

void runtime_client_hold(struct runtime *runtime, bool hold)
{
	runtime->outbox.held = hold;
}

int runtime_find_method(struct runtime *runtime, struct troupe_address address,
			const char *interface, size_t interface_size, const char *method,
			size_t method_size, const struct troupe_method **ret_method)
{
	struct actor *actor = actor_find(runtime, address);
	const struct type_handler *handler;
	bool has_interface;

	if (!actor)
		return -ESRCH;
	handler = type_find_name(actor->unit->type, interface, interface_size, method,
				 method_size, &has_interface);
	if (!handler)
		return has_interface ? -ENOSYS : -ENOPKG;
	*ret_method = handler->method;
	return 0;
}

/* A message of a client, not in its actor's mailbox yet. */
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

int runtime_client_call(struct runtime *runtime, struct troupe_address to,
			const struct troupe_method *method, const void *in,
			uint64_t deadline_ns, uint32_t flags,
			struct runtime_client_call *client_call)
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
	/* The master keeps the deadline; here it only says when the call needs not
	 * be run any more. */
	call = call_new_of_client(runtime, method);
	if (!call) {
		message_free(&runtime->messages, message);
		return -ENOMEM;
	}
	client_call->window = (struct window){.limit = LIMIT_CLIENT_UNREAD};
	call->client_call = client_call;
	call->target = to;
	client_call->id = slots_id(call);
	message->call = client_call->id;
	message->extra = deadline_ns;
	if (flags & TROUPE_MORE) {
		call->flags |= CALL_MORE;
		message->mail.flags = MAIL_MORE;
	}
	mailbox_add(runtime, actor, message);
	return 0;
}

int runtime_client_send(struct runtime *runtime, struct troupe_address to,
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

void runtime_client_gone(struct runtime *runtime, uint64_t number)
{
	struct client *client = client_find(runtime, number);

	if (!client)
		return;
	runtime_touch(runtime);
	while (client->kept)
		caller_expire(runtime, container_of(client->kept, struct call, of_caller));
	client_free(runtime, client);
}

void runtime_client_cancel(struct runtime *runtime, struct runtime_client_call *client_call)
{
	struct call *call = find_call(runtime, client_call);

	if (!call)
		return;
	client_call->id = 0;
	wait_wake_all(runtime, &client_call->window.waiters);
	call->client_call = NULL;
	if (slots_is_closed(&call->slot))
		return; /* its last reply will be dropped */
	callee_cancel(runtime, call);
	caller_close(runtime, call);
}
