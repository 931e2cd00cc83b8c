#include "units/unit_place.h"

#include "master/master.h"
#include "master/worker.h"
#include "units/unit.h"
#include <errno.h>
#include <string.h>

#define CRASHES_SHARED 2 /* that a unit may have among others */

static bool is_better(const struct placement_load *a, const struct placement_load *b)
{
	if (a->is_away != b->is_away)
		return b->is_away;
	if (a->of_unit != b->of_unit)
		return a->of_unit < b->of_unit;
	return a->all < b->all;
}

size_t placement_choose(const struct placement_load *loads, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (is_better(&loads[i], &loads[best]))
			best = i;
	return best;
}

static void put_on(struct instance *instance, struct worker *worker)
{
	instance->worker = worker;
	worker->n_instances++;
	list_append(&worker->instances, &instance->on_worker);
}

static void move_to(struct instance *instance, struct worker *worker)
{
	list_remove(&instance->on_worker);
	instance->worker->n_instances--;
	put_on(instance, worker);
}

/* A worker process for the unit alone. -ENOSPC: there are too many. */
static int make_own(struct unit *unit)
{
	struct master *master = unit->master;
	int r = -ENOSPC;

	if (unit->own)
		return 0;
	for (unsigned i = master->n_shared + 1; i <= LIMIT_WORKERS && r == -ENOSPC; i++)
		if (!master->workers[i])
			r = worker_new(master, i, unit, &unit->own);
	if (r == 0)
		worker_start(unit->own);
	return r;
}

static void find_loads(const struct master *master, struct placement_load *loads)
{
	for (unsigned i = 0; i < master->n_shared; i++)
		loads[i] = (struct placement_load){
			.all = master->workers[i + 1]->n_instances,
			.is_away = master->workers[i + 1]->is_away,
		};
}

int unit_place(struct unit *unit)
{
	struct master *master = unit->master;
	struct placement_load loads[LIMIT_WORKERS];
	int r = unit->file.placement.worker == UNIT_WORKER_OWN ? make_own(unit) : 0;

	if (r < 0)
		return r;
	find_loads(master, loads);
	for (unsigned i = 0; i < unit->n_instances; i++) {
		struct instance *instance = &unit->instances[i];
		size_t best;

		if (instance->worker)
			continue;
		if (unit->own) {
			put_on(instance, unit->own);
			continue;
		}
		best = unit->file.placement.worker == UNIT_WORKER_NUMBER
			       ? unit->file.placement.number - 1
			       : placement_choose(loads, master->n_shared);
		loads[best].of_unit++;
		put_on(instance, master->workers[best + 1]);
	}
	return 0;
}

void instance_find_place(struct instance *instance)
{
	struct unit *unit = instance->unit;
	struct placement_load loads[LIMIT_WORKERS];
	size_t best;

	if (unit->is_isolated) {
		if (instance->worker != unit->own)
			move_to(instance, unit->own);
		return;
	}
	if (unit->file.placement.worker != UNIT_WORKER_ANY || !instance->worker->is_away)
		return;
	find_loads(unit->master, loads);
	best = placement_choose(loads, unit->master->n_shared);
	if (!loads[best].is_away)
		move_to(instance, unit->master->workers[best + 1]);
}

void unit_note_crash(struct unit *unit)
{
	struct log *log = &unit->master->log;
	int r;

	unit->crashes++;
	if (unit->crashes < CRASHES_SHARED || unit->is_isolated ||
	    unit->file.isolate != UNIT_ISOLATE_AFTER_CRASH ||
	    unit->file.placement.worker != UNIT_WORKER_ANY)
		return;
	r = make_own(unit);
	unit->is_isolated = r == 0;
	if (r == 0)
		log_warning(log,
			    "unit %s has crashed %u times: it goes on in a worker of its own, "
			    "%u",
			    unit->file.name, unit->crashes, unit->own->number);
	else
		log_warning(log,
			    "unit %s has crashed %u times and stays with the others: cannot "
			    "make a worker of its own: %s",
			    unit->file.name, unit->crashes,
			    r == -ENOSPC ? "there are too many" : strerror(-r));
}

void unit_release_own(struct unit *unit)
{
	struct worker *own = unit->own;

	unit->crashes = 0;
	unit->is_isolated = false;
	if (!own)
		return;
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_fini(&unit->instances[i]);
	own->owner = NULL;
	unit->own = NULL;
	worker_stop(own);
}
