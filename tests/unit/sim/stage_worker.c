/* stage_worker.c - the workers of the stage: what they are asked is noted, mostly answered. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/seqpacket.h"
#include "process/page_map.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define FIRST_PID 5000000 /* above what the kernel gives */

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

void stage_worker_free(struct stage_worker *worker)
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
	if (!worker->stage->is_unready)
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

static void on_describe(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->inquiry = ((const struct worker_describe *)in)->request;
}

static void on_tasks(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->inquiry = ((const struct worker_tasks *)in)->request;
	worker->inquiry_from = ((const struct worker_tasks *)in)->from;
}

static void on_ping(void *context, const void *in)
{
	struct stage_worker *worker = context;
	const struct worker_ping *ping = in;

	if (!worker->is_mute)
		stage_tell(worker, &worker_pong_method,
			   &(struct worker_pong){.request = ping->request,
						 .missedNames = worker->has_missed});
	worker->has_missed = false;
}

static void on_client_gone(void *context, const void *in)
{
	(void)in;
	((struct stage_worker *)context)->n_gone++;
}

static void on_stop(void *context, const void *in)
{
	struct stage_worker *worker = context;

	worker->n_stops++;
	worker->stop = *(const struct worker_stop *)in;
}

static void on_name(void *context, const void *in)
{
	struct stage_worker *worker = context;
	const struct worker_name *name = in;

	worker->n_names++;
	(void)snprintf(worker->name, sizeof(worker->name), "%s", name->name);
	worker->n_of_name = name->actors.count;
}

static void on_other(void *context, const void *in)
{
	(void)context;
	(void)in;
}

static const struct channel_handler handlers[] = {
	{&worker_start_method, on_start},       {&worker_call_method, on_call},
	{&worker_cancel_method, on_cancel},     {&worker_shutdown_method, on_shutdown},
	{&worker_load_method, on_load},         {&worker_define_method, on_define},
	{&worker_spawn_method, on_spawn},       {&worker_peer_method, on_peer},
	{&worker_taken_method, on_taken},       {&worker_name_method, on_name},
	{&worker_describe_method, on_describe}, {&worker_inquire_method, on_inquire},
	{&worker_tasks_method, on_tasks},       {&worker_stop_method, on_stop},
	{&worker_undefine_method, on_other},    {&worker_redefine_method, on_other},
	{&worker_reconfigure_method, on_other}, {&worker_client_gone_method, on_client_gone},
	{&worker_arena_method, on_arena},       {&worker_ping_method, on_ping},
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

void stage_worker_launch(struct stage_worker *worker)
{
	loop_timer_init(&worker->timer, worker->stage->master->loop, on_launch_timer);
	loop_timer_start(&worker->timer, worker->stage->launch_ns);
}

static int launch(void *context, const struct launch *request, struct launch **ret_launch)
{
	struct stage *stage = context;
	struct stage_worker *worker;

	assert_in_range(request->process.worker, 1, STAGE_WORKERS);
	if (stage->n_refusals_at_once > 0) {
		stage->n_refusals_at_once--;
		return -EAGAIN;
	}
	worker = calloc(1, sizeof(*worker));
	worker->launch = *request;
	worker->stage = stage;
	stage->n_asked++;
	stage_worker_free(stage->workers[request->process.worker]);
	stage->workers[request->process.worker] = worker;
	/* master_new() has not returned: then by stage_raise(). */
	if (stage->master)
		stage_worker_launch(worker);
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

const struct launcher_ops stage_launcher = {
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

void stage_fault(struct stage *stage, bool in_handler, uint64_t doing, int64_t plugin)
{
	struct page *page = stage->workers[1]->page;
	uint32_t incarnation = stage->master->workers[1]->incarnation;

	page->crash.thread.sequence = in_handler ? 7 : 8;
	page->crash.thread.type_hash = doing;
	page->crash.thread.thread_id = 1;
	page->crash.thread_id = in_handler ? 1 : 2;
	page->crash.signal = SIGSEGV;
	page->crash.code = 1;
	page->crash.n_frames = 2;
	strcpy(page->crash.frames[0].text, "libc.so.6(+0x1)");
	strcpy(page->crash.frames[1].text, "hello.so(run+0x1c)");
	page->crash.frames[1].plugin = (uint32_t)plugin;
	page->crash.written = 1;
	stage_signal(stage->workers[1], SIGSEGV);
	while (stage->master->workers[1]->incarnation == incarnation ||
	       !worker_is_up(stage->master->workers[1]))
		stage_step(stage);
	stage_idle(stage);
}
