/* resolve.h - where what a client names leads: an actor, a unit, an interface. The client that
 * names nothing, or something that does not run, is answered.
 *
 * Belongs to the master; one thread.
 */
#ifndef REQUESTS_RESOLVE_H
#define REQUESTS_RESOLVE_H

#include "control/server.h"

struct master;
struct relay_target;
struct unit;
struct instance;

enum resolve_outcome {
	RESOLVE_NOWHERE, /* the client has been answered */
	RESOLVE_COMING,  /* it is to run soon; only ret_target->unit is set */
	RESOLVE_THERE,
};

/* Where a name or address leads: "hello", "pool/2", "0.1.1.17.3". */
enum resolve_outcome resolve_name(struct master *master, struct control_call *client,
				  const char *name, struct relay_target *ret_target);

/* The unit that a client names, or (not NULL then) of which instance. NULL: there is none, and
 * the client was answered. */
struct unit *resolve_unit(struct master *master, struct control_call *client, const char *name,
			  struct instance **ret_instance);

/* The one unit that clients of a method's interface mean. */
enum resolve_outcome resolve_provider(struct master *master, struct control_call *client,
				      struct control_name method,
				      struct relay_target *ret_target);

#endif
