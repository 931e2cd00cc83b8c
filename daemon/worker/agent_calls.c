/* agent_calls.c - calls and sends of clients: JSON in, JSON out. */
#include "worker/agent_calls.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "proto/json.h"
#include "worker/call_error.h"
#include <string.h>

#define METHOD_NAME 512        /* bytes of a qualified name in an error's parameters, cut */
#define BACKLOG     (4u << 20) /* bytes waiting for the master that make replies wait here */

/* A stream could make the channel's queue overflow, which would be the end of us. */
static void look_at_backlog(struct agent *agent)
{
	if (channel_backlog(agent->channel) > BACKLOG)
		runtime_client_hold(agent->runtime, true);
}

static void send_reply(struct agent *agent, int64_t number, bool continues, const char *error,
		       struct json_span parameters)
{
	agent_send_soon(agent, &worker_reply_method,
			&(struct worker_reply){.call = number,
					       .continues = continues,
					       .error = error,
					       .parameters = {(const uint8_t *)parameters.at,
							      parameters.size}});
	look_at_backlog(agent);
}

void agent_calls_on_replied(void *context)
{
	struct agent *agent = agent_of(context);

	(void)channel_flush(agent->channel);
}

void agent_calls_have_room(struct agent *agent)
{
	runtime_client_hold(agent->runtime, false);
}

/* Takes failure.parameters. */
static void send_failure(struct agent *agent, int64_t number, struct call_error failure)
{
	cleanup_free char *text = failure.parameters;

	/* Without its parameters an error is still better than none. */
	send_reply(agent, number, false, failure.error,
		   (struct json_span){text, text ? strlen(text) : 0});
}

/* ---- replies */

/* 0 when it was sent. */
static int send_data(struct agent *agent, struct client_call *call,
		     const struct troupe_reply *reply, const struct troupe_type *type)
{
	const char *error = reply->status == TROUPE_ERROR ? reply->error_name : NULL;
	struct worker_reply notice = {
		.call = call->number, .continues = reply->continues, .error = error};
	size_t size = strlen("{}"); /* what the master makes of none */
	int r;

	if (agent->is_ended)
		return 0;
	/* Notices have the limit of messages; JSON takes more room than a block. */
	r = reply->data && type
		    ? channel_send_json(agent->channel, &worker_reply_method, &notice, type,
					reply->data, &size)
		    : channel_send_soon(agent->channel, &worker_reply_method, &notice);
	if (reply->continues)
		call->client_call.window.bytes += size;
	look_at_backlog(agent);
	/* on_closed() reports -ENOTCONN. */
	return r == -ENOTCONN ? 0 : r;
}

static void on_reply(struct runtime_client_call *client_call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct client_call *call = container_of(client_call, struct client_call, client_call);
	bool has_data = reply->status == TROUPE_OK || reply->status == TROUPE_ERROR;
	struct agent *agent = call->owner;
	char name[METHOD_NAME];
	int r = has_data ? send_data(agent, call, reply, type) : 0;

	if (r < 0 || !has_data)
		(void)snprintf(name, sizeof(name), "%s.%s", call->method->interface,
			       call->method->name);
	/* The call is over for the client, whatever else would come. */
	if (r < 0 && reply->continues)
		runtime_client_cancel(agent->runtime, client_call);
	if (r < 0)
		send_failure(agent, call->number, call_error_of_errno(r, call->to, name));
	else if (!has_data)
		send_failure(agent, call->number, call_error_of_reply(reply, call->to, name));
	if (r < 0 || !reply->continues)
		client_calls_remove(&agent->calls, call);
}

static void on_kept(struct runtime_client_call *client_call)
{
	struct client_call *call = container_of(client_call, struct client_call, client_call);

	/* Another worker may say so again and again. */
	if (call->is_kept)
		return;
	call->is_kept = true;
	agent_send_soon(call->owner, &worker_kept_method,
			&(struct worker_kept){.call = call->number});
}

/* ---- calls */

/* The runtime has refused the call with an errno value. */
static void refuse(struct agent *agent, const struct worker_call *in, int error)
{
	cleanup_free char *name = strndup(in->method.data, in->method.size);

	send_failure(agent, in->call, call_error_of_errno(error, in->to, name ? name : ""));
}

/* The parameters are not of the method's type. */
static void refuse_parameters(struct agent *agent, const struct worker_call *in,
			      const struct codec_error *error)
{
	send_failure(agent, in->call,
		     call_error_invalid_parameter(error->path[0] ? error->path : "parameters",
						  error->message));
}

/* The method that is meant. NULL: answered with an error. */
static const struct troupe_method *find_method(struct agent *agent,
					       const struct worker_call *in)
{
	const char *name = in->method.data;
	size_t size = in->method.size, interface = (size_t)in->interfaceSize;
	const struct troupe_method *method = NULL;
	int r = -ENOPKG;

	if (interface < size)
		r = runtime_find_method(agent->runtime, in->to, name, interface,
					name + interface + 1, size - interface - 1, &method);
	if (r == -ENOPKG) {
		cleanup_free char *text =
			strndup(size > 0 ? name : "", interface < size ? interface : size);

		send_failure(agent, in->call, call_error_interface_not_found(text ? text : ""));
	} else if (r < 0) {
		refuse(agent, in, r);
	}
	return method;
}

static int begin_call(struct agent *agent, const struct worker_call *in,
		      const struct troupe_method *method, const void *value)
{
	struct client_call *call;
	int r = client_calls_add(&agent->calls, in->call, &call);

	if (r < 0)
		return r;
	call->owner = agent;
	call->to = in->to;
	call->method = method;
	call->client_call.on_reply = on_reply;
	call->client_call.on_kept = on_kept;
	call->client_call.number = (uint64_t)in->call;
	r = runtime_client_call(agent->runtime, in->to, method, value,
				in->deadlineNs > 0 ? (uint64_t)in->deadlineNs : UINT64_MAX,
				in->more ? TROUPE_MORE : 0, &call->client_call);
	if (r < 0)
		client_calls_remove(&agent->calls, call);
	return r;
}

/* Pass a call or send on to the actor; `value`: of its parameters, not measured so far. */
static void pass_on(struct agent *agent, const struct worker_call *in,
		    const struct troupe_method *method, const void *value)
{
	struct codec_error error;
	size_t size;
	int r = in->oneway ? runtime_client_send(agent->runtime, in->to, method, value,
						 (uint64_t)in->client)
			   : begin_call(agent, in, method, value);

	if ((r == -EINVAL || r == -EMSGSIZE) &&
	    codec_size(method->in, value, &size, &error) < 0)
		refuse_parameters(agent, in, &error);
	else if (r < 0)
		refuse(agent, in, r);
	else if (in->oneway)
		send_reply(agent, in->call, false, NULL, (struct json_span){"{}", 2});
}

void agent_on_call(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_call *in = data;
	const struct troupe_method *method = find_method(agent, in);
	cleanup(json_value_fini) struct json_value value = {0};
	struct codec_error error;
	int r;

	if (!method)
		return;
	/* The master has scanned the frame that the text is of, and the notice is ours. */
	r = json_read(method->in, (char *)(uintptr_t)in->parameters.data, in->parameters.size,
		      &value, &error);
	if (r == -ENOMEM)
		refuse(agent, in, r);
	else if (r < 0)
		refuse_parameters(agent, in, &error);
	else
		pass_on(agent, in, method, value.value);
}

void agent_on_cancel(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_cancel *in = data;
	struct client_call *call = client_calls_find(&agent->calls, in->call);

	if (!call)
		return;
	runtime_client_cancel(agent->runtime, &call->client_call);
	client_calls_remove(&agent->calls, call);
}

void agent_on_client_gone(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_client_gone *in = data;

	runtime_client_gone(agent->runtime, (uint64_t)in->client);
}

void agent_on_taken(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_taken *in = data;
	struct client_call *call = client_calls_find(&agent->calls, in->call);

	/* The call may have ended in the meantime. */
	if (call && in->count > 0 && in->count <= UINT32_MAX && in->bytes >= 0)
		runtime_client_taken(agent->runtime, &call->client_call, (uint32_t)in->count,
				     (uint64_t)in->bytes);
}

void agent_calls_fini(struct agent *agent)
{
	struct client_call *call;

	while ((call = agent->calls.by_number)) {
		runtime_client_cancel(agent->runtime, &call->client_call);
		client_calls_remove(&agent->calls, call);
	}
}

/* ---- calls of actors, by name */

int agent_check_text(void *context, const char *text, size_t size)
{
	(void)context;
	return json_scan_struct(text, size, NULL);
}

int agent_read_text(void *context, const struct troupe_type *type, const char *text,
		    size_t size, void **ret_block, size_t *ret_size,
		    struct codec_error *ret_error)
{
	(void)context;
	return json_decode(type, text, size, ret_block, ret_size, ret_error);
}

int agent_print_text(void *context, const struct troupe_type *type, const void *value,
		     char **ret_text, size_t *ret_size)
{
	(void)context;
	return json_print_text(type, value, LIMIT_MESSAGE_BYTES, ret_text, ret_size);
}
