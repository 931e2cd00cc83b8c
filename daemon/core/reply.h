/* reply.h - what a caller gets: replies, errors and failures, and calls that ended without one.
 *
 * In a turn of the caller only. One runtime, one thread.
 */
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "core/activation.h"

struct call;

/* What a REPLY, ERROR or FAILURE says to a caller who knows `method` and `interface`. NULL: all
 * that it points to lies in the message; else in the returned message, which is given, being of
 * our version of the type. problem: where `detail` may lie. */
struct message *reply_read(struct runtime *runtime, const struct troupe_interface *interface,
			   const struct troupe_method *method, const struct message *message,
			   struct troupe_reply *ret_reply, struct codec_error *problem);

/* The same of a call that ended without a value. */
void reply_of_end(struct call_end end, struct troupe_reply *ret_reply);

/* Run the callback of a REPLY, ERROR or FAILURE, which is freed. */
void reply_handle(struct troupe_self *self, struct message *message);

/* The same for a call that ended without an answer: its record is freed. */
void reply_handle_end(struct troupe_self *self, struct call *call);

#endif
