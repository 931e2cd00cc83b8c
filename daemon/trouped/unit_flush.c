#include "trouped/unit_flush.h"

#include "base/cleanup.h"
#include "clients/watchers.h"
#include "master/master.h"
#include "requests/route.h"
#include "requests/waiter.h"
#include "units/names.h"
#include "units/stopping.h"
#include "units/unit.h"
#include "units/unit_change.h"
#include "units/unit_life.h"
#include "units/unit_place.h"

static bool is_resting(const struct unit *unit)
{
	return unit->n_in[API_STATE_STOPPED] + unit->n_in[API_STATE_ENDED] +
		       unit->n_in[API_STATE_FAILED] ==
	       unit->n_instances;
}

/* Answer the clients that wait for it, as it is gone; calls may find another unit. */
static void forget(struct unit *unit)
{
	waiters_fail(unit);
	unit_hide(unit);
	route_again(unit);
	unit_free(unit);
}

static void flush(struct unit *unit)
{
	struct master *master = unit->master;
	enum api_state state;

	/* First, so that one that is started again is not reported as stopped. */
	unit_go_on(unit);
	state = unit_shown(unit);
	if (names_is_between_lives(unit) != unit->sent_between_lives)
		unit->names_changed = true;
	if (unit->names_changed)
		names_send(master, unit);
	/* A unit that runs has no reason: the last failure is over. */
	if (state == API_STATE_RUNNING)
		free(take_pointer(&unit->reason));
	if (state != unit->reported) {
		unit->reported = state;
		watchers_put(master->watchers, &(struct api_watch_out){
						       .event = API_WATCH_OUT_EVENT_UNIT_STATE,
						       .unit = unit->file.name,
						       .state = &state,
						       .text = unit->reason,
					       });
	}
	stopping_watch(unit);
	waiters_check(unit);
	route_again(unit);
	if (!is_resting(unit))
		return;
	unit_release_own(unit);
	if (unit->is_removed) {
		log_info(&master->log, "unit %s is gone", unit->file.name);
		if (unit->names_changed)
			names_forget(master, unit);
		forget(unit);
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
		master_check_soon(master);
}
