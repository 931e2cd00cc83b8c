#include "units/unit_life.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/ends.h"
#include "units/instance.h"
#include "units/stopping.h"
#include "units/unit.h"
#include "units/unit_place.h"
#include "units/version.h"
#include <errno.h>
#include <string.h>

/* ---- how it stops: by order, because it cannot run */

void unit_break(struct unit *unit)
{
	unit->is_broken = true;
	if (!unit->has_bad_file) /* which is logged with all other problems of files */
		log_error(&unit->master->log, "unit %s has failed: %s", unit->file.name,
			  unit->reason ? unit->reason : "");
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_stop(&unit->instances[i]);
	unit_mark_changed(unit);
	master_check_soon(unit->master);
}

/* -EAGAIN: what it needs is not there, and why was reported before. */
static bool may_pass(int64_t error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -EAGAIN;
}

/* Those in backoff try it again by themselves, if there is a use in it. */
static bool is_to_start(const struct instance *instance, const struct worker *worker,
			int64_t error)
{
	return instance->worker == worker &&
	       (instance->state == API_STATE_STARTING ||
		(instance->state == API_STATE_BACKOFF && !may_pass(error)));
}

void unit_fail_on(struct unit *unit, const struct worker *worker, const char *what,
		  const char *why, int64_t error)
{
	unsigned i = 0;

	while (i < unit->n_instances && !is_to_start(&unit->instances[i], worker, error))
		i++;
	if (i == unit->n_instances)
		return;
	unit_set_reason(unit, "%s%s%s", what ? what : "", what ? ": " : "", why);
	if (!may_pass(error))
		log_error(&unit->master->log, "unit %s has failed on worker %u: %s",
			  unit->file.name, worker->number, unit->reason ? unit->reason : "");
	for (; i < unit->n_instances; i++) {
		struct instance *instance = &unit->instances[i];

		if (!is_to_start(instance, worker, error))
			continue;
		if (may_pass(error))
			instance_init_failed(instance);
		else
			instance_give_up(instance);
	}
	master_check_soon(unit->master);
}

void units_fail_on(struct worker *worker, uint32_t deployment, const char *why, int64_t error)
{
	units_foreach (unit, worker->master)
		if (version_is_of(unit->version, deployment))
			unit_fail_on(unit, worker, unit->file.plugin, why, error);
}

void unit_stop(struct unit *unit)
{
	unit->is_resumed = false;
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_stop(&unit->instances[i]);
	unit_mark_changed(unit);
}

/* ---- from a definition to a unit that can run */

static int make_instances(struct unit *unit)
{
	unit->instances = calloc(unit->file.instances, sizeof(*unit->instances));
	if (!unit->instances)
		return -ENOMEM;
	unit->n_instances = unit->replaced = unit->file.instances;
	unit->n_in[API_STATE_STOPPED] = unit->n_instances;
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_init(&unit->instances[i], unit, i);
	return 0;
}

/* Make its instances, or mark the unit broken, with the reason. r, why: of version_new(). */
static void finish_define(struct unit *unit, int r, const char *why)
{
	unit->is_broken = false;
	unit->master->n_changes++;
	if (r < 0)
		unit_set_reason(unit, "%s", r == -EINVAL ? why : strerror(-r));
	else if (make_instances(unit) < 0)
		unit_set_reason(unit, "no memory for %u instances", unit->file.instances);
	else
		return;
	unit_break(unit);
}

static void drop_instances(struct unit *unit)
{
	for (unsigned i = 0; i < unit->n_instances; i++) {
		instance_fini(&unit->instances[i]);
		version_unref(unit->instances[i].version);
	}
	free(unit->instances);
	unit->instances = NULL;
	unit->n_instances = unit->n_coming_back = unit->replaced = unit->n_waiting = 0;
	memset(unit->n_in, 0, sizeof(unit->n_in));
	unit->next = 0;
}

static int add_unit(struct master *master, struct unit_file *file, bool is_configured,
		    struct unit **ret_unit)
{
	struct unit *unit;

	if (HASH_CNT(by_name, master->units_by_name) >= LIMIT_UNITS)
		return -ENOSPC;
	unit = calloc(1, sizeof(*unit));
	if (!unit)
		return -ENOMEM;
	unit->name = strdup(file->name);
	if (unit->name)
		HASH_ADD_KEYPTR(by_name, master->units_by_name, unit->name, strlen(unit->name),
				unit);
	if (!unit->by_name.tbl) {
		free(unit->name);
		free(unit);
		return -ENOMEM;
	}
	unit->master = master;
	unit->file = *file;
	*file = (struct unit_file){0};
	unit->is_configured = is_configured;
	master->n_changes++;
	unit->reported = API_STATE_STOPPED;
	rate_limit_init(&unit->ends, ENDS_INTERVAL_NS, ENDS_BURST);
	rate_limit_init(&unit->given_up, ENDS_INTERVAL_NS, ENDS_BURST);
	list_init(&unit->ready);
	list_init(&unit->changed);
	list_init(&unit->waiters);
	list_init(&unit->calls);
	stopping_init(unit);
	*ret_unit = unit;
	return 0;
}

int unit_new(struct master *master, struct unit_file *file, const char *config,
	     bool is_configured, struct problems *problems, struct unit **ret_unit)
{
	char why[VERSION_WHY_MAX];
	struct unit *unit;
	int r = add_unit(master, file, is_configured, &unit);

	if (r < 0)
		return r;
	r = version_new(unit, &unit->file, config, &unit->version, why, problems);
	if (r < 0 && r != -EINVAL) {
		unit_free(unit);
		return r;
	}
	finish_define(unit, r, why);
	*ret_unit = unit;
	return 0;
}

int unit_new_broken(struct master *master, const char *name, const char *file,
		    const char *reason, struct unit **ret_unit)
{
	struct unit_file empty = {
		.name = strdup(name), .file = strdup(file), .plugin = strdup("")};
	struct unit *unit = NULL;
	char why[VERSION_WHY_MAX];
	int r = empty.name && empty.file && empty.plugin ? add_unit(master, &empty, true, &unit)
							 : -ENOMEM;

	if (r == 0)
		r = version_new(unit, NULL, NULL, &unit->version, why, NULL);
	if (r < 0) {
		unit_free(unit);
		unit_file_fini(&empty);
		return r;
	}
	unit->has_bad_file = true;
	unit_set_reason(unit, "%s", reason);
	unit_break(unit);
	*ret_unit = unit;
	return 0;
}

static void forget_next(struct unit *unit)
{
	if (unit->next_file)
		unit_file_fini(unit->next_file);
	free(take_pointer(&unit->next_file));
	version_unref(take_pointer(&unit->next_version));
}

void unit_hide(struct unit *unit)
{
	if (!unit->by_name.tbl)
		return;
	HASH_DELETE(by_name, unit->master->units_by_name, unit);
	unit->by_name.tbl = NULL;
	unit->master->n_changes++;
}

void unit_free(struct unit *unit)
{
	if (!unit)
		return;
	ends_flush(unit);
	unit_release_own(unit);
	stopping_fini(unit);
	drop_instances(unit);
	list_remove(&unit->changed);
	unit_hide(unit);
	forget_next(unit);
	version_unref(unit->version);
	unit_file_fini(&unit->file);
	free(unit->reason);
	free(unit->name);
	free(unit);
}

/* Try again to make of its file what broke it. */
static void redefine(struct unit *unit)
{
	struct version *version = NULL;
	char why[VERSION_WHY_MAX];
	struct problems problems = {0};
	int r;

	/* A spawned one has its configuration from the client that spawned it. */
	r = version_new(unit, &unit->file, unit->is_configured ? NULL : unit->version->config,
			&version, why, &problems);
	problems_log(&problems, &unit->master->log);
	problems_fini(&problems);
	drop_instances(unit);
	if (version) {
		version_unref(unit->version);
		unit->version = version;
	}
	finish_define(unit, r, why);
}

void unit_renew(struct unit *unit)
{
	bool has_ended = unit->n_instances > 0 &&
			 unit->n_in[API_STATE_ENDED] == unit->n_instances && !unit->is_resumed;

	unit_release_own(unit);
	drop_instances(unit);
	if (unit->next_file) {
		unit_file_fini(&unit->file);
		unit->file = *unit->next_file;
		free(take_pointer(&unit->next_file));
		unit->has_bad_file = false;
	}
	version_unref(unit->version);
	unit->version = take_pointer(&unit->next_version);
	free(take_pointer(&unit->reason));
	finish_define(unit, 0, NULL);
	for (unsigned i = 0; has_ended && i < unit->n_instances; i++)
		instance_set_state(&unit->instances[i], API_STATE_ENDED);
}

/* ---- to run */

bool unit_place_or_break(struct unit *unit)
{
	char why[VERSION_WHY_MAX];
	int r = version_make_state(unit->version, why);

	if (r < 0) {
		unit_set_reason(unit, "%s", why);
	} else {
		r = unit_place(unit);
		if (r == -ENOSPC)
			unit_set_reason(unit,
					"Worker=own: there are %u worker processes already",
					LIMIT_WORKERS);
		else if (r < 0)
			unit_set_reason(unit, "Worker=own: %s", strerror(-r));
	}
	if (r < 0)
		unit_break(unit);
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
		redefine(unit);
		if (unit->is_broken)
			return;
	}
	if (!unit_place_or_break(unit))
		return;
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_start(&unit->instances[i]);
	unit_mark_changed(unit);
}

void unit_remove(struct unit *unit)
{
	unit->is_removed = true;
	unit_stop(unit);
}
