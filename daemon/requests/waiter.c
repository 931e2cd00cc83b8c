#include "requests/waiter.h"

#include "base/clock.h"
#include "clients/errors.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "requests/unit_reply.h"
#include "units/stopping.h"
#include "units/unit.h"
#include "units/unit_change.h"
#include "units/unit_life.h"

/* Later than the deadline of what is waited for. */
#define START_GRACE_NS (5 * CLOCK_SECOND_NS)

struct waiter {
	struct pending pending; /* in unit->waiters */
	struct unit *unit;
	bool is_for_one;   /* of its instances: */
	uint32_t instance; /* by number, for a reload may make new ones */
	enum waiter_kind kind;
};

/* ---- what is waited for */

static bool is_starting(const struct instance *instance)
{
	return instance->state == API_STATE_STARTING || instance->comes_back;
}

static bool has_come(const struct waiter *waiter)
{
	const struct unit *unit = waiter->unit;
	const struct instance *one = NULL;

	if (waiter->is_for_one) {
		if (waiter->instance >= unit->n_instances)
			return true;
		one = &unit->instances[waiter->instance];
	}
	if (waiter->kind == WAITER_STOP)
		return one ? one->state != API_STATE_STOPPING
			   : unit->n_in[API_STATE_STOPPING] == 0;
	if (one)
		return !is_starting(one);
	if (waiter->kind == WAITER_RESTART && unit_is_changing(unit))
		return false;
	return !unit->is_resumed && unit->n_coming_back == 0 &&
	       unit->n_in[API_STATE_STARTING] == 0;
}

static void answer_spawn(struct unit *unit, struct control_call *call)
{
	enum api_state state = unit_state(unit);

	if (state == API_STATE_RUNNING || state == API_STATE_ENDED ||
	    state == API_STATE_STARTING) {
		unit_reply(unit, call, &api_spawn_method);
		return;
	}
	control_call_fail(call, &api_bad_unit_error,
			  &(struct api_bad_unit){
				  .name = unit->file.name,
				  .reason = unit->reason ? unit->reason : "it did not start",
			  });
	unit_remove(unit);
}

static void answer_stop(struct control_call *call)
{
	(void)control_call_reply(call, &api_stop_method, &(struct api_stop_out){0}, false);
}

/* The unit is there, or its time is over. */
static void answer(struct pending *pending)
{
	struct waiter *waiter = container_of(pending, struct waiter, pending);
	struct unit *unit = waiter->unit;

	if (waiter->kind == WAITER_SPAWN)
		answer_spawn(unit, pending->client);
	else if (!has_come(waiter))
		control_call_fail(pending->client, &api_timeout_error,
				  &(struct api_timeout){0});
	else if (waiter->kind == WAITER_START)
		unit_reply(unit, pending->client, &api_start_method);
	else if (waiter->kind == WAITER_RESTART)
		unit_reply(unit, pending->client, &api_restart_method);
	else
		answer_stop(pending->client);
	pending_free(pending);
}

static const struct pending_ops ops = {
	.size = sizeof(struct waiter),
	.share = SHARE_CLAIMED,
	.on_late = answer,
};

static uint64_t wait_ns(const struct unit *unit, enum waiter_kind kind)
{
	uint64_t start_ns = unit->file.life.start_timeout_ns;

	/* It ends by itself, at StopTimeout= or when all of a large pool has had its time. */
	if (kind == WAITER_STOP)
		return LIMIT_WAIT_NS;
	if (start_ns > LIMIT_WAIT_NS)
		start_ns = LIMIT_WAIT_NS;
	start_ns += START_GRACE_NS;
	if (kind == WAITER_RESTART) /* it drains before that */
		start_ns += 2 * stopping_wait_ns(unit);
	else if (unit->n_coming_back > 0 || unit->is_resumed)
		start_ns += stopping_wait_ns(unit);
	return start_ns > LIMIT_WAIT_NS ? LIMIT_WAIT_NS : start_ns;
}

void waiter_new(struct unit *unit, struct instance *instance, enum waiter_kind kind,
		struct control_call *call)
{
	struct waiter *waiter = pending_new(&ops, unit->master, call, &unit->waiters, 0);

	if (!waiter)
		return;
	waiter->unit = unit;
	waiter->is_for_one = instance;
	waiter->instance = instance ? instance->number : 0;
	waiter->kind = kind;
	loop_timer_start(&waiter->pending.timer, wait_ns(unit, kind));
	/* It may be there already. */
	unit_mark_changed(unit);
}

void waiters_check(struct unit *unit)
{
	list_each (struct waiter, waiter, &unit->waiters, pending.link)
		if (has_come(waiter))
			answer(&waiter->pending);
}

void waiters_fail(struct unit *unit)
{
	list_each (struct waiter, waiter, &unit->waiters, pending.link) {
		control_wrong_state(waiter->pending.client, unit->file.name, "removed", NULL);
		pending_free(&waiter->pending);
	}
}

void waiters_end(struct master *master)
{
	units_foreach (unit, master)
		list_each (struct waiter, waiter, &unit->waiters, pending.link) {
			if (waiter->kind == WAITER_STOP)
				continue;
			(void)control_refuses(master, waiter->pending.client);
			pending_free(&waiter->pending);
		}
}
