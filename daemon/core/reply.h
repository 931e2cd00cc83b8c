/* reply.h - what a caller gets: replies, errors and failures, and calls that ended without one.
 *
 * In a turn of the caller only. One runtime, one thread.
 */
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "core/activation.h"

struct call;

/* Run the callback of a REPLY, ERROR or FAILURE, which is freed. */
void reply_handle(struct troupe_self *self, struct message *message);

/* The same for a call that ended without an answer: its record is freed. */
void reply_handle_end(struct troupe_self *self, struct call *call);

#endif
