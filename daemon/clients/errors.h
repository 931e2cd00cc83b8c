/* errors.h - errors that several parts answer calls with: because the daemon is stopping,
 * or has too many. Master process, one thread. */
#ifndef CLIENTS_ERRORS_H
#define CLIENTS_ERRORS_H

#include "control/server.h"

struct master;

/* Answer with Overloaded: there is too much of something, or no memory. */
void control_overloaded(struct control_call *call);

/* Nothing has the name or address that the client gave. */
void control_no_such_actor(struct control_call *call, const char *name);
/* Answer with WrongState. reason: NULL: there is none. */
void control_wrong_state(struct control_call *call, const char *name, const char *state,
			 const char *reason);

/* true: the daemon is stopping, and the call was answered with that. */
bool control_refuses(struct master *master, struct control_call *call);

/* The call is one that changes what runs. false: it has been answered, because the daemon is
 * stopping or too many such are under way. Asked before anything is changed. */
bool control_begins_change(struct master *master, struct control_call *call);

#endif
