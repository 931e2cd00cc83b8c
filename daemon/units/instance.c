#include "units/instance.h"

#include "base/check.h"
#include "clients/watchers.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/cause.h"
#include "units/ends.h"
#include "units/suspects.h"
#include "units/unit.h"
#include "units/unit_place.h"
#include "units/version.h"
#include "units/worker_requests.h"
#include <errno.h>
#include <string.h>

static bool is_at_rest(enum api_state state)
{
	return state == API_STATE_STOPPED || state == API_STATE_ENDED ||
	       state == API_STATE_FAILED;
}

/* Which it was asked to stop, perhaps. */
static bool has_actor(enum api_state state)
{
	return state == API_STATE_RUNNING || state == API_STATE_STOPPING;
}

bool instance_is_alive(const struct instance *instance)
{
	return has_actor(instance->state) ||
	       (instance->state == API_STATE_STARTING && !instance->is_held);
}

/* To the clients that watch. cause: 0: it has started; text: of an end. */
static void report(const struct instance *instance, enum troupe_cause cause, const char *text)
{
	int64_t worker = instance->worker ? instance->worker->number : 0;
	struct api_watch_out event = {
		.event = cause ? API_WATCH_OUT_EVENT_ACTOR_ENDED
			       : API_WATCH_OUT_EVENT_ACTOR_STARTED,
		.unit = instance->unit->file.name,
		.instance = &(int64_t){instance->number},
		.worker = worker ? &worker : NULL,
		.state = &(enum api_state){instance_shown(instance)},
		.cause = cause ? cause_name(cause) : NULL,
		.text = text,
	};

	watchers_put(instance->unit->master->watchers, &event);
}

/* It was alive. */
static void publish_end(struct instance *instance, const struct end *end, bool was_made)
{
	char text[ENDS_TEXT];

	ends_log(instance, end);
	if (was_made && watchers_any(instance->unit->master->watchers)) {
		ends_print(instance, end, text, sizeof(text));
		report(instance, end->cause, text);
	}
	instance->since_ns = 0;
}

/* end: why it ends, if it does. */
static void change_state(struct instance *instance, enum api_state state, bool is_held,
			 const struct end *end)
{
	struct unit *unit = instance->unit;
	enum api_state before = instance->state;
	bool was_alive = instance_is_alive(instance);
	bool was_made = !troupe_address_is_null(instance->address);

	if (state == before && is_held == instance->is_held)
		return;
	unit->n_in[before]--;
	unit->n_waiting -= instance_waits(instance);
	instance->state = state;
	instance->is_held = is_held;
	unit->n_in[state]++;
	unit->n_waiting += instance_waits(instance);
	list_remove(&instance->ready);
	if (state == API_STATE_STOPPED && instance->comes_back)
		list_append(&unit->ready, &instance->ready);
	if (!has_actor(state))
		instance->address = (struct troupe_address){0};
	if (before == API_STATE_RUNNING || state == API_STATE_RUNNING)
		unit->names_changed = true;
	if (state == API_STATE_RUNNING) {
		instance->since_ns = loop_now_ns(unit->master->loop);
		report(instance, 0, NULL);
	}
	if (was_alive && !instance_is_alive(instance))
		publish_end(instance, end, was_made);
	unit_mark_changed(unit);
}

void instance_set_state(struct instance *instance, enum api_state state)
{
	static const struct end asked_for = {.cause = TROUPE_CAUSE_SHUTDOWN};

	change_state(instance, state, false, &asked_for);
}

/* ---- its restarts */

static void begin(struct instance *instance);

static void on_timer(struct loop_timer *timer)
{
	struct instance *instance = container_of(timer, struct instance, timer);

	instance->unit->restarts++;
	begin(instance);
}

void instance_init(struct instance *instance, struct unit *unit, uint32_t number)
{
	instance->unit = unit;
	instance->version = version_ref(unit->version);
	instance->number = number;
	instance->state = API_STATE_STOPPED;
	list_init(&instance->on_worker);
	list_init(&instance->ready);
	loop_timer_init(&instance->timer, unit->master->loop, on_timer);
}

static void give_up(struct instance *instance, const char *how, const struct end *end)
{
	ends_log_given_up(instance, how);
	change_state(instance, API_STATE_FAILED, false, end);
}

/* It ended, by itself or with its worker: what next? */
static void decide(struct instance *instance, const struct end *end)
{
	struct unit *unit = instance->unit;
	struct master *master = unit->master;
	struct restart_rules rules = life_keys_restart(&unit->file.life, unit->file.restart);
	uint64_t life_ns =
		instance->since_ns ? loop_now_ns(master->loop) - instance->since_ns : 0;

	if (master->is_stopping) {
		change_state(instance, API_STATE_STOPPED, false, end);
		return;
	}
	switch (restart_decide(&instance->restart, &rules, end->cause, life_ns, &master->random,
			       &instance->wait_ns)) {
	case RESTART_NOW:
		/* Its worker will be up again soon. */
		unit->restarts++;
		change_state(instance, API_STATE_STARTING, true, end);
		break;
	case RESTART_LATER:
		change_state(instance, API_STATE_BACKOFF, false, end);
		loop_timer_start(&instance->timer, instance->wait_ns);
		break;
	case RESTART_LEAVE:
		change_state(instance, API_STATE_ENDED, false, end);
		break;
	case RESTART_QUARANTINE:
		give_up(instance, "quarantined", end);
		break;
	case RESTART_GIVE_UP:
		give_up(instance, "failed", end);
		break;
	}
}

/* With the unit's reason. */
static void fail_to_start(struct instance *instance)
{
	decide(instance, &(struct end){TROUPE_CAUSE_FAILED, instance->unit->reason, false});
}

/* ---- its life */

static void begin(struct instance *instance)
{
	struct unit *unit = instance->unit;
	int r;

	change_state(instance, API_STATE_STARTING, true, NULL);
	instance_find_place(instance);
	if (!suspects_admit(instance->worker, instance))
		return;
	r = worker_spawn(instance->worker, instance);
	if (r == -ENOTCONN)
		return;
	instance_set_state(instance, API_STATE_STARTING);
	if (r == 0)
		return;
	unit_set_reason(unit, "cannot ask worker %u to start it: %s", instance->worker->number,
			strerror(-r));
	fail_to_start(instance);
}

static void set_comes_back(struct instance *instance, bool comes_back)
{
	if (instance->comes_back == comes_back)
		return;
	instance->comes_back = comes_back;
	list_remove(&instance->ready);
	instance->unit->n_coming_back += comes_back ? 1u : -1u;
	instance->unit->master->n_changes++;
}

void instance_take_version(struct instance *instance)
{
	struct version *old = instance->version;

	if (old == instance->unit->version)
		return;
	instance->version = version_ref(instance->unit->version);
	version_unref(old);
	/* Its calls, if any are left, are the old one's. */
	instance->outstanding = 0;
}

void instance_start(struct instance *instance)
{
	if (instance->state == API_STATE_STOPPING) {
		set_comes_back(instance, true);
		return;
	}
	if (!is_at_rest(instance->state) && instance->state != API_STATE_BACKOFF)
		return;
	set_comes_back(instance, false);
	instance_clear_record(instance);
	instance_take_version(instance);
	begin(instance);
}

static void begin_stop(struct instance *instance, bool drain)
{
	change_state(instance, API_STATE_STOPPING, drain, NULL);
	instance->stop_ns = master_awake_ns(instance->unit->master);
	worker_look_for_progress(instance->worker);
	/* One that is being started is stopped as soon as it has been made. */
	if (!troupe_address_is_null(instance->address))
		worker_send_stop(instance->worker, instance->address, drain);
}

static void stop(struct instance *instance)
{
	instance_clear_record(instance);
	if (!instance_is_alive(instance)) {
		instance_set_state(instance, API_STATE_STOPPED);
		return;
	}
	if (instance->state != API_STATE_STOPPING || instance->is_held)
		begin_stop(instance, false);
}

void instance_stop(struct instance *instance)
{
	set_comes_back(instance, false);
	stop(instance);
}

void instance_drain(struct instance *instance)
{
	check(instance->state == API_STATE_RUNNING);
	instance_clear_record(instance);
	begin_stop(instance, true);
}

void instance_replace(struct instance *instance, bool drain)
{
	if (instance->state == API_STATE_STOPPED || instance->state == API_STATE_ENDED)
		return;
	set_comes_back(instance, true);
	if (instance->state == API_STATE_RUNNING && drain)
		instance_drain(instance);
	else if (!instance_drains(instance) || !drain)
		stop(instance);
	unit_mark_changed(instance->unit);
}

void instance_worker_up(struct instance *instance)
{
	if (instance_waits(instance))
		begin(instance);
}

void instance_worker_away(struct instance *instance)
{
	const struct worker *worker;
	char text[CRASH_TEXT];

	if (!instance_waits(instance))
		return;
	begin(instance);
	worker = instance->worker;
	/* It went nowhere else. */
	if (!instance_waits(instance) || !worker->is_away)
		return;
	if (!worker->has_crashed) {
		unit_set_reason(instance->unit, "worker %u cannot be started", worker->number);
		return;
	}
	crash_print(&worker->crash, text, sizeof(text));
	unit_set_reason(instance->unit, "worker %u does not stay up: %s", worker->number, text);
}

void instance_worker_down(struct instance *instance, bool blamed, const char *why)
{
	struct unit *unit = instance->unit;
	bool is_stopping = instance->state == API_STATE_STOPPING;
	/* For what it did, or because it did not stop in time. */
	bool killed =
		instance->worker->killed_why && (blamed || (is_stopping && !instance->is_held));
	const struct end end = {
		.cause = killed   ? TROUPE_CAUSE_KILLED
			 : blamed ? TROUPE_CAUSE_CRASHED
				  : TROUPE_CAUSE_COLLATERAL,
		.text = killed ? instance->worker->killed_why : why,
		/* of those that are all blamed at once a few are enough */
		.must_log = blamed && !unit->is_pinned,
	};

	instance->request = 0;
	if (is_stopping) {
		change_state(instance, API_STATE_STOPPED, false, &end);
	} else if (instance_waits(instance)) {
		/* Longer than was thought: it is shown as `backoff` now. */
		unit_mark_changed(unit);
	} else if (instance_is_alive(instance) ||
		   (blamed && instance->state == API_STATE_BACKOFF)) {
		/* One in backoff, too: a whole unit is blamed, and it would have been there. */
		if (!blamed && unit->file.restart == RESTART_NEVER)
			unit_set_reason(unit,
					"worker %u died, not by its fault, and Restart=no: %s",
					instance->worker->number, why);
		decide(instance, &end);
	}
}

void instance_give_up(struct instance *instance)
{
	instance_clear_record(instance);
	instance->request = 0;
	change_state(instance, API_STATE_FAILED, false,
		     &(struct end){TROUPE_CAUSE_FAILED, instance->unit->reason, false});
}

void instance_started(struct instance *instance, struct troupe_address address)
{
	instance->address = address;
	if (instance->state == API_STATE_STOPPING) {
		worker_send_stop(instance->worker, instance->address, false);
		return;
	}
	instance_set_state(instance, API_STATE_RUNNING);
}

void instance_init_failed(struct instance *instance)
{
	instance->request = 0;
	if (instance->state == API_STATE_STOPPING)
		instance_set_state(instance, API_STATE_STOPPED);
	else if (instance->state == API_STATE_STARTING)
		fail_to_start(instance);
}

void instance_ended(struct instance *instance, enum troupe_cause cause, const char *text)
{
	const struct end end = {.cause = cause, .text = text};

	instance->worker->progress_ns = master_awake_ns(instance->unit->master);
	if (instance->state == API_STATE_STOPPING ||
	    (cause == TROUPE_CAUSE_SHUTDOWN && instance->state == API_STATE_RUNNING))
		change_state(instance, API_STATE_STOPPED, false, &end);
	else if (instance->state == API_STATE_RUNNING)
		decide(instance, &end);
}
