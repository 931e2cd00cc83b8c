/* forward.h - handing the message at hand on to another actor, with its sender and its call.
 *
 * As said in <troupe/actor.h>, see self.h. One runtime, one thread.
 */
#ifndef CORE_FORWARD_H
#define CORE_FORWARD_H

#include "core/activation.h"

int self_forward(struct troupe_self *self, struct troupe_address to);

#endif
