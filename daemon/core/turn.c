#include "core/turn.h"
#include "core/call.h"
#include "core/kept.h"
#include "core/mailbox.h"
#include "core/more.h"
#include "core/outside.h"
#include "core/page.h"
#include "core/peer.h"
#include "core/timer.h"
#include "core/wait.h"
#include "proto/codec.h"
#include "proto/status.h"

#include <stdlib.h>
#include <string.h>

/* What is rare stays out of the way, with its buffers. */
#define RARE __attribute__((noinline, cold))
/* What is not rare, but would take registers from what is most often. */
#define APART __attribute__((noinline))

#define SLICE_NS       1000000u /* turns between two looks at the loop */
#define SLICE_MESSAGES 65536u   /* the same, should time stand still */

/* A handler's result is counted, and may end the actor. */
static inline void take_result(struct troupe_self *self, int rc)
{
	if (likely(rc >= 0))
		return;
	more_get(self->runtime, self->actor)->failed++;
	if (self->actor->unit->stop_on_error && !self->fate.exiting)
		self_exit(self, rc);
}

/* ------------------------------------------------------------------ messages */

/* The message is of another version of the method, or of none that we have. True: it has been
 * converted. */
RARE static bool adapt_message(struct troupe_self *self,
			       const struct type_handler **ret_handler)
{
	struct runtime *runtime = self->runtime;
	struct message *message = self->message, *converted;
	const struct troupe_method *theirs = message->descriptor;
	const struct type_handler *handler;
	struct codec_error error = {0};
	bool has_interface;
	void *block;
	size_t size;
	int rc;

	handler = type_find_name(self->actor->unit->type, theirs->interface,
				 strlen(theirs->interface), theirs->name, &has_interface);
	if (!handler) {
		self_settle(self, TROUPE_METHOD_NOT_FOUND, theirs->name);
		goto dead;
	}
	self->handler = handler;
	rc = codec_convert(theirs->in, message_block(message), handler->method->in, 0, &block,
			   &size, &error);
	if (rc < 0) {
		self_settle(self, TROUPE_INVALID_PARAMETER, error.path);
		goto dead;
	}
	converted = message_new(&runtime->messages, message->mail.kind, size);
	if (!converted) {
		free(block);
		self_settle(self, TROUPE_OVERLOADED, NULL);
		goto dead;
	}
	memcpy(converted, message, message_head(message->mail.kind));
	converted->mail.size = (uint32_t)size;
	converted->hash = handler->hash;
	converted->descriptor = handler->method;
	codec_copy(handler->method->in, block, message_block(converted), size);
	free(block);
	load_add(&self->actor->load, (struct load){0, message_charge(converted)});
	load_subtract(&self->actor->load, (struct load){0, message_charge(message)});
	message_free(&runtime->messages, message);
	self->message = converted;
	*ret_handler = handler;
	return true;
dead:
	runtime_dead_letter(runtime, message->from, actor_address(runtime, self->actor), theirs,
			    "invalid");
	return false;
}

RARE static bool is_wanted_slow(struct troupe_self *self)
{
	struct runtime *runtime = self->runtime;
	const struct message *message = self->message;
	const char *why = message->extra > runtime->now_ns ? "caller-gone" : "expired";

	if (message->mail.flags & MAIL_INBOUND) {
		struct kept_call *kept = kept_find(runtime, message->call);

		if (kept && kept->state != KEPT_GONE && message->extra > runtime->now_ns)
			return true;
		if (kept)
			kept_free(runtime, kept);
	}
	page_doing(runtime, PAGE_DOING_NOTHING); /* it takes time as a handler would */
	runtime_dead_letter(runtime, message->from, actor_address(runtime, self->actor),
			    message->descriptor, why);
	return false;
}

/* Whether somebody still waits for the answer; if not, the call is not run. When only the
 * deadline has passed, the wheel tells the caller. */
static inline bool is_wanted(struct troupe_self *self)
{
	const struct message *message = self->message;

	if (likely(!(message->mail.flags & MAIL_INBOUND) &&
		   message->extra > self->runtime->now_ns &&
		   call_find(self->runtime, message->call)))
		return true;
	return is_wanted_slow(self);
}

/* The handler has returned, and the call is neither answered nor kept. */
RARE static void settle_result(struct troupe_self *self, int rc)
{
	if (rc < 0)
		/* plug-ins may return anything, even what has no negative */
		self_settle(self, TROUPE_FAILED, rc > -4096 ? strerrorname_np(-rc) : NULL);
	else
		self_settle(self, TROUPE_NO_REPLY, NULL);
}

/* The message is dealt with, and nobody else has it. */
static inline void drop_message(struct runtime *runtime, struct actor *actor,
				struct message *message, size_t head)
{
	size_t size = head + message->mail.size;

	load_subtract(&actor->load, (struct load){0, (uint32_t)((size + 15) / 16)});
	slab_give(&runtime->messages, message, size);
}

/* No handler stood in its place. NULL: the message is answered, or counted as dead. */
RARE static const struct type_handler *find_slow(struct troupe_self *self)
{
	const struct runtime_type *type = self->actor->unit->type;
	const struct type_handler *handler = type_find(type, self->message->hash);

	if (handler)
		return handler;
	/* it takes time as a handler would */
	page_doing(self->runtime, PAGE_DOING_NOTHING);
	/* whatever it is, for an answer that needs no method of ours */
	self->handler = type_place(type, self->message->hash);
	return adapt_message(self, &handler) ? handler : NULL;
}

/* Call the handler of the message self->message, in a turn. */
static inline int run_handler(struct troupe_self *self, struct runtime *runtime,
			      struct actor *actor, const struct type_handler *handler,
			      const void *block)
{
	self->handler = handler;
	self->call_id = page_doing(runtime, handler->hash);
	return handler->handler(self, actor->state, (struct troupe_call){self->call_id}, block);
}

/* What is rare after a handler: it failed, kept or forwarded the message, or is ending. */
RARE static void finish_slow(struct troupe_self *self, int rc)
{
	take_result(self, rc);
	if (!self->fate.kept && !self->fate.moved)
		drop_message(self->runtime, self->actor, self->message,
			     message_head(self->message->mail.kind));
}

static inline void handle_send(struct troupe_self *self, struct runtime *runtime,
			       struct actor *actor, struct message *message)
{
	const struct type_handler *handler = type_place(actor->unit->type, message->hash);
	int rc = 0;

	load_subtract(&actor->load, (struct load){1, 0});
	self->message = message;
	self->fate = (struct self_fate){.call = SELF_OPEN};
	if (unlikely(handler->hash != message->hash)) {
		handler = find_slow(self);
		message = self->message; /* it may have been converted */
	}
	if (likely(handler != NULL))
		rc = run_handler(self, runtime, actor, handler,
				 (char *)message + message_head(MAIL_SEND));
	if (likely(rc >= 0 && fate_is_usual(&self->fate)))
		drop_message(runtime, actor, message, message_head(MAIL_SEND));
	else
		finish_slow(self, rc);
}

APART static void handle_call(struct troupe_self *self, struct message *message)
{
	struct runtime *runtime = self->runtime;
	struct actor *actor = self->actor;
	const struct type_handler *handler = type_place(actor->unit->type, message->hash);
	int rc = 0;

	load_subtract(&actor->load, (struct load){1, 0});
	self->message = message;
	self->fate = (struct self_fate){.call = SELF_OPEN};
	if (unlikely(!is_wanted(self)))
		handler = NULL;
	else if (unlikely(handler->hash != message->hash))
		handler = find_slow(self);
	if (likely(handler != NULL)) {
		rc = run_handler(self, runtime, actor, handler,
				 (char *)self->message + message_head(MAIL_CALL));
		if (unlikely(self->fate.call == SELF_OPEN))
			settle_result(self, rc);
	}
	if (likely(rc >= 0 && fate_is_usual(&self->fate)))
		drop_message(runtime, actor, self->message, message_head(MAIL_CALL));
	else
		finish_slow(self, rc);
}

/* ------------------------------------------------------------------ replies */

/* Turn a value of another version of a type into ours. False: it does not fit. */
static bool adapt_value(const struct troupe_type *theirs, const struct troupe_type *ours,
			const void *block, struct troupe_reply *reply, void **ret_block,
			struct codec_error *error)
{
	size_t size;

	if (codec_convert(theirs, block, ours, CODEC_DROP, ret_block, &size, error) < 0) {
		*reply = (struct troupe_reply){.status = TROUPE_INVALID_PARAMETER,
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
	take_result(self, entry->on_reply(self, self->actor->state, context, reply));
}

/* Anything but a reply of the version that the caller knows. */
RARE static void read_reply(struct troupe_self *self, const struct troupe_entry *entry,
			    struct message *message, bool continues)
{
	const struct troupe_method *method = message->descriptor;
	struct troupe_reply reply = {0};
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
			  &(struct troupe_reply){.continues = continues,
						 .data = message_block(message)});
	else
		read_reply(self, entry, message, continues);
}

/* A reply that others may follow. */
RARE static void handle_stream(struct troupe_self *self, const struct troupe_entry *entry,
			       struct message *message)
{
	struct call *call;

	more_find(self->runtime, self->actor)->unread--;
	run_message(self, entry, message);
	call = call_find(self->runtime, message->call);
	if (call)
		call_taken(self->runtime, call);
}

APART static void handle_reply(struct troupe_self *self, struct message *message)
{
	struct runtime *runtime = self->runtime;
	struct actor *actor = self->actor;
	const struct troupe_entry *entry =
		actor->unit->type->table->entries[message->mail.entry];

	self->message = message;
	self->fate.call = SELF_NO_MESSAGE;
	if (unlikely(message->mail.flags & MAIL_CONTINUES))
		handle_stream(self, entry, message);
	else
		run_message(self, entry, message);
	drop_message(runtime, actor, message, message_head(MAIL_REPLY));
}

/* ------------------------------------------------------------------ notices */

static void handle_end(struct troupe_self *self, struct call *call)
{
	const struct troupe_entry *entry = self->actor->unit->type->table->entries[call->entry];
	const struct troupe_reply reply = {.status = call->mail.status,
					   .error_name = status_error_name(call->mail.status)};
	uint64_t context = call->context;

	self->sender = call->target;
	slots_give(&self->runtime->calls, call);
	run_reply(self, entry, context, &reply);
}

static void handle_tick(struct troupe_self *self, struct timer *timer)
{
	const struct troupe_entry *entry =
		self->actor->unit->type->table->entries[timer->mail.entry];
	uint64_t context;

	/* also when it was stopped: that takes time, too */
	page_doing(self->runtime, PAGE_DOING_TIMER);
	if (!timer_tick(self->runtime, timer, &context))
		return;
	take_result(self, entry->on_timer(self, self->actor->state, context));
}

static void handle_room(struct troupe_self *self, struct wait *wait)
{
	struct runtime *runtime = self->runtime;
	const struct troupe_life *life = self->actor->unit->type->table->life;
	struct troupe_address where = wait_finish(runtime, wait);

	page_doing(runtime, PAGE_DOING_ROOM);
	if (life && life->on_room)
		take_result(self, life->on_room(self, self->actor->state, where));
	wait_settle(runtime, actor_slot(runtime, self->actor), where);
}

static void handle_cancel(struct troupe_self *self, struct kept_call *kept)
{
	struct runtime *runtime = self->runtime;
	const struct troupe_life *life = self->actor->unit->type->table->life;
	struct troupe_call handle = {slots_id(kept)};

	page_doing(runtime, PAGE_DOING_CANCEL);
	kept->mail.flags &= (uint8_t)~MAIL_QUEUED;
	if (slots_is_closed(&kept->slot)) { /* answered or dropped meanwhile */
		slots_give(&runtime->kept_calls, kept);
		return;
	}
	kept_free(runtime, kept);
	if (life && life->on_cancel)
		take_result(self, life->on_cancel(self, self->actor->state, handle));
}

APART static void handle_notice(struct troupe_self *self, struct mail *mail)
{
	self->message = NULL;
	self->fate.call = SELF_NO_MESSAGE;
	self->sender = (struct troupe_address){0};
	switch (mail->kind) {
	case MAIL_END:
		handle_end(self, container_of(mail, struct call, mail));
		break;
	case MAIL_TICK:
		handle_tick(self, container_of(mail, struct timer, mail));
		break;
	case MAIL_ROOM:
		handle_room(self, container_of(mail, struct wait, mail));
		break;
	default:
		handle_cancel(self, container_of(mail, struct kept_call, mail));
	}
}

/* ------------------------------------------------------------------ turns */

static void read_clock(struct runtime *runtime)
{
	uint64_t sequence = page_load(&runtime->page->thread.sequence);

	/* handlers count by two, see page_doing() */
	runtime->clock_at = sequence + 2ull * RUNTIME_CLOCK_EVERY;
	runtime->now_ns = loop_clock_ns(runtime->loop);
	if (runtime->now_ns >= runtime->until_ns || sequence >= runtime->until_sequence)
		runtime->slice_over = runtime->pause = true;
	page_store(&runtime->page->messages, runtime->handled);
}

RARE static void end_exiting(struct troupe_self *self)
{
	struct actor *actor = self->actor;
	int error = self->exit_error;

	self->fate = (struct self_fate){0};
	self->exit_error = 0;
	actor_end(self->runtime, actor, error ? TROUPE_REASON_FAILED : TROUPE_REASON_NORMAL,
		  error);
}

/* What is rare at the end of a turn. */
RARE static void end_turn_slow(struct troupe_self *self, struct mail *rest, struct mail *last)
{
	struct actor *actor = self->actor;

	if (rest)
		mailbox_put_back(actor, rest, last);
	if (self->fate.exiting)
		end_exiting(self);
	else
		wait_wake(self->runtime, actor);
	if (actor->marks & ACTOR_DEAD)
		slots_give(&self->runtime->actors, actor);
	else if (actor->tail)
		runq_push(self->runtime, actor);
	else
		actor->marks &= ~ACTOR_QUEUED;
}

/* Handle what lies in the mailbox now, a batch at most. `self` serves all turns of a slice. */
static inline void run_turn(struct troupe_self *self, struct runtime *runtime,
			    struct actor *actor)
{
	struct mail *last = actor->tail, *mail = mailbox_take_all(actor);
	uint32_t handled = 0;

	self->actor = actor;
	page_actor(runtime, actor);
	do {
		struct mail *next = mail->next;

		if (likely(mail->kind == MAIL_SEND))
			handle_send(self, runtime, actor, message_of(mail));
		else if (mail->kind == MAIL_CALL)
			handle_call(self, message_of(mail));
		else if (mail->kind <= MAIL_FAILURE)
			handle_reply(self, message_of(mail));
		else
			handle_notice(self, mail);
		mail = next;
		handled++;
		if (unlikely(page_load(&runtime->page->thread.sequence) >= runtime->clock_at)) {
			read_clock(runtime);
			if (runtime->slice_over) /* slow handlers share the loop, too */
				break;
		}
	} while (mail && handled < actor->unit->batch && likely(!self->fate.exiting));

	actor->handled += handled;
	runtime->handled += handled;
	if (likely(!mail && !actor->tail && !self->fate.exiting &&
		   (actor->marks & ACTOR_FLAGS) == ACTOR_QUEUED))
		actor->marks &= ~ACTOR_FLAGS;
	else
		end_turn_slow(self, mail, last);
}

bool turn_run(struct runtime *runtime)
{
	struct troupe_self self = {.runtime = runtime, .may_wait = true};
	struct actor *actor;

	runtime->until_sequence =
		page_load(&runtime->page->thread.sequence) + 2ull * SLICE_MESSAGES;
	runtime->until_ns = UINT64_MAX;
	runtime->slice_over = false;
	read_clock(runtime);
	runtime->until_ns = runtime->now_ns + SLICE_NS;
	turn_expire(runtime);
	do {
		outside_deliver(runtime);
		runtime->pause = false;
		runtime->depth = 1;
		page_begin(runtime);
		while (!runtime->pause && (actor = runq_pop(runtime))) {
			if (likely(actor->tail != NULL))
				run_turn(&self, runtime, actor);
			else /* it has ended while it stood there */
				slots_give(&runtime->actors, actor);
		}
		runtime->depth = 0;
		page_leave(runtime);
	} while (runtime->pause && !runtime->slice_over);
	/* What was answered as the slice ended: nobody would come back for it. */
	outside_deliver(runtime);
	page_store(&runtime->page->messages, runtime->handled);
	return !runq_is_empty(runtime);
}

void turn_expire(struct runtime *runtime)
{
	uint32_t name;

	wheel_advance(&runtime->wheel, runtime->now_ns);
	while ((name = wheel_take(&runtime->wheel))) {
		if (wheel_kind_of(name) == RUNTIME_CALL_NODE) {
			struct call *call = slots_at(&runtime->calls, wheel_index_of(name));

			call_abandon(runtime, call);
			call_fail(runtime, call, TROUPE_TIMEOUT, NULL);
		} else {
			timer_due(runtime, slots_at(&runtime->timers, wheel_index_of(name)));
		}
	}
}
