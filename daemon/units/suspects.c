#include "units/suspects.h"

#include "base/clock.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/unit.h"
#include "units/version.h"

#define DEATHS_NAMED  2 /* until the plug-in that they name is blamed */
#define DEATHS_SEARCH 3 /* until a search begins */

#define PROBATION_LEAST_NS (200 * CLOCK_MS_NS)

static void end_search(struct worker *worker)
{
	struct suspects *suspects = worker->suspects;

	loop_timer_stop(&suspects->timer);
	suspects->is_searching = false;
	suspects->on_trial = 0;
	suspects->n_deaths = 0;
	suspects->plugin = 0;
	number_set_fini(&suspects->cleared);
}

static bool is_starting(const struct worker *worker, uint32_t version)
{
	list_each (struct instance, instance, &worker->instances, on_worker) {
		if (instance->version->number == version &&
		    instance->state == API_STATE_STARTING && !instance->is_held)
			return true;
	}
	return false;
}

static void on_timer(struct loop_timer *timer)
{
	struct suspects *suspects = container_of(timer, struct suspects, timer);
	struct worker *worker = suspects->worker;

	if (master_has_slept(worker->master)) {
		/* It may have died meanwhile. */
		loop_timer_start(timer, suspects->probation_ns);
		return;
	}
	if (suspects->on_trial == 0) {
		log_notice(&worker->master->log,
			   "worker %u lives with all of its units that could be started",
			   worker->number);
		end_search(worker);
		return;
	}
	if (is_starting(worker, suspects->on_trial)) {
		loop_timer_start(timer, suspects->probation_ns);
		return;
	}
	/* Without memory to note that, it is tried again in the next process. */
	(void)number_set_add(&suspects->cleared, suspects->on_trial);
	suspects->on_trial = 0;
	loop_timer_start(timer, worker->master->settings.life.healthy_ns);
	suspects->on_cleared(worker);
}

void suspects_init(struct worker *worker, void (*on_cleared)(struct worker *worker))
{
	worker->suspects->worker = worker;
	worker->suspects->on_cleared = on_cleared;
	loop_timer_init(&worker->suspects->timer, worker->master->loop, on_timer);
}

void suspects_fini(struct worker *worker)
{
	loop_timer_stop(&worker->suspects->timer);
	number_set_fini(&worker->suspects->cleared);
}

void suspects_down(struct worker *worker)
{
	loop_timer_stop(&worker->suspects->timer);
	worker->suspects->on_trial = 0;
}

bool suspects_admit(struct worker *worker, const struct instance *instance)
{
	struct suspects *suspects = worker->suspects;
	uint32_t number = instance->version->number;

	if (!suspects->is_searching || number == suspects->on_trial ||
	    number_set_has(&suspects->cleared, number))
		return true;
	if (suspects->on_trial != 0 || !worker_is_up(worker))
		return false;
	suspects->on_trial = number;
	loop_timer_start(&suspects->timer, suspects->probation_ns);
	return true;
}

/* ---- which units a death is evidence against */

/* Whether it was there to be blamed for a death: it runs, or is being started. */
static bool is_there(const struct instance *instance)
{
	return !instance->is_held &&
	       (instance->state == API_STATE_STARTING || instance->state == API_STATE_RUNNING);
}

/* The plug-in of the innermost frame that is one of a unit on this worker; 0: none. */
static uint32_t find_plugin(const struct worker *worker)
{
	const struct crash *crash = &worker->crash;
	const struct version *last;

	for (unsigned i = 0; i < crash->n_frames; i++) {
		uint32_t plugin = crash->frames[i].plugin;

		if (plugin == 0)
			continue;
		last = NULL;
		list_each (struct instance, instance, &worker->instances, on_worker) {
			/* Instances of a pool are adjacent, and have one version. */
			if (instance->version == last || !is_there(instance))
				continue;
			last = instance->version;
			if (version_is_of(last, plugin))
				return plugin;
		}
	}
	return 0;
}

/* Pin it on the units of that plug-in, and on the one of that version; 0: none. */
static bool pin(struct worker *worker, uint32_t plugin, uint32_t version)
{
	bool any = false;

	list_each (struct instance, instance, &worker->instances, on_worker) {
		const struct version *its = instance->version;

		if (!is_there(instance) ||
		    (its->number != version && !version_is_of(its, plugin)))
			continue;
		instance->unit->is_pinned = true;
		any = true;
	}
	return any;
}

/* Whoever runs there, if all are of one unit. */
static bool pin_owner(struct worker *worker)
{
	if (!worker->owner)
		return false;
	list_each (struct instance, instance, &worker->instances, on_worker)
		if (is_there(instance))
			worker->owner->is_pinned = true;
	return worker->owner->is_pinned;
}

static void begin_search(struct worker *worker, uint64_t life_ns)
{
	struct suspects *suspects = worker->suspects;
	uint64_t most_ns = worker->master->settings.life.healthy_ns;

	suspects->is_searching = true;
	suspects->probation_ns = 2 * life_ns + PROBATION_LEAST_NS;
	if (suspects->probation_ns > most_ns)
		suspects->probation_ns = most_ns;
	number_set_fini(&suspects->cleared);
	log_warning(
		&worker->master->log,
		"worker %u has died %u times in a row, and no unit is known to be at fault: "
		"its units are started one after another",
		worker->number, suspects->n_deaths);
}

bool suspects_find(struct worker *worker, uint64_t life_ns, const char **ret_why)
{
	struct suspects *suspects = worker->suspects;
	uint32_t plugin = find_plugin(worker), before = suspects->plugin;

	if (!suspects->is_searching && life_ns >= worker->master->settings.life.healthy_ns)
		suspects->n_deaths = 0;
	suspects->n_deaths++;
	suspects->plugin = plugin;
	if (pin_owner(worker)) {
		*ret_why = "nobody else runs there";
		return true;
	}
	if (plugin && plugin == before && suspects->n_deaths >= DEATHS_NAMED &&
	    pin(worker, plugin, 0)) {
		*ret_why =
			"its plug-in was at fault outside of all handlers, more than once in "
			"a row";
		return true;
	}
	if (suspects->on_trial && pin(worker, 0, suspects->on_trial)) {
		*ret_why = "that happens when it is started";
		return true;
	}
	/* None was on trial, or it was too long ago: all over again, with more patience. */
	if (suspects->n_deaths >= DEATHS_SEARCH)
		begin_search(worker, life_ns > suspects->probation_ns ? life_ns
								      : suspects->probation_ns);
	return false;
}
