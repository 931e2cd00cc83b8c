#include "units/unit_end.h"

#include "master/master.h"
#include "master/worker.h"
#include "units/instance.h"
#include "units/unit.h"
#include "units/version.h"
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
	master_check_soon(unit->master);
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
	master_check_soon(unit->master);
}

void units_fail_on(struct worker *worker, uint32_t deployment, const char *why)
{
	units_foreach (unit, worker->master)
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
