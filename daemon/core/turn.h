/* turn.h - the scheduler: whose turn it is, and what an actor does with it.
 *
 * A turn takes the mailbox as it was when it began, at most `batch` messages. The runtime's
 * loop_work runs turns until none is due or about a millisecond has gone, in the middle of a
 * turn if need be, so that the loop sees its descriptors. One thread.
 */
#ifndef CORE_TURN_H
#define CORE_TURN_H

#include "core/activation.h"
#include "core/inside.h"

/* Run turns; true: there are more. */
bool turn_run(struct runtime *runtime);

/* What the wheel has due by now: ticks and timeouts become mail. */
void turn_expire(struct runtime *runtime);

#endif
