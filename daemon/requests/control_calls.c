/* control_calls.c - clients' calls of actors: by name, or by an interface that one unit
 * provides. */
#include "clients/refusal.h"
#include "requests/control_handlers.h"

#include "base/clock.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "requests/relays.h"
#include "requests/resolve.h"
#include "requests/route.h"
#include <string.h>

static struct json_span span_of(const char *text)
{
	return (struct json_span){.at = text, .size = text ? strlen(text) : 0};
}

void control_on_call(void *context, struct control_call *call, const void *in)
{
	const struct api_call *wanted = in;
	int64_t timeout_ms = wanted->timeoutMs ? *wanted->timeoutMs : 0;
	struct control_name method = {.text = wanted->method};

	if (control_refuses(context, call))
		return;
	if (!relays_is_qualified(method.text, &method.interface)) {
		control_call_invalid_parameter(call, "method", "must be INTERFACE.METHOD");
		return;
	}
	if (timeout_ms < 0 || timeout_ms > (int64_t)(LIMIT_CALL_TIMEOUT_NS / CLOCK_MS_NS)) {
		control_call_invalid_parameter(call, "timeoutMs",
					       "must be from 0 to 604800000, a week");
		return;
	}
	route_begin(context, call,
		    &(struct route_wish){
			    .name = wanted->name,
			    .call = {.kind = RELAY_WRAPPED,
				     .method = method,
				     .parameters = span_of(wanted->parameters)},
			    .timeout_ns = (uint64_t)timeout_ms * CLOCK_MS_NS,
		    });
}

void control_on_send(void *context, struct control_call *call, const void *in)
{
	const struct api_send *wanted = in;
	struct control_name method = {.text = wanted->method};

	if (control_refuses(context, call))
		return;
	if (!relays_is_qualified(method.text, &method.interface)) {
		control_call_invalid_parameter(call, "method", "must be INTERFACE.METHOD");
		return;
	}
	route_begin(context, call,
		    &(struct route_wish){
			    .name = wanted->name,
			    .call = {.kind = RELAY_SEND,
				     .method = method,
				     .parameters = span_of(wanted->parameters)},
		    });
}

void control_on_foreign(void *context, struct control_call *call, struct control_name method,
			struct json_span parameters)
{
	struct relay_target target;

	if (call->level < CONTROL_CALL) {
		control_call_permission_denied(call);
		return;
	}
	if (control_refuses(context, call))
		return;
	if (!relays_is_member(method.text + method.interface + 1)) {
		if (resolve_provider(context, call, method, &target) != RESOLVE_NOWHERE)
			control_call_method_not_found(call, method.text);
		return;
	}
	route_begin(context, call,
		    &(struct route_wish){
			    .call = {.kind = RELAY_DIRECT,
				     .method = method,
				     .parameters = parameters},
		    });
}
