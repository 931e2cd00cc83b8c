#include "core/reply.h"
#include "core/arrival.h"
#include "core/call.h"
#include "core/call_text.h"
#include "core/callee.h"
#include "core/caller.h"
#include "core/handler.h"
#include "core/page.h"
#include "proto/codec.h"
#include "proto/status.h"
#include <errno.h>
#include <string.h>
#include <troupe/text.h>

#define REPLY_HEAD                                                                             \
	{                                                                                      \
		sizeof(struct troupe_reply), TROUPE_ENTRY_REPLY                                \
	}

/* What a reply is read into. */
struct reading {
	struct runtime *runtime;
	const struct message *message;
	struct troupe_reply *reply;
	struct codec_error *problem;
	struct message *adapted; /* that reply->data lies in; NULL: in the message */
};

/* Turn a value of another version of a type into ours. False: it does not fit. */
static bool adapt_value(struct reading *reading, const struct troupe_type *theirs,
			const struct troupe_type *ours)
{
	enum troupe_status status;

	reading->adapted = arrival_adapt(&reading->runtime->messages, reading->message, theirs,
					 ours, CODEC_DROP, reading->problem, &status);
	if (!reading->adapted) {
		*reading->reply = (struct troupe_reply){.head = REPLY_HEAD, .status = status};
		if (status == TROUPE_INVALID_PARAMETER)
			reading->reply->detail = reading->problem->path;
		return false;
	}
	reading->reply->data = message_block(reading->adapted);
	return true;
}

static void read_error(struct reading *reading, const struct troupe_interface *interface)
{
	const struct message *message = reading->message;
	const struct troupe_error *theirs = message->descriptor;
	struct troupe_reply *reply = reading->reply;

	reply->status = TROUPE_ERROR;
	if (!theirs) { /* of another process, and unknown here */
		reply->error_name = (const char *)message_block(message);
		return;
	}
	reply->error_name = theirs->name;
	for (uint32_t i = 0; i < interface->n_errors; i++) {
		const struct troupe_error *ours = interface->errors[i];

		if (ours->hash == theirs->hash) {
			reply->error = ours;
			reply->data = message_block(message);
			return;
		}
		if (strcmp(ours->name, theirs->name) == 0) {
			if (adapt_value(reading, theirs->type, ours->type))
				reply->error = ours;
			return;
		}
	}
}

void reply_of_end(struct call_end end, struct troupe_reply *ret_reply)
{
	*ret_reply = (struct troupe_reply){
		.head = REPLY_HEAD,
		.status = end.status,
		/* For an actor: what it says of a parameter is for clients. */
		.code = end.status == TROUPE_FAILED ? end.code : 0,
		.error_name = status_error_name(end.status),
		.detail = end.detail,
	};
}

struct message *reply_read(struct runtime *runtime, const struct troupe_interface *interface,
			   const struct troupe_method *method, const struct message *message,
			   struct troupe_reply *ret_reply, struct codec_error *problem)
{
	struct reading reading = {runtime, message, ret_reply, problem, NULL};
	const struct troupe_method *theirs = message->descriptor;

	if (message->mail.kind == MAIL_FAILURE) {
		reply_of_end((struct call_end){message->mail.status, (int32_t)message->call,
					       (const char *)message_block(message)},
			     ret_reply);
		return NULL;
	}
	*ret_reply = (struct troupe_reply){.head = REPLY_HEAD,
					   .continues = message->mail.flags & MAIL_CONTINUES};
	if (message->mail.kind == MAIL_ERROR)
		read_error(&reading, interface);
	else if (message->hash == method->out_hash)
		ret_reply->data = message_block(message);
	else
		adapt_value(&reading, theirs->out, method->out);
	if (ret_reply->status != TROUPE_OK && ret_reply->status != TROUPE_ERROR)
		ret_reply->error_name = status_error_name(ret_reply->status);
	return reading.adapted;
}

/* reply: of the kind of the entry. */
static inline void run_reply(struct troupe_self *self, const struct troupe_entry *entry,
			     uint64_t context, const void *reply)
{
	page_doing(self->runtime, PAGE_DOING_REPLY);
	take_result(self, entry->on_event(self, self->actor->state, context, reply));
}

/* The end of a call without a value. */
COLD static void run_end(struct troupe_self *self, const struct troupe_entry *entry,
			 uint64_t context, struct call_end end)
{
	struct troupe_reply reply;

	reply_of_end(end, &reply);
	if (entry->kind == TROUPE_ENTRY_TEXT)
		run_reply(self, entry, context,
			  &(struct troupe_text_reply){
				  .head = {sizeof(struct troupe_text_reply), TROUPE_ENTRY_TEXT},
				  .status = reply.status,
				  .code = reply.code,
				  .error_name = reply.error_name,
				  .detail = reply.detail});
	else
		run_reply(self, entry, context, &reply);
}

/* Anything but a reply of the version that the caller knows. */
COLD static void read_slow(struct troupe_self *self, const struct troupe_entry *entry,
			   const struct message *message)
{
	struct message *adapted;
	struct troupe_text_reply text;
	struct troupe_reply reply;
	struct codec_error problem;

	if (message->mail.kind == MAIL_TEXT) {
		call_text_event(message, &text);
		run_reply(self, entry, message->extra, &text);
		return;
	}
	if (message->mail.kind == MAIL_FAILURE) {
		run_end(self, entry, message->extra,
			(struct call_end){message->mail.status, (int32_t)message->call,
					  (const char *)message_block(message)});
		return;
	}
	adapted = reply_read(self->runtime, entry->interface, entry->method, message, &reply,
			     &problem);
	run_reply(self, entry, message->extra, &reply);
	if (adapted)
		message_free(&self->runtime->messages, adapted);
}

static inline void run_message(struct troupe_self *self, const struct troupe_entry *entry,
			       struct message *message)
{
	bool continues = message->mail.flags & MAIL_CONTINUES;

	if (likely(message->mail.kind == MAIL_REPLY &&
		   message->hash == entry->method->out_hash))
		run_reply(self, entry, message->extra,
			  &(struct troupe_reply){.head = REPLY_HEAD,
						 .continues = continues,
						 .data = message_block(message)});
	else
		read_slow(self, entry, message);
}

static void hold_one(struct runtime *runtime, const struct call *call, size_t bytes)
{
	struct call_window *window = call_window_of(runtime, call);

	window->held++;
	window->held_bytes += bytes;
}

/* The same, of a call with a window of its own: unless the handler holds it, it is taken. */
static void run_windowed(struct troupe_self *self, const struct troupe_entry *entry,
			 struct message *message)
{
	struct runtime *runtime = self->runtime;
	struct call *call;
	bool is_held;

	self->activation.outcome.reply = SELF_REPLY_TAKEN;
	run_message(self, entry, message);
	is_held = self->activation.outcome.reply == SELF_REPLY_HELD;
	self->activation.outcome.reply = SELF_REPLY_NONE;
	call = call_find(runtime, message->call); /* it may have ended before, too */
	if (!call)
		return;
	if (is_held)
		hold_one(runtime, call, message->mail.size);
	else
		caller_taken(runtime, call, call_own_window(runtime, call), 1,
			     message->mail.size);
}

/* A reply that others may follow. */
COLD static void handle_stream(struct troupe_self *self, const struct troupe_entry *entry,
			       struct message *message)
{
	struct call *call;

	window_give(&cold_find(self->runtime, self->actor)->window, 1, message->mail.size);
	if (message->mail.flags & MAIL_WINDOW) {
		run_windowed(self, entry, message);
		return;
	}
	run_message(self, entry, message);
	call = call_find(self->runtime, message->call);
	/* What an actor here had replied before the call went elsewhere is in no window. */
	if (!call || !call->queued)
		return;
	call->queued--;
	callee_taken(self->runtime, call, 1, call->queued);
}

int troupe_window_hold(struct troupe_self *self)
{
	if (self->activation.outcome.reply != SELF_REPLY_TAKEN &&
	    self->activation.outcome.reply != SELF_REPLY_HELD)
		return -EINVAL;
	self->activation.outcome.reply = SELF_REPLY_HELD;
	return 0;
}

int troupe_window_give(struct troupe_self *self, struct troupe_request request, uint32_t count)
{
	struct call *call = call_find(self->runtime, request.id);
	struct call_window *window;
	uint64_t bytes;

	if (!call || (call->flags & (CALL_OF_CLIENT | CALL_ONEWAY)) ||
	    call->caller != actor_slot(self->runtime, self->actor))
		return -ESRCH;
	if (!(call->flags & CALL_WINDOW))
		return -EINVAL;
	window = call_window_of(self->runtime, call);
	if (count > window->held)
		return -EINVAL;
	if (count == 0)
		return 0;
	/* Which of them they are is not said; all of them together weigh what they weigh. */
	bytes = window->held_bytes * count / window->held;
	window->held -= count;
	window->held_bytes -= bytes;
	caller_taken(self->runtime, call, &window->window, count, bytes);
	return 0;
}

void reply_handle(struct troupe_self *self, struct message *message)
{
	struct runtime *runtime = self->runtime;
	struct actor *actor = self->actor;
	const struct troupe_entry *entry = &actor->unit->type->entries[message->mail.entry];

	self->activation.message = message;
	self->activation.outcome.call = SELF_NO_MESSAGE;
	if (unlikely(message->mail.flags & MAIL_CONTINUES))
		handle_stream(self, entry, message);
	else
		run_message(self, entry, message);
	drop_message(runtime, actor, message, message_head(MAIL_REPLY));
}

void reply_handle_end(struct troupe_self *self, struct call *call)
{
	const struct troupe_entry *entry = &self->actor->unit->type->entries[call->entry];
	const struct call_end end = {.status = call->mail.status, .code = call->code};
	uint64_t context = call->context;

	self->activation.sender = call->target;
	call_give(self->runtime, call);
	run_end(self, entry, context, end);
}
