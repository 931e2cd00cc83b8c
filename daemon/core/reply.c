#include "core/reply.h"
#include "core/call.h"
#include "core/callee.h"
#include "core/handler.h"
#include "core/page.h"
#include "proto/codec.h"
#include "proto/status.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_HEAD                                                                             \
	{                                                                                      \
		sizeof(struct troupe_reply), TROUPE_ENTRY_REPLY                                \
	}

/* Turn a value of another version of a type into ours. False: it does not fit. */
static bool adapt_value(const struct troupe_type *theirs, const struct troupe_type *ours,
			const void *block, struct troupe_reply *reply, void **ret_block,
			struct codec_error *error)
{
	size_t size;
	int rc = codec_convert(theirs, block, ours, CODEC_DROP, ret_block, &size, error);

	if (rc == -ENOMEM) {
		*reply = (struct troupe_reply){.head = REPLY_HEAD, .status = TROUPE_OVERLOADED};
		return false;
	}
	if (rc < 0) {
		*reply = (struct troupe_reply){.head = REPLY_HEAD,
					       .status = TROUPE_INVALID_PARAMETER,
					       .detail = error->path};
		return false;
	}
	reply->data = *ret_block;
	return true;
}

static void read_error(const struct troupe_entry *entry, const struct message *message,
		       struct troupe_reply *reply, void **ret_block,
		       struct codec_error *problem)
{
	const struct troupe_error *theirs = message->descriptor;

	reply->status = TROUPE_ERROR;
	if (!theirs) { /* of another process, and unknown here */
		reply->error_name = (const char *)message_block(message);
		return;
	}
	reply->error_name = theirs->name;
	for (uint32_t i = 0; i < entry->interface->n_errors; i++) {
		const struct troupe_error *ours = entry->interface->errors[i];

		if (ours->hash == theirs->hash) {
			reply->error = ours;
			reply->data = message_block(message);
			return;
		}
		if (strcmp(ours->name, theirs->name) == 0) {
			if (adapt_value(theirs->type, ours->type, message_block(message), reply,
					ret_block, problem))
				reply->error = ours;
			return;
		}
	}
}

static inline void run_reply(struct troupe_self *self, const struct troupe_entry *entry,
			     uint64_t context, const struct troupe_reply *reply)
{
	page_doing(self->runtime, PAGE_DOING_REPLY);
	take_result(self, entry->on_event(self, self->actor->state, context, reply));
}

/* For an actor: what call_end.code says of a parameter is for clients. */
static int32_t code_of(enum troupe_status status, int32_t code)
{
	return status == TROUPE_FAILED ? code : 0;
}

/* Anything but a reply of the version that the caller knows. */
COLD static void read_reply(struct troupe_self *self, const struct troupe_entry *entry,
			    struct message *message, bool continues)
{
	const struct troupe_method *method = message->descriptor;
	struct troupe_reply reply = {.head = REPLY_HEAD};
	struct codec_error problem;
	void *block = NULL;

	if (message->mail.kind == MAIL_REPLY) {
		adapt_value(method->out, entry->method->out, message_block(message), &reply,
			    &block, &problem);
		reply.continues = continues;
	} else if (message->mail.kind == MAIL_ERROR) {
		read_error(entry, message, &reply, &block, &problem);
	} else {
		reply.status = message->mail.status;
		reply.code = code_of(reply.status, (int32_t)message->call);
		reply.detail = (const char *)message_block(message);
	}
	if (reply.status != TROUPE_OK && reply.status != TROUPE_ERROR)
		reply.error_name = status_error_name(reply.status);
	run_reply(self, entry, message->extra, &reply);
	free(block);
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
		read_reply(self, entry, message, continues);
}

/* A reply that others may follow. */
COLD static void handle_stream(struct troupe_self *self, const struct troupe_entry *entry,
			       struct message *message)
{
	struct call *call;

	window_give(&cold_find(self->runtime, self->actor)->window, 1, message->mail.size);
	run_message(self, entry, message);
	call = call_find(self->runtime, message->call);
	/* What an actor here had replied before the call went elsewhere is in no window. */
	if (!call || !call->queued)
		return;
	call->queued--;
	callee_taken(self->runtime, call, 1, call->queued);
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
	const struct troupe_reply reply = {.head = REPLY_HEAD,
					   .status = call->mail.status,
					   .code = code_of(call->mail.status, call->code),
					   .error_name = status_error_name(call->mail.status)};
	uint64_t context = call->context;

	self->activation.sender = call->target;
	call_give(self->runtime, call);
	run_reply(self, entry, context, &reply);
}
