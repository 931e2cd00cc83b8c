#include "trouped/worker_parts.h"

#include "master/arenas.h"
#include "master/master.h"
#include "trouped/letters.h"
#include "trouped/worker_death.h"
#include "trouped/worker_notices.h"
#include "units/instance.h"
#include "units/slow.h"
#include "units/stall.h"
#include "units/suspects.h"
#include "units/unit.h"
#include "units/worker_requests.h"

struct worker_whole {
	struct worker worker;
	struct letters letters;
	struct suspects suspects;
};

static void let_next_begin(struct worker *worker)
{
	list_each (struct instance, instance, &worker->instances, on_worker)
		instance_worker_up(instance);
}

static void init(struct worker *worker)
{
	struct worker_whole *whole = container_of(worker, struct worker_whole, worker);

	worker->letters = &whole->letters;
	worker->suspects = &whole->suspects;
	letters_init(worker->letters);
	suspects_init(worker, let_next_begin);
	loop_timer_init(&worker->request_timer, worker->master->loop, worker_on_request_timer);
}

static void fini(struct worker *worker)
{
	list_each (struct instance, instance, &worker->instances, on_worker) {
		list_remove(&instance->on_worker);
		instance->worker = NULL;
	}
	suspects_fini(worker);
	slow_free(worker);
}

static void on_forget(struct worker *worker)
{
	worker_forget_requests(worker);
	arenas_forget(worker);
	stall_forget(worker);
	slow_forget(worker);
	letters_end(worker);
}

static void on_away(struct worker *worker)
{
	list_each (struct instance, instance, &worker->instances, on_worker)
		instance_worker_away(instance);
}

const struct worker_ops worker_parts = {
	.handlers = worker_handlers,
	.n_handlers = WORKER_HANDLERS,
	.size = sizeof(struct worker_whole),
	.init = init,
	.fini = fini,
	.on_forget = on_forget,
	.on_away = on_away,
	.on_death = worker_on_death,
};
