#include "units/stopping.h"

#include "base/text.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/instance.h"
#include "units/unit.h"

#define AGAIN_NS (10 * CLOCK_MS_NS) /* at least, between looks at all instances of a unit */

static uint64_t due_ns(const struct instance *instance)
{
	uint64_t since_ns = instance->stop_ns;

	if (!instance->is_held && instance->worker->progress_ns > since_ns)
		since_ns = instance->worker->progress_ns;
	return since_ns + instance->unit->file.life.stop_timeout_ns;
}

static void end_drain(struct instance *instance)
{
	if (instance->comes_back)
		instance_replace(instance, false);
	else
		instance_stop(instance);
}

/* Do what is due; returns after how long to look again. */
static uint64_t look_at(struct instance *instance, uint64_t now_ns)
{
	uint64_t due = due_ns(instance);

	if (due > now_ns)
		return instance->is_held || due - now_ns < STOPPING_LOOK_NS ? due - now_ns
									    : STOPPING_LOOK_NS;
	if (instance->is_held)
		end_drain(instance);
	else
		worker_kill_explained(instance->worker,
				      "an actor there did not stop within its StopTimeout=");
	return STOPPING_LOOK_NS;
}

static void log_late(const struct unit *unit, unsigned n, const struct instance *last)
{
	if (n == 1)
		log_notice(&unit->master->log, "%s/%u still had work when its time was over",
			   unit->file.name, last->number);
	else if (n > 1)
		log_notice(&unit->master->log,
			   "%u actors of %s still had work when their time was over", n,
			   unit->file.name);
}

static void on_timer(struct loop_timer *timer)
{
	struct unit *unit = container_of(timer, struct unit, stop_timer);
	const struct instance *late = NULL;
	uint64_t now = master_awake_ns(unit->master), wait, next = UINT64_MAX;
	unsigned n_late = 0;

	if (unit->file.life.stop_timeout_ns == TEXT_INFINITY)
		return;
	if (master_slept_over(unit->master, timer))
		return;
	for (unsigned i = 0; i < unit->n_instances; i++) {
		struct instance *instance = &unit->instances[i];
		bool was_held = instance->is_held;

		if (instance->state != API_STATE_STOPPING)
			continue;
		if (!was_held)
			worker_look_for_progress(instance->worker);
		wait = look_at(instance, now);
		next = wait < next ? wait : next;
		if (was_held && !instance->is_held) {
			late = instance;
			n_late++;
		}
	}
	if (next != UINT64_MAX)
		loop_timer_start(timer, next > AGAIN_NS ? next : AGAIN_NS);
	log_late(unit, n_late, late);
}

void stopping_init(struct unit *unit)
{
	loop_timer_init(&unit->stop_timer, unit->master->loop, on_timer);
}

void stopping_fini(struct unit *unit)
{
	loop_timer_stop(&unit->stop_timer);
}

void stopping_watch(struct unit *unit)
{
	uint64_t timeout_ns = unit->file.life.stop_timeout_ns;

	if (unit->n_in[API_STATE_STOPPING] > 0 && !unit->stop_timer.started &&
	    timeout_ns != TEXT_INFINITY)
		loop_timer_start(&unit->stop_timer,
				 timeout_ns < STOPPING_LOOK_NS ? timeout_ns : STOPPING_LOOK_NS);
}

uint64_t stopping_wait_ns(const struct unit *unit)
{
	uint64_t wait_ns = unit->file.life.stop_timeout_ns;

	if (wait_ns > LIMIT_WAIT_NS - STOPPING_GRACE_NS)
		wait_ns = LIMIT_WAIT_NS - STOPPING_GRACE_NS;
	return wait_ns + STOPPING_GRACE_NS;
}
