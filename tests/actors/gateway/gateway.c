/* gateway.c - call methods by their names, as something does that passes on what others ask. */
#include "gateway.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>
#include <troupe/text.h>

/* A call that waits for the other actor; its address is the context of the call to that one. */
struct errand {
	struct errand *next;
	struct troupe_call call;
	struct troupe_request request;
};

struct gateway {
	struct errand *errands;
};

static struct errand **find(struct gateway *me, const struct errand *errand)
{
	struct errand **place = &me->errands;

	while (*place && *place != errand)
		place = &(*place)->next;
	return place;
}

/* Its call, whose handle is good still. */
static struct gateway_call_call finish(struct gateway *me, struct errand *errand)
{
	struct gateway_call_call call = {errand->call};

	*find(me, errand) = errand->next;
	free(errand);
	return call;
}

static const char *error_name(int error)
{
	switch (error) {
	case -EAGAIN:
		return "EAGAIN";
	case -E2BIG:
		return "E2BIG";
	case -EMSGSIZE:
		return "EMSGSIZE";
	case -ESRCH:
		return "ESRCH";
	case -ENOENT:
		return "ENOENT";
	case -EINPROGRESS:
		return "EINPROGRESS";
	case -ENOTUNIQ:
		return "ENOTUNIQ";
	case -EINVAL:
		return "EINVAL";
	}
	return "other";
}

static int on_answer(struct troupe_self *self, struct gateway *me, uint64_t context,
		     const struct troupe_text_reply *reply)
{
	struct errand *errand = (struct errand *)(uintptr_t)context;
	int r;

	if (reply->status == TROUPE_OK && reply->continues) {
		r = gateway_call_reply(self, (struct gateway_call_call){errand->call},
				       &(struct gateway_call_out){.parameters = reply->json});
		if (r < 0) { /* whoever asked reads too slowly */
			r = troupe_cancel(self, errand->request);
			return r == -ESRCH ? 0 : r;
		}
		return 0;
	}
	if (reply->status == TROUPE_OK)
		return gateway_call_return(
			self, finish(me, errand),
			&(struct gateway_call_out){.parameters = reply->json});
	return gateway_call_fail_not_answered(
		self, finish(me, errand),
		&(struct gateway_not_answered){.error = reply->error_name,
					       .parameters = reply->json,
					       .detail = reply->detail ? reply->detail : ""});
}
TROUPE_TEXT(on_answer, struct gateway)

/* The provider of a method's interface. */
static int find_provider(struct troupe_self *self, const char *method,
			 struct troupe_address *ret_address)
{
	char interface[256];
	const char *dot = strrchr(method, '.');

	if (!dot || (size_t)(dot - method) >= sizeof(interface))
		return -EINVAL;
	memcpy(interface, method, (size_t)(dot - method));
	interface[dot - method] = '\0';
	return troupe_find_provider(self, interface, ret_address);
}

static int begin(struct troupe_self *self, struct gateway *me, struct gateway_call_call call,
		 const struct gateway_call *in, struct troupe_address to)
{
	struct errand *errand = calloc(1, sizeof(*errand));
	int r = errand ? 0 : -ENOMEM;

	if (r == 0)
		r = troupe_call_text(self, to, in->method, in->parameters,
				     in->parameters ? strlen(in->parameters) : 0,
				     &on_answer_entry, (uint64_t)(uintptr_t)errand,
				     in->timeoutMs ? (uint64_t)*in->timeoutMs * TROUPE_MS_NS
						   : 0,
				     troupe_call_wants_more(self, call.call) ? TROUPE_MORE : 0,
				     errand ? &errand->request : NULL);
	if (r == 0) {
		r = troupe_call_keep(self, &call.call);
		if (r < 0)
			(void)troupe_cancel(self, errand->request);
		errand->call = call.call;
		errand->next = me->errands;
		me->errands = errand;
		return r;
	}
	free(errand);
	return gateway_call_fail_refused(self, call, &(struct gateway_refused){error_name(r)});
}

static int on_call(struct troupe_self *self, struct gateway *me, struct gateway_call_call call,
		   const struct gateway_call *in)
{
	struct troupe_address to;
	int r = in->to ? troupe_find(self, in->to, &to) : find_provider(self, in->method, &to);

	if (r < 0)
		return gateway_call_fail_refused(self, call,
						 &(struct gateway_refused){error_name(r)});
	return begin(self, me, call, in, to);
}

static int on_provider(struct troupe_self *self, struct gateway *me,
		       struct gateway_provider_call call, const struct gateway_provider *in)
{
	struct troupe_address address;
	int r = troupe_find_provider(self, in->interface, &address);

	(void)me;
	if (r < 0)
		return gateway_provider_fail_refused(self, call,
						     &(struct gateway_refused){error_name(r)});
	return gateway_provider_return(self, call,
				       &(struct gateway_provider_out){.address = address});
}

/* Nobody waits any more: the other call ends as cancelled, and nobody gets to know. */
static int on_cancel(struct troupe_self *self, struct gateway *me, struct troupe_call call)
{
	for (struct errand *errand = me->errands; errand; errand = errand->next)
		if (errand->call.id == call.id)
			(void)troupe_cancel(self, errand->request);
	return 0;
}

static void end(struct troupe_self *self, struct gateway *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	while (me->errands)
		(void)finish(me, me->errands);
}

GATEWAY_HANDLERS(gateway_methods, struct gateway, .call = on_call, .provider = on_provider)
TROUPE_LIFE(gateway_life, struct gateway, void, .fini = end, .on_cancel = on_cancel)

TROUPE_ACTOR(gateway) = {
	TROUPE_ABI(gateway),
	.description = "Calls any method by its name.",
	.state_size = sizeof(struct gateway),
	.life = &gateway_life,
	.interfaces = {&gateway_methods},
	.entries = {&on_answer_entry},
};
