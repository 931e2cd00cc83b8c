/* step.h - a task's step: from one wait to the next, as a handler of its actor's turn.
 *
 * One runtime, one thread.
 */
#ifndef CORE_STEP_H
#define CORE_STEP_H

#include "core/task.h"

/* One that has never run begins, in a turn. False: it has returned task->result without having
 * waited, and is not ended yet; its self says what else it has done. */
bool step_begin(struct troupe_self *self, struct task *task);

/* Its notice has left the mailbox, in a turn: let it run until it waits or returns. */
void step_run(struct troupe_self *self, struct task *task);

/* Likewise one that waits, whose wait is over with this result. */
void step_resume(struct troupe_self *self, struct task *task, int result);

#endif
