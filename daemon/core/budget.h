/* budget.h - how much memory the messages and states of a worker may take, and what one unit
 * may have of it.
 *
 * While less than half of the budget was asked of the system nothing is counted. From there on,
 * as memory grows, the bytes that each unit has are added up over all actors, some more with
 * each chunk: once over all of them at least with each sixteenth of the budget. A unit that has
 * more than three times what is free then has its mailboxes bounded, so that its actors
 * together may have queued as much as is free, and kept as much again, and its actors may spawn
 * none that need memory of their own. Alone it gets three quarters; with k such units the
 * others still find a part in 3k + 1. When it has less than twice what is free, the bounds are
 * as configured again, and those that waited for room are woken. A message costs nothing more:
 * it is compared with that bound in any case (unit->mailbox_units).
 *
 * What was asked of the system beyond the budget, and is free now, goes back to it even when
 * there is other work to do: what was of one size may be wanted in another.
 *
 * Counted is what lies in mailboxes, what is kept, and states; not what plug-ins allocate
 * themselves, records (share.h), and what a piece of memory is larger than what is in it. One
 * runtime, one thread.
 */
#ifndef CORE_BUDGET_H
#define CORE_BUDGET_H

#include "base/loop.h"
#include <stdbool.h>
#include <stdint.h>

struct runtime;

struct budget {
	struct loop_timer timer; /* runs while a unit has too much, or the slabs */
	uint64_t bytes;          /* 0: no bound */
	uint64_t seen;           /* bytes of both slabs when growth was looked at last */
	uint64_t counted;        /* by the count under way, of all units */
	uint64_t handled;        /* messages, when the timer went off last */
	uint64_t wait_ns;        /* before it does again */
	uint32_t at;             /* slot that the count comes to next */
	uint32_t wake_at;        /* slot whose waiters are next; SLOT_NONE: all were woken */
	bool has_hogs;           /* by the last count */
	bool wants_trim; /* the slabs have grown beyond it since the last pass over them */
};

void budget_init(struct runtime *runtime, uint64_t bytes);
void budget_fini(struct runtime *runtime);

#endif
