/* worker_notices.c - the notices of a worker's process. The channel has checked that each is of
 * its type; all else in it is checked here. */
#include "trouped/worker_notices.h"

#include "base/cleanup.h"
#include "clients/watchers.h"
#include "io.troupe.Worker.varlink.h"
#include "master/arenas.h"
#include "master/master.h"
#include "master/worker.h"
#include "requests/inquiry.h"
#include "requests/relays.h"
#include "requests/stop_actor.h"
#include "requests/tasks.h"
#include "trouped/letters.h"
#include "units/instance.h"
#include "units/names.h"
#include "units/stall.h"
#include "units/unit.h"
#include "units/unit_life.h"
#include "units/version.h"
#include "units/worker_requests.h"
#include <string.h>

/* Whether an address is of an actor of this process: it may name no others. */
static bool is_its_own(const struct worker *worker, struct troupe_address address)
{
	return process_equal(process_of(address), worker_process(worker)) &&
	       !troupe_address_is_null(address);
}

static void on_ready(void *context, const void *in)
{
	struct worker *worker = context;
	struct master *master = worker->master;

	(void)in;
	if (worker->state == API_STATE_STOPPING)
		return;
	if (worker->state != API_STATE_STARTING) {
		worker_broke_protocol(worker, "ready twice");
		return;
	}
	worker->state = API_STATE_RUNNING;
	loop_timer_stop(&worker->request_timer);
	worker->up_ns = loop_now_ns(master->loop);
	log_info(&master->log, "worker %u (incarnation %u, pid %d) is up", worker->number,
		 worker->incarnation, (int)worker->pid);
	watchers_put(master->watchers, &(struct api_watch_out){
					       .event = API_WATCH_OUT_EVENT_WORKER_STARTED,
					       .worker = &(int64_t){worker->number},
					       .count = &(int64_t){worker->incarnation},
				       });
	names_worker_up(worker);
	list_each (struct instance, instance, &worker->instances, on_worker)
		instance_worker_up(instance);
	master_check_soon(master);
}

static void on_loaded(void *context, const void *in)
{
	struct worker *worker = context;
	const struct worker_loaded *loaded = in;

	if (!worker_answered(worker, REQUEST_LOAD, loaded->plugin, 0, NULL) || !loaded->error)
		return;
	/* Another try may have more luck. */
	number_set_remove(&worker->loaded, (uint32_t)loaded->plugin);
	/* Its word counts for what is to run there. */
	units_fail_on(worker, (uint32_t)loaded->plugin, loaded->error, loaded->code);
}

static void on_defined(void *context, const void *in)
{
	struct worker *worker = context;
	const struct worker_defined *defined = in;
	struct unit *unit = unit_by_number(worker->master, (uint64_t)defined->version);

	if (!worker_answered(worker, REQUEST_DEFINE, defined->version, 0, NULL) ||
	    !defined->error)
		return;
	number_set_remove(&worker->defined, (uint32_t)defined->version);
	if (unit)
		unit_fail_on(unit, worker, NULL, defined->error, defined->code);
}

static void on_spawned(void *context, const void *in)
{
	struct worker *worker = context;
	const struct worker_spawned *spawned = in;
	struct instance *instance;
	uint32_t number;

	if (!worker_answered(worker, REQUEST_SPAWN, spawned->version, spawned->request,
			     &number))
		return;
	/* Which one was asked for, we know better. */
	instance = unit_instance(worker->master, (uint64_t)spawned->version, number);
	if (!spawned->error && !is_its_own(worker, spawned->actor)) {
		worker_broke_protocol(worker, "an address of another");
		return;
	}
	if (!instance || instance->worker != worker ||
	    instance->request != (uint64_t)spawned->request) {
		/* Its unit is gone, or wants it no more. */
		if (!spawned->error)
			worker_send_stop(worker, spawned->actor, false);
		return;
	}
	instance->request = 0;
	if (!spawned->error) {
		instance_started(instance, spawned->actor);
		return;
	}
	/* The reason of a broken unit is more precise: kept. */
	if (!instance->unit->is_broken)
		unit_set_reason(instance->unit, "%s", spawned->error);
	instance_init_failed(instance);
}

static void on_stopped(void *context, const void *in)
{
	struct worker *worker = context;
	const struct worker_stopped *stopped = in;

	stop_actor_answered(worker, (uint64_t)stopped->request, stopped->found);
}

static void on_ended(void *context, const void *in)
{
	struct worker *worker = context;
	const struct worker_ended *ended = in;
	struct instance *instance = unit_instance(worker->master, (uint64_t)ended->version,
						  (uint64_t)ended->instance);
	char text[128];
	int code;

	if (ended->cause < TROUPE_CAUSE_NORMAL || ended->cause > TROUPE_CAUSE_FAILED) {
		worker_broke_protocol(worker, "an end of no cause");
		return;
	}
	if (!is_its_own(worker, ended->actor)) {
		worker_broke_protocol(worker, "an address of another");
		return;
	}
	if (!instance || instance->worker != worker ||
	    !troupe_address_equal(instance->address, ended->actor))
		return;
	if (ended->cause != TROUPE_CAUSE_FAILED) {
		instance_ended(instance, (enum troupe_cause)ended->cause, NULL);
		return;
	}
	code = ended->code < 0 && ended->code > -4096 ? (int)-ended->code : 0;
	unit_set_reason(instance->unit, "instance %u ended: %s", instance->number,
			code ? strerror(code) : "failed");
	(void)snprintf(text, sizeof(text), "%s (%d): %s",
		       strerrorname_np(code) ? strerrorname_np(code) : "error", code,
		       strerror(code));
	instance_ended(instance, TROUPE_CAUSE_FAILED, code ? text : NULL);
}

static bool has_actors(const struct worker *worker)
{
	list_each (struct instance, instance, &worker->instances, on_worker)
		if (instance_is_alive(instance))
			return true;
	return !list_is_empty(&worker->requests);
}

static void on_finished(void *context, const void *in)
{
	struct worker *worker = context;
	const struct worker_finished *finished = in;

	if (worker->is_finished ||
	    (!finished->error && (worker->state != API_STATE_STOPPING || has_actors(worker))))
		worker_broke_protocol(worker, "an end that it may not report");
	else
		worker_on_finished(worker, finished->error, finished->peers);
}

static void on_reply(void *context, const void *in)
{
	struct worker *worker = context;

	if (!relays_reply(worker, in))
		worker_broke_protocol(worker, "a reply that is not JSON");
}

static void on_kept(void *context, const void *in)
{
	const struct worker_kept *kept = in;

	relays_kept(context, (uint64_t)kept->call);
}

static void on_borrow(void *context, const void *in)
{
	struct worker *worker = context;
	const struct worker_borrow *borrow = in;

	arenas_lend(worker, process_of(borrow->process));
}

static void on_pong(void *context, const void *in)
{
	struct worker *worker = context;
	const struct worker_pong *pong = in;

	worker->missed_names |= pong->missedNames;
	if (!stall_on_pong(worker, (uint64_t)pong->request))
		worker_broke_protocol(worker, "a Pong that nobody asked for");
	else
		relays_on_pong(worker);
}

static void on_census(void *context, const void *in)
{
	inquiries_census(context, in);
}

static void on_task_census(void *context, const void *in)
{
	tasks_census(context, in);
}

static void on_dead_letter(void *context, const void *in)
{
	letters_on_notice(context, in);
}

#define HANDLER(notice)                                                                        \
	{                                                                                      \
		&worker_##notice##_method, on_##notice                                         \
	}

const struct channel_handler worker_handlers[] = {
	HANDLER(ready),       HANDLER(loaded),      HANDLER(defined), HANDLER(spawned),
	HANDLER(stopped),     HANDLER(ended),       HANDLER(reply),   HANDLER(census),
	HANDLER(dead_letter), HANDLER(borrow),      HANDLER(kept),    HANDLER(pong),
	HANDLER(finished),    HANDLER(task_census),
};
_Static_assert(ARRAY_LEN(worker_handlers) == WORKER_HANDLERS, "as others count on it");
