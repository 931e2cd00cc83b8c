#include "master/pulse.h"

#include "base/clock.h"
#include "master/master.h"

#define SLEPT_NS (3 * CLOCK_SECOND_NS) /* between two ticks of a second */

void master_note_tick(struct master *master)
{
	uint64_t now = loop_clock_ns(master->loop);

	if (now - master->tick_ns > SLEPT_NS)
		master->woke_ns = now;
	master->tick_ns = now;
}

bool master_has_slept(const struct master *master)
{
	uint64_t now = loop_clock_ns(master->loop);

	return now - master->tick_ns > SLEPT_NS ||
	       (master->woke_ns > 0 && now - master->woke_ns < MASTER_AWAKE_NS - CLOCK_MS_NS);
}

/* A work that has run in this pass runs again only after something else has happened, which may
 * be the tick of a second later. One that starts runs once more before the loop sleeps; and it
 * is queued behind the control socket's then. */
void master_flush_soon(struct master *master)
{
	if (!master->flush.started)
		return; /* the loop does not run yet, or not any more */
	loop_work_stop(&master->flush);
	loop_work_start(&master->flush);
}

void master_check_soon(struct master *master)
{
	master->is_check_due = true;
	master_flush_soon(master);
}
