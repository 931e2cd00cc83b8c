/* agent_calls.c - calls and sends of clients: JSON in, JSON out. */
#include "worker/agent_calls.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "proto/json.h"
#include "worker/failure.h"
#include <string.h>

#define METHOD_NAME 512        /* bytes of a qualified name in an error's parameters, cut */
#define BACKLOG     (4u << 20) /* bytes waiting for the master that make replies wait here */

static void send_reply(struct agent *agent, int64_t number, bool continues, const char *error,
		       const char *parameters)
{
	agent_send(agent, &worker_reply_method,
		   &(struct worker_reply){.call = number,
					  .continues = continues,
					  .error = error,
					  .parameters = parameters});
	/* A stream could make the channel's queue overflow, which would be the end of us. */
	if (channel_backlog(agent->channel) > BACKLOG)
		runtime_client_hold(agent->runtime, true);
}

void agent_calls_have_room(struct agent *agent)
{
	runtime_client_hold(agent->runtime, false);
}

/* Takes failure.parameters. */
static void send_failure(struct agent *agent, int64_t number, struct failure failure)
{
	cleanup_free char *parameters = failure.parameters;

	/* Without its parameters an error is still better than none. */
	send_reply(agent, number, false, failure.error, parameters ? parameters : "{}");
}

static void print_method(const struct troupe_method *method, char name[METHOD_NAME])
{
	snprintf(name, METHOD_NAME, "%s.%s", method->interface, method->name);
}

/* ---- replies */

/* 0 when it was sent. */
static int send_data(struct agent *agent, struct calls_call *call,
		     const struct troupe_reply *reply, const struct troupe_type *type)
{
	cleanup_free char *text = NULL;
	const char *error = reply->status == TROUPE_ERROR ? reply->error_name : NULL;
	size_t size = 0;
	int r = 0;

	if (reply->data && type)
		r = json_encode(type, reply->data, &text, &size);
	if (r < 0)
		return r;
	/* Notices have the limit of messages; JSON takes more room than a block. */
	if (size > LIMIT_MESSAGE_BYTES - 4096)
		return -EMSGSIZE;
	if (reply->continues)
		call->client_call.window.bytes += text ? size : 2;
	send_reply(agent, call->number, reply->continues, error, text ? text : "{}");
	return 0;
}

static void on_reply(struct runtime_client_call *client_call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct calls_call *call = container_of(client_call, struct calls_call, client_call);
	struct agent *agent = call->owner;
	char name[METHOD_NAME];
	int r;

	if (reply->status == TROUPE_OK || reply->status == TROUPE_ERROR) {
		r = send_data(agent, call, reply, type);
		if (r < 0) {
			print_method(call->method, name);
			/* The call is over for the client, whatever else would come. */
			if (reply->continues)
				runtime_client_cancel(agent->runtime, client_call);
			send_failure(agent, call->number, failure_of_errno(r, call->to, name));
			calls_remove(&agent->calls, call);
			return;
		}
	} else {
		print_method(call->method, name);
		send_failure(agent, call->number,
			     failure_of_status(reply->status, call->to, name, reply->detail));
	}
	if (!reply->continues)
		calls_remove(&agent->calls, call);
}

static void on_kept(struct runtime_client_call *client_call)
{
	struct calls_call *call = container_of(client_call, struct calls_call, client_call);

	/* Another worker may say so again and again. */
	if (call->is_kept)
		return;
	call->is_kept = true;
	agent_send(call->owner, &worker_kept_method,
		   &(struct worker_kept){.call = call->number});
}

/* ---- calls */

/* The method that is meant. false: answered with an error. */
static bool find_method(struct agent *agent, const struct worker_call *in,
			const struct troupe_method **ret_method)
{
	const char *dot = strrchr(in->method, '.');
	cleanup_free char *interface = NULL;
	int r = -ENOPKG;

	if (dot)
		r = runtime_find_method(agent->runtime, in->to, in->method,
					(size_t)(dot - in->method), dot + 1, ret_method);
	if (r == 0)
		return true;
	if (r == -ENOPKG) {
		interface = strndup(in->method, dot ? (size_t)(dot - in->method) : SIZE_MAX);
		send_failure(agent, in->call,
			     failure_interface_not_found(interface ? interface : ""));
	} else {
		send_failure(agent, in->call, failure_of_errno(r, in->to, in->method));
	}
	return false;
}

/* The parameters as a block. false: answered with an error. */
static bool decode_parameters(struct agent *agent, const struct worker_call *in,
			      const struct troupe_method *method, void **ret_block)
{
	struct codec_error error = {0};
	size_t size;
	int r = json_decode(method->in, in->parameters, strlen(in->parameters), ret_block,
			    &size, &error);

	if (r == 0)
		return true;
	if (r == -ENOMEM)
		send_failure(agent, in->call, failure_of_errno(r, in->to, in->method));
	else
		send_failure(agent, in->call,
			     failure_invalid_parameter(
				     error.path[0] ? error.path : "parameters", error.message));
	return false;
}

static void send_only(struct agent *agent, const struct worker_call *in,
		      const struct troupe_method *method, const void *block)
{
	int r = runtime_client_send(agent->runtime, in->to, method, block,
				    (uint64_t)in->client);

	if (r < 0)
		send_failure(agent, in->call, failure_of_errno(r, in->to, in->method));
	else
		send_reply(agent, in->call, false, NULL, "{}");
}

static void begin_call(struct agent *agent, const struct worker_call *in,
		       const struct troupe_method *method, const void *block)
{
	struct calls_call *call;
	int r = calls_add(&agent->calls, in->call, &call);

	if (r < 0) {
		send_failure(agent, in->call, failure_of_errno(r, in->to, in->method));
		return;
	}
	call->owner = agent;
	call->to = in->to;
	call->method = method;
	call->client_call.on_reply = on_reply;
	call->client_call.on_kept = on_kept;
	call->client_call.number = (uint64_t)in->call;
	r = runtime_client_call(agent->runtime, in->to, method, block,
				in->deadlineNs > 0 ? (uint64_t)in->deadlineNs : UINT64_MAX,
				in->more ? TROUPE_MORE : 0, &call->client_call);
	if (r < 0) {
		calls_remove(&agent->calls, call);
		send_failure(agent, in->call, failure_of_errno(r, in->to, in->method));
	}
}

void agent_on_call(void *context, const void *data, int *fd)
{
	struct agent *agent = agent_of(context);
	const struct worker_call *in = data;
	const struct troupe_method *method;
	cleanup_free void *block = NULL;

	(void)fd;
	if (!find_method(agent, in, &method) || !decode_parameters(agent, in, method, &block))
		return;
	if (in->oneway)
		send_only(agent, in, method, block);
	else
		begin_call(agent, in, method, block);
}

void agent_on_cancel(void *context, const void *data, int *fd)
{
	struct agent *agent = agent_of(context);
	const struct worker_cancel *in = data;
	struct calls_call *call = calls_find(&agent->calls, in->call);

	(void)fd;
	if (!call)
		return;
	runtime_client_cancel(agent->runtime, &call->client_call);
	calls_remove(&agent->calls, call);
}

void agent_on_client_gone(void *context, const void *data, int *fd)
{
	struct agent *agent = agent_of(context);
	const struct worker_client_gone *in = data;

	(void)fd;
	runtime_client_gone(agent->runtime, (uint64_t)in->client);
}

void agent_on_taken(void *context, const void *data, int *fd)
{
	struct agent *agent = agent_of(context);
	const struct worker_taken *in = data;
	struct calls_call *call = calls_find(&agent->calls, in->call);

	(void)fd;
	/* The call may have ended in the meantime. */
	if (call && in->count > 0 && in->count <= UINT32_MAX && in->bytes >= 0)
		runtime_client_taken(agent->runtime, &call->client_call, (uint32_t)in->count,
				     (uint64_t)in->bytes);
}

void agent_calls_fini(struct agent *agent)
{
	struct calls_call *call;

	while ((call = calls_any(&agent->calls))) {
		runtime_client_cancel(agent->runtime, &call->client_call);
		calls_remove(&agent->calls, call);
	}
	calls_fini(&agent->calls);
}
