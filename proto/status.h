/* status.h - what the statuses of calls are called in messages to people and to Varlink
 * clients.
 *
 * Pure, const data; any process and thread.
 */
#ifndef PROTO_STATUS_H
#define PROTO_STATUS_H

#include <troupe/actor.h>

/* The qualified name of the Varlink error that a status other than OK and ERROR travels as
 * ("io.troupe.Control.Timeout"). NULL: the status has no name of its own, or is none at all. */
const char *status_error_name(enum troupe_status status);

/* A short phrase for people: "the deadline passed". Never NULL. */
const char *status_phrase(enum troupe_status status);

#endif
