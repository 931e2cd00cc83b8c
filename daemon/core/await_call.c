/* Calls, sends and replies that tasks wait with, as <troupe/await.h> says. */
#include "core/await_call.h"
#include "core/await_cycle.h"
#include "core/awaited.h"
#include "core/callee.h"
#include "core/kept_message.h"
#include "core/open_scope.h"
#include "core/pause.h"
#include "core/reply.h"
#include "core/send.h"
#include "core/slice.h"
#include "core/wait.h"
#include "proto/status.h"
#include <errno.h>
#include <string.h>

#define AGAIN_FIRST_NS 1000000u /* after a refusal by the callee's process, for a start */
#define AGAIN_MOST_NS  50000000u

/* ------------------------------------------------------------------ room */

int await_room(struct task *task, uint64_t deadline_ns)
{
	struct runtime *runtime = task->self.runtime;
	int rc;

	if (pause_is_cut(task))
		rc = pause_refuse(task);
	else if (slice_now_ns(runtime) >= deadline_ns)
		rc = -ETIMEDOUT;
	else {
		if (deadline_ns < UINT64_MAX)
			wheel_add(&runtime->wheel,
				  wheel_name(RUNTIME_TASK_NODE, task->slot.index), deadline_ns);
		task->waits_for = "room";
		rc = pause_wait(task, false);
	}
	wait_leave(runtime, &task->room);
	return rc;
}

int troupe_send_wait(struct troupe_self *self, struct troupe_address to,
		     const struct troupe_method *method, const void *in)
{
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	for (;;) {
		task->self.runtime->seat = &task->room;
		rc = troupe_send(self, to, method, in);
		task->self.runtime->seat = NULL;
		if (rc != -EAGAIN)
			return pause_ready(task, rc);
		rc = await_room(task, UINT64_MAX);
		if (rc < 0)
			return rc;
	}
}

int troupe_reply_wait(struct troupe_self *self, struct troupe_call call,
		      const struct troupe_method *method, const void *out)
{
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	for (;;) {
		/* It is cut because of that, perhaps. */
		if (!troupe_call_wants_reply(self, call))
			return pause_ready(task, -EPIPE);
		if (rc < 0)
			return rc;
		if (pause_is_cut(task))
			return pause_refuse(task);
		task->self.runtime->seat = &task->room;
		rc = troupe_reply(self, call, method, out);
		task->self.runtime->seat = NULL;
		if (rc != -EAGAIN)
			return pause_ready(task, rc);
		rc = await_room(task, UINT64_MAX);
	}
}

/* ------------------------------------------------------------------ calls */

/* Of this one alone. */
static uint64_t scope_end_ns(struct scope *scope)
{
	const struct open_scope *open;

	if (!scope->owner) /* the actor's own */
		return UINT64_MAX;
	if (scope == &scope->owner->root)
		return task_call_end_ns(scope->owner);
	open = scope_open_of(scope);
	return wheel_has(&open->deadline) ? open->deadline.at_ns : UINT64_MAX;
}

/* What is left of its scopes, as far as the innermost shield; UINT64_MAX: they have no end. */
static uint64_t scopes_end_ns(const struct task *task)
{
	uint64_t end_ns = UINT64_MAX;

	for (struct scope *at = task->scope; at; at = at->outer) {
		uint64_t at_ns = scope_end_ns(at);

		if (at_ns < end_ns)
			end_ns = at_ns;
		if (at->is_shield)
			break;
	}
	return end_ns;
}

uint64_t await_deadline_ns(const struct task *task, bool *ret_is_default)
{
	struct runtime *runtime = task->self.runtime;
	uint64_t end_ns = scopes_end_ns(task);
	uint64_t most_ns = slice_now_ns(runtime) + LIMIT_CALL_TIMEOUT_NS;

	*ret_is_default = end_ns == UINT64_MAX;
	if (*ret_is_default)
		return call_deadline_ns(runtime, 0);
	return end_ns < most_ns ? end_ns : most_ns;
}

static int code_of(const struct troupe_reply *reply)
{
	static const int codes[TROUPE_STATUS_COUNT] = {
		[TROUPE_OK] = 0,
		[TROUPE_ERROR] = -EREMOTEIO,
		[TROUPE_NO_SUCH_ACTOR] = -ESRCH,
		[TROUPE_ACTOR_DIED] = -ECONNRESET,
		[TROUPE_PEER_DOWN] = -ECONNRESET,
		[TROUPE_TIMEOUT] = -ETIMEDOUT,
		[TROUPE_OVERLOADED] = -EBUSY,
		[TROUPE_CANCELLED] = -ECANCELED,
		[TROUPE_NO_REPLY] = -ENODATA,
		[TROUPE_FAILED] = -EIO,
		[TROUPE_INVALID_PARAMETER] = -EBADMSG,
		[TROUPE_METHOD_NOT_FOUND] = -EOPNOTSUPP,
		[TROUPE_METHOD_NOT_IMPLEMENTED] = -EOPNOTSUPP,
		[TROUPE_EXPECTED_MORE] = -EPROTOTYPE,
		[TROUPE_PERMISSION_DENIED] = -EACCES,
	};

	return codes[reply->status];
}

static void charge(struct task *task, struct message *message)
{
	load_add(&task_actor(task->self.runtime, task)->load,
		 (struct load){0, message_charge(message)});
}

static void uncharge(struct task *task, struct message *message)
{
	load_subtract(&task_actor(task->self.runtime, task)->load,
		      (struct load){0, message_charge(message)});
	message_free(&task->self.runtime->messages, message);
}

/* A detail must last as long as the answer; it goes when there is no memory for it. */
static void keep_detail(struct await_reading *reading)
{
	struct troupe_reply *reply = &reading->reply;
	struct message *copy = message_new(&reading->task->self.runtime->messages, MAIL_FAILURE,
					   strlen(reply->detail) + 1);

	if (copy) {
		strcpy((char *)message_block(copy), reply->detail);
		uncharge(reading->task, reading->kept->message);
		reading->kept->message = copy;
		charge(reading->task, copy);
	}
	reply->detail = copy ? message_block(copy) : NULL;
}

/* On the loop's stack: a type's depth is the callee's choice. */
COLD static void read_message(void *arg)
{
	struct await_reading *reading = arg;
	struct message *message = reading->kept->message, *adapted;
	struct codec_error problem;

	adapted = reply_read(reading->task->self.runtime, reading->interface, reading->method,
			     message, &reading->reply, &problem);
	if (adapted) {
		/* the name of an error stays in the descriptor */
		reading->kept->message = adapted;
		charge(reading->task, adapted);
		uncharge(reading->task, message);
	} else if (reading->reply.detail == problem.path) {
		keep_detail(reading);
	}
}

/* Whether it is a value of the version that the caller knows. */
static inline bool is_known(const struct message *message, const struct troupe_method *method)
{
	return message->mail.kind == MAIL_REPLY && message->hash == method->out_hash;
}

void await_read(struct await_reading *reading, struct message *message, struct call_end end)
{
	if (!message) {
		reply_of_end(end, &reading->reply);
		return;
	}
	reading->kept->message = message;
	if (likely(is_known(message, reading->method)))
		reading->reply.data = message_block(message);
	else
		pause_outside(&reading->task->self, read_message, reading);
}

int await_give(const struct await_reading *reading, struct troupe_answer *answer)
{
	const struct troupe_reply *reply = &reading->reply;

	*answer = (struct troupe_answer){
		.status = reply->status,
		.code = reply->code,
		.data = reply->data,
		.error = reply->error,
		.error_name = reply->error_name,
		.detail = reply->detail,
		.kept = reading->kept->message ? reading->kept : NULL,
	};
	return code_of(reply);
}

/* Wait until it is over, or the scope is cut: then nobody waits for it any more. */
static int wait_for_call(struct task *task, struct awaited *awaited)
{
	struct runtime *runtime = task->self.runtime;
	struct call *call;
	int rc;

	task->waits_for = "answer";
	rc = pause_wait(task, false);
	if (unlikely(!awaited->is_over)) {
		call = call_find(runtime, awaited->call);
		if (call) {
			callee_cancel(runtime, call);
			call_close(runtime, call);
		}
	}
	task->awaited = NULL;
	return rc;
}

/* The callee's process had no room: it has not run. Others may be in the same place, so they do
 * not all come back at once. */
static int rest(struct task *task, uint64_t deadline_ns, uint64_t *most_ns)
{
	struct runtime *runtime = task->self.runtime;
	uint64_t now_ns = slice_now_ns(runtime);
	uint64_t delay_ns = *most_ns / 2 + random_below(&runtime->random, *most_ns);

	if (pause_is_cut(task))
		return pause_refuse(task);
	if (now_ns + delay_ns >= deadline_ns)
		return -EBUSY;
	*most_ns = *most_ns * 2 < AGAIN_MOST_NS ? *most_ns * 2 : AGAIN_MOST_NS;
	wheel_add(&runtime->wheel, wheel_name(RUNTIME_TASK_NODE, task->slot.index),
		  now_ns + delay_ns);
	task->waits_for = "another try";
	return pause_wait(task, false);
}

/* Make the call, as often as it takes until it was taken. 0: `awaited` is over. */
static int call_and_wait(struct task *task, struct troupe_address to,
			 const struct troupe_method *method, const void *in,
			 struct awaited *awaited)
{
	bool is_default;
	const uint64_t deadline_ns = await_deadline_ns(task, &is_default);
	uint64_t most_ns = AGAIN_FIRST_NS;
	int rc;

	for (;;) {
		task->self.runtime->seat = &task->room;
		rc = send_call_of_task(task, to, method, in, deadline_ns, &awaited->call);
		task->self.runtime->seat = NULL;
		if (rc == -EAGAIN) {
			rc = await_room(task, deadline_ns);
			if (rc < 0)
				return rc;
			continue;
		}
		if (rc < 0)
			return rc;
		task->awaited = awaited;
		rc = wait_for_call(task, awaited);
		if (rc < 0 || !awaited->was_refused)
			return rc;
		if (rest(task, deadline_ns, &most_ns) < 0)
			return 0; /* that it was refused is what it ends with */
		if (awaited->message)
			uncharge(task, awaited->message);
		*awaited = (struct awaited){.interface = awaited->interface};
	}
}

/* What an answer says where there is none. */
static enum troupe_status status_of(int rc)
{
	switch (rc) {
	case -ESRCH:
		return TROUPE_NO_SUCH_ACTOR;
	case -ETIMEDOUT:
		return TROUPE_TIMEOUT;
	case -ECANCELED:
		return TROUPE_CANCELLED;
	default:
		return TROUPE_OVERLOADED;
	}
}

/* Any answer but a value of the version that the caller knows. */
NOINLINE static int read_slow(struct task *task, const struct troupe_method *method,
			      const struct awaited *awaited, struct troupe_kept *kept,
			      struct troupe_answer *answer)
{
	struct await_reading reading = {
		.task = task, .method = method, .interface = awaited->interface, .kept = kept};

	await_read(&reading, awaited->message, awaited->end);
	return await_give(&reading, answer);
}

static inline int read_answer(struct task *task, const struct troupe_method *method,
			      const struct awaited *awaited, struct troupe_kept *kept,
			      struct troupe_answer *answer)
{
	struct message *message = awaited->message;

	if (unlikely(!message || !is_known(message, method)))
		return read_slow(task, method, awaited, kept, answer);
	kept->message = message;
	answer->status = TROUPE_OK;
	answer->data = message_block(message);
	answer->kept = kept;
	return 0;
}

/* The call is not made: its scope is cut, or it would wait for itself. */
COLD static int refuse(struct troupe_self *self, struct task *task,
		       struct troupe_answer *answer)
{
	int rc = -EDEADLK;

	troupe_answer_free(self, answer);
	answer->status = TROUPE_OVERLOADED;
	if (pause_is_cut(task)) {
		rc = pause_refuse(task);
		answer->status = status_of(rc);
	}
	return rc;
}

int troupe_await(struct troupe_self *self, struct troupe_address to,
		 const struct troupe_method *method, const struct troupe_interface *interface,
		 const void *in, struct troupe_answer *answer)
{
	struct awaited awaited = {.interface = interface};
	struct troupe_kept *kept;
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	if (!method || !interface || !answer)
		return -EINVAL;
	if (pause_is_cut(task) || (unlikely(task->is_alone) && await_cycle_is_closed(task, to)))
		return refuse(self, task, answer);
	kept = kept_message_renew(self, answer->kept, &task->answers);
	*answer = (struct troupe_answer){.status = TROUPE_OVERLOADED};
	if (!kept)
		return -ENOMEM;
	rc = call_and_wait(task, to, method, in, &awaited);
	if (likely(rc == 0)) {
		rc = read_answer(task, method, &awaited, kept, answer);
	} else {
		answer->status = status_of(rc);
		answer->error_name = status_error_name(answer->status);
	}
	if (unlikely(!answer->kept))
		kept_message_drop(self->runtime, kept);
	/* Its time was that of the scope. */
	if (rc == -ETIMEDOUT)
		scope_tell(task->scope);
	return rc;
}

void troupe_answer_free(struct troupe_self *self, struct troupe_answer *answer)
{
	if (answer->kept && self->task &&
	    kept_message_is_in(self, answer->kept, &self->task->answers))
		kept_message_drop(self->runtime, answer->kept);
	*answer = (struct troupe_answer){0};
}
