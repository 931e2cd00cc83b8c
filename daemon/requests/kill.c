#include "requests/kill.h"

#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/arena.h"
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

/* NULL: the client was answered. */
static struct kill *new_kill(struct master *master, struct control_call *call)
{
	struct kill *kill = pending_new(&ops, master, call, &master->inquiries, 0);

	if (!kill)
		return NULL;
	arena_init(&kill->arena);
	kill->out.actors.items = arena_alloc(&kill->arena, LIMIT_DESCRIBED * sizeof(char *));
	kill->out.collateral.items =
		arena_alloc(&kill->arena, LIMIT_DESCRIBED * sizeof(char *));
	kill->out.workers.items = kill->numbers;
	if (!kill->out.actors.items || !kill->out.collateral.items) {
		pending_overload(&kill->pending);
		return NULL;
	}
	return kill;
}

static void add_name(struct kill *kill, struct api_string_array *names, const char *name)
{
	/* The array is ours. */
	const char **items = (const char **)(uintptr_t)names->items;
	const char *copy;

	if (names->count >= LIMIT_DESCRIBED)
		return;
	copy = arena_copy(&kill->arena, name, strlen(name));
	if (copy)
		items[names->count++] = copy;
}

static bool is_meant(const struct kill_target *target, const struct instance *instance)
{
	return target->instance ? instance == target->instance : instance->unit == target->unit;
}

static void add_instances(struct kill *kill, const struct kill_target *target,
			  const struct worker *worker)
{
	list_foreach (at, &worker->instances) {
		const struct instance *instance = container_of(at, struct instance, on_worker);
		char name[LIMIT_NAME + 32];

		if (!instance_is_alive(instance))
			continue;
		(void)snprintf(name, sizeof(name), "%s/%u", instance->unit->file.name,
			       instance->number);
		add_name(kill,
			 is_meant(target, instance) ? &kill->out.actors : &kill->out.collateral,
			 name);
	}
}

void kill_workers(struct master *master, struct control_call *call, uint64_t workers,
		  const struct kill_target *target)
{
	struct kill *kill = new_kill(master, call);

	if (!kill)
		return;
	kill->workers = workers;
	if (target->address && !target->instance)
		add_name(kill, &kill->out.actors, target->address);
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++) {
		struct worker *worker = master->workers[i];
		uint64_t count;

		if (!(workers & 1ull << (i - 1)))
			continue;
		kill->numbers[kill->out.workers.count++] = i;
		/* Its word: */
		count = atomic_load_explicit(&worker->page->actors, memory_order_relaxed);
		kill->out.count += count > LIMIT_ACTORS ? LIMIT_ACTORS : (int64_t)count;
		add_instances(kill, target, worker);
		worker_kill_explained(worker, "an operator asked for it");
	}
	loop_timer_start(&kill->pending.timer, STOPPING_GRACE_NS);
}
