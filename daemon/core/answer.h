/* answer.h - answering calls: by return, stream reply or error; keeping and dropping handles.
 *
 * What actors do is said in <troupe/actor.h>; here is what the runtime does for them. One
 * runtime, one thread.
 */
#ifndef CORE_ANSWER_H
#define CORE_ANSWER_H

#include "core/activation.h"

/* Answer the message being handled, without a value, if it still has to be answered. handle:
 * activation.call_id, or the kept_id that it was kept under. */
void answer_end(struct troupe_self *self, uint64_t handle, struct call_end end);

#endif
