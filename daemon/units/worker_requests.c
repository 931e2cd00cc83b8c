#include "units/worker_requests.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "process/deploy.h"
#include "units/unit.h"
#include "units/version.h"

/* NULL: it has answered all. */
static const struct request *first_request(const struct worker *worker)
{
	return list_is_empty(&worker->requests)
		       ? NULL
		       : list_first(&worker->requests, struct request, link);
}

static void arm_request_timer(struct worker *worker)
{
	const struct request *first = first_request(worker);

	worker->n_late = 0;
	if (!first || first->timeout_ns == TEXT_INFINITY)
		loop_timer_stop(&worker->request_timer);
	else
		loop_timer_start(&worker->request_timer, first->timeout_ns);
}

bool worker_answered(struct worker *worker, enum request_kind kind, int64_t number, int64_t id,
		     uint32_t *ret_instance)
{
	list_each (struct request, request, &worker->requests, link) {
		if (request->what.kind != kind || request->what.number != number ||
		    request->id != (uint64_t)id)
			continue;
		list_remove(&request->link);
		worker->is_late = false;
		worker->progress_ns = master_awake_ns(worker->master);
		/* The time for one begins with the end of the one before. */
		arm_request_timer(worker);
		if (ret_instance)
			*ret_instance = request->what.instance;
		free(request);
		return true;
	}
	worker->bad_notices++;
	worker_broke_protocol(worker, "an answer that nobody asked for");
	return false;
}

/* id: SPAWN; of: whose StartTimeout= holds. */
static int ask(struct worker *worker, struct request_what what, uint64_t id,
	       const struct version *of, const struct troupe_method *method, const void *in,
	       int fd)
{
	struct request *request = malloc(sizeof(*request));
	bool is_first = list_is_empty(&worker->requests);
	int r;

	if (!request)
		return -ENOMEM;
	*request = (struct request){
		.what = what, .id = id, .timeout_ns = of->unit->file.life.start_timeout_ns};
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
static int ask_once(struct worker *worker, struct number_set *asked, struct request_what what,
		    const struct version *of, const struct troupe_method *method,
		    const void *in, int fd)
{
	int r;

	if (number_set_has(asked, what.number))
		return 0;
	r = number_set_add(asked, what.number);
	if (r < 0)
		return r;
	r = ask(worker, what, 0, of, method, in, fd);
	if (r < 0)
		number_set_remove(asked, what.number);
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

	return ask_once(worker, &worker->loaded,
			(struct request_what){REQUEST_LOAD, deployment->number, 0}, version,
			&worker_load_method, &notice, deployment->fd);
}

/* So that the end is there before the worker is killed for want of it. */
static int64_t task_grace_ns(const struct unit_file *file)
{
	const uint64_t most_ns = file->life.stop_timeout_ns / 10 * 9;

	return (int64_t)(file->task_grace_ns < most_ns ? file->task_grace_ns : most_ns);
}

static struct worker_limits limits_of(const struct unit *unit)
{
	return (struct worker_limits){
		.mailbox = unit->file.mailbox,
		.mailboxBytes = unit->file.mailbox_bytes,
		.batch = unit->file.batch,
		.tasks = unit->file.tasks,
		.taskStack = unit->file.task_stack,
		.blocking = unit->file.blocking,
		.taskGraceNs = task_grace_ns(&unit->file),
		.stopOnError = unit->file.on_error == UNIT_STOP,
		.logIntervalNs = (int64_t)unit->file.log_interval_ns,
		.logBurst = unit->file.log_burst,
	};
}

/* Before Define: so that when one cannot be sent, the version is as good as unknown. */
static int send_sockets(struct worker *worker, const struct version *version)
{
	struct worker_socket notice = {.version = version->number};
	int r = 0;

	for (size_t i = 0; r == 0 && i < version->n_sockets; i++) {
		notice.index = (int64_t)i;
		notice.name = version->sockets[i].name;
		r = worker_send(worker, &worker_socket_method, &notice, version->sockets[i].fd);
	}
	return r;
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

	int r = number_set_has(&worker->defined, version->number)
			? 0
			: send_sockets(worker, version);

	if (r == 0)
		r = ask_once(worker, &worker->defined,
			     (struct request_what){REQUEST_DEFINE, version->number, 0}, version,
			     &worker_define_method, &notice, -1);
	if (r < 0) /* it lets go of the sockets */
		(void)worker_send(worker, &worker_undefine_method,
				  &(struct worker_undefine){.version = version->number}, -1);
	return r;
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
	struct request_what what = {REQUEST_SPAWN, version->number, instance->number};
	uint64_t id;
	int r;

	if (!worker_is_up(worker))
		return -ENOTCONN;
	r = load(worker, version);
	if (r == 0)
		r = define(worker, version);
	if (r < 0)
		return r;
	id = ++worker->master->last_request;
	notice.request = (int64_t)id;
	r = ask(worker, what, id, version, &worker_spawn_method, &notice, -1);
	if (r == 0)
		instance->request = id;
	return r;
}

const struct request *worker_request_at(const struct worker *worker,
					const struct activity *activity)
{
	static const uint64_t doings[] = {
		[REQUEST_LOAD] = PAGE_DOING_LOAD,
		[REQUEST_DEFINE] = PAGE_DOING_DEFINE,
		[REQUEST_SPAWN] = PAGE_DOING_INIT,
	};
	const struct request *first = first_request(worker);

	return first && activity->type_hash == doings[first->what.kind] &&
			       (first->what.kind != REQUEST_SPAWN ||
				activity->version == first->what.number)
		       ? first
		       : NULL;
}

/* The oldest request is overdue: decide what is to blame. */
void worker_on_request_timer(struct loop_timer *timer)
{
	struct worker *worker = container_of(timer, struct worker, request_timer);
	static const char *const too_late[] = {
		[REQUEST_LOAD] = "a plug-in did not load in time",
		[REQUEST_DEFINE] = "a configuration was not decoded in time",
		[REQUEST_SPAWN] = "an actor's init did not return in time",
	};
	struct log *log = &worker->master->log;
	const struct request *first = first_request(worker);
	struct activity activity;
	bool in_handler;

	if (master_slept_over(worker->master, timer))
		return;
	if (worker->state == API_STATE_STARTING && worker->pid == 0) {
		worker_launch_failed(worker, -ETIMEDOUT);
		return;
	}
	if (worker->state == API_STATE_STARTING) {
		worker_kill(worker, "it was not ready in time", true);
		return;
	}
	if (!first)
		return;
	in_handler = activity_read(&worker->page->thread, &activity);
	if (in_handler && worker_request_at(worker, &activity)) {
		worker->culprit = first->what;
		worker_kill(worker, too_late[first->what.kind], true);
	} else if (in_handler || worker->n_late == 0) {
		/* Some actor's handler takes long, which is no reason to end them all. */
		if (!worker->is_late)
			log_warning(log, "worker %u is too busy to start further actors",
				    worker->number);
		worker->is_late = true;
		worker->n_late++;
		loop_timer_start(&worker->request_timer, first->timeout_ns);
		master_check_soon(worker->master);
	} else {
		worker_kill(worker, "it does not answer", true);
	}
}

void worker_forget_requests(struct worker *worker)
{
	list_each (struct request, request, &worker->requests, link) {
		list_remove(&request->link);
		free(request);
	}
	number_set_fini(&worker->loaded);
	number_set_fini(&worker->defined);
}
