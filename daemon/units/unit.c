#include "units/unit.h"

#include "base/cleanup.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/version.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 2000 /* bytes */

/* ---- states */

enum api_state instance_shown(const struct instance *instance)
{
	if (instance_waits(instance) && instance->worker &&
	    instance->worker->state == API_STATE_BACKOFF)
		return API_STATE_BACKOFF;
	return instance->state == API_STATE_RUNNING && instance->worker &&
			       instance_stalling(instance->worker) == instance
		       ? API_STATE_STALLED
		       : instance->state;
}

/* Of instances that are to start: `starting` if any is started, else as the first is shown. */
static enum api_state find_start(const struct unit *unit)
{
	unsigned i = 0;

	if (unit->n_in[API_STATE_STARTING] > unit->n_waiting)
		return API_STATE_STARTING;
	while (unit->instances[i].state != API_STATE_STARTING)
		i++;
	return instance_shown(&unit->instances[i]);
}

enum api_state unit_state(const struct unit *unit)
{
	/* What is most worth knowing of a pool: that one of it failed, is coming, is
	 * going... */
	static const enum api_state order[] = {
		API_STATE_FAILED,   API_STATE_BACKOFF, API_STATE_STARTING,
		API_STATE_STOPPING, API_STATE_RUNNING, API_STATE_ENDED,
	};

	if (unit->is_broken)
		return API_STATE_FAILED;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (unit->n_in[order[i]] > 0)
			return order[i] == API_STATE_STARTING ? find_start(unit) : order[i];
	return API_STATE_STOPPED;
}

enum api_state unit_shown(const struct unit *unit)
{
	enum api_state state = unit_state(unit);

	return state == API_STATE_RUNNING && unit_stalls(unit) ? API_STATE_STALLED : state;
}

void unit_mark_changed(struct unit *unit)
{
	unit->master->n_changes++;
	if (!list_is_empty(&unit->changed))
		return;
	list_append(&unit->master->changed_units, &unit->changed);
	master_flush_soon(unit->master);
}

/* A worker may send any text, and the reason is part of each description of the unit. */
static void cut_text(char *text, size_t size)
{
	if (strlen(text) <= size)
		return;
	/* Not inside a character. */
	while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
		size--;
	text[size] = '\0';
}

void unit_set_reason(struct unit *unit, const char *format, ...)
{
	va_list arguments;
	char *reason;
	int r;

	va_start(arguments, format);
	r = vasprintf(&reason, format, arguments);
	va_end(arguments);
	if (r < 0)
		return;
	cut_text(reason, REASON_MAX);
	free(unit->reason);
	unit->reason = reason;
}

const struct plugin_actor *unit_type(const struct unit *unit)
{
	/* One that is about to become something else is waited for. */
	const struct version *version =
		unit->is_resumed && unit->next_version ? unit->next_version : unit->version;

	return version->type;
}

bool unit_provides(const struct unit *unit, const char *interface, size_t size)
{
	const struct plugin_actor *type = unit_type(unit);

	for (size_t i = 0; type && i < type->n_interfaces; i++)
		if (strlen(type->interfaces[i]) == size &&
		    memcmp(type->interfaces[i], interface, size) == 0)
			return true;
	return false;
}

bool unit_has_future(const struct unit *unit)
{
	/* Of a pool one is enough. */
	return unit->n_in[API_STATE_RUNNING] + unit->n_in[API_STATE_STARTING] +
			       unit->n_in[API_STATE_BACKOFF] >
		       0 ||
	       unit->is_resumed || unit->n_coming_back > 0;
}

/* ---- which instance stalls a worker */

struct instance *instance_stalling(const struct worker *worker)
{
	const struct stall *stall = &worker->stall;
	struct instance *instance;

	if (!stall->is_stalled || stall->busy_ns < STALL_BUSY_NS)
		return NULL;
	instance = unit_instance(worker->master, stall->activity.version,
				 stall->activity.instance);
	return instance && instance->worker == worker ? instance : NULL;
}

const struct worker *unit_stalls(const struct unit *unit)
{
	const struct master *master = unit->master;

	if (master->n_stalled > 0)
		workers_foreach (worker, master) {
			const struct instance *instance = instance_stalling(worker);

			if (instance && instance->unit == unit)
				return worker;
		}
	return NULL;
}

/* ---- finding */

struct unit *unit_find(struct master *master, const char *name)
{
	struct unit *unit;

	HASH_FIND(by_name, master->units_by_name, name, strlen(name), unit);
	return unit;
}

struct unit *unit_by_number(struct master *master, uint64_t number)
{
	const struct version *version = version_find(master, number);

	return version ? version->unit : NULL;
}

struct instance *unit_instance(struct master *master, uint64_t number, uint64_t instance)
{
	const struct version *version = version_find(master, number);
	struct unit *unit = version ? version->unit : NULL;

	return unit && instance < unit->n_instances &&
			       unit->instances[instance].version == version
		       ? &unit->instances[instance]
		       : NULL;
}

struct instance *instance_by_address(struct master *master, struct troupe_address address)
{
	struct worker *worker = worker_find(master, process_of(address));

	if (!worker || troupe_address_is_null(address))
		return NULL;
	list_each (struct instance, instance, &worker->instances, on_worker)
		if (troupe_address_equal(instance->address, address))
			return instance;
	return NULL;
}

/* ---- one instance */

void instance_clear_record(struct instance *instance)
{
	loop_timer_stop(&instance->timer);
	instance->restart = (struct restart){0};
}

void instance_fini(struct instance *instance)
{
	instance_clear_record(instance);
	list_remove(&instance->ready);
	if (instance->worker) {
		list_remove(&instance->on_worker);
		instance->worker->n_instances--;
		instance->worker = NULL;
	}
}
