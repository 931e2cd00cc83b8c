/* idle.h - give back what a runtime needed once, when it has nothing to do.
 *
 * A second after the last message, the memory that no message, state or record lies in goes
 * back to the system: a bounded amount at a time, between which the loop looks at everything
 * else, and not on when there is something to do again. When there is nothing left to give back
 * the timer stops, so that an idle worker sleeps. One runtime, one thread.
 */
#ifndef CORE_IDLE_H
#define CORE_IDLE_H

#include "base/loop.h"
#include <stdbool.h>
#include <stdint.h>

struct runtime;

struct idle {
	struct loop_timer timer;
	uint64_t seen;   /* messages handled when the timer was started */
	uint64_t done;   /* and when all was given back, last */
	uint32_t vacant; /* actors' slots that were empty then, or at any time since */
	uint32_t stage;
	bool is_under_way; /* a pass over everything: some has been given back */
	bool again; /* messages came meanwhile: what it has passed may be worth another */
};

void idle_init(struct runtime *runtime);
void idle_fini(struct runtime *runtime);

/* After turns: start the timer, when it is not under way and something has been done since. */
void idle_watch(struct runtime *runtime);

#endif
