/* await_cycle.h - a call whose caller would wait for itself.
 *
 * A task handler that is alone keeps its actor's mailbox at rest while it waits. When it calls
 * an actor whose own such handler waits for the answer of a third, and so on back to the first,
 * none of them would go on. Only what is of this process is seen; elsewhere deadlines have to
 * do. One runtime, one thread.
 */
#ifndef CORE_AWAIT_CYCLE_H
#define CORE_AWAIT_CYCLE_H

#include "core/task.h"

/* Whether a call to `to`, awaited by a task that is alone or works for one that is, would wait
 * for itself. The log says by what way. Looks at LIMIT_AWAIT_CHAIN actors at most. */
bool await_cycle_is_closed(const struct task *task, struct troupe_address to);

#endif
