/* failure.h - how a call that brought no reply looks to a Varlink client: an error's name and
 * its parameters.
 *
 * Pure; any thread.
 */
#ifndef WORKER_FAILURE_H
#define WORKER_FAILURE_H

#include <troupe/actor.h>

struct failure {
	const char *error; /* qualified name, a constant */
	char *parameters;  /* JSON text, given: free() it. NULL: there was no memory */
};

/* The failure of a call of `method` (qualified) to `to`. status: any but OK and ERROR.
 * detail: what struct troupe_reply has; may be NULL. */
struct failure failure_of_status(enum troupe_status status, struct troupe_address to,
				 const char *method, const char *detail);

/* What the runtime refused a call with at once: a negative errno value. */
struct failure failure_of_errno(int error, struct troupe_address to, const char *method);

/* org.varlink.service.InterfaceNotFound, and InvalidParameter with a field's path. */
struct failure failure_interface_not_found(const char *interface);
struct failure failure_invalid_parameter(const char *path, const char *reason);

#endif
