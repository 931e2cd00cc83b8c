#include "master/stopping.h"

#include "base/text.h"
#include "master/master.h"
#include "master/unit.h"
#include "master/worker.h"

#define AGAIN_NS (10 * CLOCK_MS_NS) /* at least, between looks at all instances of a unit */

static uint64_t due_ns(const struct instance *instance)
{
	uint64_t since_ns = instance->stop_ns;

	if (instance->worker->progress_ns > since_ns)
		since_ns = instance->worker->progress_ns;
	return since_ns + instance->unit->file.life.stop_timeout_ns;
}

/* For what is due in that time; before that, to see whether anything is done. */
static void start_timer(struct unit *unit, uint64_t wait_ns)
{
	if (wait_ns > STOPPING_LOOK_NS)
		wait_ns = STOPPING_LOOK_NS;
	loop_timer_start(&unit->stop_timer, wait_ns > AGAIN_NS ? wait_ns : AGAIN_NS);
}

static void on_timer(struct loop_timer *timer)
{
	struct unit *unit = container_of(timer, struct unit, stop_timer);
	uint64_t now = loop_clock_ns(unit->master->loop), next = UINT64_MAX;

	if (unit->file.life.stop_timeout_ns == TEXT_INFINITY)
		return;
	if (master_has_slept(unit->master)) {
		/* What workers did meanwhile has not been read yet. */
		loop_timer_start(timer, MASTER_AWAKE_NS);
		return;
	}
	for (unsigned i = 0; i < unit->n_instances; i++) {
		struct instance *instance = &unit->instances[i];

		if (instance->state != API_STATE_STOPPING || instance->is_held)
			continue;
		worker_look_for_progress(instance->worker);
		if (due_ns(instance) > now)
			next = due_ns(instance) < next ? due_ns(instance) : next;
		else
			worker_kill_explained(
				instance->worker,
				"an actor there did not stop within its StopTimeout=");
	}
	if (next != UINT64_MAX)
		start_timer(unit, next - now);
}

void stopping_init(struct unit *unit)
{
	loop_timer_init(&unit->stop_timer, unit->master->loop, on_timer);
}

void stopping_fini(struct unit *unit)
{
	loop_timer_stop(&unit->stop_timer);
}

void stopping_began(struct instance *instance)
{
	struct unit *unit = instance->unit;

	instance->stop_ns = loop_clock_ns(unit->master->loop);
	worker_look_for_progress(instance->worker);
	/* It runs already for one that began before: it will look at this one too. */
	if (!unit->stop_timer.started && unit->file.life.stop_timeout_ns != TEXT_INFINITY)
		start_timer(unit, unit->file.life.stop_timeout_ns);
}

uint64_t stopping_wait_ns(const struct unit *unit)
{
	uint64_t wait_ns = unit->file.life.stop_timeout_ns;

	if (wait_ns > LIMIT_WAIT_NS - STOPPING_GRACE_NS)
		wait_ns = LIMIT_WAIT_NS - STOPPING_GRACE_NS;
	return wait_ns + STOPPING_GRACE_NS;
}
