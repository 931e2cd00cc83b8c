/* call_error.h - how a call that brought no reply looks to a Varlink client: an error's name
 * and its parameters.
 *
 * Pure; any thread.
 */
#ifndef WORKER_CALL_ERROR_H
#define WORKER_CALL_ERROR_H

#include <troupe/actor.h>

struct call_error {
	const char *error; /* qualified name, a constant */
	char *parameters;  /* JSON text, given: free() it. NULL: there was no memory */
};

/* The failure of a call of `method` (qualified) to `to`. Of the reply its status (any but OK
 * and ERROR), code and detail are looked at, as runtime_client_call.on_reply has them. */
struct call_error call_error_of_reply(const struct troupe_reply *reply,
				      struct troupe_address to, const char *method);

/* What the runtime refused a call with at once: a negative errno value. */
struct call_error call_error_of_errno(int error, struct troupe_address to, const char *method);

/* org.varlink.service.InterfaceNotFound, and InvalidParameter with a field's path. */
struct call_error call_error_interface_not_found(const char *interface);
struct call_error call_error_invalid_parameter(const char *path, const char *reason);

#endif
