/* Calls by name, as <troupe/text.h> says. */
#include "core/call_text.h"
#include "core/activation.h"
#include "core/call.h"
#include "core/caller.h"
#include "core/cold.h"
#include "core/mailbox.h"
#include "core/no_room.h"
#include "core/send.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/text.h>

const struct call_end call_text_too_long = {
	TROUPE_FAILED, -EMSGSIZE, "the text of the answer is longer than a message may be"};

/* ------------------------------------------------------------------ the callee's end */

static struct message *refuse(struct text_refusal *refusal, enum troupe_status status,
			      const char *field, const char *reason)
{
	refusal->end = (struct call_end){status, 0, refusal->detail};
	snprintf(refusal->detail, sizeof(refusal->detail), "%s%s%s", field, reason ? ": " : "",
		 reason ? reason : "");
	if (reason)
		refusal->end.code = (int32_t)strlen(field);
	return NULL;
}

static struct message *refuse_parameters(struct text_refusal *refusal,
					 const struct codec_error *error, int rc)
{
	if (rc == -ENOMEM) {
		refusal->end = (struct call_end){.status = TROUPE_OVERLOADED};
		return NULL;
	}
	return refuse(refusal, TROUPE_INVALID_PARAMETER,
		      error->path[0] ? error->path : "parameters", error->message);
}

struct message *call_text_read(struct runtime *runtime, const struct runtime_type *type,
			       const struct text_call *text, struct text_refusal *ret_refusal)
{
	size_t interface = text_call_interface(text->method), size;
	const char *name = text->method + interface + 1;
	const struct type_handler *handler = NULL;
	struct codec_error error = {0};
	struct message *message;
	bool has_interface;
	void *block;
	int rc;

	if (interface > 0)
		handler = type_find_name(type, text->method, interface, name, strlen(name),
					 &has_interface);
	if (!handler)
		return refuse(ret_refusal, TROUPE_METHOD_NOT_FOUND, interface > 0 ? name : "",
			      NULL);
	rc = runtime->ops->read_text(runtime->context, handler->method->in,
				     text->parameters.data, text->parameters.size, &block,
				     &size, &error);
	if (rc < 0)
		return refuse_parameters(ret_refusal, &error, rc);
	message = message_new(&runtime->messages, MAIL_CALL, size);
	if (message) {
		message->hash = handler->in_hash;
		message->descriptor = handler->method;
		codec_copy(handler->method->in, block, message_block(message), size);
	}
	free(block);
	return message ? message : refuse_parameters(ret_refusal, &error, -ENOMEM);
}

/* ------------------------------------------------------------------ the caller's end */

/* The block: the error's name, empty when there is none, and the text, each with its NUL. */
int call_text_print(struct runtime *runtime, const struct call *call, const char *error_name,
		    const struct troupe_type *type, const void *value,
		    struct message **ret_message)
{
	const char *name = error_name ? error_name : "";
	size_t name_size = strlen(name) + 1, size;
	struct message *message;
	char *text, *block;
	int rc = runtime->ops->print_text(runtime->context, type, value, &text, &size);

	if (rc < 0)
		return rc == -EMSGSIZE ? -ENOBUFS : rc;
	message = message_new(&runtime->messages, MAIL_TEXT, name_size + size + 1);
	if (message) {
		block = message_block(message);
		memcpy(block, name, name_size);
		memcpy(block + name_size, text, size + 1);
		message->mail.status = error_name ? TROUPE_ERROR : TROUPE_OK;
		message->mail.entry = call->entry;
		message->hash = 0;
		message->descriptor = NULL;
		message->call = slots_id(call);
		message->extra = call->context;
		*ret_message = message;
	}
	free(text);
	return message ? 0 : -ENOMEM;
}

void call_text_event(const struct message *message, struct troupe_text_reply *ret_event)
{
	const char *name = message_block(message);
	size_t name_size = strlen(name) + 1;

	*ret_event = (struct troupe_text_reply){
		.head = {sizeof(*ret_event), TROUPE_ENTRY_TEXT},
		.status = message->mail.status,
		.continues = message->mail.flags & MAIL_CONTINUES,
		.json = name + name_size,
		.size = message->mail.size - name_size - 1,
		.error_name = name_size > 1 ? name : NULL,
	};
}

/* ------------------------------------------------------------------ calling */

/* What troupe_call_text() has found out. */
struct text_calling {
	struct text_call text;
	uint64_t deadline_ns, context;
	uint16_t window; /* 0: it has none of its own */
	uint8_t flags;   /* CALL_* */
	uint8_t entry;
};

static struct call *begin_call(struct troupe_self *self, const struct text_calling *calling)
{
	struct call *call = call_new(self->runtime, self->actor, NULL, calling->deadline_ns, 0);

	if (call) {
		call->context = calling->context;
		call->entry = calling->entry;
		call->flags = calling->flags;
		if (calling->window)
			call_begin_window(self->runtime, call, calling->window, 0);
	}
	return call;
}

static int call_near(struct troupe_self *self, struct actor *receiver, struct troupe_address to,
		     const struct text_calling *calling, uint64_t *ret_id)
{
	struct runtime *runtime = self->runtime;
	struct text_refusal refusal;
	struct message *message =
		call_text_read(runtime, receiver->unit->type, &calling->text, &refusal);
	struct call *call;

	if (!message && refusal.end.status == TROUPE_OVERLOADED)
		return -ENOMEM;
	if (message && !mailbox_has_room(receiver, message_charge(message))) {
		uint32_t charge = message_charge(message);

		message_free(&runtime->messages, message);
		return no_room_in_mailbox(runtime, self->actor, receiver, to, charge);
	}
	call = begin_call(self, calling);
	if (!call) {
		if (message)
			message_free(&runtime->messages, message);
		return -ENOMEM;
	}
	call->target = to;
	*ret_id = slots_id(call);
	if (!message) {
		caller_fail(runtime, call, refusal.end);
		return 0;
	}
	message->mail.flags = calling->flags & CALL_MORE ? MAIL_MORE : 0;
	message->from = actor_address(runtime, self->actor);
	message->call = *ret_id;
	message->extra = calling->deadline_ns;
	mailbox_add(runtime, receiver, message);
	return 0;
}

static int call_out(struct troupe_self *self, struct troupe_address to,
		    const struct text_calling *calling, uint64_t *ret_id)
{
	struct call *call = begin_call(self, calling);
	int rc;

	if (!call)
		return -ENOMEM;
	rc = send_call(self, call, to,
		       &(struct call_value){.type = &text_call_type, .in = &calling->text},
		       calling->deadline_ns);
	if (rc < 0) {
		call_close(self->runtime, call);
		return rc;
	}
	*ret_id = slots_id(call);
	return 0;
}

/* Whether the text may go out. */
static int check_text(const struct runtime *runtime, const char *method, const char *json,
		      size_t size)
{
	if (!method || text_call_interface(method) == 0 || !json != !size)
		return -EINVAL;
	if (size > TEXT_CALL_MAX)
		return -EMSGSIZE;
	return size > 0 ? runtime->ops->check_text(runtime->context, json, size) : 0;
}

int troupe_call_text(struct troupe_self *self, struct troupe_address to, const char *method,
		     const char *json, size_t size, const struct troupe_entry *entry,
		     uint64_t context, uint64_t timeout_ns, uint32_t flags,
		     struct troupe_request *ret_request)
{
	struct runtime *runtime = self->runtime;
	struct actor *receiver = actor_find(runtime, to);
	int index = type_entry_index(self->actor->unit->type, entry, TROUPE_ENTRY_TEXT), rc;
	struct text_calling calling = {
		.text = {method, {json, size}}, .context = context, .flags = CALL_TEXT};
	uint64_t id = 0;

	if (index < 0 || !call_window_is_valid(flags) || !self_can_receive(self))
		return -EINVAL;
	rc = check_text(runtime, method, json, size);
	if (rc < 0)
		return rc;
	calling.entry = (uint8_t)index;
	if (flags & TROUPE_MORE)
		calling.flags |= call_flags_of_stream(timeout_ns);
	calling.window = call_window_size(flags);
	calling.deadline_ns = call_deadline_ns(runtime, timeout_ns);
	rc = receiver ? call_near(self, receiver, to, &calling, &id)
		      : call_out(self, to, &calling, &id);
	if (rc < 0)
		return rc;
	if (ret_request)
		ret_request->id = id;
	return 0;
}
