#include "units/worker_requests.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "process/deploy.h"
#include "units/unit.h"
#include "units/version.h"

static void arm_request_timer(struct worker *worker)
{
	const struct request *first;

	worker->n_late = 0;
	if (list_is_empty(&worker->requests)) {
		loop_timer_stop(&worker->request_timer);
		return;
	}
	first = list_first(&worker->requests, struct request, link);
	if (first->timeout_ns == TEXT_INFINITY)
		loop_timer_stop(&worker->request_timer);
	else
		loop_timer_start(&worker->request_timer, first->timeout_ns);
}

struct request *worker_answered(struct worker *worker, enum request_kind kind, uint64_t number,
				uint64_t id)
{
	list_foreach (at, &worker->requests) {
		struct request *request = container_of(at, struct request, link);

		if (request->kind != kind || request->number != number || request->id != id)
			continue;
		list_remove(&request->link);
		worker->is_late = false;
		worker->progress_ns = loop_now_ns(worker->master->loop);
		/* The time for one begins with the end of the one before. */
		arm_request_timer(worker);
		return request;
	}
	worker->bad_notices++;
	return NULL;
}

static int ask(struct worker *worker, const struct request *what,
	       const struct troupe_method *method, const void *in, int fd)
{
	struct request *request = malloc(sizeof(*request));
	bool is_first = list_is_empty(&worker->requests);
	int r;

	if (!request)
		return -ENOMEM;
	*request = *what;
	r = worker_send(worker, method, in, fd);
	if (r < 0) {
		free(request);
		return r;
	}
	list_append(&worker->requests, &request->link);
	if (is_first)
		arm_request_timer(worker);
	return 0;
}

/* The same, if it was not asked for that number yet. */
static int ask_once(struct worker *worker, struct number_set *asked, const struct request *what,
		    const struct troupe_method *method, const void *in, int fd)
{
	int r;

	if (number_set_has(asked, what->number))
		return 0;
	r = number_set_add(asked, what->number);
	if (r < 0)
		return r;
	r = ask(worker, what, method, in, fd);
	if (r < 0)
		number_set_remove(asked, what->number);
	return r;
}

static int load(struct worker *worker, const struct version *version)
{
	struct deployment *deployment = version->deployment;
	struct worker_load notice = {
		.plugin = deployment->number,
		.name = deployment->name,
		.allowGlobals = deployment->allow_globals,
	};
	struct request request = {
		.kind = REQUEST_LOAD,
		.number = deployment->number,
		.timeout_ns = version->unit->file.life.start_timeout_ns,
	};

	return ask_once(worker, &worker->loaded, &request, &worker_load_method, &notice,
			deployment->fd);
}

static struct worker_limits limits_of(const struct unit *unit)
{
	return (struct worker_limits){
		.mailbox = unit->file.mailbox,
		.mailboxBytes = unit->file.mailbox_bytes,
		.batch = unit->file.batch,
		.stopOnError = unit->file.on_error == UNIT_STOP,
		.logIntervalNs = (int64_t)unit->file.log_interval_ns,
		.logBurst = unit->file.log_burst,
	};
}

static int define(struct worker *worker, const struct version *version)
{
	struct worker_define notice = {
		.version = version->number,
		.name = version->unit->file.name,
		.plugin = version->deployment->number,
		.actorType = version->type->name,
		.config = version->config,
		.stateDirectory = version->state_directory ? version->state_directory : "",
		.limits = limits_of(version->unit),
	};
	struct request request = {
		.kind = REQUEST_DEFINE,
		.number = version->number,
		.timeout_ns = version->unit->file.life.start_timeout_ns,
	};

	return ask_once(worker, &worker->defined, &request, &worker_define_method, &notice, -1);
}

void worker_redefine(struct worker *worker, const struct version *version)
{
	struct worker_redefine notice = {
		.version = version->number,
		.limits = limits_of(version->unit),
	};

	if (number_set_has(&worker->defined, version->number))
		(void)worker_send(worker, &worker_redefine_method, &notice, -1);
}

int worker_spawn(struct worker *worker, struct instance *instance)
{
	const struct version *version = instance->version;
	struct worker_spawn notice = {.version = version->number, .instance = instance->number};
	struct request request = {
		.kind = REQUEST_SPAWN,
		.number = version->number,
		.instance = instance->number,
		.timeout_ns = instance->unit->file.life.start_timeout_ns,
	};
	int r;

	if (!worker_is_up(worker))
		return -ENOTCONN;
	r = load(worker, version);
	if (r == 0)
		r = define(worker, version);
	if (r < 0)
		return r;
	request.id = ++worker->master->last_request;
	notice.request = (int64_t)request.id;
	r = ask(worker, &request, &worker_spawn_method, &notice, -1);
	if (r == 0)
		instance->request = request.id;
	return r;
}

bool worker_is_at_request(const struct worker *worker, const struct activity *activity)
{
	const struct request *first;

	if (list_is_empty(&worker->requests))
		return false;
	first = list_first(&worker->requests, struct request, link);
	return (first->kind == REQUEST_SPAWN && activity->type_hash == PAGE_DOING_INIT &&
		activity->version == first->number) ||
	       (first->kind == REQUEST_LOAD && activity->type_hash == PAGE_DOING_LOAD) ||
	       (first->kind == REQUEST_DEFINE && activity->type_hash == PAGE_DOING_DEFINE);
}

/* The oldest request is overdue: decide what is to blame. */
void worker_on_request_timer(struct loop_timer *timer)
{
	struct worker *worker = container_of(timer, struct worker, request_timer);
	struct log *log = &worker->master->log;
	const struct request *first;
	struct activity activity;
	bool in_handler;

	if (master_has_slept(worker->master)) {
		loop_timer_start(timer, MASTER_AWAKE_NS);
		return;
	}
	if (worker->state == API_STATE_STARTING && worker->pid == 0) {
		worker_launch_failed(worker, -ETIMEDOUT);
		return;
	}
	if (worker->state == API_STATE_STARTING) {
		worker_kill(worker, "it was not ready in time", true);
		return;
	}
	if (list_is_empty(&worker->requests))
		return;
	first = list_first(&worker->requests, struct request, link);
	in_handler = activity_read(&worker->page->thread, &activity);
	if (in_handler && worker_is_at_request(worker, &activity)) {
		if (first->kind == REQUEST_SPAWN) {
			worker->culprit_version = first->number;
			worker->culprit_instance = first->instance;
			worker_kill(worker, "an actor's init did not return in time", true);
		} else if (first->kind == REQUEST_LOAD) {
			worker->culprit_deployment = first->number;
			worker_kill(worker, "a plug-in did not load in time", true);
		} else {
			worker->culprit_definition = first->number;
			worker_kill(worker, "a configuration was not decoded in time", true);
		}
	} else if (in_handler || worker->n_late == 0) {
		/* Some actor's handler takes long, which is no reason to end them all. */
		if (!worker->is_late)
			log_warning(log, "worker %u is too busy to start further actors",
				    worker->number);
		worker->is_late = true;
		worker->n_late++;
		loop_timer_start(&worker->request_timer, first->timeout_ns);
		master_settle(worker->master);
	} else {
		worker_kill(worker, "it does not answer", true);
	}
}

void worker_forget_requests(struct worker *worker)
{
	list_foreach_safe (at, &worker->requests) {
		list_remove(at);
		free(container_of(at, struct request, link));
	}
	number_set_fini(&worker->loaded);
	number_set_fini(&worker->defined);
}
