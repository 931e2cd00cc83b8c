/* send.h - how messages leave an actor: sending, calling and cancelling.
 *
 * As said in <troupe/actor.h>, see self.h. One runtime, one thread.
 */
#ifndef CORE_SEND_H
#define CORE_SEND_H

#include "core/activation.h"

int self_send(struct troupe_self *self, struct troupe_address to,
	      const struct troupe_method *method, const void *in);
int self_call(struct troupe_self *self, struct troupe_address to,
	      const struct troupe_method *method, const void *in,
	      const struct troupe_entry *entry, uint64_t context, uint64_t timeout_ns,
	      uint32_t flags, struct troupe_request *ret_request);
int self_cancel(struct troupe_self *self, struct troupe_request request);

#endif
