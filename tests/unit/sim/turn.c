/* turn.c - core/turn.c, but which of the actors that have something to do is next is decided by
 * the loop's seed. */
#include "core/runq.h"
#include "tests/unit/sim/sim.h"

#define CHOICE 64u /* at most so many are looked at: of a million it would take for ever */

static struct actor *pop_any(struct runtime *runtime)
{
	uint32_t *place = &runtime->run_first;
	uint64_t n = 0;

	for (uint32_t at = *place; at != SLOT_NONE && n < CHOICE; n++)
		at = actor_at(runtime, at)->run_next;
	n = sim_pick(runtime->loop, n);
	if (n > 0) {
		uint32_t slot, *next;

		for (; n > 0; n--)
			place = &actor_at(runtime, *place)->run_next;
		slot = *place;
		next = &actor_at(runtime, slot)->run_next;
		*place = *next;
		if (*place == SLOT_NONE)
			runtime->run_end = place;
		*next = runtime->run_first;
		runtime->run_first = slot;
	}
	return runq_pop(runtime);
}

#define runq_pop pop_any
#include "core/turn.c"
