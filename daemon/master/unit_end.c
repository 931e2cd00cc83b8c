#include "master/unit_end.h"

#include "base/clock.h"
#include "base/text.h"
#include "master/instance.h"
#include "master/master.h"
#include "master/unit.h"
#include "master/version.h"
#include "master/worker.h"
#include <stdarg.h>

void unit_break(struct unit *unit, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	unit_set_reason_v(unit, format, arguments);
	va_end(arguments);
	unit->is_broken = true;
	if (!unit->has_bad_file) /* which is logged with all other problems of files */
		log_error(&unit->master->log, "unit %s has failed: %s", unit->file.name,
			  unit->reason ? unit->reason : "");
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_stop(&unit->instances[i]);
	unit_mark_changed(unit);
	master_settle(unit->master);
}

static bool is_to_start(const struct instance *instance, const struct worker *worker)
{
	return instance->worker == worker &&
	       (instance->state == API_STATE_STARTING || instance->state == API_STATE_BACKOFF);
}

void unit_fail_on(struct unit *unit, const struct worker *worker, const char *format, ...)
{
	unsigned i = 0;
	va_list arguments;

	while (i < unit->n_instances && !is_to_start(&unit->instances[i], worker))
		i++;
	if (i == unit->n_instances)
		return;
	va_start(arguments, format);
	unit_set_reason_v(unit, format, arguments);
	va_end(arguments);
	log_error(&unit->master->log, "unit %s has failed on worker %u: %s", unit->file.name,
		  worker->number, unit->reason ? unit->reason : "");
	for (; i < unit->n_instances; i++)
		if (is_to_start(&unit->instances[i], worker))
			instance_give_up(&unit->instances[i]);
	master_settle(unit->master);
}

void units_fail_on(struct worker *worker, uint32_t deployment, const char *why)
{
	struct unit *unit, *next;

	HASH_ITER (by_name, worker->master->units_by_name, unit, next)
		if (version_is_of(unit->version, deployment))
			unit_fail_on(unit, worker, "%s: %s", unit->file.plugin, why);
}

void unit_stop(struct unit *unit)
{
	unit->is_resumed = false;
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_stop(&unit->instances[i]);
	unit_mark_changed(unit);
}

/* How long it may still take. */
static uint64_t drain_left_ns(const struct instance *instance)
{
	uint64_t patience_ns = instance->unit->file.life.stop_timeout_ns;
	uint64_t passed_ns = loop_now_ns(instance->unit->master->loop) - instance->stop_ns;

	/* A millisecond is none: timers have their grain. */
	return passed_ns + CLOCK_MS_NS < patience_ns ? patience_ns - passed_ns : 0;
}

void unit_on_drain_timer(struct loop_timer *timer)
{
	struct unit *unit = container_of(timer, struct unit, drain_timer);
	const struct instance *first = NULL;
	uint64_t left_ns, next_ns = UINT64_MAX;
	unsigned n = 0;

	if (master_has_slept(unit->master)) {
		/* Some may have done their work meanwhile. */
		loop_timer_start(timer, MASTER_AWAKE_NS);
		return;
	}
	for (unsigned i = 0; i < unit->n_instances; i++) {
		struct instance *instance = &unit->instances[i];

		if (!instance_drains(instance))
			continue;
		left_ns = drain_left_ns(instance);
		if (left_ns > 0) {
			next_ns = left_ns < next_ns ? left_ns : next_ns;
			continue;
		}
		if (n++ == 0)
			first = instance;
		if (instance->comes_back)
			instance_replace(instance, false);
		else
			instance_stop(instance);
	}
	if (next_ns != UINT64_MAX && unit->file.life.stop_timeout_ns != TEXT_INFINITY)
		loop_timer_start(timer, next_ns);
	if (n == 1)
		log_notice(&unit->master->log, "%s/%u still had work when its time was over",
			   unit->file.name, first->number);
	else if (n > 1)
		log_notice(&unit->master->log,
			   "%u actors of %s still had work when their time was over", n,
			   unit->file.name);
}
