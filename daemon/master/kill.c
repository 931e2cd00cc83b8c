#include "master/kill.h"

#include "base/cleanup.h"
#include "io.troupe.Control.varlink.h"
#include "master/describe.h"
#include "master/master.h"
#include "master/shares.h"
#include "master/stopping.h"
#include "master/unit.h"
#include "master/worker.h"
#include "proto/arena.h"
#include <stdio.h>
#include <string.h>

struct kill {
	struct list link; /* in master->kills */
	struct control_call *call;
	struct loop_timer timer;
	uint64_t workers;   /* a bit for each that is not gone yet */
	struct arena arena; /* of `out` */
	struct api_kill_out out;
	int64_t numbers[LIMIT_WORKERS];
};

static struct control_call *close_kill(struct kill *kill)
{
	kill->call->on_gone = NULL;
	list_remove(&kill->link);
	loop_timer_stop(&kill->timer);
	return kill->call;
}

static void destroy(struct kill *kill)
{
	arena_fini(&kill->arena);
	free(kill);
}

static void on_gone(struct control_call *call)
{
	struct kill *kill = call->user;

	(void)close_kill(kill);
	destroy(kill);
}

static void on_late(struct loop_timer *timer)
{
	struct kill *kill = container_of(timer, struct kill, timer);

	control_call_fail(close_kill(kill), &api_timeout_error, &(struct api_timeout){0});
	destroy(kill);
}

static struct kill *new_kill(struct master *master, struct control_call *call)
{
	struct kill *kill = control_call_claim(call, SHARE_CHANGES, 0) == 0
				    ? calloc(1, sizeof(*kill))
				    : NULL;

	if (!kill)
		return NULL;
	arena_init(&kill->arena);
	kill->out.actors.items = arena_alloc(&kill->arena, LIMIT_DESCRIBED * sizeof(char *));
	kill->out.collateral.items =
		arena_alloc(&kill->arena, LIMIT_DESCRIBED * sizeof(char *));
	kill->out.workers.items = kill->numbers;
	if (!kill->out.actors.items || !kill->out.collateral.items) {
		destroy(kill);
		return NULL;
	}
	kill->call = call;
	call->user = kill;
	call->on_gone = on_gone;
	loop_timer_init(&kill->timer, master->loop, on_late);
	list_append(&master->kills, &kill->link);
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

	if (!kill) {
		describe_fail(call);
		return;
	}
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
	loop_timer_start(&kill->timer, STOPPING_GRACE_NS);
}

void kills_worker_down(struct worker *worker)
{
	bool again = true;

	/* Answering may close connections, and so take others out of the list. */
	while (again) {
		again = false;
		list_foreach (at, &worker->master->kills) {
			struct kill *kill = container_of(at, struct kill, link);

			kill->workers &= ~(1ull << (worker->number - 1));
			if (kill->workers != 0)
				continue;
			(void)control_call_reply(close_kill(kill), &api_kill_method, &kill->out,
						 false);
			destroy(kill);
			again = true;
			break;
		}
	}
}
