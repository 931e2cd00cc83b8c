#include "master/worker.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/memory.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "process/page_map.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LEAST_DELAY_NS (5 * CLOCK_MS_NS)
#define ABORT_NS       (3 * CLOCK_SECOND_NS / 2) /* for the crash record of one that we end */
#define LAST_WORDS_NS                                                                          \
	CLOCK_SECOND_NS /* to read a dead one's channel, which its child may hold open */
#define LOST_NS (5 * CLOCK_SECOND_NS) /* for SIGKILL to work */
#define EXIT_NS (5 * CLOCK_SECOND_NS) /* for exit() to return to the kernel */
#define READY_NS                                                                               \
	(60 * CLOCK_SECOND_NS) /* for a process to be ready where StartTimeout=infinity */

bool worker_is_up(const struct worker *worker)
{
	return worker->state == API_STATE_RUNNING && worker->channel && !worker->is_dead;
}

void worker_look_for_progress(struct worker *worker)
{
	uint64_t actors =
		worker->page ? atomic_load_explicit(&worker->page->actors, memory_order_relaxed)
			     : 0;

	if (actors < worker->actors_seen)
		worker->progress_ns = master_awake_ns(worker->master);
	worker->actors_seen = actors;
}

int worker_send(struct worker *worker, const struct troupe_method *method, const void *in,
		int fd)
{
	if (!worker->channel || worker->is_dead)
		return -ENOTCONN;
	return channel_send(worker->channel, method, in, fd);
}

int worker_send_soon(struct worker *worker, const struct troupe_method *method, const void *in)
{
	if (!worker->channel || worker->is_dead)
		return -ENOTCONN;
	return channel_send_soon(worker->channel, method, in);
}

void worker_send_stop(struct worker *worker, struct troupe_address actor, bool drain)
{
	struct worker_stop stop = {
		.request = (int64_t)++worker->master->last_request,
		.actor = actor,
		.drain = drain,
	};

	(void)worker_send(worker, &worker_stop_method, &stop, -1);
}

void worker_undefine(struct worker *worker, uint32_t version)
{
	if (!number_set_has(&worker->defined, version))
		return;
	number_set_remove(&worker->defined, version);
	(void)worker_send(worker, &worker_undefine_method,
			  &(struct worker_undefine){.version = version}, -1);
}

bool worker_is_halted(const struct worker *worker)
{
	char path[64], line[512];
	const char *after;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)worker->pid);
	cleanup_fclose FILE *stat = fopen(path, "re");
	if (!stat || !fgets(line, sizeof(line), stat))
		return false;
	/* The name before its state may hold anything, even ')'. */
	after = strrchr(line, ')');
	return after && (strncmp(after, ") T", 3) == 0 || strncmp(after, ") t", 3) == 0);
}

static void send_kill(struct worker *worker)
{
	worker->is_killed = true;
	launcher_kill(&worker->master->launcher, worker->launch, SIGKILL);
	loop_timer_start(&worker->kill_timer, LOST_NS);
}

void worker_kill(struct worker *worker, const char *why, bool abort)
{
	if (worker->pid == 0 || worker->is_dead || worker->killed_why)
		return;
	worker->killed_why = why;
	log_warning(&worker->master->log, "worker %u (pid %d) is ended: %s", worker->number,
		    (int)worker->pid, why);
	loop_timer_stop(&worker->request_timer);
	/* A stopped process leaves no record, however long it is given. */
	if (!abort || worker_is_halted(worker)) {
		send_kill(worker);
		return;
	}
	launcher_kill(&worker->master->launcher, worker->launch, SIGABRT);
	loop_timer_start(&worker->kill_timer, ABORT_NS);
}

void worker_kill_explained(struct worker *worker, const char *why)
{
	worker->is_explained = worker->is_explained || !worker->killed_why;
	worker_kill(worker, why, true);
}

/* SIGKILL did not help: it is stopped by a tracer at its exit, or hangs in the kernel. It will
 * never run our code again. */
static void give_up_as_lost(struct worker *worker)
{
	log_error(&worker->master->log,
		  "worker %u (pid %d) does not end though it was killed (is it traced, or does "
		  "it wait for a device?): going on without it",
		  worker->number, (int)worker->pid);
	worker->is_dead = true;
	worker->ops->on_death(worker);
}

static void on_kill_timer(struct loop_timer *timer)
{
	struct worker *worker = container_of(timer, struct worker, kill_timer);

	/* What it did meanwhile, its end perhaps, has not been read yet. */
	if (master_slept_over(worker->master, timer))
		return;
	if (worker->is_dead) {
		worker->ops->on_death(worker);
		return;
	}
	if (worker->is_killed) {
		give_up_as_lost(worker);
		return;
	}
	if (worker->killed_why)
		send_kill(worker);
	else
		worker_kill(worker,
			    worker->is_finished ? "it did not exit after its last notice"
						: "it did not end in time",
			    false);
}

/* ---- its end */

static void on_end(void *context, const struct launch_end *end)
{
	struct worker *worker = context;

	worker->is_dead = true;
	worker->end = *end;
	loop_timer_stop(&worker->request_timer);
	if (worker->channel)
		loop_timer_start(&worker->kill_timer, LAST_WORDS_NS);
	else
		worker->ops->on_death(worker);
}

static void on_closed(void *context, int error)
{
	struct worker *worker = context;

	channel_free(take_pointer(&worker->channel));
	if (worker->is_dead)
		worker->ops->on_death(worker);
	else if (error < 0)
		worker_kill(worker,
			    error == -EBADMSG   ? "it broke the protocol"
			    : error == -ENOBUFS ? "it does not read what it is sent"
						: "its channel failed",
			    false);
	else if (!worker->kill_timer.started)
		/* It is about to end; if not, it is of no use. */
		loop_timer_start(&worker->kill_timer, LAST_WORDS_NS);
}

void worker_on_finished(struct worker *worker, const char *error, int64_t peers)
{
	worker->is_finished = true;
	worker->is_sound = !error;
	(void)snprintf(worker->failure, sizeof(worker->failure), "%s", error ? error : "");
	if (peers > 0 && peers <= LIMIT_WORKERS)
		log_warning(&worker->master->log,
			    "worker %u ended before %d others had taken all messages from it",
			    worker->number, (int)peers);
	/* One that is being ended has less time. */
	if (!worker->killed_why)
		loop_timer_start(&worker->kill_timer, EXIT_NS);
}

/* ---- its beginning */

static void launch(struct worker *worker);

static void on_restart_timer(struct loop_timer *timer)
{
	launch(container_of(timer, struct worker, restart_timer));
}

uint64_t worker_life_ns(const struct worker *worker)
{
	return worker->up_ns ? loop_now_ns(worker->master->loop) - worker->up_ns : 0;
}

/* Enter an end in one of its records; returns how long that has it wait. Neither has a limit:
 * without workers whole units could not run. */
static uint64_t enter_end(struct worker *worker, struct restart *record, uint64_t delay_ns,
			  uint64_t delay_max_ns, bool counts)
{
	struct master *master = worker->master;
	struct restart_rules rules = {
		.policy = RESTART_ALWAYS,
		.delay_ns = delay_ns,
		.delay_max_ns = delay_max_ns,
		.healthy_ns = master->settings.life.healthy_ns,
	};
	uint64_t wait_ns = 0;

	(void)restart_decide(record, &rules,
			     counts ? TROUPE_CAUSE_CRASHED : TROUPE_CAUSE_COLLATERAL,
			     worker_life_ns(worker), &master->random, &wait_ns);
	return wait_ns;
}

void worker_start_next(struct worker *worker, const struct restart *counts)
{
	const struct life_keys *life = &worker->master->settings.life;
	uint64_t wait_ns;

	worker->restarts++;
	worker->master->worker_restarts++;
	worker->state = API_STATE_BACKOFF;
	wait_ns = enter_end(worker, &worker->deaths, LEAST_DELAY_NS, LIMIT_WORKER_DELAY_NS,
			    counts == &worker->deaths);
	wait_ns += enter_end(worker, &worker->trouble, life->delay_ns, life->delay_max_ns,
			     counts == &worker->trouble);
	worker->is_away = wait_ns > LIMIT_WORKER_DELAY_NS;
	loop_timer_start(&worker->restart_timer, wait_ns);
	worker->ops->on_away(worker);
}

/* That its messages and states should take at most; 0: no bound. */
static int64_t bytes_of_memory(const struct master *master)
{
	return (int64_t)memory_of_worker(master->settings.worker_memory,
					 master->settings.workers);
}

/* 0: no handler is slow. */
static int64_t slow_ns(const struct master *master)
{
	const uint64_t ns = master->settings.slow_handler_ns;

	if (ns == 0 || ns > INT64_MAX)
		return 0;
	return (int64_t)(ns < LIMIT_SLOW_HANDLER_MIN_NS ? LIMIT_SLOW_HANDLER_MIN_NS : ns);
}

static int introduce(struct worker *worker, int page)
{
	struct worker_start start = {
		.process = process_address(worker_process(worker)),
		.directory = worker->master->directory,
		.logLevel = worker->master->log.level,
		.memory = bytes_of_memory(worker->master),
		.blockingThreads = worker->master->settings.blocking_threads,
		.slowNs = slow_ns(worker->master),
	};

	return worker_send(worker, &worker_start_method, &start, page);
}

/* Make ready what it needs, and send Start. */
static int meet(struct worker *worker, int fd)
{
	struct channel_config config = {
		.loop = worker->master->loop,
		.fd = fd,
		.handlers = worker->ops->handlers,
		.n_handlers = worker->ops->n_handlers,
		.on_closed = on_closed,
		.context = worker,
	};
	cleanup_close int page_fd = -1;
	int r = channel_new(&config, &worker->channel);

	if (r == 0)
		r = page_map(worker_process(worker), &worker->page, &page_fd);
	if (r == 0)
		r = introduce(worker, page_fd);
	/* One that has ended already: its end is about to be reported. */
	return r == -ENOTCONN ? 0 : r;
}

static void on_launched(void *context, pid_t pid, int channel)
{
	struct worker *worker = context;
	int r = meet(worker, channel);

	if (r < 0) {
		worker_launch_failed(worker, r);
		return;
	}
	worker->pid = pid;
	log_debug(&worker->master->log, "worker %u (incarnation %u) is pid %d", worker->number,
		  worker->incarnation, (int)pid);
}

void worker_launch_failed(struct worker *worker, int error)
{
	log_error(&worker->master->log, "cannot start worker %u: %s; will try again",
		  worker->number, strerror(-error));
	worker_forget_process(worker);
	worker_start_next(worker, &worker->trouble);
	master_check_soon(worker->master);
}

static void on_failed(void *context, int error)
{
	worker_launch_failed(context, error);
}

static const struct launch_events launch_events = {
	.on_launched = on_launched,
	.on_failed = on_failed,
	.on_end = on_end,
};

static void launch(struct worker *worker)
{
	struct master *master = worker->master;
	struct launch request = {.events = &launch_events, .context = worker};
	int r;

	worker->incarnation = ++master->incarnations[worker->number];
	request.process = worker_process(worker);
	page_unmap(take_pointer(&worker->page));
	worker->is_dead = worker->is_killed = worker->is_explained = false;
	worker->is_finished = worker->is_sound = false;
	worker->failure[0] = '\0';
	worker->killed_why = NULL;
	worker->end = (struct launch_end){0};
	worker->culprit.kind = REQUEST_NONE;
	worker->is_late = worker->missed_names = false;
	worker->state = API_STATE_STARTING;
	worker->is_away = false;
	worker->up_ns = 0;
	r = launcher_launch(&master->launcher, &request, &worker->launch);
	if (r < 0)
		worker_launch_failed(worker, r);
	else
		loop_timer_start(&worker->request_timer,
				 master->settings.life.start_timeout_ns == TEXT_INFINITY
					 ? READY_NS
					 : master->settings.life.start_timeout_ns);
}

void worker_start(struct worker *worker)
{
	/* A stopping daemon would not send a new one Shutdown. */
	if (worker->state != API_STATE_STOPPED || worker->master->is_stopping)
		return;
	launch(worker);
}

void worker_ended(struct worker *worker)
{
	worker->state = API_STATE_STOPPED;
	/* A unit's own worker has done its work. */
	if (!worker->owner && worker->number > worker->master->n_shared)
		worker_free(worker);
}

void worker_stop(struct worker *worker)
{
	if (worker->state == API_STATE_STOPPING)
		return;
	if (worker->pid == 0) {
		/* One that was only asked for never is launched. */
		worker_forget_process(worker);
		worker_ended(worker);
		return;
	}
	worker->state = API_STATE_STOPPING;
	loop_timer_stop(&worker->request_timer);
	(void)worker_send(worker, &worker_shutdown_method, &(struct worker_shutdown){0}, -1);
	/* One that is being ended has less time. */
	if (!worker->is_dead && !worker->killed_why &&
	    worker->master->settings.life.stop_timeout_ns != TEXT_INFINITY)
		loop_timer_start(&worker->kill_timer,
				 worker->master->settings.life.stop_timeout_ns);
}

void worker_forget_process(struct worker *worker)
{
	loop_timer_stop(&worker->kill_timer);
	loop_timer_stop(&worker->request_timer);
	loop_timer_stop(&worker->restart_timer);
	channel_free(take_pointer(&worker->channel));
	launcher_release(&worker->master->launcher, &worker->launch);
	worker->ops->on_forget(worker);
	worker->pid = 0;
}

void worker_reconfigure(struct worker *worker)
{
	struct master *master = worker->master;

	(void)worker_send(worker, &worker_reconfigure_method,
			  &(struct worker_reconfigure){
				  .logLevel = master->log.level,
				  .memory = bytes_of_memory(master),
				  .slowNs = slow_ns(master),
				  .blockingThreads = master->settings.blocking_threads},
			  -1);
}

int worker_new(struct master *master, unsigned number, struct unit *owner,
	       struct worker **ret_worker)
{
	struct worker *worker = calloc(1, master->worker_ops->size);

	check(number >= 1 && number <= LIMIT_WORKERS && !master->workers[number]);
	if (!worker)
		return -ENOMEM;
	worker->master = master;
	worker->ops = master->worker_ops;
	worker->number = number;
	worker->state = API_STATE_STOPPED;
	worker->owner = owner;
	worker->arena = -1;
	list_init(&worker->instances);
	list_init(&worker->requests);
	list_init(&worker->calls);
	loop_timer_init(&worker->restart_timer, master->loop, on_restart_timer);
	loop_timer_init(&worker->kill_timer, master->loop, on_kill_timer);
	worker->ops->init(worker);
	master->workers[number] = worker;
	*ret_worker = worker;
	return 0;
}

void worker_fence_calls(struct worker *worker)
{
	worker->fenced_bytes += worker->over_bytes;
	worker->over_bytes = 0;
}

void worker_pass_calls(struct worker *worker)
{
	worker->call_bytes -= worker->fenced_bytes;
	worker->fenced_bytes = 0;
}

struct worker *worker_find(const struct master *master, struct process process)
{
	struct worker *worker =
		process.worker <= LIMIT_WORKERS ? master->workers[process.worker] : NULL;

	return worker && process_equal(worker_process(worker), process) ? worker : NULL;
}

struct worker *worker_after(const struct master *master, unsigned number)
{
	while (++number <= LIMIT_WORKERS)
		if (master->workers[number])
			return master->workers[number];
	return NULL;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	worker_forget_process(worker);
	worker->ops->fini(worker);
	page_unmap(worker->page);
	worker->master->workers[worker->number] = NULL;
	free(worker);
}
