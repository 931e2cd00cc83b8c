#include "stage.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/seqpacket.h"
#include "process/page_map.h"
#include "tests/unit/sim/sim.h"
#include "units/master_state.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LOOK_NS     (5 * CLOCK_MS_NS)
#define PATIENCE_NS (60 * CLOCK_SECOND_NS)
#define IDLE_NS     (50 * CLOCK_MS_NS)
#define FIRST_PID   5000000 /* above what the kernel gives */

/* ---- the workers' side */

static void report_end(struct loop_timer *timer)
{
	struct stage_worker *worker = container_of(timer, struct stage_worker, timer);
	struct launch_end end = worker->end;

	if (worker->stage->is_unknowing)
		end = (struct launch_end){0};
	worker->launch.events->on_end(worker->launch.context, &end);
}

static void end(struct stage_worker *worker, enum launch_cause cause, int number)
{
	if (worker->is_dead)
		return;
	worker->is_dead = true;
	worker->end = (struct launch_end){cause, number};
	if (!worker->is_released) {
		loop_timer_init(&worker->timer, worker->stage->master->loop, report_end);
		loop_timer_start(&worker->timer, 0);
	}
	/* With a process its end of the channel goes. */
	if (worker->stage->has_heirs)
		return;
	worker->is_closed = true;
	channel_free(worker->channel);
	worker->channel = NULL;
}

void stage_signal(struct stage_worker *worker, int number)
{
	end(worker, LAUNCH_SIGNALED, number);
}

void stage_exit(struct stage_worker *worker, int status)
{
	end(worker, LAUNCH_EXITED, status);
}

static void free_worker(struct stage_worker *worker)
{
	if (!worker)
		return;
	if (worker->timer.started)
		loop_timer_stop(&worker->timer);
	channel_free(worker->channel);
	page_unmap(worker->page);
	if (worker->arena_fd > 0)
		close(worker->arena_fd);
	free(worker);
}

static void on_start(void *context, const void *in)
{
	struct stage_worker *worker = context;
	const struct worker_start *start = in;
	void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			  *channel_fd(worker->channel), 0);

	assert_in_range(start->process.worker, 1, STAGE_WORKERS);
	assert_ptr_not_equal(page, MAP_FAILED);
	worker->page = page;
	worker->number = start->process.worker;
	worker->incarnation = start->process.incarnation;
	stage_tell(worker, &worker_ready_method, &(struct worker_ready){0});
}

static void on_call(void *context, const void *in)
{
	struct stage_worker *worker = context;
	const struct worker_call *call = in;

	worker->calls[worker->n_calls++ % STAGE_CALLS] = call->call;
	worker->to = call->to;
	(void)snprintf(worker->method, sizeof(worker->method), "%.*s", (int)call->method.size,
		       (const char *)call->method.data);
	(void)snprintf(worker->parameters, sizeof(worker->parameters), "%.*s",
		       (int)call->parameters.size, (const char *)call->parameters.data);
}

static void on_cancel(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->n_cancelled++;
	worker->cancelled = ((const struct worker_cancel *)in)->call;
}

static void on_load(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->n_loads++;
	worker->load = *(const struct worker_load *)in;
	worker->load.name = "";
	if (!worker->stage->is_loader_slow)
		stage_tell(worker, &worker_loaded_method,
			   &(struct worker_loaded){.plugin = worker->load.plugin});
}

static void on_define(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->n_defines++;
	worker->define.version = ((const struct worker_define *)in)->version;
	if (!worker->stage->is_reader_slow)
		stage_tell(worker, &worker_defined_method,
			   &(struct worker_defined){.version = worker->define.version});
}

static void on_spawn(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->n_spawns++;
	worker->spawn = *(const struct worker_spawn *)in;
	if (!worker->stage->is_slow)
		stage_spawned(worker, NULL);
}

static void on_peer(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->peer = *(const struct worker_peer *)in;
}

static void on_arena(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->n_arenas++;
	worker->arena = *(const struct worker_arena *)in;
	if (worker->arena_fd > 0)
		close(worker->arena_fd);
	worker->arena_fd = take_fd(channel_fd(worker->channel));
}

static void on_shutdown(void *context, const void *in)
{
	struct stage_worker *worker = context;

	(void)in;
	worker->n_shutdown++;
	if (!worker->stage->is_stubborn)
		stage_signal(worker, SIGTERM);
}

static void on_taken(void *context, const void *in)
{
	struct stage_worker *worker = context;
	const struct worker_taken *taken = in;

	worker->n_taken += (unsigned)taken->count;
	worker->taken_bytes += taken->bytes;
	worker->taken = taken->call;
}

static void on_inquire(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->inquiry = ((const struct worker_inquire *)in)->request;
	worker->inquiry_from = ((const struct worker_inquire *)in)->from;
}

static void on_ping(void *context, const void *in)
{
	const struct worker_ping *ping = in;

	stage_tell(context, &worker_pong_method,
		   &(struct worker_pong){.request = ping->request});
}

static void on_client_gone(void *context, const void *in)
{
	(void)in;
	((struct stage_worker *)context)->n_gone++;
}

static void on_other(void *context, const void *in)
{
	(void)context;
	(void)in;
}

static const struct channel_handler handlers[] = {
	{&worker_start_method, on_start},
	{&worker_call_method, on_call},
	{&worker_cancel_method, on_cancel},
	{&worker_shutdown_method, on_shutdown},
	{&worker_load_method, on_load},
	{&worker_define_method, on_define},
	{&worker_spawn_method, on_spawn},
	{&worker_peer_method, on_peer},
	{&worker_taken_method, on_taken},
	{&worker_name_method, on_other},
	{&worker_describe_method, on_other},
	{&worker_inquire_method, on_inquire},
	{&worker_stop_method, on_other},
	{&worker_undefine_method, on_other},
	{&worker_redefine_method, on_other},
	{&worker_reconfigure_method, on_other},
	{&worker_client_gone_method, on_client_gone},
	{&worker_arena_method, on_arena},
	{&worker_ping_method, on_ping},
};

static void on_closed(void *context, int error)
{
	struct stage_worker *worker = context;

	(void)error;
	worker->is_closed = true;
}

static void on_launch_timer(struct loop_timer *timer)
{
	struct stage_worker *worker = container_of(timer, struct stage_worker, timer);
	struct stage *stage = worker->stage;
	struct channel_config config = {
		.loop = stage->master->loop,
		.handlers = handlers,
		.n_handlers = ARRAY_LEN(handlers),
		.on_closed = on_closed,
		.context = worker,
	};
	int pair[2];

	if (stage->n_refusals > 0) {
		stage->n_refusals--;
		worker->launch.events->on_failed(worker->launch.context, -EAGAIN);
		return;
	}
	assert_int_equal(seqpacket_pair(pair), 0);
	stage->n_launched++;
	worker->pid = FIRST_PID + (pid_t)stage->n_launched;
	config.fd = pair[1];
	assert_int_equal(channel_new(&config, &worker->channel), 0);
	if (stage->is_stillborn)
		stage_exit(worker, 3);
	worker->launch.events->on_launched(worker->launch.context, worker->pid, pair[0]);
}

static void start_launching(struct stage_worker *worker)
{
	loop_timer_init(&worker->timer, worker->stage->master->loop, on_launch_timer);
	loop_timer_start(&worker->timer, worker->stage->launch_ns);
}

static int launch(void *context, const struct launch *request, struct launch **ret_launch)
{
	struct stage *stage = context;
	struct stage_worker *worker = calloc(1, sizeof(*worker));

	assert_in_range(request->process.worker, 1, STAGE_WORKERS);
	worker->launch = *request;
	worker->stage = stage;
	stage->n_asked++;
	free_worker(stage->workers[request->process.worker]);
	stage->workers[request->process.worker] = worker;
	/* master_new() has not returned: then by raise_stage(). */
	if (stage->master)
		start_launching(worker);
	*ret_launch = &worker->launch;
	return 0;
}

static void send_signal(void *context, struct launch *launch, int number)
{
	struct stage_worker *worker = container_of(launch, struct stage_worker, launch);

	(void)context;
	assert_true(worker->pid > 0 && !worker->is_released);
	if (worker->stage->is_undying)
		worker->stage->n_signals++;
	else
		stage_signal(worker, number);
}

static void release(void *context, struct launch *launch)
{
	struct stage_worker *worker = container_of(launch, struct stage_worker, launch);

	(void)context;
	assert_false(worker->is_released);
	worker->is_released = true;
	if (worker->timer.started)
		loop_timer_stop(&worker->timer);
	if (worker->pid > 0)
		stage_signal(worker, SIGKILL);
}

static void free_nothing(void *context)
{
	(void)context;
}

static const struct launcher_ops stand_in = {
	.launch = launch,
	.kill = send_signal,
	.release = release,
	.free = free_nothing,
};

void stage_tell(struct stage_worker *worker, const struct troupe_method *method, const void *in)
{
	assert_int_equal(channel_send(worker->channel, method, in, -1), 0);
}

void stage_reply(struct stage_worker *worker, int64_t call, bool continues, const char *error,
		 const char *parameters)
{
	stage_tell(worker, &worker_reply_method,
		   &(struct worker_reply){
			   call, continues, error, {parameters, strlen(parameters)}});
}

void stage_spawned(struct stage_worker *worker, const char *error)
{
	stage_tell(
		worker, &worker_spawned_method,
		&(struct worker_spawned){
			.request = worker->spawn.request,
			.version = worker->spawn.version,
			.instance = worker->spawn.instance,
			.actor = {0, worker->number, worker->incarnation, worker->n_spawns, 1},
			.error = error,
		});
}

void stage_kill(struct stage_worker *worker)
{
	while (!channel_is_flushed(worker->channel))
		loop_step(worker->stage->master->loop, false);
	stage_signal(worker, SIGKILL);
}

/* ---- the stage */

static void on_look(struct loop_timer *timer)
{
	(void)timer;
}

void stage_step(struct stage *stage)
{
	struct loop_timer look;

	loop_timer_init(&look, stage->master->loop, on_look);
	loop_timer_start(&look, LOOK_NS);
	loop_step(stage->master->loop, true);
	loop_timer_stop(&look);
}

void stage_until(struct stage *stage, bool (*is_so)(struct stage *stage))
{
	uint64_t end = loop_clock_ns(stage->master->loop) + PATIENCE_NS;

	while (!is_so(stage)) {
		assert_true(loop_clock_ns(stage->master->loop) < end);
		stage_step(stage);
	}
}

void stage_idle(struct stage *stage)
{
	sim_run_until(stage->master->loop, loop_clock_ns(stage->master->loop) + IDLE_NS);
}

static bool are_up(struct stage *stage)
{
	for (unsigned i = 1; i <= stage->master->n_shared; i++)
		if (!worker_is_up(stage->master->workers[i]))
			return false;
	return true;
}

static bool have_spawns(struct stage *stage)
{
	for (unsigned i = 1; i <= stage->master->n_shared; i++)
		if (!stage->workers[i] || stage->workers[i]->n_spawns == 0)
			return false;
	return true;
}

static bool is_running(struct stage *stage)
{
	return master_state(stage->master) == API_STATUS_OUT_STATE_RUNNING;
}

static void write_file(struct stage *stage, const char *name, const char *format, ...)
{
	char path[256];
	va_list arguments;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", stage->directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	va_start(arguments, format);
	(void)vfprintf(file, format, arguments);
	va_end(arguments);
	assert_int_equal(fclose(file), 0);
}

/* The build that this program is of. */
static void find_build(struct stage *stage)
{
	ssize_t n = readlink("/proc/self/exe", stage->build, sizeof(stage->build) - 1);
	char *end;

	assert_true(n > 0);
	end = strstr(stage->build, "/tests/unit/");
	assert_non_null(end);
	*end = '\0';
}

static void write_units(struct stage *stage)
{
	for (unsigned i = 1; i <= STAGE_WORKERS; i++)
		write_file(stage, i == 1 ? "one.actor" : "two.actor",
			   "[Actor]\nPlugin=%s/plugins/hello.so\nWorker=%u\nDefault=%s\n",
			   stage->build, i, i == 1 ? "yes" : "no");
}

static struct stage *raise_stage(unsigned n_workers, bool has_units, bool is_slow)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	struct log log;
	int pair[2];

	stage->is_slow = is_slow;
	strcpy(stage->directory, "/tmp/troupe-master-XXXXXX");
	assert_non_null(mkdtemp(stage->directory));
	(void)snprintf(stage->socket, sizeof(stage->socket), "%s/s", stage->directory);
	write_file(stage, "trouped.conf",
		   "[Daemon]\nWorkers=%u\nRuntimeDirectory=%s\nRestartDelay=10ms\n"
		   "StopTimeout=2s\n",
		   n_workers, stage->directory);
	find_build(stage);
	if (has_units)
		write_units(stage);
	stage->options.config = stage->directory;
	stage->options.socket = stage->socket;
	stage->options.launcher = (struct launcher){.ops = &stand_in, .context = stage};
	log_init(&log, open("/dev/null", O_WRONLY | O_CLOEXEC), "", LOG_P_ERROR);
	assert_int_equal(master_new(&stage->options, &log, &stage->master), 0);
	sim_poll(stage->master->loop);
	/* Launching fails at first, so that this is tested each time, too. */
	stage->n_refusals = n_workers;
	for (unsigned i = 1; i <= n_workers; i++)
		start_launching(stage->workers[i]);
	stage_until(stage, are_up);
	if (has_units)
		stage_until(stage, have_spawns);
	if (has_units && !is_slow)
		stage_until(stage, is_running);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(control_server_adopt(stage->master->server, pair[0]), 0);
	stage->client = pair[1];
	return stage;
}

int stage_raise(void **state)
{
	*state = raise_stage(1, false, false);
	return 0;
}

int stage_raise_units(void **state)
{
	*state = raise_stage(STAGE_WORKERS, true, false);
	return 0;
}

int stage_raise_slowly(void **state)
{
	*state = raise_stage(STAGE_WORKERS, true, true);
	return 0;
}

int stage_strike(void **state)
{
	static const char *const files[] = {"trouped.conf", "one.actor", "two.actor"};
	struct stage *stage = *state;
	int sink = stage->master->log.sink.fd;
	char path[256];

	/* What a heir holds is of the master's loop. */
	for (unsigned i = 1; i <= STAGE_WORKERS; i++)
		if (stage->workers[i] && stage->workers[i]->is_dead) {
			channel_free(stage->workers[i]->channel);
			stage->workers[i]->channel = NULL;
		}
	stage->has_heirs = false;
	master_free(stage->master);
	for (unsigned i = 1; i <= STAGE_WORKERS; i++)
		free_worker(stage->workers[i]);
	close(sink);
	if (stage->client >= 0)
		close(stage->client);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", stage->directory, files[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(stage->directory), 0); /* nothing was left behind */
	free(stage);
	return 0;
}

/* ---- a client */

struct ledger_use *stage_use(struct stage *stage, enum share share)
{
	return &stage->master->server->ledger.uses[share];
}

void stage_say(struct stage *stage, const char *message)
{
	size_t size = strlen(message) + 1;

	assert_int_equal(send(stage->client, message, size, MSG_NOSIGNAL), (ssize_t)size);
}

bool stage_has_answer(struct stage *stage)
{
	ssize_t n = recv(stage->client, stage->answer + stage->size,
			 sizeof(stage->answer) - 1 - stage->size, 0);

	if (n > 0)
		stage->size += (size_t)n;
	return memchr(stage->answer, '\0', stage->size) != NULL;
}

void stage_expect(struct stage *stage, const char *piece)
{
	size_t size;

	stage_until(stage, stage_has_answer);
	if (!strstr(stage->answer, piece))
		print_error("%s\n", stage->answer);
	assert_non_null(strstr(stage->answer, piece));
	size = strlen(stage->answer) + 1;
	memmove(stage->answer, stage->answer + size, stage->size - size);
	stage->size -= size;
}

int64_t stage_wait_call(struct stage *stage, unsigned number)
{
	uint64_t end = loop_clock_ns(stage->master->loop) + PATIENCE_NS;

	while (stage->workers[number]->n_calls == 0) {
		assert_true(loop_clock_ns(stage->master->loop) < end);
		stage_step(stage);
	}
	return stage->workers[number]->calls[--stage->workers[number]->n_calls % STAGE_CALLS];
}
