/* call_error.c - statuses and errno values in the words of io.troupe.Control and
 * org.varlink.service. */
#include "worker/call_error.h"

#include "io.troupe.Control.varlink.h"
#include "org.varlink.service.varlink.h"
#include "proto/address.h"
#include "proto/invalid_parameter.h"
#include "proto/json.h"
#include "proto/status.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct call_error make_failure(const struct troupe_error *error, const void *value)
{
	struct call_error failure = {.error = error->name};
	size_t size;

	if (json_encode(error->type, value, &failure.parameters, &size) < 0)
		failure.parameters = NULL;
	return failure;
}

static struct call_error make_failed(int code, const char *detail, const char *otherwise)
{
	const char *known = code > -4096 ? strerrordesc_np(-code) : NULL;

	return make_failure(&api_failed_error,
			    &(struct api_failed){.code = code,
						 .message = detail          ? detail
							    : code && known ? known
									    : otherwise});
}

struct call_error call_error_interface_not_found(const char *interface)
{
	return make_failure(&service_interface_not_found_error,
			    &(struct service_interface_not_found){.interface = interface});
}

struct call_error call_error_invalid_parameter(const char *path, const char *reason)
{
	return (struct call_error){.error = service_invalid_parameter_error.name,
				   .parameters = invalid_parameter_print(path, reason)};
}

/* "FIELD: REASON", the field of so many bytes; or the field alone. Of another process it may be
 * anything. */
static struct call_error invalid_by_detail(const char *detail, int32_t field)
{
	const char *reason = field > 0 && (size_t)field < strlen(detail) ? detail + field : "";
	char *path = strncmp(reason, ": ", 2) == 0 ? strndup(detail, (size_t)field) : NULL;
	struct call_error failure =
		call_error_invalid_parameter(path ? path : detail, path ? reason + 2 : NULL);

	free(path);
	return failure;
}

struct call_error call_error_of_reply(const struct troupe_reply *reply,
				      struct troupe_address to, const char *method)
{
	char name[TROUPE_ADDRESS_TEXT];

	address_print(to, name);
	switch (reply->status) {
	case TROUPE_NO_SUCH_ACTOR:
		return make_failure(&api_no_such_actor_error,
				    &(struct api_no_such_actor){.name = name});
	case TROUPE_ACTOR_DIED:
		return make_failure(&api_actor_died_error,
				    &(struct api_actor_died){.actor = name});
	case TROUPE_PEER_DOWN:
		return make_failure(&api_peer_down_error, &(struct api_peer_down){0});
	case TROUPE_TIMEOUT:
		return make_failure(&api_timeout_error, &(struct api_timeout){0});
	case TROUPE_OVERLOADED:
		return make_failure(&api_overloaded_error, &(struct api_overloaded){0});
	case TROUPE_CANCELLED:
		return make_failure(&api_cancelled_error, &(struct api_cancelled){0});
	case TROUPE_NO_REPLY:
		return make_failure(&api_no_reply_error, &(struct api_no_reply){0});
	case TROUPE_INVALID_PARAMETER:
		return invalid_by_detail(reply->detail ? reply->detail : "", reply->code);
	case TROUPE_METHOD_NOT_FOUND:
		return make_failure(&service_method_not_found_error,
				    &(struct service_method_not_found){.method = method});
	case TROUPE_METHOD_NOT_IMPLEMENTED:
		return make_failure(&service_method_not_implemented_error,
				    &(struct service_method_not_implemented){.method = method});
	case TROUPE_EXPECTED_MORE:
		return make_failure(&service_expected_more_error,
				    &(struct service_expected_more){0});
	case TROUPE_PERMISSION_DENIED:
		return make_failure(&service_permission_denied_error,
				    &(struct service_permission_denied){0});
	case TROUPE_FAILED:
	default:
		return make_failed(reply->code, reply->detail, status_phrase(TROUPE_FAILED));
	}
}

struct call_error call_error_of_errno(int error, struct troupe_address to, const char *method)
{
	struct troupe_reply reply = {.status = TROUPE_FAILED};

	if (error == -EAGAIN || error == -ENOMEM)
		reply.status = TROUPE_OVERLOADED;
	else if (error == -ESRCH)
		reply.status = TROUPE_NO_SUCH_ACTOR;
	else if (error == -ENOSYS)
		reply.status = TROUPE_METHOD_NOT_FOUND;
	else
		return make_failed(error, NULL, "unknown error");
	return call_error_of_reply(&reply, to, method);
}
