#include "master/waiter.h"

#include "base/clock.h"
#include "base/text.h"
#include "io.troupe.Control.varlink.h"
#include "master/describe.h"
#include "master/master.h"
#include "master/refusal.h"
#include "master/stopping.h"
#include "master/unit.h"
#include "master/unit_reply.h"
#include "master/worker.h"

/* Later than the deadline of what is waited for. */
#define START_GRACE_NS (5 * CLOCK_SECOND_NS)

struct waiter {
	struct list link; /* in unit->waiters */
	struct unit *unit;
	bool is_for_one;   /* of its instances: */
	uint32_t instance; /* by number, for a reload may make new ones */
	enum waiter_kind kind;
	struct control_call *call;
	struct loop_timer timer;
};

static struct control_call *free_waiter(struct waiter *waiter)
{
	struct control_call *call = waiter->call;

	call->on_gone = NULL;
	list_remove(&waiter->link);
	loop_timer_stop(&waiter->timer);
	free(waiter);
	return call;
}

static void on_gone(struct control_call *call)
{
	(void)free_waiter(call->user);
}

/* ---- what is waited for */

static bool is_starting(const struct instance *instance)
{
	return instance->state == INSTANCE_WAITING || instance->state == INSTANCE_STARTING ||
	       instance->comes_back;
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
		return one ? one->state != INSTANCE_STOPPING && one->state != INSTANCE_DRAINING
			   : unit->n_in[INSTANCE_STOPPING] + unit->n_in[INSTANCE_DRAINING] == 0;
	if (one)
		return !is_starting(one);
	if (waiter->kind == WAITER_RESTART && unit_is_changing(unit))
		return false;
	return !unit->is_resumed && unit->n_coming_back == 0 &&
	       unit->n_in[INSTANCE_WAITING] == 0 && unit->n_in[INSTANCE_STARTING] == 0;
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

static void answer(struct waiter *waiter)
{
	struct unit *unit = waiter->unit;
	enum waiter_kind kind = waiter->kind;
	bool come = has_come(waiter);
	struct control_call *call = free_waiter(waiter);

	if (kind == WAITER_SPAWN)
		answer_spawn(unit, call);
	else if (!come)
		control_call_fail(call, &api_timeout_error, &(struct api_timeout){0});
	else if (kind == WAITER_START)
		unit_reply(unit, call, &api_start_method);
	else if (kind == WAITER_RESTART)
		unit_reply(unit, call, &api_restart_method);
	else
		(void)control_call_reply(call, &api_stop_method, &(struct api_stop_out){0},
					 false);
}

static void on_late(struct loop_timer *timer)
{
	answer(container_of(timer, struct waiter, timer));
}

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
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter) {
		control_call_fail(call, &api_overloaded_error, &(struct api_overloaded){0});
		return;
	}
	*waiter = (struct waiter){
		.unit = unit,
		.is_for_one = instance,
		.instance = instance ? instance->number : 0,
		.kind = kind,
		.call = call,
	};
	list_append(&unit->waiters, &waiter->link);
	loop_timer_init(&waiter->timer, unit->master->loop, on_late);
	loop_timer_start(&waiter->timer, wait_ns(unit, kind));
	call->user = waiter;
	call->on_gone = on_gone;
	/* It may be there already. */
	unit_mark_changed(unit);
}

void waiters_check(struct unit *unit)
{
	bool again = true;

	/* Answering may close connections, and so take others out of the list. */
	while (again) {
		again = false;
		list_foreach (at, &unit->waiters) {
			struct waiter *waiter = container_of(at, struct waiter, link);

			if (!has_come(waiter))
				continue;
			answer(waiter);
			again = true;
			break;
		}
	}
}

void waiters_fail(struct unit *unit)
{
	while (!list_is_empty(&unit->waiters)) {
		struct waiter *waiter = list_first(&unit->waiters, struct waiter, link);
		enum waiter_kind kind = waiter->kind;
		struct control_call *call = free_waiter(waiter);

		if (kind == WAITER_STOP)
			(void)control_call_reply(call, &api_stop_method,
						 &(struct api_stop_out){0}, false);
		else
			control_call_fail(call, &api_wrong_state_error,
					  &(struct api_wrong_state){.name = unit->file.name,
								    .state = "removed"});
	}
}

/* The first that waits for a start. NULL: none does. */
static struct waiter *find_starter(const struct unit *unit)
{
	list_foreach (at, &unit->waiters)
		if (container_of(at, struct waiter, link)->kind != WAITER_STOP)
			return container_of(at, struct waiter, link);
	return NULL;
}

void waiters_end(struct master *master)
{
	struct unit *unit;

	for (unit = master->units_by_name; unit; unit = unit->by_name.next) {
		struct waiter *waiter;

		/* Answering may close connections, and so take others out of the list. */
		while ((waiter = find_starter(unit)))
			(void)control_refuses(master, free_waiter(waiter));
	}
}
