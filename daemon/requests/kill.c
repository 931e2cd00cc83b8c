/* kill.c - processes of workers that an operator has killed, and the clients that wait for
 * their ends. */
#include "requests/control_handlers.h"

#include "clients/errors.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/address.h"
#include "proto/arena.h"
#include "requests/relays.h"
#include "requests/resolve.h"
#include "units/instance.h"
#include "units/stopping.h"
#include "units/unit.h"
#include <stdio.h>
#include <string.h>

struct kill {
	struct pending pending; /* in master->inquiries */
	uint64_t workers;       /* a bit for each that is not gone yet */
	struct arena arena;     /* of `out` */
	struct api_kill_out out;
	const char *actors[LIMIT_DESCRIBED], *collateral[LIMIT_DESCRIBED];
	int64_t numbers[LIMIT_WORKERS];
};

static void fini(struct pending *pending)
{
	arena_fini(&container_of(pending, struct kill, pending)->arena);
}

static void on_worker_down(struct pending *pending, const struct worker *worker)
{
	struct kill *kill = container_of(pending, struct kill, pending);

	kill->workers &= ~(1ull << (worker->number - 1));
	if (kill->workers != 0)
		return;
	(void)control_call_reply(pending->client, &api_kill_method, &kill->out, false);
	pending_free(pending);
}

static const struct pending_ops ops = {
	.size = sizeof(struct kill),
	.share = SHARE_CHANGES,
	.on_late = pending_time_out,
	.on_worker_down = on_worker_down,
	.fini = fini,
};

/* names: the array that `out` has, with their number, in *ret_n. */
static void add_name(struct kill *kill, const char **names, size_t *ret_n, const char *name)
{
	if (*ret_n >= LIMIT_DESCRIBED)
		return;
	names[*ret_n] = arena_copy(&kill->arena, name, strlen(name));
	*ret_n += names[*ret_n] != NULL;
}

/* What is meant; its worker's process goes with all that lives there. */
struct kill_target {
	const struct unit *unit;   /* NULL: an address was given */
	struct instance *instance; /* NULL, or only that one */
	const char *address;       /* NULL, or as it was named */
};

static bool is_meant(const struct kill_target *target, const struct instance *instance)
{
	return target->instance ? instance == target->instance : instance->unit == target->unit;
}

static void add_instances(struct kill *kill, const struct kill_target *target,
			  const struct worker *worker)
{
	list_each (struct instance, instance, &worker->instances, on_worker) {
		char name[LIMIT_NAME + 32];

		if (!instance_is_alive(instance))
			continue;
		(void)snprintf(name, sizeof(name), "%s/%u", instance->unit->file.name,
			       instance->number);
		if (is_meant(target, instance))
			add_name(kill, kill->actors, &kill->out.actors.count, name);
		else
			add_name(kill, kill->collateral, &kill->out.collateral.count, name);
	}
}

/* Kill the processes of `workers` (bit N - 1: number N, which has one), and answer when they
 * are gone. */
static void kill_workers(struct master *master, struct control_call *call, uint64_t workers,
			 const struct kill_target *target)
{
	struct kill *kill = pending_new(&ops, master, call, &master->inquiries, 0);

	if (!kill)
		return;
	arena_init(&kill->arena);
	kill->out = (struct api_kill_out){.actors.items = kill->actors,
					  .collateral.items = kill->collateral,
					  .workers.items = kill->numbers};
	kill->workers = workers;
	if (target->address && !target->instance)
		add_name(kill, kill->actors, &kill->out.actors.count, target->address);
	workers_foreach (worker, master) {
		uint64_t count;

		if (!(workers & 1ull << (worker->number - 1)))
			continue;
		kill->numbers[kill->out.workers.count++] = worker->number;
		/* Its word: */
		count = atomic_load_explicit(&worker->page->actors, memory_order_relaxed);
		kill->out.count += count > LIMIT_ACTORS ? LIMIT_ACTORS : (int64_t)count;
		add_instances(kill, target, worker);
		worker_kill_explained(worker, "an operator asked for it");
	}
	loop_timer_start(&kill->pending.timer, STOPPING_GRACE_NS);
}

static uint64_t bit_of(const struct worker *worker)
{
	return worker->pid > 0 && !worker->is_dead ? 1ull << (worker->number - 1) : 0;
}

/* An instance that is not alive needs no worker killed: no bit. */
static uint64_t bit_of_instance(const struct instance *instance)
{
	return instance_is_alive(instance) ? bit_of(instance->worker) : 0;
}

void control_on_kill(void *context, struct control_call *call, const void *in)
{
	const struct api_kill *kill = in;
	struct master *master = context;
	struct kill_target target = {0};
	struct relay_target actor;
	struct troupe_address address;
	uint64_t workers = 0;

	_Static_assert(LIMIT_WORKERS <= 64, "a bit for each");
	if (control_refuses(master, call))
		return;
	if (address_parse(kill->name, &address) == 0) {
		if (resolve_name(master, call, kill->name, &actor) != RESOLVE_THERE)
			return;
		target.instance = instance_by_address(master, address);
		target.address = kill->name;
		workers = bit_of(actor.worker);
	} else {
		target.unit = resolve_unit(master, call, kill->name, &target.instance);
		if (!target.unit)
			return;
		for (unsigned i = 0; i < target.unit->n_instances; i++)
			if (!target.instance || target.instance->number == i)
				workers |= bit_of_instance(&target.unit->instances[i]);
	}
	if (workers == 0)
		control_wrong_state(call, kill->name, "without a process", NULL);
	else
		kill_workers(master, call, workers, &target);
}
