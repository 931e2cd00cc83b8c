#include "units/master_state.h"

#include "base/clock.h"
#include "base/text.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/unit.h"
#include <stdio.h>
#include <string.h>

#define START_GRACE_NS CLOCK_SECOND_NS /* for those whose worker was ended for another's init */

static bool is_worker_settled(const struct worker *worker)
{
	return worker->state == API_STATE_RUNNING || worker->state == API_STATE_BACKOFF;
}

static bool is_instance_settled(const struct instance *instance)
{
	return instance->state != API_STATE_STARTING ||
	       (!instance->is_held && instance->worker->is_late);
}

static bool is_unit_settled(const struct unit *unit)
{
	if (unit->n_in[API_STATE_STARTING] == 0)
		return true;
	for (unsigned i = 0; i < unit->n_instances; i++)
		if (!is_instance_settled(&unit->instances[i]))
			return false;
	return true;
}

static bool has_settled(const struct master *master)
{
	uint64_t up_ns = loop_clock_ns(master->loop) - master->started_ns;

	/* A worker that dies in a loop must not keep those that run from being a service. */
	if (master->settings.life.start_timeout_ns != TEXT_INFINITY &&
	    up_ns > master->settings.life.start_timeout_ns + START_GRACE_NS)
		return true;

	workers_foreach (worker, master)
		if (!is_worker_settled(worker))
			return false;
	units_foreach (unit, master)
		if (!is_unit_settled(unit))
			return false;
	return true;
}

struct tally {
	unsigned workers, workers_up;
	unsigned units, units_ok, units_troubled;
};

static struct tally count_all(const struct master *master)
{
	struct tally tally = {0};

	workers_foreach (worker, master) {
		tally.workers++;
		tally.workers_up += worker->state == API_STATE_RUNNING;
	}
	units_foreach (unit, master) {
		enum api_state state = unit_state(unit);

		tally.units++;
		tally.units_troubled += state == API_STATE_FAILED || state == API_STATE_BACKOFF;
		/* Also a unit that was stopped by an operator, and one that has ended by
		 * itself. */
		tally.units_ok += state == API_STATE_RUNNING || state == API_STATE_STOPPED ||
				  state == API_STATE_ENDED;
	}
	return tally;
}

enum api_status_out_state master_state(const struct master *master)
{
	struct tally tally = count_all(master);

	if (master->is_stopping)
		return API_STATUS_OUT_STATE_STOPPING;
	if (!master->is_ready)
		return API_STATUS_OUT_STATE_STARTING;
	return tally.workers_up < tally.workers || tally.units_troubled > 0
		       ? API_STATUS_OUT_STATE_DEGRADED
		       : API_STATUS_OUT_STATE_RUNNING;
}

void master_notify_manager(struct master *master)
{
	struct tally tally = count_all(master);
	char status[160];

	if (!master->is_ready && !has_settled(master))
		return;
	(void)snprintf(status, sizeof(status), "%u of %u workers run, %u of %u units ok",
		       tally.workers_up, tally.workers, tally.units_ok, tally.units);
	if (!master->is_ready)
		log_notice(&master->log, "ready: %s", status);
	if (!master->is_ready || master->must_notify) {
		notify_ready(&master->notify, status);
	} else if (strcmp(status, master->status) != 0) {
		notify_status(&master->notify, status);
	}
	master->is_ready = true;
	master->must_notify = false;
	memcpy(master->status, status, sizeof(master->status));
}
