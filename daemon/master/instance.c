/* instance.c - one actor of a unit: started, lost, waited for, started again. */
#include "master/unit.h"

#include "base/clock.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/watch.h"
#include "master/worker.h"
#include <errno.h>
#include <string.h>

#define HEALTHY_NS (10 * CLOCK_SECOND_NS)

/* An actor that takes its worker down harms all others there: fewer such ends are borne, over a longer time. */
#define CRASH_BURST       5
#define CRASH_INTERVAL_NS (600 * CLOCK_SECOND_NS)

static bool is_at_rest(enum instance_state state)
{
	return state == INSTANCE_STOPPED || state == INSTANCE_ENDED || state == INSTANCE_FAILED;
}

void instance_set_state(struct instance *instance, enum instance_state state)
{
	struct unit *unit = instance->unit;
	enum instance_state before = instance->state;
	bool was_made = !troupe_address_is_null(instance->address);

	if (state == before)
		return;
	unit->n_in[before]--;
	unit->n_in[state]++;
	instance->state = state;
	if (state != INSTANCE_RUNNING && state != INSTANCE_STOPPING)
		instance->address = (struct troupe_address){0};
	if (before == INSTANCE_RUNNING || state == INSTANCE_RUNNING)
		unit->names_changed = true;
	if (state == INSTANCE_RUNNING)
		watch_actor(unit->master, instance, NULL);
	else if (before == INSTANCE_RUNNING && state != INSTANCE_STOPPING)
		watch_actor(unit->master, instance, unit->reason);
	else if (before == INSTANCE_STOPPING && was_made && is_at_rest(state))
		watch_actor(unit->master, instance, NULL);
	unit_mark_changed(unit);
}

/* ---- trouble */

static void begin(struct instance *instance);

static void forget_trouble(struct instance *instance)
{
	if (!instance->trouble)
		return;
	loop_timer_stop(&instance->trouble->timer);
	free(instance->trouble);
	instance->trouble = NULL;
}

void instance_fini(struct instance *instance)
{
	forget_trouble(instance);
	if (instance->worker) {
		list_remove(&instance->on_worker);
		instance->worker->n_instances--;
		instance->worker = NULL;
	}
}

/* Do what the restart engine says. */
static void follow(struct instance *instance, enum restart_action action)
{
	struct trouble *trouble = instance->trouble;
	struct unit *unit = instance->unit;
	uint64_t now = loop_clock_ns(unit->master->loop);
	uint64_t deadline = trouble->restart.deadline_ns;

	loop_timer_stop(&trouble->timer);
	if (action == RESTART_DO_START) {
		unit->restarts++;
		begin(instance);
		return;
	}
	if (action == RESTART_DO_GIVE_UP)
		log_error(&unit->master->log, "%s/%u is given up (%s): %s", unit->file.name,
			  instance->number, restart_state_name(trouble->restart.state),
			  unit->reason ? unit->reason : "it ended too often");
	switch (trouble->restart.state) {
	case RESTART_BACKOFF:
		instance_set_state(instance, INSTANCE_BACKOFF);
		if (deadline != UINT64_MAX)
			loop_timer_start(&trouble->timer, deadline > now ? deadline - now : 0);
		break;
	case RESTART_ENDED:
		instance_set_state(instance, INSTANCE_ENDED);
		break;
	case RESTART_FAILED:
	case RESTART_QUARANTINED:
		instance_set_state(instance, INSTANCE_FAILED);
		break;
	default:
		break;
	}
}

static void on_timer(struct loop_timer *timer)
{
	struct trouble *trouble = container_of(timer, struct trouble, timer);
	uint64_t now = loop_clock_ns(trouble->instance->unit->master->loop);

	follow(trouble->instance, restart_step(&trouble->restart, RESTART_TIME, now));
}

static struct trouble *get_trouble(struct instance *instance)
{
	static const enum restart_policy policies[] = {
		[UNIT_RESTART_NO] = RESTART_NEVER,
		[UNIT_RESTART_ON_FAILURE] = RESTART_ON_FAILURE,
		[UNIT_RESTART_ALWAYS] = RESTART_ALWAYS,
	};
	struct unit *unit = instance->unit;
	const struct restart_keys *keys = &unit->file.restart_keys;
	struct restart_config config = {
		.policy = policies[unit->file.restart],
		.delay_ns = keys->delay_ns,
		.delay_max_ns = keys->delay_max_ns,
		.healthy_ns = HEALTHY_NS,
		.burst = keys->burst,
		.interval_ns = keys->interval_ns,
		.crash_burst =
			keys->burst && keys->burst < CRASH_BURST ? keys->burst : CRASH_BURST,
		.crash_interval_ns = CRASH_INTERVAL_NS > keys->interval_ns ? CRASH_INTERVAL_NS
									   : keys->interval_ns,
		.start_timeout_ns = UINT64_MAX,
		.stop_timeout_ns = UINT64_MAX,
	};
	uint64_t now = loop_now_ns(unit->master->loop);
	struct trouble *trouble = instance->trouble;

	if (trouble)
		return trouble;
	trouble = calloc(1, sizeof(*trouble));
	if (!trouble)
		return NULL;
	if (keys->burst == 0)
		config.crash_burst = 0;
	trouble->instance = instance;
	restart_init(&trouble->restart, &config, random_next(&unit->master->random));
	loop_timer_init(&trouble->timer, unit->master->loop, on_timer);
	/* The engine has missed what came before, which went well. */
	(void)restart_step(&trouble->restart, RESTART_START, now);
	if (instance->state == INSTANCE_RUNNING || instance->state == INSTANCE_STOPPING)
		(void)restart_step(&trouble->restart, RESTART_STARTED, now);
	instance->trouble = trouble;
	return trouble;
}

static void feed(struct instance *instance, enum restart_event event)
{
	struct trouble *trouble;

	if (instance->unit->master->is_stopping) {
		instance_set_state(instance, INSTANCE_STOPPED);
		return;
	}
	trouble = get_trouble(instance);
	/* Without memory even for that: as if its policy were not to restart it. */
	if (!trouble) {
		instance_set_state(instance, INSTANCE_FAILED);
		return;
	}
	follow(instance, restart_step(&trouble->restart, event,
				      loop_now_ns(instance->unit->master->loop)));
}

/* ---- its life */

static void begin(struct instance *instance)
{
	struct unit *unit = instance->unit;
	int r;

	instance_set_state(instance, INSTANCE_WAITING);
	r = worker_spawn(instance->worker, instance);
	if (r == -ENOTCONN)
		return;
	/* The engine, if there is one, believes that it is starting. */
	instance_set_state(instance, INSTANCE_STARTING);
	if (r == 0)
		return;
	unit_set_reason(unit, "cannot tell worker %u to start it: %s", instance->worker->number,
			strerror(-r));
	feed(instance, RESTART_INIT_FAILED);
}

void instance_start(struct instance *instance)
{
	if (!is_at_rest(instance->state) && instance->state != INSTANCE_BACKOFF)
		return;
	forget_trouble(instance);
	begin(instance);
}

void instance_stop(struct instance *instance)
{
	struct worker_stop stop = {.actor = instance->address};

	forget_trouble(instance);
	switch (instance->state) {
	case INSTANCE_WAITING:
	case INSTANCE_BACKOFF:
	case INSTANCE_ENDED:
	case INSTANCE_FAILED:
		instance_set_state(instance, INSTANCE_STOPPED);
		break;
	case INSTANCE_STARTING:
		/* Stopped as soon as it has been made. */
		instance_set_state(instance, INSTANCE_STOPPING);
		break;
	case INSTANCE_RUNNING:
		instance_set_state(instance, INSTANCE_STOPPING);
		stop.request = (int64_t)++instance->unit->master->last_request;
		(void)worker_send(instance->worker, &worker_stop_method, &stop, -1);
		break;
	default:
		break;
	}
}

void instance_worker_up(struct instance *instance)
{
	if (instance->state == INSTANCE_WAITING)
		begin(instance);
}

void instance_worker_down(struct instance *instance, bool blamed, const char *why)
{
	struct unit *unit = instance->unit;

	instance->request = 0;
	switch (instance->state) {
	case INSTANCE_STOPPING:
		instance_set_state(instance, INSTANCE_STOPPED);
		break;
	case INSTANCE_STARTING:
	case INSTANCE_RUNNING:
		if (unit->master->is_stopping) {
			instance_set_state(instance, INSTANCE_STOPPED);
		} else if (blamed) {
			unit_set_reason(unit, "it crashed worker %u: %s",
					instance->worker->number, why);
			feed(instance, RESTART_CRASHED);
		} else {
			unit->restarts++;
			if (instance->trouble)
				(void)restart_step(&instance->trouble->restart,
						   RESTART_COLLATERAL,
						   loop_now_ns(unit->master->loop));
			instance_set_state(instance, INSTANCE_WAITING);
		}
		break;
	case INSTANCE_WAITING:
		/* Longer than was thought: it is shown as `backoff` now. */
		unit_mark_changed(unit);
		break;
	default:
		break;
	}
}

void instance_give_up(struct instance *instance)
{
	forget_trouble(instance);
	instance->request = 0;
	instance_set_state(instance, INSTANCE_FAILED);
}

void instance_started(struct instance *instance, struct troupe_address address)
{
	struct unit *unit = instance->unit;
	struct worker_stop stop = {.actor = address};

	instance->address = address;
	if (instance->state == INSTANCE_STOPPING) {
		stop.request = (int64_t)++unit->master->last_request;
		(void)worker_send(instance->worker, &worker_stop_method, &stop, -1);
		return;
	}
	if (instance->trouble)
		(void)restart_step(&instance->trouble->restart, RESTART_STARTED,
				   loop_now_ns(unit->master->loop));
	instance_set_state(instance, INSTANCE_RUNNING);
}

void instance_init_failed(struct instance *instance)
{
	if (instance->state == INSTANCE_STOPPING) {
		instance_set_state(instance, INSTANCE_STOPPED);
		return;
	}
	if (instance->state != INSTANCE_STARTING)
		return;
	log_warning(&instance->unit->master->log, "%s/%u could not be started: %s",
		    instance->unit->file.name, instance->number,
		    instance->unit->reason ? instance->unit->reason : "");
	feed(instance, RESTART_INIT_FAILED);
}

void instance_ended(struct instance *instance, enum restart_event how)
{
	if (instance->state == INSTANCE_STOPPING ||
	    (how == RESTART_ENDED_SHUTDOWN && instance->state == INSTANCE_RUNNING)) {
		instance_set_state(instance, INSTANCE_STOPPED);
		return;
	}
	if (instance->state == INSTANCE_RUNNING)
		feed(instance, how);
}
