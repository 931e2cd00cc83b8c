/* relay.c - ask another actor, in whatever worker it runs, and pass on what comes back. */
#include "relay.varlink.h"
#include "slow.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <troupe/actor.h>

/* A call that waits for the other actor; its address is the context of the call to that one.
 * It lives until that call has ended, which each call does, once. */
struct errand {
	struct errand *next;
	struct troupe_call call;
	struct troupe_request request;
	bool cancelled; /* nobody waits any more: free it when the other call ends */
};

struct relay {
	struct errand *errands;
};

static const char *status_name(enum troupe_status status)
{
	static const char *const names[TROUPE_STATUS_COUNT] = {
		[TROUPE_OK] = "ok",
		[TROUPE_ERROR] = "error",
		[TROUPE_NO_SUCH_ACTOR] = "no-such-actor",
		[TROUPE_ACTOR_DIED] = "actor-died",
		[TROUPE_PEER_DOWN] = "peer-down",
		[TROUPE_TIMEOUT] = "timeout",
		[TROUPE_OVERLOADED] = "overloaded",
		[TROUPE_CANCELLED] = "cancelled",
		[TROUPE_NO_REPLY] = "no-reply",
		[TROUPE_FAILED] = "failed",
		[TROUPE_INVALID_PARAMETER] = "invalid-parameter",
		[TROUPE_METHOD_NOT_FOUND] = "method-not-found",
		[TROUPE_METHOD_NOT_IMPLEMENTED] = "method-not-implemented",
	};

	return names[status];
}

/* Tell how the other call ended: in the words of troupe_fail(), as they are the same for
 * each method. */
static int fail_not_answered(struct troupe_self *self, struct troupe_call call,
			     enum troupe_status status, const char *detail)
{
	return troupe_fail(self, call, &relay_not_answered_error,
			   &(struct relay_not_answered){.status = status_name(status),
							.detail = detail ? detail : ""});
}

/* Keep a call for an errand. */
static int errand_new(struct troupe_self *self, struct relay *me, struct troupe_call call,
		      struct errand **ret_errand)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return -ENOMEM;
	int r = troupe_call_keep(self, &call);
	if (r < 0) {
		free(errand);
		return r;
	}
	errand->call = call;
	errand->next = me->errands;
	me->errands = errand;
	*ret_errand = errand;
	return 0;
}

static void errand_free(struct relay *me, struct errand *errand)
{
	struct errand **place = &me->errands;

	while (*place != errand)
		place = &(*place)->next;
	*place = errand->next;
	free(errand);
}

/* The other actor could not even be called. */
static int errand_failed(struct troupe_self *self, struct relay *me, struct errand *errand,
			 int r)
{
	enum troupe_status status = r == -EAGAIN  ? TROUPE_OVERLOADED
				    : r == -ESRCH ? TROUPE_NO_SUCH_ACTOR
						  : TROUPE_FAILED;
	struct troupe_call call = errand->call;

	errand_free(me, errand);
	return fail_not_answered(self, call, status, NULL);
}

/* A call has ended without a reply. */
static int errand_unanswered(struct troupe_self *self, struct relay *me, struct errand *errand,
			     enum troupe_status status, const char *detail)
{
	struct troupe_call call = errand->call;
	bool cancelled = errand->cancelled;

	errand_free(me, errand);
	return cancelled ? 0 : fail_not_answered(self, call, status, detail);
}

static int on_answered(struct troupe_self *self, struct relay *me, uint64_t context,
		       const struct slow_answer_reply *reply)
{
	struct errand *errand = (struct errand *)(uintptr_t)context;

	if (!reply->out || errand->cancelled)
		return errand_unanswered(self, me, errand, reply->status, reply->detail);
	struct relay_answer_call call = {errand->call};
	errand_free(me, errand);
	return relay_answer_return(self, call,
				   &(struct relay_answer_out){.text = reply->out->text});
}
SLOW_ANSWER_REPLY(on_answered, struct relay)

static int on_streamed(struct troupe_self *self, struct relay *me, uint64_t context,
		       const struct slow_stream_reply *reply)
{
	struct errand *errand = (struct errand *)(uintptr_t)context;

	if (!reply->out)
		return errand_unanswered(self, me, errand, reply->status, reply->detail);
	struct relay_stream_call call = {errand->call};
	const struct relay_stream_out out = {.number = reply->out->number};
	bool cancelled = errand->cancelled;
	if (reply->continues)
		return cancelled ? 0 : relay_stream_reply(self, call, &out);
	errand_free(me, errand);
	return cancelled ? 0 : relay_stream_return(self, call, &out);
}
SLOW_STREAM_REPLY(on_streamed, struct relay)

/* One function for the replies to all bad habits: none has anything in it. */
static int provoked(struct troupe_self *self, struct relay *me, uint64_t context,
		    enum troupe_status status, const char *detail)
{
	struct errand *errand = (struct errand *)(uintptr_t)context;

	if (status != TROUPE_OK || errand->cancelled)
		return errand_unanswered(self, me, errand, status, detail);
	struct relay_provoke_call call = {errand->call};
	errand_free(me, errand);
	return relay_provoke_return(self, call, &(struct relay_provoke_out){0});
}

#define PROVOKED(habit, HABIT)                                                                 \
	static int on_##habit(struct troupe_self *self, struct relay *me, uint64_t context,    \
			      const struct slow_##habit##_reply *reply)                        \
	{                                                                                      \
		return provoked(self, me, context, reply->status, reply->detail);              \
	}                                                                                      \
	SLOW_##HABIT##_REPLY(on_##habit, struct relay)

PROVOKED(never, NEVER)
PROVOKED(drop, DROP)
PROVOKED(forget, FORGET)
PROVOKED(fail, FAIL)
PROVOKED(missing, MISSING)

static int on_answer(struct troupe_self *self, struct relay *me, struct relay_answer_call call,
		     const struct relay_answer *in)
{
	struct troupe_address to;
	struct errand *errand;

	if (troupe_find(self, in->to, &to) < 0)
		return relay_answer_fail_no_such_name(
			self, call, &(struct relay_no_such_name){.name = in->to});
	int r = errand_new(self, me, call.call, &errand);
	if (r < 0)
		return r;
	r = slow_answer_ask(
		self, to, &(struct slow_answer){.text = in->text, .delayMs = in->delayMs},
		&on_answered_entry, (uintptr_t)errand,
		in->timeoutMs ? (uint64_t)*in->timeoutMs * TROUPE_MS_NS : 0, &errand->request);
	return r < 0 ? errand_failed(self, me, errand, r) : 0;
}

static int on_stream(struct troupe_self *self, struct relay *me, struct relay_stream_call call,
		     const struct relay_stream *in)
{
	const struct slow_stream ask = {.count = in->count, .periodMs = in->periodMs};
	struct troupe_address to;
	struct errand *errand;

	if (troupe_find(self, in->to, &to) < 0)
		return relay_stream_fail_no_such_name(
			self, call, &(struct relay_no_such_name){.name = in->to});
	bool more = relay_stream_wants_more(self, call);
	int r = errand_new(self, me, call.call, &errand);
	if (r < 0)
		return r;
	r = more ? slow_stream_ask_more(self, to, &ask, &on_streamed_entry, (uintptr_t)errand,
					0, &errand->request)
		 : slow_stream_ask(self, to, &ask, &on_streamed_entry, (uintptr_t)errand, 0,
				   &errand->request);
	return r < 0 ? errand_failed(self, me, errand, r) : 0;
}

static int on_provoke(struct troupe_self *self, struct relay *me,
		      struct relay_provoke_call call, const struct relay_provoke *in)
{
	uint64_t timeout_ns = in->timeoutMs ? (uint64_t)*in->timeoutMs * TROUPE_MS_NS : 0;
	struct troupe_address to;
	struct errand *errand;

	if (troupe_find(self, in->to, &to) < 0)
		return relay_provoke_fail_no_such_name(
			self, call, &(struct relay_no_such_name){.name = in->to});
	int r = errand_new(self, me, call.call, &errand);
	if (r < 0)
		return r;
	switch (in->habit) {
	case RELAY_PROVOKE_HABIT_NEVER:
		r = slow_never_ask(self, to, &(struct slow_never){0}, &on_never_entry,
				   (uintptr_t)errand, timeout_ns, &errand->request);
		break;
	case RELAY_PROVOKE_HABIT_DROP:
		r = slow_drop_ask(self, to, &(struct slow_drop){0}, &on_drop_entry,
				  (uintptr_t)errand, timeout_ns, &errand->request);
		break;
	case RELAY_PROVOKE_HABIT_FORGET:
		r = slow_forget_ask(self, to, &(struct slow_forget){0}, &on_forget_entry,
				    (uintptr_t)errand, timeout_ns, &errand->request);
		break;
	case RELAY_PROVOKE_HABIT_FAIL:
		r = slow_fail_ask(self, to, &(struct slow_fail){.code = -EIO}, &on_fail_entry,
				  (uintptr_t)errand, timeout_ns, &errand->request);
		break;
	case RELAY_PROVOKE_HABIT_MISSING:
		r = slow_missing_ask(self, to, &(struct slow_missing){0}, &on_missing_entry,
				     (uintptr_t)errand, timeout_ns, &errand->request);
		break;
	}
	return r < 0 ? errand_failed(self, me, errand, r) : 0;
}

/* The caller is gone: tell the other actor so. */
static int on_cancel(struct troupe_self *self, struct relay *me, struct troupe_call call)
{
	for (struct errand *errand = me->errands; errand; errand = errand->next) {
		if (errand->call.id != call.id)
			continue;
		errand->cancelled = true;
		/* -ESRCH: its reply is already in the mailbox, and frees the errand as well. */
		(void)troupe_cancel(self, errand->request);
		break;
	}
	return 0;
}

static void end(struct troupe_self *self, struct relay *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	while (me->errands)
		errand_free(me, me->errands);
}

RELAY_HANDLERS(relaying, struct relay, .answer = on_answer, .stream = on_stream,
	       .provoke = on_provoke)
TROUPE_LIFE(relay_life, struct relay, void, .fini = end, .on_cancel = on_cancel)

TROUPE_ACTOR(relay) = {
	TROUPE_ABI(relay),
	.description = "Asks another actor and passes on what comes back.",
	.state_size = sizeof(struct relay),
	.life = &relay_life,
	.interfaces = {&relaying},
	.entries = {&on_answered_entry, &on_streamed_entry, &on_never_entry, &on_drop_entry,
		    &on_forget_entry, &on_fail_entry, &on_missing_entry},
};
