#include "requests/inquiry.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "clients/errors.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/address.h"
#include "proto/arena.h"
#include "requests/control_handlers.h"
#include "requests/describe.h"
#include "requests/relays.h"
#include "requests/resolve.h"
#include "requests/unit_reply.h"
#include "units/stall.h"
#include "units/unit.h"
#include "units/version.h"
#include <errno.h>
#include <string.h>

struct inquiry {
	struct pending pending; /* in master->inquiries */
	struct arena arena;     /* of the texts of `actors` */
	struct api_actor actors[LIMIT_DESCRIBED];
	size_t n_actors;
	int64_t silent[LIMIT_WORKERS]; /* workers that did not answer */
	size_t n_silent;
	/* Describe */
	unsigned awaited[LIMIT_WORKERS + 1]; /* of each worker */
	size_t n_awaited;                    /* answers to come */
	char unit[LIMIT_NAME + 1]; /* for it may change meanwhile; "": not known yet, or none */
	uint32_t origin;           /* version that spawned the actor; 0: it is a unit's */
	struct histogram times;    /* of what is described, over all workers */
	bool has_times[LIMIT_WORKERS + 1];
	struct troupe_address only;
	/* Actors */
	unsigned worker; /* who is being asked */
	bool one_worker; /* asks that one only */
	int64_t from;    /* slot; next page */
	bool is_held;    /* the client does not read: not before there is room */
};

static struct inquiry *inquiry_of(struct pending *pending)
{
	return container_of(pending, struct inquiry, pending);
}

static void fini(struct pending *pending)
{
	arena_fini(&inquiry_of(pending)->arena);
}

/* NULL: there are too many, and the client was answered with Overloaded. */
static struct inquiry *new_inquiry(const struct pending_ops *ops, struct master *master,
				   struct control_call *call)
{
	struct inquiry *inquiry = pending_new(ops, master, call, &master->inquiries, 0);

	if (!inquiry)
		return NULL;
	arena_init(&inquiry->arena);
	inquiry->pending.request = ++master->last_request;
	return inquiry;
}

static char *copy_text(struct inquiry *inquiry, const char *text)
{
	return arena_copy(&inquiry->arena, text, strlen(text));
}

/* What an actor has, in the answer to Describe. False: no memory. */
static bool add_owned(struct inquiry *inquiry, struct api_actor *actor,
		      const struct worker_resident *resident)
{
	struct api_owned_array *array = arena_alloc(&inquiry->arena, sizeof(*array));
	struct api_owned *items =
		arena_alloc(&inquiry->arena, (resident->owns.count + 1) * sizeof(*items));

	if (resident->owns.count == 0)
		return true;
	if (!array || !items)
		return false;
	for (size_t i = 0; i < resident->owns.count; i++) {
		const struct worker_owned *owned = &resident->owns.items[i];

		items[i] = (struct api_owned){
			.kind = copy_text(inquiry, owned->kind),
			.count = owned->count,
			.bytes = owned->bytes,
		};
		if (!items[i].kind)
			return false;
	}
	*array = (struct api_owned_array){items, resident->owns.count};
	actor->owns = array;
	return true;
}

static void sum_up(struct histogram *sum, const struct worker_times *times)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum->counts[i] += (uint64_t)times->counts.items[i];
	if ((uint64_t)times->maxNs > sum->max_ns)
		sum->max_ns = (uint64_t)times->maxNs;
}

/* Its own. False: no memory. */
static bool add_own_times(struct inquiry *inquiry, struct api_actor *actor,
			  const struct worker_times *times)
{
	struct histogram own = {0};

	if (!times)
		return true;
	sum_up(&own, times);
	actor->handlerTimes = describe_times(&inquiry->arena, &own);
	return actor->handlerTimes != NULL;
}

/* Add an actor as its worker describes it. False: it makes no sense, or there is no memory. */
static bool add_actor(struct inquiry *inquiry, const struct worker *worker,
		      const struct worker_resident *resident)
{
	const struct instance *known =
		unit_instance(inquiry->pending.master, (uint64_t)resident->version,
			      (uint64_t)resident->instance);
	const struct unit *unit = known && known->worker == worker ? known->unit : NULL;
	/* of one that another actor spawned */
	const struct unit *origin =
		unit ? unit
		     : unit_by_number(inquiry->pending.master, (uint64_t)resident->origin);
	bool has_parent = !troupe_address_is_null(resident->parent);
	struct api_actor *actor = &inquiry->actors[inquiry->n_actors];
	int64_t *instance = arena_alloc(&inquiry->arena, sizeof(*instance));
	struct troupe_address *parent = arena_alloc(&inquiry->arena, sizeof(*parent));

	if (inquiry->n_actors >= LIMIT_DESCRIBED || !instance || !parent ||
	    !process_equal(process_of(resident->actor), worker_process(worker)))
		return false;
	*instance = resident->instance;
	*parent = resident->parent;
	*actor = (struct api_actor){
		.address = resident->actor,
		.unit = origin ? copy_text(inquiry, origin->file.name) : NULL,
		.instance = unit ? instance : NULL,
		.parent = has_parent ? parent : NULL,
		.actorType = copy_text(inquiry, resident->actorType),
		.worker = worker->number,
		.queued = resident->queued,
		.queuedBytes = resident->queuedBytes,
		.handled = resident->handled,
		.failed = resident->failed,
		.refused = resident->refused,
	};
	if (!add_owned(inquiry, actor, resident) ||
	    !add_own_times(inquiry, actor, resident->ownTimes) || !actor->actorType ||
	    (origin && !actor->unit))
		return false;
	inquiry->n_actors++;
	return true;
}

static void add_silent(struct inquiry *inquiry, unsigned worker)
{
	for (size_t i = 0; i < inquiry->n_silent; i++)
		if (inquiry->silent[i] == worker)
			return;
	inquiry->silent[inquiry->n_silent++] = worker;
}

/* ---- Describe */

static void ask_about(struct inquiry *inquiry, struct worker *worker,
		      struct troupe_address actor)
{
	struct worker_describe describe = {.request = (int64_t)inquiry->pending.request,
					   .actor = actor};

	/* Of one that is known not to answer in time, nothing need be awaited. */
	if (stall_outlasts(worker, INQUIRY_NS)) {
		add_silent(inquiry, worker->number);
	} else if (worker_send(worker, &worker_describe_method, &describe, -1) == 0) {
		inquiry->awaited[worker->number]++;
		inquiry->n_awaited++;
	}
}

/* Each worker says it with each actor, of all that its actors of the unit did. */
static void add_times(struct inquiry *inquiry, const struct worker *worker,
		      const struct worker_times *times)
{
	if (!times || inquiry->has_times[worker->number])
		return;
	inquiry->has_times[worker->number] = true;
	sum_up(&inquiry->times, times);
}

/* An actor that another one spawned is none of its unit's, but has its plug-in. */
static void describe_child(const struct inquiry *inquiry, const char *address,
			   struct api_unit *ret_unit)
{
	const struct version *version = version_find(inquiry->pending.master, inquiry->origin);
	const struct unit *origin = version ? version->unit : NULL;
	const char *actor_type = inquiry->actors[0].actorType;
	const struct plugin_actor *type = version && version->deployment
						  ? deploy_type(version->deployment, actor_type)
						  : NULL;

	*ret_unit = (struct api_unit){
		.name = address,
		.state = API_STATE_RUNNING,
		.plugin = origin && origin->file.plugin ? origin->file.plugin : "",
		.actorType = actor_type,
		.file = origin ? origin->file.file : NULL,
		.interfaces = describe_interfaces(type),
	};
}

static void answer_describe(struct inquiry *inquiry)
{
	struct unit *unit = unit_find(inquiry->pending.master, inquiry->unit);
	char address[TROUPE_ADDRESS_TEXT];
	struct api_describe_out out = {.actors = {inquiry->actors, inquiry->n_actors},
				       .silent = {inquiry->silent, inquiry->n_silent}};
	struct control_call *call = inquiry->pending.client;
	const struct api_times *times;

	address_print(inquiry->only, address);
	times = describe_times(&inquiry->arena, &inquiry->times);
	if (!times || (unit && !describe_unit(&inquiry->arena, unit, &out.unit))) {
		control_overloaded(call);
	} else if (unit) {
		out.unit.handlerTimes = times;
		unit_reply_with(unit, call, api_describe_method.out, &out);
	} else if (inquiry->unit[0] || inquiry->n_actors == 0) {
		control_no_such_actor(call, inquiry->unit[0] ? inquiry->unit : address);
	} else {
		describe_child(inquiry, address, &out.unit);
		out.unit.handlerTimes = times;
		(void)control_call_reply(call, &api_describe_method, &out, false);
	}
	pending_free(&inquiry->pending);
}

static void on_description(struct pending *pending, struct worker *worker,
			   const struct worker_census *census)
{
	struct inquiry *inquiry = inquiry_of(pending);
	const struct worker_resident *resident = census->actors.items;

	if (inquiry->awaited[worker->number] == 0)
		return;
	inquiry->awaited[worker->number]--;
	if (census->actors.count > 0 && add_actor(inquiry, worker, resident)) {
		const struct api_actor *actor = &inquiry->actors[inquiry->n_actors - 1];

		add_times(inquiry, worker, resident->times);
		if (actor->instance)
			strcpy(inquiry->unit, actor->unit);
		else if (actor->unit)
			inquiry->origin = (uint32_t)resident->origin;
	}
	if (--inquiry->n_awaited == 0)
		answer_describe(inquiry);
}

/* What a worker that is gone was asked will not be answered. */
static void on_lost_description(struct pending *pending, const struct worker *worker)
{
	struct inquiry *inquiry = inquiry_of(pending);
	unsigned *awaited = &inquiry->awaited[worker->number];

	if (*awaited == 0)
		return;
	inquiry->n_awaited -= *awaited;
	*awaited = 0;
	if (inquiry->n_awaited == 0)
		answer_describe(inquiry);
}

static void on_late_description(struct pending *pending)
{
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		if (inquiry_of(pending)->awaited[i] > 0)
			add_silent(inquiry_of(pending), i);
	answer_describe(inquiry_of(pending));
}

static const struct pending_ops describe_ops = {
	.size = sizeof(struct inquiry),
	.share = SHARE_INQUIRIES,
	.is_for_worker = true,
	.on_late = on_late_description,
	.on_census = on_description,
	.on_worker_down = on_lost_description,
	.fini = fini,
};

void control_on_describe(void *context, struct control_call *call, const void *in)
{
	const struct api_describe *describe = in;
	struct master *master = context;
	struct relay_target only = {0};
	struct instance *instance;
	struct unit *unit = NULL;
	struct inquiry *inquiry;

	if (address_parse(describe->name, &only.address) == 0) {
		/* Its worker knows which unit it is of. */
		if (resolve_name(master, call, describe->name, &only) == RESOLVE_NOWHERE)
			return;
	} else {
		unit = resolve_unit(master, call, describe->name, &instance);
		if (!unit)
			return;
		if (instance && instance->state == API_STATE_RUNNING)
			only = (struct relay_target){.worker = instance->worker,
						     .address = instance->address};
	}
	inquiry = new_inquiry(&describe_ops, master, call);
	if (!inquiry)
		return;
	if (unit)
		strcpy(inquiry->unit, unit->name);
	inquiry->only = only.address;
	if (only.worker)
		ask_about(inquiry, only.worker, only.address);
	for (unsigned i = 0; !only.worker && i < unit->n_instances && i < LIMIT_DESCRIBED; i++)
		if (!troupe_address_is_null(unit->instances[i].address))
			ask_about(inquiry, unit->instances[i].worker,
				  unit->instances[i].address);
	if (inquiry->n_awaited == 0)
		answer_describe(inquiry);
	else
		loop_timer_start(&inquiry->pending.timer, INQUIRY_NS);
}

/* ---- Actors */

static void answer_actors(struct inquiry *inquiry)
{
	struct api_actors_out out = {.actors = {inquiry->actors, inquiry->n_actors},
				     .silent = {inquiry->silent, inquiry->n_silent}};

	(void)control_call_reply(inquiry->pending.client, &api_actors_method, &out, false);
	pending_free(&inquiry->pending);
}

/* Ask the worker whose turn it is, or the next one that is up. */
static void ask_page(struct inquiry *inquiry)
{
	struct master *master = inquiry->pending.master;

	for (; inquiry->worker <= LIMIT_WORKERS; inquiry->worker++, inquiry->from = 0) {
		struct worker *worker = master->workers[inquiry->worker];
		struct worker_inquire inquire = {
			.request = (int64_t)(inquiry->pending.request = ++master->last_request),
			.from = inquiry->from,
			.limit = (int64_t)(LIMIT_DESCRIBED - inquiry->n_actors),
		};

		if (worker && worker_is_up(worker) && stall_outlasts(worker, INQUIRY_NS))
			add_silent(inquiry, worker->number);
		else if (worker && worker_is_up(worker) &&
			 worker_send(worker, &worker_inquire_method, &inquire, -1) == 0) {
			loop_timer_start(&inquiry->pending.timer, INQUIRY_NS);
			return;
		}
		if (inquiry->one_worker)
			break;
	}
	answer_actors(inquiry);
}

static void go_on(struct inquiry *inquiry, int64_t next)
{
	if (next > inquiry->from) {
		inquiry->from = next;
	} else {
		inquiry->from = 0;
		inquiry->worker = inquiry->one_worker ? LIMIT_WORKERS + 1 : inquiry->worker + 1;
	}
	if (inquiry->n_actors >= LIMIT_DESCRIBED)
		answer_actors(inquiry);
	else
		ask_page(inquiry);
}

static void on_room(struct pending *pending)
{
	inquiry_of(pending)->is_held = false;
	ask_page(inquiry_of(pending));
}

static void on_page(struct pending *pending, struct worker *worker,
		    const struct worker_census *census)
{
	struct inquiry *inquiry = inquiry_of(pending);
	size_t before = inquiry->n_actors;

	if (inquiry->worker != worker->number || inquiry->is_held)
		return;
	for (size_t i = 0; i < census->actors.count; i++)
		add_actor(inquiry, worker, &census->actors.items[i]);
	if (inquiry->pending.client->more && inquiry->n_actors > 0) {
		struct api_actors_out out = {.actors = {inquiry->actors, inquiry->n_actors}};

		int r = control_call_reply(inquiry->pending.client, &api_actors_method, &out,
					   true);

		if (r == -EAGAIN) {
			/* It has not read the last pages. This one will still be there. */
			inquiry->n_actors = before;
			inquiry->is_held = true;
			loop_timer_stop(&inquiry->pending.timer);
			return;
		}
		if (r < 0) {
			pending_overload(&inquiry->pending);
			return;
		}
		inquiry->n_actors = 0;
		arena_fini(&inquiry->arena);
		arena_init(&inquiry->arena);
	}
	/* A page without actors is the last one, or a worker could go on for ever. */
	go_on(inquiry,
	      census->actors.count > 0 && census->next <= LIMIT_ACTORS ? census->next : 0);
}

static void on_lost_page(struct pending *pending, const struct worker *worker)
{
	struct inquiry *inquiry = inquiry_of(pending);

	if (inquiry->worker == worker->number && !inquiry->is_held)
		go_on(inquiry, 0);
}

static void on_late_page(struct pending *pending)
{
	add_silent(inquiry_of(pending), inquiry_of(pending)->worker);
	go_on(inquiry_of(pending), 0);
}

static const struct pending_ops actors_ops = {
	.size = sizeof(struct inquiry),
	.share = SHARE_INQUIRIES,
	.is_for_worker = true,
	.on_late = on_late_page,
	.on_room = on_room,
	.on_census = on_page,
	.on_worker_down = on_lost_page,
	.fini = fini,
};

void control_on_actors(void *context, struct control_call *call, const void *in)
{
	const struct api_actors *actors = in;
	struct master *master = context;
	struct worker *worker = NULL;
	struct inquiry *inquiry;

	if (actors->worker) {
		if (*actors->worker >= 1 && *actors->worker <= (int64_t)LIMIT_WORKERS)
			worker = master->workers[*actors->worker];
		if (!worker) {
			control_call_invalid_parameter(call, "worker",
						       "there is no such worker");
			return;
		}
	}
	inquiry = new_inquiry(&actors_ops, master, call);
	if (!inquiry)
		return;
	inquiry->worker = worker ? worker->number : 1;
	inquiry->one_worker = worker;
	ask_page(inquiry);
}

/* ---- answers, and none */

/* Sums of all workers' are numbers yet. */
static bool times_make_sense(const struct worker_times *times)
{
	if (times->counts.count != HISTOGRAM_BUCKETS || times->maxNs < 0)
		return false;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (times->counts.items[i] < 0 ||
		    times->counts.items[i] > INT64_MAX / LIMIT_WORKERS)
			return false;
	return true;
}

/* Whether a census is within the limits of one answer. */
static bool makes_sense(const struct worker_census *census)
{
	if (census->actors.count > LIMIT_DESCRIBED)
		return false;
	for (size_t i = 0; i < census->actors.count; i++) {
		const struct worker_resident *resident = &census->actors.items[i];

		if (strlen(resident->actorType) > TROUPE_NAME_MAX ||
		    resident->owns.count > LIMIT_OWNED_KINDS ||
		    (resident->times && !times_make_sense(resident->times)) ||
		    (resident->ownTimes && !times_make_sense(resident->ownTimes)))
			return false;
		for (size_t j = 0; j < resident->owns.count; j++)
			if (strlen(resident->owns.items[j].kind) > LIMIT_NAME)
				return false;
	}
	return true;
}

struct pending *inquiries_find(struct master *master, uint64_t request)
{
	list_each (struct pending, pending, &master->inquiries, link)
		if (request && pending->request == request)
			return pending;
	return NULL;
}

void inquiries_census(struct worker *worker, const struct worker_census *census)
{
	struct pending *pending;

	if (!makes_sense(census)) {
		worker_broke_protocol(worker, "a census that makes no sense");
		return;
	}
	pending = inquiries_find(worker->master, (uint64_t)census->request);
	if (pending && pending->ops->on_census)
		pending->ops->on_census(pending, worker, census);
}

void inquiries_worker_down(struct worker *worker)
{
	list_each (struct pending, pending, &worker->master->inquiries, link)
		pending->ops->on_worker_down(pending, worker);
}
