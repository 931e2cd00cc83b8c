/* send.h - what send.c does for calls of every kind.
 *
 * One runtime, one thread.
 */
#ifndef CORE_SEND_H
#define CORE_SEND_H

#include "core/activation.h"

struct call;
struct envelope_meaning;

/* What a call has for its callee; borrowed. */
struct call_value {
	const struct troupe_type *type;
	const void *in;
	uint64_t hash;                          /* 0: of a text */
	const struct envelope_meaning *meaning; /* NULL: the same */
};

/* Send a call that has just begun to another process. Errors as of troupe_call(); the call is
 * as it was then. */
int send_call(struct troupe_self *self, struct call *call, struct troupe_address to,
	      const struct call_value *value, uint64_t deadline_ns);

/* Call for a task, which waits for it then; errors as of troupe_call(). */
int send_call_of_task(struct task *task, struct troupe_address to,
		      const struct troupe_method *method, const void *in, uint64_t deadline_ns,
		      uint64_t *ret_call);

/* A stream that a task reads item by item. */
struct items_call {
	const struct troupe_method *method;
	const void *in;
	uint64_t deadline_ns;
	bool until_kept; /* the deadline is only the default */
	uint32_t window; /* replies */
	uint8_t halvings;
	uint32_t items; /* slot of the struct items */
};

/* The same for one of those, which is to get the replies. */
int send_call_of_items(struct task *task, struct troupe_address to,
		       const struct items_call *items_call, uint64_t *ret_call);

#endif
