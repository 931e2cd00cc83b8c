#include "process.h"

#include "agent_view.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/seqpacket.h"
#include "tests/unit/sim/sim.h"
#include "worker/agent.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PID 5000000 /* above what the kernel gives */

static void note(struct world_process *process, const char *what, int number)
{
	char text[96];
	int size = snprintf(text, sizeof(text), "%d %s %d", (int)process->pid, what, number);

	world_note(process->world, text, (size_t)size);
}

/* ---- its beginning */

static int launch(void *context, const struct launch *request, struct launch **ret_launch)
{
	struct world *world = context;
	struct world_process *process = calloc(1, sizeof(*process));

	check(process);
	process->launch = *request;
	process->world = world;
	process->channel = -1;
	if (world->master)
		process->wake_ns =
			world_now_ns(world) + random_below(&world->random, world->late_ns + 1);
	list_append(&world->processes, &process->link);
	*ret_launch = &process->launch;
	return 0;
}

static void report_launch(struct world_process *process)
{
	struct world *world = process->world;
	int pair[2];

	process->is_answered = true;
	if (world->refuse > 0 || world_chance(world, world->refused_of_10, 10)) {
		world->refuse -= world->refuse > 0;
		process->is_dead = process->is_end_reported = true;
		process->launch.events->on_failed(process->launch.context, -EAGAIN);
		return;
	}
	if (seqpacket_pair(pair) < 0) {
		process->is_dead = process->is_end_reported = true;
		process->launch.events->on_failed(process->launch.context, -EMFILE);
		return;
	}
	process->pid = FIRST_PID + (pid_t)world->launches++;
	process->channel = pair[1];
	note(process, "launched", 0);
	process->launch.events->on_launched(process->launch.context, process->pid, pair[0]);
}

static void report_end(struct world_process *process)
{
	process->is_end_reported = true;
	process->launch.events->on_end(process->launch.context, &process->end);
}

static struct world_process *process_of_launch(struct launch *launch)
{
	return container_of(launch, struct world_process, launch);
}

static void send_signal(void *context, struct launch *launch, int number)
{
	(void)context;
	process_signal(process_of_launch(launch), number);
}

static void release(void *context, struct launch *launch)
{
	struct world_process *process = process_of_launch(launch);

	send_signal(context, launch, SIGKILL);
	process->is_released = true;
	process->is_dead = true; /* also one that was not launched yet */
}

static void free_nothing(void *context)
{
	(void)context;
}

const struct launcher_ops process_launcher = {
	.launch = launch,
	.kill = send_signal,
	.release = release,
	.free = free_nothing,
};

static void on_end(void *context, enum agent_end end)
{
	struct world_process *process = context;

	process->is_done = end == AGENT_DONE;
	process->is_failed = end != AGENT_DONE;
}

static void begin(struct world_process *process)
{
	struct agent_config config = {
		.channel = process->channel,
		.log = &process->log,
		.on_end = on_end,
		.context = process,
	};

	check(loop_new(&process->loop) == 0);
	sim_poll(process->loop, true);
	sim_seed(process->loop, random_next(&process->world->random));
	sim_share_clock(process->loop, process->world->master->loop);
	log_init(&process->log, process->world->log, "worker", LOG_P_INFO);
	config.loop = process->loop;
	process->agent_channel = process->channel;
	process->channel = -1;
	process->is_failed = agent_new(&config, &process->agent) < 0;
}

/* ---- its end */

/* What it does in its page from now on the master does not see. */
static void let_go_of_page(struct page *page)
{
	static unsigned char copy[PAGE_BYTES];

	memcpy(copy, page, PAGE_BYTES);
	check(mmap(page, PAGE_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
	memcpy(page, copy, PAGE_BYTES);
}

static void bury(struct world_process *process)
{
	struct world_process *current = process->world->current;

	process->world->current = process;
	if (process->loop) {
		process->log.level = -1;
		agent_free(process->agent);
		log_fini(&process->log);
		loop_free(process->loop);
	}
	process->world->current = current;
	process->agent = NULL;
	process->loop = NULL;
	if (process->channel >= 0)
		close(take_fd(&process->channel));
	while (process->n_files > 0)
		close(process->files[--process->n_files]);
}

static void die(struct world_process *process, enum launch_cause cause, int status)
{
	if (process->is_dead || process->pid == 0)
		return;
	note(process, cause == LAUNCH_EXITED ? "exits" : "dies by", status);
	process->is_dead = true;
	process->end = (struct launch_end){cause, status};
	/* Its channel is closed at once; who is to report its end may take a while. */
	process->wake_ns =
		world_now_ns(process->world) +
		random_below(&process->world->random, process->world->late_ns / 8 + 1);
	if (cause == LAUNCH_EXITED && status == 0)
		process->world->ends++;
	else
		process->world->deaths++;
	if (process->agent) {
		(void)shutdown(process->agent_channel, SHUT_RDWR);
		if (agent_view_page(process->agent))
			let_go_of_page(agent_view_page(process->agent));
	}
	if (process != process->world->current && !process->is_busy)
		bury(process);
}

void process_free(struct world_process *process)
{
	process->is_dead = true;
	bury(process);
	list_remove(&process->link);
	free(process);
}

/* The crash record, as the signal handler of a worker writes it. */
static void write_record(struct page *page, int number)
{
	const struct page_thread *thread = &page->thread;

	page->crash.thread.sequence = thread->sequence;
	page->crash.thread.actor = thread->actor;
	page->crash.thread.type_hash = thread->type_hash;
	page->crash.thread.version = thread->version;
	page->crash.thread.instance = thread->instance;
	page->crash.thread.thread_id = thread->thread_id;
	page->crash.thread.call = thread->call;
	page->crash.thread.call_sequence = thread->call_sequence;
	page->crash.thread_id = thread->thread_id;
	page->crash.signal = number;
	page->crash.code = SI_TKILL;
	page->crash.written = 1;
}

void process_fault(struct world_process *process, int number)
{
	if (process->is_dead)
		return;
	if (process->agent && agent_view_page(process->agent))
		write_record(agent_view_page(process->agent), number);
	die(process, LAUNCH_SIGNALED, number);
}

void process_signal(struct world_process *process, int number)
{
	bool is_stopped = process->wake_ns > world_now_ns(process->world);

	if (number == SIGKILL)
		die(process, LAUNCH_SIGNALED, number);
	else if (number == SIGABRT && !is_stopped)
		process_fault(process, number);
}

/* ---- its life */

struct world_process *process_of_worker(struct world *world, unsigned number)
{
	list_foreach (at, &world->processes) {
		struct world_process *process = container_of(at, struct world_process, link);

		if (!process->is_dead && process->agent &&
		    agent_view_worker(process->agent) == number)
			return process;
	}
	return NULL;
}

void process_stall(struct world_process *process, uint64_t ns)
{
	process->wake_ns = world_now_ns(process->world) + ns;
}

void process_sleep(struct world_process *process, uint64_t ns)
{
	struct world *world = process->world;
	uint64_t until_ns = world_now_ns(world) + ns;

	process->is_busy = true;
	world->current = NULL;
	while (!process->is_dead && world_now_ns(world) < until_ns)
		(void)world_step(world, until_ns);
	world->current = process;
	process->is_busy = false;
}

static bool has_end_to_report(const struct world_process *process)
{
	return process->is_dead && !process->is_end_reported && !process->is_released &&
	       process->wake_ns <= world_now_ns(process->world);
}

bool process_is_due(struct world_process *process)
{
	if (has_end_to_report(process))
		return true;
	if (process->is_dead || process->is_busy ||
	    process->wake_ns > world_now_ns(process->world))
		return false;
	return !process->loop || sim_is_due(process->loop);
}

uint64_t process_next_ns(struct world_process *process)
{
	uint64_t next_ns;

	if (process->is_dead && !process->is_end_reported && !process->is_released)
		return process->wake_ns;
	if (process->is_dead || process->is_busy)
		return UINT64_MAX;
	next_ns = process->loop ? sim_next_ns(process->loop) : 0;
	return next_ns > process->wake_ns ? next_ns : process->wake_ns;
}

void process_step(struct world_process *process)
{
	if (has_end_to_report(process)) {
		report_end(process);
		return;
	}
	if (!process->is_answered) {
		report_launch(process);
		return;
	}
	process->world->current = process;
	if (!process->loop)
		begin(process);
	if (!process->is_failed)
		loop_step(process->loop, false);
	if (process->is_dead)
		bury(process);
	else if (process->is_done || process->is_failed) {
		bury(process);
		die(process, LAUNCH_EXITED, process->is_failed);
	}
	process->world->current = NULL;
}
