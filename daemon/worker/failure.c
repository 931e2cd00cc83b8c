/* failure.c - statuses and errno values in the words of io.troupe.Control and
 * org.varlink.service. */
#include "worker/failure.h"

#include "io.troupe.Control.varlink.h"
#include "org.varlink.service.varlink.h"
#include "proto/address.h"
#include "proto/invalid_parameter.h"
#include "proto/json.h"
#include "proto/status.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct failure make_failure(const struct troupe_error *error, const void *value)
{
	struct failure failure = {.error = error->name};
	size_t size;

	if (json_encode(error->type, value, &failure.parameters, &size) < 0)
		failure.parameters = NULL;
	return failure;
}

static struct failure make_failed(int code, const char *message)
{
	return make_failure(&api_failed_error,
			    &(struct api_failed){.code = code, .message = message});
}

/* A handler's negative return comes as the name of its errno value, with more behind a colon
 * where more is known. */
static struct failure make_failed_by_name(const char *text)
{
	size_t size = strcspn(text, ":");
	const char *more = text[size] ? text + size + 1 + (text[size + 1] == ' ') : NULL;

	for (int code = 1; code < 200; code++) {
		const char *candidate = strerrorname_np(code);

		if (candidate && strlen(candidate) == size &&
		    memcmp(candidate, text, size) == 0)
			return make_failed(-code, more ? more : strerrordesc_np(code));
	}
	return make_failed(0, text);
}

struct failure failure_interface_not_found(const char *interface)
{
	return make_failure(&service_interface_not_found_error,
			    &(struct service_interface_not_found){.interface = interface});
}

struct failure failure_invalid_parameter(const char *path, const char *reason)
{
	return (struct failure){.error = service_invalid_parameter_error.name,
				.parameters = invalid_parameter_print(path, reason)};
}

/* "FIELD: REASON", or the field alone. */
static struct failure invalid_by_detail(const char *detail)
{
	const char *colon = strstr(detail, ": ");
	char *path = colon ? strndup(detail, (size_t)(colon - detail)) : NULL;
	struct failure failure =
		failure_invalid_parameter(path ? path : detail, path ? colon + 2 : NULL);

	free(path);
	return failure;
}

struct failure failure_of_status(enum troupe_status status, struct troupe_address to,
				 const char *method, const char *detail)
{
	char name[TROUPE_ADDRESS_TEXT];

	address_print(to, name);
	switch (status) {
	case TROUPE_NO_SUCH_ACTOR:
		return make_failure(&api_no_such_actor_error,
				    &(struct api_no_such_actor){.name = name});
	case TROUPE_ACTOR_DIED:
		return make_failure(&api_actor_died_error,
				    &(struct api_actor_died){.actor = name});
	case TROUPE_PEER_DOWN:
		return make_failure(&api_peer_down_error, "");
	case TROUPE_TIMEOUT:
		return make_failure(&api_timeout_error, "");
	case TROUPE_OVERLOADED:
		return make_failure(&api_overloaded_error, "");
	case TROUPE_CANCELLED:
		return make_failure(&api_cancelled_error, "");
	case TROUPE_NO_REPLY:
		return make_failure(&api_no_reply_error, "");
	case TROUPE_INVALID_PARAMETER:
		return invalid_by_detail(detail ? detail : "");
	case TROUPE_METHOD_NOT_FOUND:
		return make_failure(&service_method_not_found_error,
				    &(struct service_method_not_found){.method = method});
	case TROUPE_METHOD_NOT_IMPLEMENTED:
		return make_failure(&service_method_not_implemented_error,
				    &(struct service_method_not_implemented){.method = method});
	case TROUPE_EXPECTED_MORE:
		return make_failure(&service_expected_more_error, "");
	case TROUPE_PERMISSION_DENIED:
		return make_failure(&service_permission_denied_error, "");
	case TROUPE_FAILED:
	default:
		return make_failed_by_name(detail ? detail : status_phrase(TROUPE_FAILED));
	}
}

struct failure failure_of_errno(int error, struct troupe_address to, const char *method)
{
	switch (-error) {
	case EAGAIN:
	case ENOMEM:
		return failure_of_status(TROUPE_OVERLOADED, to, method, NULL);
	case ESRCH:
		return failure_of_status(TROUPE_NO_SUCH_ACTOR, to, method, NULL);
	case ENOSYS:
		return failure_of_status(TROUPE_METHOD_NOT_FOUND, to, method, NULL);
	default:
		return make_failed(error, strerrordesc_np(-error) ? strerrordesc_np(-error)
								  : "unknown error");
	}
}
