#include "units/unit_change.h"

#include "base/cleanup.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/instance.h"
#include "units/unit.h"
#include "units/unit_life.h"
#include "units/version.h"
#include "units/worker_requests.h"
#include <errno.h>
#include <stdlib.h>

/* ---- what needs no new actors */

static void take_file(struct unit *unit, struct unit_file *file)
{
	unit_file_fini(&unit->file);
	unit->file = *file;
	*file = (struct unit_file){0};
	/* Workers choose among a pool's actors by Balance=, among units by Default=. */
	unit->names_changed = true;
	unit_mark_changed(unit);
}

void unit_change(struct unit *unit, struct unit_file *file)
{
	struct master *master = unit->master;
	const struct version *version, *next;

	take_file(unit, file);
	HASH_ITER (by_number, master->versions, version, next)
		if (version->unit == unit)
			workers_foreach (worker, master)
				worker_redefine(worker, version);
}

void unit_stay_broken(struct unit *unit, struct unit_file *file, const char *why)
{
	take_file(unit, file);
	unit->has_bad_file = false;
	unit_set_reason(unit, "%s", why);
}

/* ---- what needs them */

/* Whether its instances can stay where they are. */
static bool has_its_shape(const struct unit *unit, const struct unit_file *file)
{
	if (unit->is_broken || unit->is_removed || unit->next_version)
		return false;
	return !file || (file->instances == unit->n_instances &&
			 file->placement.worker == unit->file.placement.worker &&
			 file->placement.number == unit->file.placement.number);
}

/* Whether any of it is to run. What an operator has stopped is not, nor what has ended. */
static bool is_wanted(const struct unit *unit)
{
	unsigned down = unit->n_in[API_STATE_STOPPED] + unit->n_in[API_STATE_ENDED] +
			unit->n_in[API_STATE_STOPPING];

	return unit->is_broken || unit->is_removed || unit->is_resumed ||
	       unit->n_coming_back > 0 || down < unit->n_instances;
}

/* All at once. */
static int renew(struct unit *unit, struct unit_file *file, struct version *version)
{
	struct unit_file *next = NULL;

	if (file) {
		next = malloc(sizeof(*next));
		if (!next)
			return -ENOMEM;
		*next = *file;
		*file = (struct unit_file){0};
	} else {
		next = take_pointer(&unit->next_file);
	}
	if (unit->next_file)
		unit_file_fini(unit->next_file);
	free(unit->next_file);
	version_unref(unit->next_version);
	unit->next_file = next;
	unit->next_version = version;
	unit->is_resumed = is_wanted(unit);
	unit->names_changed = true; /* it may come to provide something else */
	unit->is_removed = false;
	for (unsigned i = 0; i < unit->n_instances; i++)
		if (unit->instances[i].state == API_STATE_RUNNING)
			instance_drain(&unit->instances[i]);
		else if (!instance_drains(&unit->instances[i]) &&
			 unit->instances[i].state != API_STATE_ENDED)
			instance_stop(&unit->instances[i]);
	unit_mark_changed(unit);
	return 0;
}

bool unit_is_changing(const struct unit *unit)
{
	return unit->next_version || unit->n_coming_back > 0 ||
	       unit->replaced < unit->n_instances;
}

static void come_back(struct unit *unit)
{
	while (!list_is_empty(&unit->ready))
		instance_start(list_first(&unit->ready, struct instance, ready));
}

/* One step towards an instance of the current version. true: it is there, or is not to run. */
static bool replace(struct instance *instance)
{
	struct unit *unit = instance->unit;
	bool is_current = instance->version == unit->version;

	switch (instance->state) {
	case API_STATE_STOPPED:
	case API_STATE_ENDED:
		instance_take_version(instance);
		return true;
	case API_STATE_STARTING:
		if (instance->is_held)
			instance_take_version(instance);
		return false;
	case API_STATE_RUNNING:
		if (is_current)
			return true;
		instance_replace(instance, true);
		return false;
	case API_STATE_FAILED:
		if (is_current) {
			log_error(&unit->master->log,
				  "%s/%u does not run as it is configured now: those behind it "
				  "go on as they were",
				  unit->file.name, instance->number);
			unit->replaced = unit->n_instances;
			return false;
		}
		/* Its own worker has ended with the last of its actors. */
		if (unit_place_or_break(unit))
			instance_start(instance);
		return false;
	case API_STATE_BACKOFF:
		if (!is_current)
			instance_start(instance);
		return false;
	default:
		return false;
	}
}

/* So many of its actors may be missing meanwhile: one, of a large pool a sixteenth. */
static unsigned replaced_at_once(const struct unit *unit)
{
	unsigned n = unit->n_instances / LIMIT_REPLACED_SHARE;

	return n < 1 ? 1 : n < LIMIT_REPLACED_AT_ONCE ? n : LIMIT_REPLACED_AT_ONCE;
}

void unit_go_on(struct unit *unit)
{
	if (unit->master->is_stopping || unit->is_removed || unit->next_version)
		return;
	come_back(unit);
	/* replace() may set unit->replaced to the end. */
	for (unsigned i = unit->replaced;
	     unit->replaced < unit->n_instances && i < unit->n_instances &&
	     i < unit->replaced + replaced_at_once(unit);
	     i++)
		if (replace(&unit->instances[i]) && i == unit->replaced)
			unit->replaced++;
}

int unit_restart(struct unit *unit, struct unit_file *file, struct version *version)
{
	struct version *again = NULL;
	int r = version ? 0 : version_again(unit->version, &again);

	if (r == 0 && !has_its_shape(unit, file)) {
		r = renew(unit, file, version ? version : again);
		if (r < 0)
			version_unref(again);
		return r;
	}
	if (r < 0)
		return r;
	if (file)
		take_file(unit, file);
	version_unref(unit->version);
	unit->version = version ? version : again;
	unit->names_changed = true; /* it may provide something else */
	unit->replaced = 0;
	free(take_pointer(&unit->reason));
	/* So that calls which come after are for the new one. */
	unit_go_on(unit);
	unit_mark_changed(unit);
	return 0;
}
