#include "units/names.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "process/deploy.h"
#include "units/unit.h"
#include "units/version.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The list of a pool with more instances than this is sent at most once in
 * PAUSE_PER_INSTANCE_NS times their number. */
#define SMALL_POOL            1000
#define PAUSE_PER_INSTANCE_NS 20000ull

/* How many of a pool are looked at for the least loaded one. */
#define LOOK_MAX 64

/* ---- whether a name has a future */

bool names_is_coming(const struct instance *instance)
{
	switch (instance->state) {
	case API_STATE_RUNNING: /* if its worker has just died, what follows is not done yet */
		return instance->worker->state != API_STATE_STOPPING;
	case API_STATE_STARTING:
	case API_STATE_BACKOFF:
		return true;
	default:
		return instance->comes_back || instance->unit->is_resumed;
	}
}

bool names_is_unit_coming(const struct unit *unit)
{
	if (unit->is_removed)
		return false;
	if (unit->is_resumed || unit->n_coming_back > 0 || unit->n_in[API_STATE_STARTING] > 0 ||
	    unit->n_in[API_STATE_BACKOFF] > 0)
		return true;
	if (unit->n_in[API_STATE_RUNNING] == 0)
		return false;
	for (unsigned i = 0; i < unit->n_instances; i++)
		if (names_is_coming(&unit->instances[i]))
			return true;
	return false;
}

bool names_is_between_lives(const struct unit *unit)
{
	return unit->n_in[API_STATE_RUNNING] == 0 && names_is_unit_coming(unit);
}

/* ---- towards workers */

/* actors: NULL: there is no memory for them. What cannot be sent is sent at the next tick. */
static void send_name(struct worker *worker, const struct unit *unit,
		      const struct worker_instance *actors, size_t n)
{
	struct worker_name name = {
		.name = unit->file.name,
		.leastOutstanding = unit->file.balance == UNIT_LEAST_OUTSTANDING,
		.comesBack = names_is_between_lives(unit),
		.actors = {actors, n},
		.isDefault = unit->file.is_default,
	};
	const struct plugin_actor *type = unit_type(unit);

	int r;

	if (type) {
		name.interfaces.items = type->interfaces;
		name.interfaces.count = type->n_interfaces;
	}
	r = actors ? worker_send(worker, &worker_name_method, &name, -1) : -ENOMEM;

	if (r < 0 && r != -ENOTCONN)
		worker->missed_names = true;
}

/* The list is given. NULL: no memory. */
static struct worker_instance *list_actors(const struct unit *unit, size_t *ret_n)
{
	struct worker_instance *actors =
		calloc(unit->n_in[API_STATE_RUNNING] + 1, sizeof(*actors));
	size_t n = 0;

	for (unsigned i = 0; actors && i < unit->n_instances; i++) {
		const struct instance *instance = &unit->instances[i];

		if (instance->state == API_STATE_RUNNING)
			actors[n++] =
				(struct worker_instance){instance->address, instance->number};
	}
	*ret_n = n;
	return actors;
}

/* A list is sent as a whole. While a large pool starts or ends, its list changes with each turn
 * of the loop, and sending it each time would fill the channels: so the larger it is, the rarer
 * it is sent. */
static bool is_too_early(struct master *master, const struct unit *unit)
{
	uint64_t pause_ns = unit->n_instances * PAUSE_PER_INSTANCE_NS;
	uint64_t due_ns = unit->names_sent_ns + pause_ns, now = loop_now_ns(master->loop);

	if (unit->n_instances <= SMALL_POOL || unit->names_sent_ns == 0 || now >= due_ns)
		return false;
	if (!master->names_timer.started)
		loop_timer_start(&master->names_timer, due_ns - now);
	return true;
}

void names_on_timer(struct loop_timer *timer)
{
	struct master *master = container_of(timer, struct master, names_timer);

	units_foreach (unit, master)
		if (unit->names_changed)
			unit_mark_changed(unit);
}

void names_send(struct master *master, struct unit *unit)
{
	cleanup_free struct worker_instance *actors = NULL;
	size_t n = 0;

	if (is_too_early(master, unit))
		return;
	unit->names_changed = false;
	unit->sent_between_lives = names_is_between_lives(unit);
	unit->names_sent_ns = loop_now_ns(master->loop);
	actors = list_actors(unit, &n);
	workers_foreach (worker, master)
		if (worker_is_up(worker))
			send_name(worker, unit, actors, n);
}

void names_forget(struct master *master, const struct unit *unit)
{
	static const struct worker_instance none;

	workers_foreach (worker, master)
		if (worker_is_up(worker))
			send_name(worker, unit, &none, 0);
}

static void send_all_names(struct worker *worker)
{
	worker->missed_names = false;
	units_foreach (unit, worker->master) {
		size_t n;
		cleanup_free struct worker_instance *actors = NULL;

		if (unit->n_in[API_STATE_RUNNING] == 0 && !names_is_between_lives(unit))
			continue;
		actors = list_actors(unit, &n);
		send_name(worker, unit, actors, n);
	}
}

void names_tick(struct master *master)
{
	workers_foreach (worker, master)
		if (worker->missed_names && worker_is_up(worker))
			send_all_names(worker);
}

static void send_peer(struct worker *to, const struct worker *about, bool up, bool crashed)
{
	struct worker_peer peer = {
		.process = process_address(worker_process(about)),
		.up = up,
		.crashed = crashed,
	};
	int r = worker_send(to, &worker_peer_method, &peer, -1);

	/* Without the notice it would wait for ever for answers from a peer that is gone. */
	if (r < 0 && r != -ENOTCONN)
		worker_kill(to, "it cannot be sent its peers", false);
}

void names_worker_up(struct worker *worker)
{
	workers_foreach (other, worker->master) {
		if (other == worker || !worker_is_up(other))
			continue;
		send_peer(other, worker, true, false);
		send_peer(worker, other, true, false);
	}
	send_all_names(worker);
}

void names_worker_down(struct worker *worker, bool has_crashed)
{
	workers_foreach (other, worker->master)
		if (other != worker && worker_is_up(other))
			send_peer(other, worker, false, has_crashed);
}

/* ---- which instance */

struct instance *names_pick(struct unit *unit)
{
	struct instance *best = NULL;
	unsigned n = unit->n_instances, looked = 0;

	if (unit->n_in[API_STATE_RUNNING] == 0)
		return NULL;
	for (unsigned i = 0; i < n && looked < LOOK_MAX; i++) {
		struct instance *instance = &unit->instances[(unit->next + i) % n];

		if (instance->state != API_STATE_RUNNING || !worker_is_up(instance->worker))
			continue;
		if (!best || instance->outstanding < best->outstanding)
			best = instance;
		if (unit->file.balance == UNIT_ROUND_ROBIN || best->outstanding == 0)
			break;
		looked++;
	}
	if (best)
		unit->next = (best->number + 1) % n;
	return best;
}

struct instance *names_instance(struct master *master, const char *name)
{
	const char *slash = strrchr(name, '/');
	char unit_name[LIMIT_NAME + 1];
	struct unit *unit;
	uint64_t number;

	if (!slash || (size_t)(slash - name) > LIMIT_NAME ||
	    text_parse_uint(slash + 1, 0, LIMIT_INSTANCES, &number) < 0)
		return NULL;
	memcpy(unit_name, name, (size_t)(slash - name));
	unit_name[slash - name] = '\0';
	unit = unit_find(master, unit_name);
	return unit && number < unit->n_instances ? &unit->instances[number] : NULL;
}
