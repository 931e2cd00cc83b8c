/* bridge_puppet.c - an actor: a number says what it does next. */
#include "tests/fuzz/bridge_host.h"

#include "base/check.h"
#include "core/activation.h"
#include "proto/json.h"
#include <errno.h>
#include <string.h>
#include <troupe/text.h>

struct puppet {
	struct troupe_call kept;
	struct troupe_address other;
};

static const struct troupe_type int_type = {
	.kind = TROUPE_INT, .flags = TROUPE_TYPE_PLAIN, .align = 8, .size = 8};
static const struct troupe_type string_type = {.kind = TROUPE_STRING, .align = 8, .size = 8};
static const struct troupe_field order_fields[] = {
	{"number", &int_type, offsetof(struct order, number), 0},
	{"text", &string_type, offsetof(struct order, text), 0},
};
const struct troupe_type order_type = {.kind = TROUPE_STRUCT,
				       .align = 8,
				       .size = sizeof(struct order),
				       .count = 2,
				       .fields = order_fields};
static const struct troupe_method obey_method = {.table_size = sizeof(obey_method),
						 .interface = "test.puppet",
						 .name = "Obey",
						 .in = &order_type,
						 .out = &order_type,
						 .in_hash = IN_HASH,
						 .out_hash = OUT_HASH};
static const struct troupe_error bad_error = {.table_size = sizeof(bad_error),
					      .name = "test.puppet.Bad",
					      .type = &order_type,
					      .hash = ERROR_HASH};
static const struct troupe_method *const methods[] = {&obey_method};
static const struct troupe_error *const errors[] = {&bad_error};
static const struct troupe_interface interface = {.table_size = sizeof(interface),
						  .n_methods = 1,
						  .n_errors = 1,
						  .name = "test.puppet",
						  .description = "",
						  .methods = methods,
						  .errors = errors};

static int on_reply(struct troupe_self *self, void *state, uint64_t context, const void *event)
{
	const struct troupe_reply *reply = event;
	struct host *host = self->runtime->context;

	(void)state;
	(void)context;
	if (reply->data && reply->status == TROUPE_OK)
		check(strlen(((const struct order *)reply->data)->text) <= LIMIT_MESSAGE_BYTES);
	if (reply->continues)
		return 0;
	check(host->open > 0);
	host->open--;
	return 0;
}

static const struct troupe_entry obey_entry = {.table_size = sizeof(obey_entry),
					       .kind = TROUPE_ENTRY_REPLY,
					       .name = "obey",
					       .method = &obey_method,
					       .interface = &interface,
					       .on_event = on_reply};

static int on_said(struct troupe_self *self, void *state, uint64_t context,
		   const struct troupe_text_reply *reply)
{
	struct host *host = self->runtime->context;

	(void)state;
	(void)context;
	check((reply->json != NULL) ==
	      (reply->status == TROUPE_OK || reply->status == TROUPE_ERROR));
	if (reply->json)
		check(json_scan_struct(reply->json, reply->size, NULL) == 0);
	if (reply->continues)
		return 0;
	check(host->open > 0);
	host->open--;
	return 0;
}
TROUPE_TEXT(on_said, void)

static int make_call(struct troupe_self *self, const struct puppet *me,
		     const struct order *order)
{
	static const char json[] = "{\"number\":1,\"text\":\"x\"}";
	uint32_t flags = order->number & 8 ? TROUPE_MORE : 0;
	struct troupe_request request;

	return order->number & 32 ? troupe_call_text(self, me->other, "test.puppet.Obey", json,
						     sizeof(json) - 1, &on_said_entry, 0,
						     SECOND_NS, flags, &request)
				  : troupe_call(self, me->other, &obey_method, order,
						&obey_entry, 0, SECOND_NS, flags, &request);
}

static int on_obey(struct troupe_self *self, void *state, struct troupe_call call,
		   const void *in)
{
	struct host *host = self->runtime->context;
	const struct order *order = in;
	/* Some answers are so long that they go through an arena. */
	const struct order *out = order->number & 16 ? &host->large : order;
	struct puppet *me = state;
	int r;

	switch (order->number & 7) {
	case 0:
		return troupe_return(self, call, &obey_method, out);
	case 1:
		me->other = troupe_sender(self);
		return troupe_fail(self, call, &bad_error, out);
	case 2:
		r = troupe_call_keep(self, &call);
		me->kept = r < 0 ? me->kept : call;
		return r;
	case 3:
		return troupe_return(self, me->kept, &obey_method, out);
	case 4:
		return troupe_reply(self, me->kept, &obey_method, out);
	case 5:
		return troupe_forward(self, me->other);
	case 6:
		return troupe_send(self, me->other, &obey_method, out);
	default:
		if (host->begun >= CALLS_MAX)
			return -EBUSY;
		r = make_call(self, me, order);
		if (r < 0)
			return r;
		host->open++;
		host->begun++;
		return 0;
	}
}

static troupe_handler_fn *const functions[] = {on_obey};
static const struct troupe_handlers handlers = {.table_size = sizeof(handlers),
						.n_handlers = 1,
						.interface = &interface,
						.handlers = functions};
const struct troupe_actor puppet_table = {
	TROUPE_ABI(puppet), .state_size = sizeof(struct puppet), .interfaces = {&handlers},
	.entries = {&obey_entry, &on_said_entry}};
