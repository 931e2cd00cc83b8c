#include "core/answer.h"
#include "core/call.h"
#include "core/call_text.h"
#include "core/callee.h"
#include "core/caller.h"
#include "core/failure.h"
#include "core/kept.h"
#include "core/mailbox.h"
#include "core/page.h"
#include "core/peer.h"
#include "core/slice.h"
#include "core/task.h"
#include "core/wait.h"
#include "proto/codec_quick.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whom a handle answers: `call` in this process, `kept` with a peer in another, or nobody
 * (any more). */
struct recipient {
	struct call *call;
	struct kept_call *kept;
	const struct troupe_method *method; /* the callee's */
	bool wants_more;
	bool activation; /* the handle is that of the message being handled */
};

/* What is to be sent as an answer. */
struct value {
	enum mail_kind kind; /* REPLY or ERROR */
	bool continues;
	uint64_t hash;
	const void *descriptor;
	const struct troupe_type *type;
	const void *data;
	const char *name; /* of an error; NULL: of the method */
};

/* By the record that a task has of it. */
COLD static void find_held(struct troupe_self *self, struct recipient *answer)
{
	struct kept_call *kept = kept_find(self->runtime, self->activation.kept_id);

	answer->kept = kept;
	if (kept && !kept->peer && kept->call)
		answer->call = call_find(self->runtime, kept->call);
}

static int find_activation(struct troupe_self *self, struct recipient *answer)
{
	const struct message *message = self->activation.message;

	if (self->activation.outcome.call == SELF_NO_MESSAGE)
		return -EINVAL;
	if (self->activation.outcome.call != SELF_OPEN &&
	    self->activation.outcome.call != SELF_HELD)
		return -EALREADY;
	*answer = (struct recipient){.method = self->activation.handler->method,
				     .wants_more = message->mail.flags & MAIL_MORE,
				     .activation = true};
	if (message->mail.kind != MAIL_CALL)
		return 0;
	if (unlikely(self->activation.outcome.call == SELF_HELD)) {
		find_held(self, answer);
		return 0;
	}
	if (unlikely(message->mail.flags & MAIL_INBOUND))
		answer->kept = kept_find(self->runtime, message->call);
	else
		answer->call = call_find(self->runtime, message->call);
	return 0;
}

static int find_answer(struct troupe_self *self, struct troupe_call handle,
		       struct recipient *answer)
{
	struct runtime *runtime = self->runtime;
	struct kept_call *kept;

	if (self_is_away(self))
		return -EINVAL;
	if (likely(handle.id == self->activation.call_id))
		return find_activation(self, answer);
	if (handle.id & SELF_ACTIVATION) /* of a handler that has returned, or made up */
		return handle.id < page_load(&runtime->page->thread.sequence) ? -EALREADY
									      : -EINVAL;
	kept = kept_find(runtime, handle.id);
	if (!kept)
		return slots_is_past(&runtime->kept_calls, (uint32_t)handle.id,
				     (uint32_t)(handle.id >> 32))
			       ? -EALREADY
			       : -EINVAL;
	if (!kept->owned || kept->owner != actor_slot(runtime, self->actor))
		return -EINVAL;
	*answer = (struct recipient){
		.kept = kept, .method = kept->method, .wants_more = kept->flags & MAIL_MORE};
	if (!kept->peer && !kept->is_oneway && kept->call)
		answer->call = call_find(runtime, kept->call);
	return 0;
}

/* The handle is used up. */
static void finish_answer(struct troupe_self *self, const struct recipient *answer)
{
	if (answer->activation)
		self->activation.outcome.call = SELF_ANSWERED;
	if (answer->kept)
		kept_free(self->runtime, answer->kept);
}

/* A message with an answer, for a caller of this process. */
static inline __attribute__((always_inline)) int make_answer(struct troupe_self *self,
							     struct call *call,
							     const struct value *value,
							     struct message **ret_message)
{
	struct runtime *runtime = self->runtime;
	struct codec_measure measure;
	struct message *message;
	int rc;

	rc = codec_measure(value->type, value->data, &measure);
	if (unlikely(rc < 0))
		return failure_of_value(self, value->type, value->data, rc);
	message = message_new(&runtime->messages, value->kind, measure.size);
	if (unlikely(!message))
		return -ENOMEM;
	message->mail.flags = value->continues ? MAIL_CONTINUES : 0;
	message->mail.entry = call->entry;
	message->hash = value->hash;
	message->from = actor_address(runtime, self->actor);
	message->descriptor = value->descriptor;
	message->call = slots_id(call);
	message->extra = call->context;
	rc = codec_fill(value->type, value->data, &measure, message_block(message));
	if (unlikely(rc < 0)) {
		message_free(&runtime->messages, message);
		return failure_of_value(self, value->type, value->data, rc);
	}
	*ret_message = message;
	return 0;
}

/* The same for one that wants text. */
COLD static int make_text(struct troupe_self *self, const struct call *call,
			  const struct value *value, struct message **ret_message)
{
	size_t size;
	int rc = codec_size(value->type, value->data, &size, NULL);

	if (rc < 0)
		return failure_of_value(self, value->type, value->data, rc);
	rc = call_text_print(self->runtime, call, value->name, value->type, value->data,
			     ret_message);
	if (rc < 0)
		return rc;
	(*ret_message)->mail.flags = value->continues ? MAIL_CONTINUES : 0;
	(*ret_message)->from = actor_address(self->runtime, self->actor);
	return 0;
}

NOINLINE static int answer_near(struct troupe_self *self, struct call *call,
				const struct value *value)
{
	struct runtime *runtime = self->runtime;
	struct message *message = NULL;
	int rc = call->flags & CALL_TEXT ? make_text(self, call, value, &message)
					 : make_answer(self, call, value, &message);

	if (unlikely(rc == -ENOBUFS)) { /* the callee has done nothing wrong */
		if (value->continues)
			callee_cancel(runtime, call);
		caller_fail(runtime, call, call_text_too_long);
		return 0;
	}
	if (unlikely(rc < 0))
		return rc;
	if (value->continues) /* the deadline was for the first reply */
		wheel_remove(&runtime->wheel, &call->deadline);
	caller_reply(runtime, call, message);
	return 0;
}

static int answer_far(struct troupe_self *self, struct kept_call *kept,
		      const struct recipient *answer, const struct value *value)
{
	struct runtime *runtime = self->runtime;
	const struct envelope envelope = {
		.kind = value->kind == MAIL_REPLY ? ENVELOPE_REPLY : ENVELOPE_ERROR,
		.flags = value->continues ? ENVELOPE_CONTINUES : 0,
		.from = actor_address(runtime, self->actor),
		.to = kept->caller,
		.hash = value->hash,
		.call = kept->call,
	};
	const struct envelope_meaning meaning = {
		value->name ? NULL : answer->method->interface,
		value->name ? value->name : answer->method->name,
	};
	size_t size;
	int rc;

	rc = codec_size(value->type, value->data, &size, NULL);
	if (rc < 0)
		return failure_of_value(self, value->type, value->data, rc);
	rc = runtime->ops->forward(runtime->context, &envelope, value->type, value->data,
				   &meaning);
	if (value->continues && rc == 0) {
		window_claim(&kept->window, size);
		kept->deadline_ns = UINT64_MAX; /* it was for the first reply */
	}
	/* a peer that cannot be reached is gone, or as good as that: so is the caller */
	return rc == -EHOSTUNREACH ? 0 : rc;
}

/* Whoever answers after the deadline answers nobody: the caller gets Timeout, as if the wheel
 * had been first. A caller elsewhere sees to that itself. */
static void expire_answer(struct troupe_self *self, struct recipient *answer)
{
	struct runtime *runtime = self->runtime;
	uint64_t now_ns = slice_now_ns(runtime);

	if (answer->call) {
		if (likely(!call_is_late(answer->call, now_ns)))
			return;
		caller_expire(runtime, answer->call);
		answer->call = NULL;
	} else if (answer->kept && answer->kept->peer && answer->kept->deadline_ns <= now_ns) {
		kept_gone(runtime, answer->kept);
	}
}

static int give_answer(struct troupe_self *self, struct recipient *answer,
		       const struct value *value)
{
	int rc = 0;

	expire_answer(self, answer);
	if (likely(answer->call != NULL))
		rc = answer_near(self, answer->call, value);
	else if (answer->kept && answer->kept->peer)
		rc = answer_far(self, answer->kept, answer, value);
	if (rc == 0 && !value->continues)
		finish_answer(self, answer);
	return rc;
}

/* What a method returns. */
static inline struct value value_of(const struct troupe_method *method, const void *out)
{
	return (struct value){.kind = MAIL_REPLY,
			      .hash = method->out_hash,
			      .descriptor = method,
			      .type = method->out,
			      .data = out};
}

/* Find whom the handle answers, and whether that is how `method` answers. */
static int find_reply(struct troupe_self *self, struct troupe_call handle,
		      const struct troupe_method *method, const void *out,
		      struct recipient *answer)
{
	int rc = find_answer(self, handle, answer);

	if (rc < 0)
		return rc;
	if (!method || method->out_hash != answer->method->out_hash)
		return -EINVAL;
	if (!out && method->out->size)
		return failure_of_value(self, method->out, out, -EINVAL);
	return 0;
}

/* Any return but that of troupe_return(). */
NOINLINE static int return_slow(struct troupe_self *self, struct troupe_call call,
				const struct troupe_method *method, const void *out)
{
	struct recipient answer;
	int rc = find_reply(self, call, method, out, &answer);
	struct value value;

	if (unlikely(rc < 0))
		return rc;
	value = value_of(method, out);
	return give_answer(self, &answer, &value);
}

/* Of the call being handled, which a task of an actor here waits for. */
NOINLINE static int return_to_task(struct troupe_self *self, struct call *call,
				   const struct troupe_method *method, const void *out)
{
	const struct value value = value_of(method, out);
	int rc = answer_near(self, call, &value);

	if (likely(rc == 0))
		self->activation.outcome.call = SELF_ANSWERED;
	return rc;
}

/* What most returns are, of the call being handled to an actor here, takes the short way, and
 * to a task one that is not much longer. The call was in time when the handler began, and that
 * was less than a millisecond ago. */
int troupe_return(struct troupe_self *self, struct troupe_call handle,
		  const struct troupe_method *method, const void *out)
{
	struct runtime *runtime = self->runtime;
	struct message *message = NULL;
	struct value value;
	struct call *call;
	int rc;

	if (unlikely(handle.id != self->activation.call_id ||
		     self->activation.outcome.call != SELF_OPEN ||
		     self->activation.message->mail.kind != MAIL_CALL ||
		     (self->activation.message->mail.flags & MAIL_INBOUND) || !method || !out ||
		     method->out_hash != self->activation.handler->method->out_hash))
		return return_slow(self, handle, method, out);
	call = call_find(runtime, self->activation.message->call);
	if (unlikely(!call || (call->flags & (CALL_OF_CLIENT | CALL_TEXT | CALL_TASK)) ||
		     slice_is_stale(runtime))) {
		if (call && call->flags == CALL_TASK && !slice_is_stale(runtime))
			return return_to_task(self, call, method, out);
		return return_slow(self, handle, method, out);
	}
	value = value_of(method, out);
	rc = make_answer(self, call, &value, &message);
	if (unlikely(rc < 0))
		return rc;
	mailbox_add_reply(runtime, actor_at(runtime, call->caller), message);
	call_close(runtime, call);
	self->activation.outcome.call = SELF_ANSWERED;
	return 0;
}

/* A stream whose caller is there, as a replier waits for it. */
struct stream {
	struct window *windows[2];   /* that its replies count in; NULL: there is none */
	struct troupe_address where; /* its caller; null: a client */
	uint64_t id;
};

static struct stream find_stream(struct runtime *runtime, const struct recipient *answer)
{
	const struct call *call = answer->call;

	if (!call)
		return (struct stream){
			{&answer->kept->window}, answer->kept->caller, slots_id(answer->kept)};
	return (struct stream){
		{call_own_window(runtime, call), caller_shared_window(runtime, call)},
		call_caller(runtime, call),
		slots_id(call)};
}

/* Whether the caller may get one more reply of a stream now; if not, the replier waits for
 * it. */
static int claim_stream(struct troupe_self *self, const struct recipient *answer)
{
	struct stream stream = find_stream(self->runtime, answer);
	uint64_t handle = answer->kept && !answer->activation ? slots_id(answer->kept) : 0;
	int rc;

	for (int i = 0; i < 2; i++) {
		struct window *window = stream.windows[i];

		if (!window || window_is_open(window))
			continue;
		rc = wait_add(self->runtime, self->actor, stream.where, &window->waiters,
			      stream.id, handle);
		return rc < 0 ? rc : -EAGAIN;
	}
	return 0;
}

int troupe_reply(struct troupe_self *self, struct troupe_call call,
		 const struct troupe_method *method, const void *out)
{
	struct recipient answer;
	int rc = find_reply(self, call, method, out, &answer);
	struct value value;

	if (rc < 0)
		return rc;
	expire_answer(self, &answer);
	if (!answer.call && !(answer.kept && answer.kept->peer))
		return 0; /* nobody is there, so that nothing was asked for either */
	if (!answer.wants_more) {
		if (answer.activation)
			self->activation.outcome.reply = SELF_REPLY_REFUSED;
		return -EPROTOTYPE;
	}
	rc = claim_stream(self, &answer);
	if (rc < 0)
		return rc;
	value = value_of(method, out);
	value.continues = true;
	rc = give_answer(self, &answer, &value);
	if (rc == 0 && answer.activation) /* also for whom it may be forwarded to */
		self->activation.message->extra = UINT64_MAX;
	return rc;
}

int troupe_fail(struct troupe_self *self, struct troupe_call call,
		const struct troupe_error *error, const void *data)
{
	struct recipient answer;
	int rc = find_answer(self, call, &answer);

	if (rc < 0)
		return rc;
	if (!error || !error->name || !error->type)
		return -EINVAL;
	if (!data && error->type->size)
		return failure_of_value(self, error->type, data, -EINVAL);
	return give_answer(self, &answer,
			   &(struct value){.kind = MAIL_ERROR,
					   .hash = error->hash,
					   .descriptor = error,
					   .type = error->type,
					   .data = data,
					   .name = error->name});
}

/* An answer of the runtime's own. Cannot fail. */
static void give_status(struct troupe_self *self, struct recipient *answer, struct call_end end)
{
	struct runtime *runtime = self->runtime;

	expire_answer(self, answer);
	if (answer->call)
		caller_fail(runtime, answer->call, end);
	else if (answer->kept && answer->kept->peer)
		peer_fail(runtime, actor_address(runtime, self->actor), answer->kept->caller,
			  answer->kept->call, end);
	finish_answer(self, answer);
}

int troupe_fail_parameter(struct troupe_self *self, struct troupe_call call, const char *field,
			  const char *reason)
{
	char *text = NULL;
	struct recipient answer;
	int rc = find_answer(self, call, &answer);

	if (rc < 0)
		return rc;
	if (!field || !codec_is_utf8(field, strlen(field)) ||
	    (reason && !codec_is_utf8(reason, strlen(reason))))
		return -EINVAL;
	if (strlen(field) + (reason ? strlen(reason) + 2 : 0) >= CODEC_BLOCK_MAX)
		return -EMSGSIZE;
	/* Without memory for the reason the detail is the field alone. */
	if (reason && asprintf(&text, "%s: %s", field, reason) < 0)
		text = NULL;
	give_status(self, &answer,
		    (struct call_end){TROUPE_INVALID_PARAMETER,
				      text ? (int32_t)strlen(field) : 0, text ? text : field});
	free(text);
	return 0;
}

static int fail_status(struct troupe_self *self, struct troupe_call call,
		       enum troupe_status status)
{
	struct recipient answer;
	int rc = find_answer(self, call, &answer);

	if (rc < 0)
		return rc;
	give_status(self, &answer, (struct call_end){status, 0, answer.method->name});
	return 0;
}

int troupe_fail_not_implemented(struct troupe_self *self, struct troupe_call call)
{
	return fail_status(self, call, TROUPE_METHOD_NOT_IMPLEMENTED);
}

int troupe_fail_expected_more(struct troupe_self *self, struct troupe_call call)
{
	return fail_status(self, call, TROUPE_EXPECTED_MORE);
}

int troupe_fail_permission_denied(struct troupe_self *self, struct troupe_call call)
{
	return fail_status(self, call, TROUPE_PERMISSION_DENIED);
}

void answer_end(struct troupe_self *self, uint64_t handle, struct call_end end)
{
	struct recipient answer;

	if (find_answer(self, (struct troupe_call){handle}, &answer) == 0)
		give_status(self, &answer, end);
}

COLD void answer_result(struct troupe_self *self, uint64_t handle, int rc)
{
	struct call_end end = {.status = TROUPE_NO_REPLY};
	char detail[FAILURE_DETAIL_MAX];

	if (rc == -EPROTOTYPE && self->activation.outcome.reply == SELF_REPLY_REFUSED) {
		self->activation.outcome.reply = SELF_REPLY_EXPLAINED;
		end = (struct call_end){TROUPE_EXPECTED_MORE, 0,
					self->activation.handler->method->name};
	} else if (rc < 0) {
		end = (struct call_end){TROUPE_FAILED, rc, failure_print(self, rc, detail)};
	}
	answer_end(self, handle, end);
}

bool troupe_call_wants_more(struct troupe_self *self, struct troupe_call call)
{
	struct recipient answer;

	return find_answer(self, call, &answer) == 0 && answer.wants_more;
}

/* The caller's process knows whether the deadline still holds. */
static void send_kept(struct troupe_self *self, struct kept_call *kept)
{
	kept->deadline_ns = UINT64_MAX;
	peer_send(self->runtime,
		  &(struct envelope){.kind = ENVELOPE_KEPT,
				     .from = actor_address(self->runtime, self->actor),
				     .to = kept->caller,
				     .call = kept->call});
}

/* NULL: no memory, or the limit. */
static struct kept_call *keep_near(struct troupe_self *self, struct call *call)
{
	struct kept_call *kept = kept_new(self->runtime, self->actor, call);

	if (kept && call && caller_kept(self->runtime, call) < 0) {
		call->kept = 0;
		kept_free(self->runtime, kept);
		return NULL;
	}
	return kept;
}

bool troupe_call_wants_reply(struct troupe_self *self, struct troupe_call call)
{
	struct recipient answer;

	return find_answer(self, call, &answer) == 0 &&
	       (answer.call || (answer.kept && answer.kept->peer));
}

/* Keep the call of the message being handled. */
static int keep(struct troupe_self *self, const struct recipient *answer,
		struct kept_call **ret_kept)
{
	struct kept_call *kept = answer->kept;
	int rc;

	if (kept) {
		kept_hold(self->runtime, self->actor, kept);
		if (answer->wants_more && kept->peer)
			send_kept(self, kept);
	} else if (self->activation.message->mail.kind == MAIL_SEND) {
		rc = kept_new_oneway(self->runtime, self->actor, self->activation.message->from,
				     answer->method, &kept);
		if (rc < 0)
			return rc;
	} else {
		kept = keep_near(self, answer->call);
		if (!kept)
			return -ENOMEM;
	}
	kept->method = answer->method;
	*ret_kept = kept;
	return 0;
}

void answer_hold(struct task *task)
{
	struct troupe_self *self = &task->self;
	struct recipient answer;
	struct kept_call *kept;

	if (self->activation.outcome.call != SELF_OPEN ||
	    self->activation.message->mail.kind != MAIL_CALL ||
	    find_activation(self, &answer) < 0)
		return;
	expire_answer(self, &answer);
	if (keep(self, &answer, &kept) < 0)
		return;
	self->activation.outcome.call = SELF_HELD;
	self->activation.kept_id = slots_id(kept);
	kept->task = slots_index(&self->runtime->tasks, task) + 1;
	if (answer.wants_more)
		task->deadline_ns = UINT64_MAX;
	if (!kept->call)
		kept_gone(self->runtime, kept);
}

/* What a task has of it becomes its actor's. */
static void keep_held(struct troupe_self *self, struct kept_call *kept)
{
	kept->task = 0;
	if (kept->state == KEPT_GONE) { /* which its actor does not know */
		kept->state = KEPT_HELD;
		kept_gone(self->runtime, kept);
	}
}

void answer_unhold(struct troupe_self *self)
{
	struct kept_call *kept = kept_find(self->runtime, self->activation.kept_id);

	self->activation.outcome.call = SELF_OPEN;
	if (!kept)
		return;
	if (self->activation.message->mail.flags & MAIL_INBOUND) {
		kept_unhold(self->runtime, kept);
	} else {
		struct call *call = call_find(self->runtime, kept->call);

		if (call)
			call->kept = 0;
		kept_free(self->runtime, kept);
	}
}

int troupe_call_keep(struct troupe_self *self, struct troupe_call *call)
{
	struct recipient answer;
	struct kept_call *kept;
	int rc = find_answer(self, *call, &answer);

	if (rc < 0)
		return rc;
	if (!answer.activation)
		return 0; /* it is a kept one already */
	expire_answer(self, &answer);
	if (self->activation.outcome.call == SELF_HELD && answer.kept) {
		kept = answer.kept;
		keep_held(self, kept);
	} else {
		rc = keep(self, &answer, &kept);
		if (rc < 0)
			return rc;
		if (!kept->call)
			kept_gone(self->runtime, kept);
	}
	self->activation.outcome.call = SELF_KEPT;
	self->activation.kept_id = call->id = slots_id(kept);
	if (answer.wants_more && (answer.call || kept->peer)) {
		struct stream stream = find_stream(self->runtime, &answer);

		for (int i = 0; i < 2; i++)
			if (stream.windows[i])
				wait_keep(self->runtime, self->actor, stream.where,
					  &stream.windows[i]->waiters, stream.id, call->id);
	}
	return 0;
}

int troupe_call_drop(struct troupe_self *self, struct troupe_call call)
{
	struct recipient answer;

	if (find_answer(self, call, &answer) < 0)
		return -ESRCH;
	give_status(self, &answer, (struct call_end){.status = TROUPE_NO_REPLY});
	return 0;
}
