/* control_calls.c - clients' calls of actors: by name, or by an interface that one unit
 * provides. */
#include "clients/errors.h"
#include "requests/control_handlers.h"

#include "base/clock.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "proto/idl_names.h"
#include "requests/relays.h"
#include "requests/resolve.h"
#include "requests/route.h"
#include <string.h>

/* `wish`, to be filled in with what it has in common for Call and Send. */
static void begin(struct master *master, struct control_call *call, struct route_wish wish,
		  const char *method, const char *parameters)
{
	if (control_refuses(master, call))
		return;
	wish.call.method.text = method;
	wish.call.parameters = (struct json_span){.at = parameters,
						  .size = parameters ? strlen(parameters) : 0};
	if (!relays_is_qualified(method, &wish.call.method.interface))
		control_call_invalid_parameter(call, "method", "must be INTERFACE.METHOD");
	else if (wish.timeout_ns > LIMIT_CALL_TIMEOUT_NS)
		control_call_invalid_parameter(call, "timeoutMs",
					       "must be from 0 to 604800000, a week");
	else
		route_begin(master, call, &wish);
}

void control_on_call(void *context, struct control_call *call, const void *in)
{
	const struct api_call *wanted = in;
	int64_t timeout_ms = wanted->timeoutMs ? *wanted->timeoutMs : 0;
	struct route_wish wish = {.name = wanted->name, .call.kind = RELAY_WRAPPED};

	/* One that is too long, or negative, is refused. */
	wish.timeout_ns = (uint64_t)timeout_ms > LIMIT_CALL_TIMEOUT_NS / CLOCK_MS_NS
				  ? UINT64_MAX
				  : (uint64_t)timeout_ms * CLOCK_MS_NS;
	begin(context, call, wish, wanted->method, wanted->parameters);
}

void control_on_send(void *context, struct control_call *call, const void *in)
{
	const struct api_send *wanted = in;
	struct route_wish wish = {.name = wanted->name, .call.kind = RELAY_SEND};

	begin(context, call, wish, wanted->method, wanted->parameters);
}

void control_on_foreign(void *context, struct control_call *call, struct control_name method,
			struct json_span parameters)
{
	const char *member = method.text + method.interface + 1;
	struct relay_target target;

	if (call->level < CONTROL_CALL) {
		control_call_permission_denied(call);
		return;
	}
	if (control_refuses(context, call))
		return;
	if (!idl_is_member_name(member, strlen(member))) {
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
