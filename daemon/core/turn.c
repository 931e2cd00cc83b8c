#include "core/turn.h"
#include "core/answer.h"
#include "core/arrival.h"
#include "core/call.h"
#include "core/caller.h"
#include "core/client_call.h"
#include "core/cold.h"
#include "core/dead_letter.h"
#include "core/handler.h"
#include "core/kept.h"
#include "core/life.h"
#include "core/mailbox.h"
#include "core/notice.h"
#include "core/outbox.h"
#include "core/page.h"
#include "core/slice.h"
#include "core/step.h"
#include "core/task.h"
#include "core/task_end.h"
#include "core/timer.h"
#include "core/wait.h"
#include <string.h>

#define EXPIRED_AT_ONCE 4096u /* of timers and deadlines, before actors have their turns */

/* ------------------------------------------------------------------ messages */

/* The message is of another version of the method, or of none that we have. True: it has been
 * converted. */
COLD static bool adapt_message(struct troupe_self *self,
			       const struct type_handler **ret_handler)
{
	struct runtime *runtime = self->runtime;
	struct message *message = self->activation.message, *converted;
	const struct troupe_method *theirs = message->descriptor;
	const struct type_handler *handler;
	struct codec_error error = {0};
	enum troupe_status status = TROUPE_METHOD_NOT_FOUND;
	const char *detail = theirs->name;
	bool has_interface;

	handler = type_find_name(self->actor->unit->type, theirs->interface,
				 strlen(theirs->interface), theirs->name, strlen(theirs->name),
				 &has_interface);
	if (!handler)
		goto dead;
	self->activation.handler = handler;
	converted = arrival_adapt(&runtime->messages, message, theirs->in, handler->method->in,
				  0, &error, &status);
	detail = status == TROUPE_INVALID_PARAMETER ? error.path : NULL;
	if (!converted)
		goto dead;
	converted->hash = handler->hash;
	converted->descriptor = handler->method;
	load_add(&self->actor->load, (struct load){0, message_charge(converted)});
	load_subtract(&self->actor->load, (struct load){0, message_charge(message)});
	message_free(&runtime->messages, message);
	self->activation.message = converted;
	*ret_handler = handler;
	return true;
dead:
	answer_end(self, self->activation.call_id, (struct call_end){status, 0, detail});
	dead_letter(runtime, message->from, actor_address(runtime, self->actor), theirs,
		    "invalid");
	return false;
}

COLD static bool is_wanted_slow(struct troupe_self *self)
{
	struct runtime *runtime = self->runtime;
	const struct message *message = self->activation.message;
	const char *why = message->extra > runtime->now_ns ? "caller-gone" : "expired";

	if (message->mail.flags & MAIL_INBOUND) {
		struct kept_call *kept = kept_find(runtime, message->call);

		if (kept && kept->state != KEPT_GONE && message->extra > runtime->now_ns)
			return true;
		if (kept)
			kept_free(runtime, kept);
	}
	page_doing(runtime, PAGE_DOING_NOTHING); /* it takes time as a handler would */
	dead_letter(runtime, message->from, actor_address(runtime, self->actor),
		    message->descriptor, why);
	return false;
}

/* Whether somebody still waits for the answer; if not, the call is not run. When only the
 * deadline has passed, the wheel ends the call. */
static inline bool is_wanted(struct troupe_self *self)
{
	const struct message *message = self->activation.message;
	const struct call *call;

	if (likely(!(message->mail.flags & MAIL_INBOUND) &&
		   message->extra > self->runtime->now_ns &&
		   (call = call_find(self->runtime, message->call)))) {
		if (call->flags & CALL_OF_CLIENT)
			page_call(self->runtime, call->client_call->number);
		return true;
	}
	return is_wanted_slow(self);
}

/* Its place in the table holds another handler or none. NULL: the message is answered, or
 * counted as dead. */
COLD static const struct type_handler *find_slow(struct troupe_self *self)
{
	const struct runtime_type *type = self->actor->unit->type;
	const struct type_handler *handler = type_find(type, self->activation.message->hash);

	if (handler && handler->handler)
		return handler;
	/* it takes time as a handler would */
	page_doing(self->runtime, PAGE_DOING_NOTHING);
	if (handler) {
		self->activation.handler = handler;
		answer_end(self, self->activation.call_id,
			   (struct call_end){TROUPE_METHOD_NOT_IMPLEMENTED, 0,
					     handler->method->name});
		return NULL;
	}
	/* whatever it is, for an answer that needs no method of ours */
	self->activation.handler = type_bucket(type, self->activation.message->hash);
	return adapt_message(self, &handler) ? handler : NULL;
}

/* Call the handler of the message self->activation.message, in a turn. */
static inline int run_handler(struct troupe_self *self, struct runtime *runtime,
			      struct actor *actor, const struct type_handler *handler,
			      const void *block)
{
	self->activation.handler = handler;
	self->activation.call_id = page_doing(runtime, handler->hash);
	return handler->handler(self, actor->state,
				(struct troupe_call){self->activation.call_id}, block);
}

/* What is rare after a handler: it failed, kept or forwarded the message, or is ending. */
COLD static void finish_slow(struct troupe_self *self, int rc)
{
	take_result(self, rc);
	if (!self->activation.outcome.kept && !self->activation.outcome.moved)
		drop_message(self->runtime, self->actor, self->activation.message,
			     message_head(self->activation.message->mail.kind));
}

static inline void handle_send(struct troupe_self *self, struct runtime *runtime,
			       struct actor *actor, struct message *message)
{
	const struct type_handler *handler = type_bucket(actor->unit->type, message->hash);
	int rc = 0;

	load_subtract(&actor->load, (struct load){1, 0});
	self->activation.message = message;
	self->activation.outcome = (struct self_outcome){.call = SELF_OPEN};
	if (unlikely(handler->hash != message->hash)) {
		handler = find_slow(self);
		message = self->activation.message; /* it may have been converted */
	}
	if (likely(handler != NULL))
		rc = run_handler(self, runtime, actor, handler,
				 (char *)message + message_head(MAIL_SEND));
	if (likely(rc >= 0 && outcome_is_usual(&self->activation.outcome)))
		drop_message(runtime, actor, message, message_head(MAIL_SEND));
	else
		finish_slow(self, rc);
}

/* The same after a call, which is answered also if the handler has kept it before it failed. */
COLD static void finish_call_slow(struct troupe_self *self, int rc)
{
	if (rc < 0 && self->activation.outcome.call == SELF_KEPT)
		answer_result(self, self->activation.kept_id, rc);
	finish_slow(self, rc);
}

NOINLINE static void handle_call(struct troupe_self *self, struct message *message)
{
	struct runtime *runtime = self->runtime;
	struct actor *actor = self->actor;
	const struct type_handler *handler = type_bucket(actor->unit->type, message->hash);
	int rc = 0;

	load_subtract(&actor->load, (struct load){1, 0});
	self->activation.message = message;
	self->activation.outcome = (struct self_outcome){.call = SELF_OPEN};
	if (unlikely(!is_wanted(self)))
		handler = NULL;
	else if (unlikely(handler->hash != message->hash))
		handler = find_slow(self);
	if (likely(handler != NULL)) {
		rc = run_handler(self, runtime, actor, handler,
				 (char *)self->activation.message + message_head(MAIL_CALL));
		if (unlikely(self->activation.outcome.call == SELF_OPEN))
			answer_result(self, self->activation.call_id, rc);
	}
	if (likely(rc >= 0 && outcome_is_usual(&self->activation.outcome)))
		drop_message(runtime, actor, self->activation.message, message_head(MAIL_CALL));
	else
		finish_call_slow(self, rc);
}

/* ------------------------------------------------------------------ turns */

COLD static void end_exiting(struct troupe_self *self)
{
	struct actor *actor = self->actor;
	int error = self->activation.exit_error;

	self->activation.outcome = (struct self_outcome){0};
	self->activation.exit_error = 0;
	life_end(self->runtime, actor, error ? TROUPE_CAUSE_FAILED : TROUPE_CAUSE_NORMAL,
		 error);
}

COLD static void go_on_or_rest(struct runtime *runtime, struct actor *actor)
{
	if (actor->marks & ACTOR_RELEASED)
		rest_empty(actor, &tasked_find(runtime, actor)->rest);
	if (actor->tail)
		runq_push(runtime, actor);
	else
		actor->marks &= ~ACTOR_QUEUED;
}

/* It is in the run queue again if it has something to do. */
static inline void leave_turn(struct runtime *runtime, struct actor *actor)
{
	if (actor->marks & ACTOR_DEAD)
		actor_give(runtime, actor);
	else
		go_on_or_rest(runtime, actor);
}

/* What is rare at the end of a turn. */
COLD static void end_turn_slow(struct troupe_self *self, struct mail *rest, struct mail *last)
{
	struct actor *actor = self->actor;

	if (rest)
		mailbox_put_back(actor, rest, last);
	if (self->activation.outcome.exiting)
		end_exiting(self);
	else
		wait_wake(self->runtime, actor);
	leave_turn(self->runtime, actor);
}

/* Between two handlers of a turn, now and then. False: it ends here, since time is up, or what
 * the last handler has answered takes long to hand out. */
NOINLINE static bool goes_on(struct runtime *runtime, struct actor *actor)
{
	client_calls_hand_out(runtime);
	/* slow handlers share the loop, too */
	slice_look(runtime, actor->marks & ACTOR_DEAD ? NULL : actor);
	return !runtime->slice.is_over && !outbox_has_mail(runtime);
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
		else if (mail->kind == MAIL_RESUME)
			step_run(self, container_of(mail, struct task, mail));
		else
			notice_kinds[mail->kind].handle(self, mail);
		mail = next;
		handled++;
		if (unlikely(slice_wants_look(runtime)) && !goes_on(runtime, actor))
			break;
	} while (mail && handled < actor->unit->batch &&
		 likely(!self->activation.outcome.exiting));

	actor->handled += handled;
	runtime->handled += handled;
	if (likely(!mail && !actor->tail && !self->activation.outcome.exiting &&
		   (actor->marks & ACTOR_FLAGS) == ACTOR_QUEUED))
		actor->marks &= ~ACTOR_FLAGS;
	else
		end_turn_slow(self, mail, last);
}

bool turn_run(struct runtime *runtime)
{
	struct troupe_self self = {.runtime = runtime};
	struct actor *actor;

	slice_begin(runtime);
	turn_expire(runtime);
	client_calls_deliver(runtime);
	if (!runq_is_empty(runtime))
		page_wake_watch(runtime);
	/* No handler begins while clients can have what others have answered. */
	while (!runtime->slice.is_over && !outbox_has_mail(runtime) &&
	       !outbox_is_full(runtime)) {
		runtime->pause = false;
		runtime->depth = 1;
		page_begin(runtime);
		while (!runtime->pause && (actor = runq_pop(runtime))) {
			if (likely(actor->tail != NULL))
				run_turn(&self, runtime, actor);
			else /* it has ended while it was queued, or what it had is gone */
				leave_turn(runtime, actor);
		}
		runtime->depth = 0;
		page_leave(runtime);
		client_calls_deliver(runtime);
		if (!runtime->pause)
			break;
	}
	slice_end(runtime);
	return outbox_has_mail(runtime) ||
	       (!runq_is_empty(runtime) && !outbox_is_full(runtime));
}

static void expire(struct runtime *runtime, uint32_t kind, uint32_t index)
{
	switch (kind) {
	case RUNTIME_CALL_NODE:
		caller_expire(runtime, slots_at(&runtime->calls, index));
		break;
	case RUNTIME_TIMER_NODE:
		timer_due(runtime, slots_at(&runtime->timers, index));
		break;
	case RUNTIME_TASK_NODE:
		task_due(runtime, task_at(runtime, index));
		break;
	case RUNTIME_SCOPE_NODE:
		scope_due(runtime, slots_at(&runtime->scopes, index));
		break;
	default:
		life_grace_due(runtime, actor_at(runtime, index));
	}
}

void turn_expire(struct runtime *runtime)
{
	uint32_t name;

	wheel_advance(&runtime->wheel, runtime->now_ns);
	/* The alarm sees to the rest: for the wheel they are due. */
	for (uint32_t n = 0; n < EXPIRED_AT_ONCE && (name = wheel_take(&runtime->wheel)); n++) {
		expire(runtime, wheel_kind_of(name), wheel_index_of(name));
	}
}
