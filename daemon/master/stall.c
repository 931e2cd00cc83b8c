#include "master/stall.h"

#include "base/clock.h"
#include "master/activity.h"
#include "master/letters.h"
#include "master/master.h"
#include "master/worker.h"

#define STALL_NS (5 * CLOCK_SECOND_NS)

static void tell(struct worker *worker, const struct activity *activity, uint64_t since_ns)
{
	struct master *master = worker->master;
	struct activity_names names;

	(void)activity_print(worker, activity, &names);
	log_warning(
		&master->log,
		"worker %u: %s has been in one handler (%s) for %llu s; the other actors there "
		"wait",
		worker->number, names.actor[0] ? names.actor : "the host", names.message,
		(unsigned long long)((loop_now_ns(master->loop) - since_ns) / CLOCK_SECOND_NS));
}

static void sample(struct worker *worker)
{
	struct activity activity;
	uint64_t now = loop_now_ns(worker->master->loop);

	if (!worker_is_up(worker) || !activity_read(&worker->page->thread, &activity)) {
		worker->stall_since_ns = 0;
		return;
	}
	if (worker->stall_since_ns == 0 || activity.sequence != worker->stall_sequence) {
		worker->stall_sequence = activity.sequence;
		worker->stall_since_ns = now;
		worker->stall_told = false;
	} else if (!worker->stall_told && now - worker->stall_since_ns >= STALL_NS) {
		worker->stall_told = true;
		tell(worker, &activity, worker->stall_since_ns);
	}
}

void stall_tick(struct master *master)
{
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		if (master->workers[i]) {
			sample(master->workers[i]);
			letters_tick(master->workers[i]);
		}
}
