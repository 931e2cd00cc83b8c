#include "units/reload.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "clients/watchers.h"
#include "config/defaults.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/worker.h"
#include "units/instance.h"
#include "units/unit.h"
#include "units/unit_change.h"
#include "units/unit_life.h"
#include "units/version.h"
#include "units/version_sockets.h"
#include <errno.h>
#include <string.h>

static void add_name(struct reload_names *names, const char *name)
{
	/* A name that is missing from the answer does not matter so much. */
	(void)texts_add(&names->names, &names->n, name);
}

void reload_result_fini(struct reload_result *result)
{
	texts_free(result->started.names, result->started.n);
	texts_free(result->restarted.names, result->restarted.n);
	texts_free(result->stopped.names, result->stopped.n);
	texts_free(result->changed.names, result->changed.n);
	texts_free(result->applied.names, result->applied.n);
	texts_free(result->pending.names, result->pending.n);
	problems_fini(&result->problems);
}

/* Log it, and keep for Status what was found in the same files. */
static void publish(struct master *master, const struct problems *found, struct problems *kept)
{
	problems_fini(kept);
	problems_append(kept, found);
	problems_log(found, &master->log);
}

/* Whether the plug-in's file is the one that the unit's actors were made of. */
static bool has_same_plugin(const struct unit *unit, const struct unit_file *file,
			    struct reload_result *result)
{
	char why[VERSION_WHY_MAX];
	int r = version_is_up_to_date(unit->version, why);

	/* Not a reason to stop what runs well of its copy. */
	if (r < 0)
		(void)problems_add(&result->problems, file->plugin_file, file->plugin_line,
				   "%s goes on with its plug-in as it was: %s", unit->file.name,
				   why);
	return r != 0;
}

/* By an operator, or by itself: a new definition is no reason to start it. */
static bool is_down(enum api_state state)
{
	return state == API_STATE_STOPPED || state == API_STATE_ENDED;
}

/* What has changed needs no new actors. */
static void apply_in_place(struct unit *unit, struct unit_file *file,
			   struct reload_result *result)
{
	bool has_failed = unit->n_in[API_STATE_FAILED] > 0;

	add_name(has_failed ? &result->started : &result->changed, unit->name);
	unit_change(unit, file);
	for (unsigned i = 0; has_failed && i < unit->n_instances; i++)
		if (unit->instances[i].state == API_STATE_FAILED && unit_place_or_break(unit))
			instance_start(&unit->instances[i]);
}

static int apply_anew(struct unit *unit, struct unit_file *file, struct reload_result *result)
{
	enum api_state state = unit_state(unit);
	char why[VERSION_WHY_MAX];
	struct version *version;
	int r = version_new(unit, file, NULL, &version, why, &result->problems);

	/* Wrong, and noted: what runs goes on as it is. */
	if (r == -EINVAL) {
		version_unref(version);
		if (unit->is_broken)
			unit_stay_broken(unit, file, why);
		return 0;
	}
	if (r < 0)
		return r;
	r = unit_restart(unit, file, version);
	if (r < 0) {
		version_unref(version);
		return r;
	}
	add_name(state == API_STATE_FAILED                   ? &result->started
		 : unit_is_changing(unit) && !is_down(state) ? &result->restarted
							     : &result->changed,
		 unit->name);
	return 0;
}

static int apply_to(struct unit *unit, struct unit_file *file, struct reload_result *result)
{
	struct unit_file *before = unit->next_file ? unit->next_file : &unit->file;
	enum conf_change change = unit_file_compare(before, file);

	if (!unit->is_configured)
		return problems_add(
			&result->problems, file->file, 0,
			"an operator has spawned a unit of that name: stop it first");
	if (unit->is_broken || unit->is_removed || change == CONF_RESTART ||
	    (unit->next_file && change != CONF_SAME) ||
	    !version_sockets_are_there(unit->version) || !has_same_plugin(unit, file, result))
		return apply_anew(unit, file, result);
	if (change != CONF_SAME)
		apply_in_place(unit, file, result);
	return 0;
}

static int apply_file(struct master *master, const struct conf_files *files,
		      struct reload_result *result, bool is_first)
{
	struct unit *unit = unit_find(master, files->name);
	struct unit_file file = {0};
	size_t n_before = result->problems.n;
	char reason[1024] = "its file is wrong";
	int r = unit_file_load(&file, files, &master->settings, &master->path,
			       &result->problems);

	if (r == -EINVAL && !unit) {
		if (result->problems.n > n_before)
			problem_print(&result->problems.items[n_before], reason,
				      sizeof(reason));
		r = unit_new_broken(master, files->name, files->fragment, reason, &unit);
	} else if (r == -EINVAL) {
		r = 0; /* it goes on as it is */
	} else if (r == 0 && unit) {
		r = apply_to(unit, &file, result);
		if (r == -EINVAL)
			r = 0;
	} else if (r == 0) {
		r = unit_new(master, &file, NULL, true, &result->problems, &unit);
		if (r == -ENOSPC) {
			(void)problems_add(&result->problems, files->fragment, 0,
					   "there are %u units already", LIMIT_UNITS);
			r = 0;
		} else if (r == 0 && !unit->is_broken && !is_first) {
			add_name(&result->started, files->name);
			unit_start(unit);
		}
	}
	unit_file_fini(&file);
	return r;
}

static bool has_files(const struct conf_files *files, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].name, name) == 0)
			return true;
	return false;
}

static void remove_others(struct master *master, const struct conf_files *files, size_t n,
			  struct reload_result *result)
{
	units_foreach (unit, master)
		if (unit->is_configured && !unit->is_removed &&
		    !has_files(files, n, unit->file.name)) {
			add_name(&result->stopped, unit->file.name);
			unit_remove(unit);
		}
}

/* An interface with two defaults has none: note each as a problem. */
static int check_defaults(struct master *master, struct problems *problems)
{
	struct default_claims claims = {0};
	int r = 0;

	units_foreach (unit, master) {
		const struct unit_file *file = unit->next_file ? unit->next_file : &unit->file;
		const struct plugin_actor *type =
			(unit->next_version ? unit->next_version : unit->version)->type;

		if (file->is_default && !unit->is_removed && type && r == 0)
			r = defaults_add(&claims, type->interfaces, type->n_interfaces,
					 unit->name, file->file);
	}
	defaults_check(&claims, problems);
	defaults_fini(&claims);
	return r;
}

static bool is_listed(struct master *master, const char *name)
{
	units_foreach (unit, master) {
		const struct conf_list *names =
			&(unit->next_file ? unit->next_file : &unit->file)->sockets;

		for (size_t i = 0; !unit->is_removed && i < names->n; i++)
			if (strcmp(names->words[i], name) == 0)
				return true;
	}
	return false;
}

/* Who connects there would wait for ever. */
static void warn_of_unlisted(struct master *master)
{
	for (unsigned i = 0; i < master->sockets.n; i++) {
		const struct socket_named *socket = &master->sockets.items[i];

		if (!is_listed(master, socket->name))
			log_warning(
				&master->log,
				"the socket %s (%s) was handed in, but no unit that could be "
				"read lists it: Sockets=%s in its [Actor] gives it to one",
				socket->name, socket->place, socket->name);
	}
}

static int apply_units(struct master *master, struct reload_result *result, bool is_first)
{
	struct conf_files *files = NULL;
	size_t n = 0;
	int r = conf_path_units(&master->path, &files, &n, &result->problems);

	if (r < 0)
		return r;
	/* What could not be read may be there all the same. */
	if (!is_first && result->problems.n + result->problems.n_lost == 0)
		remove_others(master, files, n, result);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = apply_file(master, &files[i], result, is_first);
	conf_units_free(files, n);
	if (r < 0)
		return r;
	warn_of_unlisted(master);
	return check_defaults(master, &result->problems);
}

int reload_first(struct master *master)
{
	struct reload_result result = {0};
	int r;

	r = apply_units(master, &result, true);
	publish(master, &result.problems, &master->problems);
	reload_result_fini(&result);
	return r;
}

/* A key of trouped.conf: whether it is in force now, or fixed while the daemon runs. */
static void on_change(void *context, const struct conf_key *key)
{
	struct reload_result *result = context;

	add_name(key->change == CONF_RESTART ? &result->pending : &result->applied, key->name);
}

int reload_run(struct master *master, struct reload_result *ret_result)
{
	struct reload_result *result = ret_result;
	struct problems conf_problems = {0};
	struct settings settings;
	char text[160];
	int r;

	*result = (struct reload_result){0};
	notify_reloading(&master->notify);
	r = settings_load(&settings, &master->path, &master->settings, &conf_problems);
	publish(master, &conf_problems, &master->conf_problems);
	if (r == 0) {
		settings_keep(&master->settings, &settings, on_change, result);
		settings_fini(&master->settings);
		master->settings = settings;
		master->log.level = settings.log_level;
		workers_foreach (worker, master)
			worker_reconfigure(worker);
		r = apply_units(master, result, false);
		publish(master, &result->problems, &master->problems);
	}
	problems_append(&result->problems, &conf_problems);
	problems_fini(&conf_problems);
	(void)snprintf(text, sizeof(text),
		       "%zu units started, %zu restarted, %zu changed, %zu stopped, "
		       "%zu problems",
		       result->started.n, result->restarted.n, result->changed.n,
		       result->stopped.n, result->problems.n + result->problems.n_lost);
	log_notice(&master->log, r < 0 ? "reload failed: %s" : "reloaded: %s", text);
	for (size_t i = 0; i < result->pending.n; i++)
		log_notice(&master->log, "%s= has changed, which needs a restart of the daemon",
			   result->pending.names[i]);
	watchers_put(
		master->watchers,
		&(struct api_watch_out){.event = API_WATCH_OUT_EVENT_RELOADED, .text = text});
	master->must_notify = true;
	master_check_soon(master);
	return r;
}
