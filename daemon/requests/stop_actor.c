#include "requests/stop_actor.h"

#include "clients/errors.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/address.h"
#include "requests/inquiry.h"
#include "units/stopping.h"
#include "units/unit.h"

struct actor_stop {
	struct pending pending; /* in master->inquiries */
	unsigned worker;        /* who is being asked */
	struct troupe_address actor;
	uint64_t patience_ns; /* its unit's StopTimeout=, once it is known whose it is */
	uint64_t begun_ns;
};

static struct actor_stop *stop_of(struct pending *pending)
{
	return container_of(pending, struct actor_stop, pending);
}

static void look_again_in(struct actor_stop *stop, uint64_t left_ns)
{
	loop_timer_start(&stop->pending.timer,
			 left_ns < STOPPING_LOOK_NS ? left_ns : STOPPING_LOOK_NS);
}

/* Now and then while it stops. */
static void on_late(struct pending *pending)
{
	struct actor_stop *stop = stop_of(pending);
	struct worker *worker = pending->master->workers[stop->worker];
	uint64_t now, since = stop->begun_ns;

	worker_look_for_progress(worker);
	now = master_awake_ns(pending->master);
	if (worker->progress_ns > since)
		since = worker->progress_ns;
	if (now - stop->begun_ns >= LIMIT_WAIT_NS - STOPPING_GRACE_NS)
		/* No client waits for longer: its worker is left alone. */
		pending_time_out(pending);
	else if (now - since < stop->patience_ns)
		look_again_in(stop, stop->patience_ns - (now - since));
	else
		/* Its end answers. */
		worker_kill_explained(worker,
				      "an actor there did not stop within its StopTimeout=");
}

/* The unit that the actor comes from, which its worker names first. Its time began with the
 * request all the same: a worker may repeat itself. */
static void on_census(struct pending *pending, struct worker *worker,
		      const struct worker_census *census)
{
	struct actor_stop *stop = stop_of(pending);
	const struct unit *unit = NULL;

	if (stop->worker == worker->number && census->actors.count > 0)
		unit = unit_by_number(pending->master,
				      (uint64_t)census->actors.items[0].origin);
	if (!unit)
		return;
	stop->patience_ns = unit->file.life.stop_timeout_ns;
	on_late(pending);
}

static void answer(struct actor_stop *stop, bool found)
{
	struct control_call *call = stop->pending.client;
	char address[TROUPE_ADDRESS_TEXT];

	address_print(stop->actor, address);
	if (found)
		(void)control_call_reply(call, &api_stop_method, &(struct api_stop_out){0},
					 false);
	else
		control_no_such_actor(call, address);
	pending_free(&stop->pending);
}

static void on_worker_down(struct pending *pending, const struct worker *worker)
{
	if (stop_of(pending)->worker == worker->number)
		answer(stop_of(pending), true);
}

static const struct pending_ops ops = {
	.size = sizeof(struct actor_stop),
	.share = SHARE_INQUIRIES,
	.is_for_worker = true,
	.on_late = on_late,
	.on_census = on_census,
	.on_worker_down = on_worker_down,
};

void stop_actor(struct master *master, struct control_call *call, struct worker *worker,
		struct troupe_address actor, const char *name)
{
	struct actor_stop *stop = pending_new(&ops, master, call, &master->inquiries, 0);
	struct worker_stop notice = {.actor = actor};
	struct worker_describe describe = {.actor = actor};

	if (!stop)
		return;
	stop->worker = worker->number;
	stop->actor = actor;
	stop->pending.request = ++master->last_request;
	notice.request = describe.request = (int64_t)stop->pending.request;
	if (worker_send(worker, &worker_describe_method, &describe, -1) < 0 ||
	    worker_send(worker, &worker_stop_method, &notice, -1) < 0) {
		control_no_such_actor(call, name);
		pending_free(&stop->pending);
		return;
	}
	stop->patience_ns = master->settings.life.stop_timeout_ns;
	stop->begun_ns = master_awake_ns(master);
	worker_look_for_progress(worker);
	look_again_in(stop, stop->patience_ns);
}

void stop_actor_answered(struct worker *worker, uint64_t request, bool found)
{
	struct pending *pending = inquiries_find(worker->master, request);

	if (pending && pending->ops == &ops && stop_of(pending)->worker == worker->number)
		answer(stop_of(pending), found);
}
