/* deliver_answer.h - answers to calls of this process that come in from another one: replies,
 * errors, failures, and where the call has gone.
 *
 * One runtime, one thread.
 */
#ifndef CORE_DELIVER_ANSWER_H
#define CORE_DELIVER_ANSWER_H

#include "core/arrival.h"

/* An envelope of kind REPLY, ERROR, FAILURE, MOVED or KEPT. */
void deliver_answer(struct arrival *arrival);

#endif
