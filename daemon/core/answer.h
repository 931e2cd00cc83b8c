/* answer.h - answering calls: by return, stream reply or error; keeping and dropping handles.
 *
 * As said in <troupe/actor.h>, see self.h. One runtime, one thread.
 */
#ifndef CORE_ANSWER_H
#define CORE_ANSWER_H

#include "core/activation.h"

int self_return(struct troupe_self *self, struct troupe_call call,
		const struct troupe_method *method, const void *out);
int self_reply(struct troupe_self *self, struct troupe_call call,
	       const struct troupe_method *method, const void *out);
int self_fail(struct troupe_self *self, struct troupe_call call,
	      const struct troupe_error *error, const void *data);
int self_fail_parameter(struct troupe_self *self, struct troupe_call call, const char *field,
			const char *reason);
int self_fail_status(struct troupe_self *self, struct troupe_call call,
		     enum troupe_status status);
bool self_call_wants_more(struct troupe_self *self, struct troupe_call call);
bool self_call_wants_reply(struct troupe_self *self, struct troupe_call call);
int self_call_keep(struct troupe_self *self, struct troupe_call *call);
int self_call_drop(struct troupe_self *self, struct troupe_call call);

/* Answer the message being handled, without a value, if it still has to be answered. */
void self_settle(struct troupe_self *self, struct call_end end);
/* The same for the handle that it was kept under. */
void self_settle_kept(struct troupe_self *self, struct call_end end);

#endif
