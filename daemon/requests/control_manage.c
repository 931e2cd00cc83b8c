/* control_manage.c - changing what runs. */
#include "clients/errors.h"
#include "requests/control_handlers.h"
#include "requests/relays.h"

#include "clients/shares.h"
#include "config/spawn.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/address.h"
#include "requests/resolve.h"
#include "requests/shutdown.h"
#include "requests/stop_actor.h"
#include "requests/waiter.h"
#include "units/instance.h"
#include "units/unit.h"
#include "units/unit_change.h"
#include "units/unit_life.h"
#include "units/version.h"
#include <errno.h>
#include <string.h>

/* ---- Spawn */

static void fail_spawn(struct control_call *call, const struct api_spawn *spawn, bool is_plugin,
		       const char *reason)
{
	if (is_plugin)
		control_call_fail(call, &api_no_such_plugin_error,
				  &(struct api_no_such_plugin){.plugin = spawn->plugin,
							       .reason = reason});
	else
		control_call_fail(
			call, &api_bad_unit_error,
			&(struct api_bad_unit){.name = spawn->name, .reason = reason});
}

static void spawn_unit(struct master *master, struct control_call *call,
		       const struct api_spawn *spawn, struct unit_file *file,
		       struct problems *problems)
{
	struct unit *unit;
	/* The unit's reason names its problems. */
	int r = unit_new(master, file, spawn->config ? spawn->config : "", false, problems,
			 &unit);

	if (r < 0) {
		fail_spawn(call, spawn, false,
			   r == -ENOSPC ? "there are too many units" : strerror(-r));
		return;
	}
	if (!unit->is_broken)
		unit_start(unit);
	if (unit->is_broken) {
		fail_spawn(call, spawn, !unit->version->deployment,
			   unit->reason ? unit->reason : "");
		unit_remove(unit);
		return;
	}
	waiter_new(unit, NULL, WAITER_SPAWN, call);
}

void control_on_spawn(void *context, struct control_call *call, const void *in)
{
	const struct api_spawn *spawn = in;
	struct master *master = context;
	struct unit_file file = {0};
	struct problems problems = {0};
	int r;

	if (!control_begins_change(master, call))
		return;
	if (unit_find(master, spawn->name)) {
		control_call_fail(call, &api_name_taken_error,
				  &(struct api_name_taken){.name = spawn->name});
		return;
	}
	r = spawn_define(&file, spawn, &master->settings, &master->path, &problems);
	if (r == 0) {
		spawn_unit(master, call, spawn, &file, &problems);
		unit_file_fini(&file);
	} else if (problems.n > 0) {
		fail_spawn(call, spawn, r == -ENOENT, problems.items[0].message);
	} else {
		fail_spawn(call, spawn, false, strerror(-r));
	}
	problems_fini(&problems);
}

/* ---- Start and Stop */

/* instance: only that one, or NULL. */
static void start_unit(struct unit *unit, struct instance *instance)
{
	/* One that is changed as a whole starts as a whole. */
	if (!instance || unit->next_version || unit->is_broken)
		unit_start(unit);
	else if (unit_place_or_break(unit))
		instance_start(instance);
}

/* What is to run: the unit, or (not NULL) an instance of it. NULL: the call was answered; it
 * cannot run when it is going, or its file could not be read. */
static struct unit *begin_start(struct master *master, struct control_call *call,
				const char *name, struct instance **ret_instance)
{
	struct unit *unit = control_begins_change(master, call)
				    ? resolve_unit(master, call, name, ret_instance)
				    : NULL;

	if (!unit || (!unit->is_removed && !unit->has_bad_file))
		return unit;
	control_wrong_state(call, name, api_state_type.names[unit_state(unit)],
			    unit->has_bad_file ? unit->reason : NULL);
	return NULL;
}

void control_on_start(void *context, struct control_call *call, const void *in)
{
	const struct api_start *start = in;
	struct instance *instance;
	struct unit *unit = begin_start(context, call, start->name, &instance);

	if (!unit)
		return;
	start_unit(unit, instance);
	waiter_new(unit, instance, WAITER_START, call);
}

void control_on_stop(void *context, struct control_call *call, const void *in)
{
	const struct api_stop *stop = in;
	struct master *master = context;
	struct instance *instance;
	struct unit *unit;
	struct troupe_address address;
	struct relay_target target;

	if (control_call_claim(call, SHARE_CHANGES, 0) < 0) {
		control_overloaded(call);
		return;
	}
	if (address_parse(stop->name, &address) == 0) {
		instance = instance_by_address(master, address);
		if (!instance) {
			if (resolve_name(master, call, stop->name, &target) == RESOLVE_THERE)
				stop_actor(master, call, target.worker, address, stop->name);
			return;
		}
		unit = instance->unit;
	} else {
		unit = resolve_unit(master, call, stop->name, &instance);
	}
	if (!unit)
		return;
	if (instance)
		instance_stop(instance);
	else if (unit->is_configured)
		unit_stop(unit);
	else
		unit_remove(unit); /* a spawned one lives until it is stopped */
	waiter_new(unit, instance, WAITER_STOP, call);
}

void control_on_restart(void *context, struct control_call *call, const void *in)
{
	const struct api_restart *restart = in;
	struct instance *instance;
	struct unit *unit = begin_start(context, call, restart->name, &instance);

	if (!unit)
		return;
	/* One that is changed as a whole is restarted as a whole. */
	if (instance && !unit->next_version) {
		instance_replace(instance, true);
	} else if (!instance && !unit->is_broken && unit_restart(unit, NULL, NULL) < 0) {
		control_overloaded(call);
		return;
	}
	/* What did not run. */
	start_unit(unit, instance);
	waiter_new(unit, instance, WAITER_RESTART, call);
}

/* ---- the daemon */

void control_on_shutdown(void *context, struct control_call *call, const void *in)
{
	struct master *master = context;

	(void)in;
	(void)control_call_reply(call, &api_shutdown_method, &(struct api_shutdown_out){0},
				 false);
	if (!master->is_stopping)
		master_stop(master);
}
