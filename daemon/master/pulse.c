#include "master/pulse.h"

#include "base/clock.h"
#include "master/master.h"

#define SLEPT_NS (3 * CLOCK_SECOND_NS) /* between two ticks of a second */

void master_note_tick(struct master *master)
{
	uint64_t now = loop_clock_ns(master->loop), gap_ns = now - master->tick_ns;

	if (gap_ns > SLEPT_NS) {
		master->woke_ns = now;
		master->slept_ns = gap_ns;
		master->asleep_ns += gap_ns;
	}
	master->tick_ns = now;
}

/* The sleep that no tick has noted yet; 0: there is none. */
static uint64_t new_sleep_ns(const struct master *master, uint64_t now_ns)
{
	return now_ns - master->tick_ns > SLEPT_NS ? now_ns - master->tick_ns : 0;
}

/* For how long, up to just now; 0: it was awake. */
static uint64_t slept_ns(const struct master *master)
{
	uint64_t now_ns = loop_clock_ns(master->loop), new_ns = new_sleep_ns(master, now_ns);

	if (new_ns > 0)
		return new_ns;
	if (master->woke_ns > 0 && now_ns - master->woke_ns < MASTER_AWAKE_NS - CLOCK_MS_NS)
		return master->slept_ns;
	return 0;
}

uint64_t master_awake_ns(const struct master *master)
{
	uint64_t now_ns = loop_clock_ns(master->loop);

	return now_ns - master->asleep_ns - new_sleep_ns(master, now_ns);
}

bool master_has_slept(const struct master *master)
{
	return slept_ns(master) > 0;
}

bool master_slept_over(const struct master *master, struct loop_timer *timer)
{
	uint64_t more_ns = slept_ns(master), term_ns = timer->delay_ns;

	if (more_ns == 0)
		return false;
	if (more_ns > term_ns)
		more_ns = term_ns;
	loop_timer_start(timer, more_ns > MASTER_AWAKE_NS ? more_ns : MASTER_AWAKE_NS);
	timer->delay_ns = term_ns; /* should it sleep once more */
	return true;
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
