/* dispatch.c - which handler a frame is for, and whether it may have it. */
#include "control/dispatch.h"

#include "base/cleanup.h"
#include "control/introspect.h"
#include "control/open_call.h"
#include "org.varlink.service.varlink.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TARGET_MAX 256

/* The members of a call. Others are ignored, as other services do. */
enum {
	MEMBER_METHOD,
	MEMBER_PARAMETERS,
	MEMBER_ONEWAY,
	MEMBER_MORE,
	MEMBER_UPGRADE,
	MEMBER_COUNT
};

/* Some clients write null for what they could leave out. */
static bool is_absent(struct json_span span)
{
	return !span.at || json_span_is(span, "null");
}

/* -EINVAL: not a bool. */
static int read_flag(struct json_span span, bool *ret_flag)
{
	if (!is_absent(span) && !json_span_is(span, "true") && !json_span_is(span, "false"))
		return -EINVAL;
	*ret_flag = span.at && json_span_is(span, "true");
	return 0;
}

static bool provides(const struct control_service *service, struct control_name name)
{
	return json_span_is((struct json_span){name.text, name.interface},
			    service->interface->name);
}

static const struct control_service *find_service(struct control_server *server,
						  struct control_name name)
{
	if (provides(&introspect_service, name))
		return &introspect_service;
	for (const struct control_service *const *at = server->config.services; at && *at; at++)
		if (provides(*at, name))
			return *at;
	return NULL;
}

static const struct control_method *find_method(const struct control_service *service,
						const char *name)
{
	for (const struct control_method *at = service->methods; at->method; at++)
		if (strcmp(name, at->method->name) == 0)
			return at;
	return NULL;
}

static bool is_declared(const struct control_service *service, const char *name)
{
	for (uint32_t i = 0; i < service->interface->n_methods; i++)
		if (strcmp(name, service->interface->methods[i]->name) == 0)
			return true;
	return false;
}

static void audit(struct open_call *call, const char *method, struct json_span parameters,
		  bool allowed)
{
	static const char *const keys[] = {"name"};
	const struct control_config *config = &call->server->config;
	char target[TARGET_MAX] = "";
	struct json_span name;

	if (!config->ops->audit)
		return;
	if (parameters.size > 0 &&
	    json_pick(parameters.at, parameters.size, keys, 1, &name, NULL) == 0 && name.at &&
	    json_unquote(name, target, sizeof(target)) < 0)
		target[0] = '\0';
	config->ops->audit(config->context, call->public.peer, method, target, allowed);
}

static void call_service(struct open_call *call, const struct control_service *service,
			 struct control_name qualified, struct json_span parameters)
{
	const char *name = qualified.text + qualified.interface + 1;
	struct control_server *server = call->server;
	const struct control_method *method = find_method(service, name);
	cleanup(json_value_fini) struct json_value in = {0};
	struct codec_error error;
	size_t size;
	bool allowed;
	int r;

	if (!method && !is_declared(service, name)) {
		control_call_method_not_found(&call->public, qualified.text);
		return;
	}
	if (!method) {
		control_call_fail(&call->public, &service_method_not_implemented_error,
				  &(struct service_method_not_implemented){qualified.text});
		return;
	}
	allowed = call->public.level >= method->level;
	if (method->level >= CONTROL_MANAGE)
		audit(call, qualified.text, parameters, allowed);
	if (!allowed) {
		control_call_permission_denied(&call->public);
		return;
	}
	/* Whoever only looks and wants no reply sees nothing. */
	if (call->public.oneway && method->level <= CONTROL_OBSERVE) {
		(void)control_call_reply_text(&call->public, "", 0, false);
		return;
	}
	if (method->needs_more && !call->public.more) {
		control_call_fail(&call->public, &service_expected_more_error,
				  &(struct service_expected_more){0});
		return;
	}
	r = json_read(method->method->in, (char *)(uintptr_t)parameters.at, parameters.size,
		      &in, &error);
	if (r == 0)
		r = codec_size(method->method->in, in.value, &size, &error);
	if (r == -ENOMEM) {
		control_call_no_memory(&call->public);
		return;
	}
	if (r < 0) {
		control_call_invalid_parameter(&call->public,
					       error.path[0] ? error.path : "parameters",
					       error.message);
		return;
	}
	method->handle(service == &introspect_service ? server : server->config.context,
		       &call->public, in.value);
}

static void call_method(struct open_call *call, const char *text, struct json_span parameters)
{
	const struct control_config *config = &call->server->config;
	const char *dot = strrchr(text, '.');
	struct control_name name = {text, dot ? (size_t)(dot - text) : strlen(text)};
	const struct control_service *service = dot ? find_service(call->server, name) : NULL;

	if (service)
		call_service(call, service, name, parameters);
	else if (dot && config->ops->on_foreign)
		config->ops->on_foreign(config->context, &call->public, name, parameters);
	else
		control_call_interface_not_found(&call->public, text, name.interface);
}

void dispatch_refuse(struct connection *connection, const char *field, const char *what)
{
	struct open_call *call;

	if (connection->state != CONNECTION_OPEN)
		return;
	host_trouble(connection->server, "closing a connection of uid %u, pid %d: %s%s%s",
		     connection->peer->public.uid, (int)connection->peer->public.pid, field,
		     *field ? " " : "", what);
	connection->state = CONNECTION_ENDING;
	connection->has_frame = false;
	connection->scanned = 0;
	buffer_fini(&connection->in);
	call = connection->hung_up ? NULL : open_call_new(connection, false, false, 0);
	if (call)
		control_call_invalid_parameter(&call->public, field, what);
}

void dispatch_frame(struct connection *connection, char *text, size_t size)
{
	static const char *const keys[] = {"method", "parameters", "oneway", "more", "upgrade"};
	struct json_span members[MEMBER_COUNT], parameters;
	bool flags[MEMBER_COUNT] = {0};
	char name[METHOD_NAME_MAX];
	struct codec_error error = {0};
	struct open_call *call;
	int r;

	r = json_pick(text, size, keys, MEMBER_COUNT, members, &error);
	if (r < 0) {
		dispatch_refuse(connection, "",
				error.message[0] ? error.message : "the message is no call");
		return;
	}
	if (is_absent(members[MEMBER_METHOD]) || members[MEMBER_METHOD].at[0] != '"') {
		dispatch_refuse(connection, "method", "must be a string");
		return;
	}
	for (int i = MEMBER_ONEWAY; i < MEMBER_COUNT; i++)
		if (read_flag(members[i], &flags[i]) < 0) {
			dispatch_refuse(connection, keys[i], "must be true or false");
			return;
		}
	/* Nobody would read a reply. */
	if (connection->hung_up && !flags[MEMBER_ONEWAY])
		return;
	call = open_call_new(connection, flags[MEMBER_ONEWAY], flags[MEMBER_MORE], size);
	if (!call) {
		host_trouble(connection->server, "no memory for a call");
		connection_doom(connection);
		return;
	}
	parameters = members[MEMBER_PARAMETERS];
	if (is_absent(parameters))
		parameters = (struct json_span){NULL, 0};
	if (json_unquote(members[MEMBER_METHOD], name, sizeof(name)) < 0)
		control_call_invalid_parameter(&call->public, "method",
					       "cannot be the name of one");
	else if (parameters.size > 0 && parameters.at[0] != '{')
		control_call_invalid_parameter(&call->public, "parameters",
					       "must be an object");
	else if (flags[MEMBER_UPGRADE])
		control_call_invalid_parameter(&call->public, "upgrade",
					       "no method changes the protocol");
	else
		call_method(call, name, parameters);
}
