/* agent.c - an agent begins, starts its parts, and ends. */
#include "worker/agent_calls.h"
#include "worker/agent_census.h"
#include "worker/agent_peers.h"
#include "worker/agent_stops.h"
#include "worker/agent_tasks.h"
#include "worker/agent_units.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/random.h"
#include "core/inspect.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define LINKS_CLOSE_NS 1000000000ull /* for peers to take what was sent last */
#define FLUSH_NS       5000000ull    /* between looks at the channel */

/* ---- callbacks of the runtime */

static void on_dead_letter(void *context, struct troupe_address from, struct troupe_address to,
			   const char *name, const char *reason)
{
	struct agent *agent = agent_of(context);

	dead_letters_add(
		&agent->dead_letters,
		&(struct worker_dead_letter){
			.from = from, .to = to, .method = name, .reason = reason, .count = 1});
}

static void send_dead_letter(void *context, const struct worker_dead_letter *letter)
{
	agent_send(agent_of(context), &worker_dead_letter_method, letter);
}

static void on_log(void *context, uint32_t version, int priority, const char *actor,
		   const char *text)
{
	struct agent *agent = agent_of(context);

	actor_log_line(&agent->actor_log, version, priority, actor, text);
}

static void on_failure(void *context, const struct runtime_failure *failure)
{
	struct agent *agent = agent_of(context);

	actor_log_failure(&agent->actor_log, failure);
}

static void on_memory(void *context, const struct runtime_memory *memory)
{
	struct agent *agent = agent_of(context);

	actor_log_memory(&agent->actor_log, memory);
}

static void on_busy(void *context)
{
	slow_watch_wake(agent_of(context)->slow_watch);
}

static void on_end(void *context, const struct runtime_end *end);
static void on_io_quiet(void *context);

static const struct runtime_ops runtime_ops = {
	.forward = agent_forward,
	.find_layout = agent_find_layout,
	.find_name = agent_find_name,
	.find_provider = agent_find_provider,
	.check_text = agent_check_text,
	.read_text = agent_read_text,
	.print_text = agent_print_text,
	.on_end = on_end,
	.on_dead_letter = on_dead_letter,
	.on_log = on_log,
	.print_place = agent_print_place,
	.on_failure = on_failure,
	.on_memory = on_memory,
	.on_replied = agent_calls_on_replied,
	.on_busy = on_busy,
};

/* ---- Start */

static int map_page(int fd, struct page **ret_page)
{
	struct stat status;
	void *page;

	if (fd < 0 || fstat(fd, &status) < 0)
		return fd < 0 ? -EBADF : -errno;
	if (status.st_size < PAGE_BYTES)
		return -EINVAL;
	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	*ret_page = page;
	return 0;
}

/* Of handlers that take long. */
static int start_watch(struct agent *agent, int64_t slow_ns)
{
	int r = agent->config.crash
			? slow_watch_new(agent->config.crash, agent->page, &agent->slow_watch)
			: 0;

	if (agent->slow_watch)
		slow_watch_set_limit(agent->slow_watch, (uint64_t)slow_ns);
	return r;
}

/* What tests leave out is the default. */
static bool is_blocking_threads(int64_t n)
{
	return n >= 0 && n <= LIMIT_BLOCKING_THREADS_MAX;
}

static int start_runtime(struct agent *agent, const struct worker_start *in)
{
	int r = runtime_new(
		&(struct runtime_config){
			.process = agent->process,
			.loop = agent->config.loop,
			.page = agent->page,
			.ops = &runtime_ops,
			.context = agent,
			.memory = (uint64_t)in->memory,
			.watch_sleeps =
				agent->slow_watch ? slow_watch_sleeps(agent->slow_watch) : NULL,
			.seed = random_seed_from_kernel(),
			.secret = {random_seed_from_kernel(), random_seed_from_kernel()},
		},
		&agent->runtime);

	if (r == 0)
		r = io_new(agent->runtime, &agent->io);
	if (r == 0 && in->blockingThreads > 0)
		io_set_blocking_threads(agent->io, (uint32_t)in->blockingThreads);
	if (r == 0)
		io_on_quiet(agent->io, on_io_quiet, agent);
	return r;
}

/* After the runtime: what its turns send leaves in the same pass. */
static int start_bridge(struct agent *agent, const char *directory)
{
	agent->nanomsg.frame_max = ENVELOPE_BATCH_MAX;
	return bridge_new(
		&(struct bridge_config){
			.loop = agent->config.loop,
			.transport = nanomsg_transport(&agent->nanomsg),
			.directory = directory,
			.process = agent->process,
			.ops = &agent_bridge_ops,
			.context = agent,
		},
		&agent->bridge);
}

static void on_start(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_start *in = data;
	const char *what = "status page";
	char tag[32];
	int r;

	if (agent->is_started || in->process.worker < 1 || in->process.worker > LIMIT_WORKERS ||
	    in->process.incarnation < 1 || in->logLevel < 0 || in->logLevel > LOG_P_DEBUG ||
	    in->memory < 0 || in->slowNs < 0 || !is_blocking_threads(in->blockingThreads)) {
		agent_fail(agent, "the master's Start makes no sense", -EINVAL);
		return;
	}
	agent->process = process_of(in->process);
	snprintf(tag, sizeof(tag), "worker %u", agent->process.worker);
	log_set_tag(agent->config.log, tag);
	agent->config.log->level = (int)in->logLevel;
	registry_init(&agent->names, agent->process);

	r = map_page(*channel_fd(agent->channel), &agent->page);
	if (r == 0) {
		what = "loader";
		r = loader_new(&agent->loader);
	}
	if (r == 0 && agent->config.crash) {
		recorder_set_page(agent->config.crash, agent->page, tag);
		recorder_set_loader(agent->config.crash, agent->loader);
		recorder_set_channel(agent->config.crash, agent->channel);
	}
	if (r == 0) {
		r = start_watch(agent, in->slowNs);
		if (r == 0)
			r = start_runtime(agent, in);
		what = r == -ENOMEM
			       ? "cannot reserve address space for actors (a limit such as "
				 "LimitAS=?)"
			       : "cannot start a thread (a limit such as TasksMax=?)";
	}
	if (r == 0 && agent->config.crash)
		recorder_set_runtime(agent->config.crash, agent->runtime);
	if (r == 0) {
		what = in->directory;
		r = start_bridge(agent, in->directory);
	}
	if (r < 0) {
		agent_fail(agent, what, r);
		return;
	}
	/* A fault in another thread is not an actor's. */
	agent->page->thread.thread_id = (uint32_t)gettid();
	agent->is_started = true;
	agent_send(agent, &worker_ready_method, "");
}

static void on_reconfigure(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_reconfigure *in = data;

	if (in->logLevel >= 0 && in->logLevel <= LOG_P_DEBUG)
		agent->config.log->level = (int)in->logLevel;
	if (in->memory >= 0)
		runtime_set_memory(agent->runtime, (uint64_t)in->memory);
	if (in->blockingThreads > 0 && is_blocking_threads(in->blockingThreads))
		io_set_blocking_threads(agent->io, (uint32_t)in->blockingThreads);
	if (in->slowNs >= 0 && agent->slow_watch)
		slow_watch_set_limit(agent->slow_watch, (uint64_t)in->slowNs);
}

/* ---- Shutdown */

/* Until the last notice is sent. */
static void on_timer(struct loop_timer *timer)
{
	struct agent *agent = container_of(timer, struct agent, timer);

	if (channel_is_flushed(agent->channel))
		agent_end(agent, AGENT_DONE);
	else
		loop_timer_start(timer, FLUSH_NS);
}

static void on_links_closed(void *context)
{
	struct agent *agent = agent_of(context);

	dead_letters_flush(&agent->dead_letters);
	agent_send(agent, &worker_finished_method,
		   &(struct worker_finished){
			   .peers = bridge_count_unacknowledged(agent->bridge),
		   });
	on_timer(&agent->timer);
}

static void on_publish(void *context, const void *in)
{
	struct agent *agent = agent_of(context);
	int r = bridge_publish(agent->bridge);

	(void)in;
	/* It may have vanished once more: then there will be another notice. */
	if (r < 0)
		log_warning(agent->config.log, "cannot bind the inbox again: %s", strerror(-r));
}

/* What changes rarely, for the page. */
static void note_stacks(struct agent *agent)
{
	uint32_t guard = inspect_guard(agent->runtime);

	if (guard != PAGE_GUARD_UNKNOWN)
		atomic_store_explicit(&agent->page->guard, guard, memory_order_relaxed);
	atomic_store_explicit(&agent->page->abandoned, inspect_abandoned(agent->runtime),
			      memory_order_relaxed);
}

static void on_ping(void *context, const void *data)
{
	const struct worker_ping *in = data;
	struct agent *agent = agent_of(context);
	struct worker_pong pong = {.request = in->request, .missedNames = agent->missed_names};

	agent->missed_names = false;
	note_stacks(agent);
	agent_send(agent, &worker_pong_method, &pong);
}

/* After Shutdown the links are closed when the last actor has ended, which takes some time if
 * it has tasks, and what it has left: child processes have their TaskGrace=. */
static void look_for_end(struct agent *agent)
{
	if (!agent->is_stopping || agent->is_closing || agent->is_ended ||
	    !runtime_is_empty(agent->runtime) || !io_is_quiet(agent->io))
		return;
	agent->is_closing = true;
	bridge_close(agent->bridge, LINKS_CLOSE_NS, on_links_closed);
}

static void on_end(void *context, const struct runtime_end *end)
{
	agent_actor_ended(context, end);
	look_for_end(agent_of(context));
}

static void on_io_quiet(void *context)
{
	look_for_end(agent_of(context));
}

static void on_shutdown(void *context, const void *in)
{
	struct agent *agent = agent_of(context);

	(void)in;
	if (agent->is_stopping)
		return;
	agent->is_stopping = true;
	runtime_stop_all(agent->runtime);
	look_for_end(agent);
}

/* ---- notices */

/* All but Start need what Start has made. */
static bool admits(void *context, const struct troupe_method *method)
{
	struct agent *agent = agent_of(context);

	if (method != &worker_start_method && !agent->is_started && !agent->is_ended)
		agent_fail(agent, "the master's first notice is not Start", -EPROTO);
	return !agent->is_ended;
}

static const struct channel_handler handlers[] = {
	{&worker_start_method, on_start},
	{&worker_load_method, agent_on_load},
	{&worker_socket_method, agent_on_socket},
	{&worker_define_method, agent_on_define},
	{&worker_reconfigure_method, on_reconfigure},
	{&worker_redefine_method, agent_on_redefine},
	{&worker_undefine_method, agent_on_undefine},
	{&worker_spawn_method, agent_on_spawn},
	{&worker_stop_method, agent_on_stop},
	{&worker_call_method, agent_on_call},
	{&worker_cancel_method, agent_on_cancel},
	{&worker_taken_method, agent_on_taken},
	{&worker_client_gone_method, agent_on_client_gone},
	{&worker_peer_method, agent_on_peer},
	{&worker_arena_method, agent_on_arena},
	{&worker_name_method, agent_on_name},
	{&worker_inquire_method, agent_on_inquire},
	{&worker_describe_method, agent_on_describe},
	{&worker_tasks_method, agent_on_tasks},
	{&worker_publish_method, on_publish},
	{&worker_ping_method, on_ping},
	{&worker_shutdown_method, on_shutdown},
};

static void on_flushed(void *context)
{
	struct agent *agent = agent_of(context);

	if (agent->runtime)
		agent_calls_have_room(agent);
}

static void on_closed(void *context, int error)
{
	struct agent *agent = agent_of(context);

	if (error == 0 || error == -EPIPE) {
		agent_end(agent, AGENT_ORPHANED);
		return;
	}
	agent_fail(agent, "the channel to the master", error);
}

/* ---- life */

int agent_new(const struct agent_config *config, struct agent **ret_agent)
{
	struct channel_config channel = {
		.loop = config->loop,
		.fd = config->channel,
		.handlers = handlers,
		.n_handlers = ARRAY_LEN(handlers),
		.on_closed = on_closed,
		.on_flushed = on_flushed,
		.admits = admits,
	};
	struct agent *agent = calloc(1, sizeof(*agent));
	int r;

	if (!agent) {
		close(config->channel);
		return -ENOMEM;
	}
	agent->magic = AGENT_MAGIC;
	agent->config = *config;
	agent_stops_init(agent);
	registry_init(&agent->names, (struct process){0});
	dead_letters_init(&agent->dead_letters, config->loop, send_dead_letter, agent);
	loop_timer_init(&agent->timer, config->loop, on_timer);
	actor_log_init(&agent->actor_log, config->log, config->loop, &agent->units);
	channel.context = agent;
	r = channel_new(&channel, &agent->channel);
	if (r < 0) {
		actor_log_fini(&agent->actor_log);
		free(agent);
		return r;
	}
	*ret_agent = agent;
	return 0;
}

bool agent_is_held(const struct agent *agent)
{
	return agent && io_is_held(agent->io);
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	/* from here on agent_end() does not call on_end */
	agent->is_ended = true;
	loop_timer_stop(&agent->timer);
	agent_calls_fini(agent);
	if (agent->config.crash) {
		recorder_set_runtime(agent->config.crash, NULL);
		recorder_set_channel(agent->config.crash, NULL);
	}
	runtime_free(agent->runtime);
	io_free(agent->io);
	slow_watch_free(agent->slow_watch);
	bridge_free(agent->bridge);
	dead_letters_fini(&agent->dead_letters);
	channel_free(agent->channel);
	agent_stops_fini(agent);
	registry_fini(&agent->names);
	actor_log_fini(&agent->actor_log);
	units_fini(&agent->units);
	if (agent->config.crash) {
		recorder_set_loader(agent->config.crash, NULL);
		recorder_set_page(agent->config.crash, NULL, "");
	}
	loader_free(agent->loader);
	if (agent->page)
		munmap(agent->page, PAGE_BYTES);
	agent->magic = 0;
	free(agent);
}
