/* dispatch.h - from the text of a frame to the handler of its method.
 *
 * Stateless; the server's thread.
 */
#ifndef CONTROL_DISPATCH_H
#define CONTROL_DISPATCH_H

#include "control/connection.h"

/* Longest name of a method with its interface, with its NUL. */
#define METHOD_NAME_MAX 512

/* Take on one frame: `text`, without its NUL, is hostile, and overwritten. Whatever is wrong is
 * answered, or ends the connection. */
void dispatch_frame(struct connection *connection, char *text, size_t size);

/* The client broke the protocol: an open connection takes on no more, answers that when all
 * calls before are answered, and is closed then. field: the member of the call that is wrong,
 * "" where all of it is; what: why, for people. */
void dispatch_refuse(struct connection *connection, const char *field, const char *what);

#endif
