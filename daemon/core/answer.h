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

/* The handler has returned rc without an answer: NoReply, or Failed. */
void answer_result(struct troupe_self *self, uint64_t handle, int rc);

struct task;

/* A task that handles a call is about to wait, or has not got rid of it: it has a record of the
 * call from now on, unless there is none to be had, by which it is cancelled when nobody waits
 * for the answer any more. Its handle stays what it is. */
void answer_hold(struct task *task);

/* SELF_HELD: it has none any more, and the message is as it came. */
void answer_unhold(struct troupe_self *self);

#endif
