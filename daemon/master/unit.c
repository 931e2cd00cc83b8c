#include "master/unit.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "master/listing.h"
#include "master/master.h"
#include "master/names.h"
#include "master/route.h"
#include "master/stall.h"
#include "master/version.h"
#include "master/waiter.h"
#include "master/watch.h"
#include "master/worker.h"
#include <stdarg.h>
#include <string.h>

#define REASON_MAX 2000 /* bytes */

/* ---- states */

enum unit_state instance_shown(const struct instance *instance)
{
	switch (instance->state) {
	case INSTANCE_WAITING:
		return instance->worker && instance->worker->state == WORKER_BACKOFF
			       ? UNIT_BACKOFF
			       : UNIT_STARTING;
	case INSTANCE_STARTING:
		return UNIT_STARTING;
	case INSTANCE_RUNNING:
		return stall_of_instance(instance) ? UNIT_STALLED : UNIT_RUNNING;
	case INSTANCE_BACKOFF:
		return UNIT_BACKOFF;
	case INSTANCE_DRAINING:
	case INSTANCE_STOPPING:
		return UNIT_STOPPING;
	case INSTANCE_ENDED:
		return UNIT_ENDED;
	case INSTANCE_FAILED:
		return UNIT_FAILED;
	default:
		return UNIT_STOPPED;
	}
}

enum unit_state unit_state(const struct unit *unit)
{
	/* What is most worth knowing of a pool: that one of it failed, is coming, is going... */
	if (unit->is_broken || unit->n_in[INSTANCE_FAILED] > 0)
		return UNIT_FAILED;
	if (unit->n_in[INSTANCE_BACKOFF] > 0)
		return UNIT_BACKOFF;
	if (unit->n_in[INSTANCE_STARTING] > 0)
		return UNIT_STARTING;
	if (unit->n_in[INSTANCE_WAITING] > 0)
		for (unsigned i = 0; i < unit->n_instances; i++)
			if (unit->instances[i].state == INSTANCE_WAITING)
				return instance_shown(&unit->instances[i]);
	if (unit->n_in[INSTANCE_STOPPING] + unit->n_in[INSTANCE_DRAINING] > 0)
		return UNIT_STOPPING;
	if (unit->n_in[INSTANCE_RUNNING] > 0)
		return UNIT_RUNNING;
	if (unit->n_in[INSTANCE_ENDED] > 0)
		return UNIT_ENDED;
	return UNIT_STOPPED;
}

enum unit_state unit_shown(const struct unit *unit)
{
	enum unit_state state = unit_state(unit);

	return state == UNIT_RUNNING && stall_of_unit(unit) ? UNIT_STALLED : state;
}

const char *unit_state_name(enum unit_state state)
{
	static const char *const names[] = {
		[UNIT_STARTING] = "starting", [UNIT_RUNNING] = "running",
		[UNIT_BACKOFF] = "backoff",   [UNIT_FAILED] = "failed",
		[UNIT_STOPPING] = "stopping", [UNIT_STOPPED] = "stopped",
		[UNIT_ENDED] = "ended",       [UNIT_STALLED] = "stalled",
	};

	return names[state];
}

void unit_mark_changed(struct unit *unit)
{
	listing_expire(unit->master);
	providers_expire(unit->master);
	if (!list_is_empty(&unit->changed))
		return;
	list_append(&unit->master->changed_units, &unit->changed);
	master_flush_soon(unit->master);
}

/* Workers may say anything, and the reason stands in each description of the unit. */
static void cut_text(char *text, size_t size)
{
	if (strlen(text) <= size)
		return;
	/* Not inside a character. */
	while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
		size--;
	text[size] = '\0';
}

static void set_reason(struct unit *unit, const char *format, va_list arguments)
{
	char *reason;

	if (vasprintf(&reason, format, arguments) < 0)
		return;
	cut_text(reason, REASON_MAX);
	free(unit->reason);
	unit->reason = reason;
}

void unit_set_reason(struct unit *unit, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_reason(unit, format, arguments);
	va_end(arguments);
}

void unit_break(struct unit *unit, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_reason(unit, format, arguments);
	va_end(arguments);
	unit->is_broken = true;
	if (!unit->has_bad_file) /* which is told of with all other problems of files */
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
	       (instance->state == INSTANCE_WAITING || instance->state == INSTANCE_STARTING ||
		instance->state == INSTANCE_BACKOFF);
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
	set_reason(unit, format, arguments);
	va_end(arguments);
	log_error(&unit->master->log, "unit %s has failed on worker %u: %s", unit->file.name,
		  worker->number, unit->reason ? unit->reason : "");
	for (; i < unit->n_instances; i++)
		if (is_to_start(&unit->instances[i], worker))
			instance_give_up(&unit->instances[i]);
	master_settle(unit->master);
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
	struct worker *worker = address.node == 0 && address.worker <= LIMIT_WORKERS
					? master->workers[address.worker]
					: NULL;

	if (!worker || troupe_address_is_null(address))
		return NULL;
	list_foreach (at, &worker->instances) {
		struct instance *instance = container_of(at, struct instance, on_worker);

		if (troupe_address_equal(instance->address, address))
			return instance;
	}
	return NULL;
}

/* ---- starting and stopping */

bool unit_place_or_break(struct unit *unit)
{
	int r = unit_place(unit);

	if (r == -ENOSPC)
		unit_break(unit, "Worker=own: there are %u worker processes already",
			   LIMIT_WORKERS);
	else if (r < 0)
		unit_break(unit, "Worker=own: %s", strerror(-r));
	return r == 0;
}

void unit_start(struct unit *unit)
{
	if (unit->is_removed || unit->has_bad_file)
		return;
	if (unit->next_version) {
		unit->is_resumed = true;
		unit_mark_changed(unit);
		return;
	}
	if (unit->is_broken) {
		/* What was in its way may have been mended. */
		unit_redefine(unit);
		if (unit->is_broken)
			return;
	}
	if (!unit_place_or_break(unit))
		return;
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_start(&unit->instances[i]);
	unit_mark_changed(unit);
}

void unit_stop(struct unit *unit)
{
	unit->is_resumed = false;
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_stop(&unit->instances[i]);
	unit_mark_changed(unit);
}

void unit_remove(struct unit *unit)
{
	unit->is_removed = true;
	unit_stop(unit);
}

/* ---- before the loop sleeps */

static bool is_resting(const struct unit *unit)
{
	return unit->n_in[INSTANCE_STOPPED] + unit->n_in[INSTANCE_ENDED] +
		       unit->n_in[INSTANCE_FAILED] ==
	       unit->n_instances;
}

static void flush(struct unit *unit)
{
	struct master *master = unit->master;
	enum unit_state state;

	/* Not seen as stopped by anybody when it is started again. */
	unit_go_on(unit);
	state = unit_shown(unit);
	if (names_is_between_lives(unit) != unit->told_between_lives)
		unit->names_changed = true;
	if (unit->names_changed)
		names_tell(master, unit);
	/* What once went wrong is no news of one that runs. */
	if (state == UNIT_RUNNING)
		free(take_pointer(&unit->reason));
	if (state != unit->told) {
		unit->told = state;
		watch_unit_state(&master->watchers, unit->file.name, (enum api_state)state,
				 unit->reason);
	}
	waiters_check(unit);
	route_again(unit);
	if (!is_resting(unit))
		return;
	unit_release_own(unit);
	if (unit->is_removed) {
		log_info(&master->log, "unit %s is gone", unit->file.name);
		if (unit->names_changed)
			names_forget(master, unit);
		unit_free(unit);
	} else if (unit->next_version) {
		bool is_resumed = unit->is_resumed;

		unit_renew(unit);
		unit->is_resumed = false;
		if (is_resumed && !unit->is_broken)
			unit_start(unit);
		unit_mark_changed(unit);
	}
}

void units_flush(struct master *master)
{
	bool any = !list_is_empty(&master->changed_units);

	while (!list_is_empty(&master->changed_units)) {
		struct unit *unit = list_first(&master->changed_units, struct unit, changed);

		list_remove(&unit->changed);
		flush(unit);
	}
	if (any)
		master_settle(master);
}
