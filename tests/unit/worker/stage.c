/* stage.c - a master for tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "base/seqpacket.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void set_text(char **place, const char *text)
{
	free(*place);
	*place = text ? strdup(text) : NULL;
}

/* ---- what workers tell */

static void on_ready(void *context, const void *in)
{
	(void)in;
	((struct stage_worker *)context)->readies++;
}

static void on_loaded(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_loaded *in = data;

	worker->loadeds++;
	worker->error_code = in->code;
	set_text(&worker->error, in->error);
}

static void on_defined(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_defined *in = data;

	worker->defineds++;
	worker->error_code = in->code;
	set_text(&worker->error, in->error);
}

static void on_spawned(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_spawned *in = data;

	worker->spawneds++;
	worker->actor = in->actor;
	set_text(&worker->error, in->error);
}

static void on_stopped(void *context, const void *in)
{
	(void)in;
	((struct stage_worker *)context)->stoppeds++;
}

static void on_ended(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_ended *in = data;

	worker->endeds++;
	worker->ended = in->actor;
	worker->cause = in->cause;
	worker->code = in->code;
}

static void on_kept(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_kept *kept = data;

	worker->kept = kept->call;
}

static void on_reply(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_reply *in = data;

	worker->told++;
	if (in->continues && !worker->is_reading_late)
		stage_take(worker, in->call, 1, (int64_t)in->parameters.size);
	if (worker->n_replies == STAGE_REPLIES)
		return;
	worker->replies[worker->n_replies++] = (struct stage_reply){
		.call = in->call,
		.continues = in->continues,
		.error = in->error ? strdup(in->error) : NULL,
		.parameters = strndup(in->parameters.data, in->parameters.size),
	};
}

static void on_census(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_census *in = data;

	worker->censuses++;
	worker->n_residents = in->actors.count;
	worker->next = in->next;
	if (in->actors.count > 0) {
		worker->resident_unit = in->actors.items[0].version;
		worker->resident_handled = in->actors.items[0].handled;
	}
}

static void on_dead_letter(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_dead_letter *in = data;

	worker->dead_letters++;
	worker->letters += in->count;
	set_text(&worker->letter_reason, in->reason);
}

static void on_finished(void *context, const void *data)
{
	struct stage_worker *worker = context;
	const struct worker_finished *in = data;

	worker->finisheds++;
	set_text(&worker->failure, in->error);
	assert_int_equal(in->peers, 0);
}

/* Without an arena large messages travel in frames. */
static void on_borrow(void *context, const void *data)
{
	(void)context;
	(void)data;
}

static const struct channel_handler handlers[] = {
	{&worker_borrow_method, on_borrow},   {&worker_ready_method, on_ready},
	{&worker_loaded_method, on_loaded},   {&worker_defined_method, on_defined},
	{&worker_spawned_method, on_spawned}, {&worker_stopped_method, on_stopped},
	{&worker_ended_method, on_ended},     {&worker_finished_method, on_finished},
	{&worker_reply_method, on_reply},     {&worker_kept_method, on_kept},
	{&worker_census_method, on_census},   {&worker_dead_letter_method, on_dead_letter},
};

static void on_closed(void *context, int error)
{
	struct stage_worker *worker = context;

	(void)error;
	worker->is_closed = true;
}

/* ---- the stage */

void stage_begin(struct stage *stage)
{
	ssize_t n;

	memset(stage, 0, sizeof(*stage));
	strcpy(stage->directory, "/tmp/troupe-test-XXXXXX");
	assert_non_null(mkdtemp(stage->directory));
	assert_int_equal(loop_new(&stage->loop), 0);
	/* BUILD/tests/unit/worker/test_x */
	n = readlink("/proc/self/exe", stage->build, sizeof(stage->build) - 1);
	assert_in_range(n, 1, sizeof(stage->build) - 2);
	for (int i = 0; i < 4; i++)
		*strrchr(stage->build, '/') = '\0';
}

static void forget_worker(struct stage_worker *worker)
{
	char path[128];

	if (!worker->stage)
		return;
	channel_free(worker->channel);
	if (worker->pid > 0) {
		/* Without a master it ends by itself, unless a handler hangs. */
		cleanup_close int pidfd = pidfd_open(worker->pid, 0);

		if (pidfd >= 0)
			(void)poll(&(struct pollfd){pidfd, POLLIN, 0}, 1, 1000);
		kill(worker->pid, SIGKILL);
		waitpid(worker->pid, NULL, 0);
	}
	snprintf(path, sizeof(path), "%s/w%u-%u", worker->stage->directory, worker->number,
		 worker->incarnation);
	unlink(path);
	munmap(worker->page, PAGE_BYTES);
	close(worker->complaints);
	free(worker->error);
	free(worker->letter_reason);
	free(worker->failure);
	for (size_t i = 0; i < worker->n_replies; i++) {
		free(worker->replies[i].error);
		free(worker->replies[i].parameters);
	}
	worker->stage = NULL;
}

void stage_end(struct stage *stage)
{
	for (size_t i = 1; i <= STAGE_WORKERS; i++)
		forget_worker(&stage->workers[i]);
	rmdir(stage->directory);
	loop_free(stage->loop);
}

void stage_step(struct stage *stage)
{
	/* The loop's own clock is what ends a wait, so it must not sleep for ever. */
	loop_step(stage->loop, false);
	usleep(200);
}

static _Noreturn void become_worker(struct stage *stage, int channel, int complaints)
{
	char path[300];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/troupe-worker", stage->build);
	/* Not the one that trouped takes: any will do. */
	dup2(channel, STDIN_FILENO);
	dup2(complaints, STDERR_FILENO);
	execl(path, path, "--channel=0", NULL);
	_exit(127);
}

struct stage_worker *stage_launch(struct stage *stage, uint16_t number)
{
	struct stage_worker *worker = &stage->workers[number];
	uint32_t incarnation = worker->incarnation + 1;
	struct channel_config config = {.loop = stage->loop,
					.handlers = handlers,
					.n_handlers = ARRAY_LEN(handlers),
					.on_closed = on_closed,
					.context = worker};
	int fds[2];

	forget_worker(worker);
	memset(worker, 0, sizeof(*worker));
	worker->stage = stage;
	worker->number = number;
	worker->incarnation = incarnation;
	worker->complaints = memfd_create("complaints", MFD_CLOEXEC);
	assert_int_equal(seqpacket_pair(fds), 0);
	worker->pid = fork();
	if (worker->pid == 0)
		become_worker(stage, fds[1], worker->complaints);
	close(fds[1]);
	config.fd = fds[0];
	assert_int_equal(channel_new(&config, &worker->channel), 0);
	return worker;
}

struct stage_worker *stage_start(struct stage *stage, uint16_t number)
{
	struct stage_worker *worker = stage_launch(stage, number);
	int page = memfd_create("page", MFD_CLOEXEC);
	struct worker_start in = {
		.process = {.worker = number, .incarnation = worker->incarnation},
		.directory = stage->directory,
		.logLevel = 7};

	assert_int_equal(ftruncate(page, PAGE_BYTES), 0);
	worker->page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
	assert_ptr_not_equal(worker->page, MAP_FAILED);
	assert_int_equal(channel_send(worker->channel, &worker_start_method, &in, page), 0);
	close(page);
	stage_until(stage, worker->readies == 1);
	return worker;
}

void stage_tell(struct stage_worker *worker, const struct troupe_method *method, const void *in)
{
	assert_int_equal(channel_send(worker->channel, method, in, -1), 0);
}

static void tell_peer(struct stage_worker *to, const struct stage_worker *of, bool up,
		      bool crashed)
{
	stage_tell(to, &worker_peer_method,
		   &(struct worker_peer){
			   .process = {.worker = of->number, .incarnation = of->incarnation},
			   .up = up,
			   .crashed = crashed});
}

void stage_introduce(struct stage_worker *a, struct stage_worker *b)
{
	tell_peer(a, b, true, false);
	tell_peer(b, a, true, false);
}

void stage_bury(struct stage_worker *a, struct stage_worker *b, bool crashed)
{
	tell_peer(a, b, false, crashed);
}

void stage_take(struct stage_worker *worker, int64_t call, int64_t count, int64_t bytes)
{
	stage_tell(worker, &worker_taken_method,
		   &(struct worker_taken){.call = call, .count = count, .bytes = bytes});
}

/* ---- plug-ins, units, actors */

const char *stage_load(struct stage_worker *worker, int64_t number, const char *name)
{
	struct worker_load in = {.plugin = number};
	char path[400], file[64];
	cleanup_free char *data = NULL;
	cleanup_close int memory = -1;
	unsigned before = worker->loadeds;
	size_t size;

	snprintf(file, sizeof(file), "%s.so", name);
	snprintf(path, sizeof(path), "%s/test-plugins/%s", worker->stage->build, file);
	assert_int_equal(io_file_read(AT_FDCWD, path, 256u << 20, &data, &size), 0);
	assert_int_equal(memfd_of(file, data, size, &memory), 0);
	in.name = file;
	assert_int_equal(channel_send(worker->channel, &worker_load_method, &in, memory), 0);
	stage_until(worker->stage, worker->loadeds > before || worker->is_closed);
	return worker->error;
}

const char *stage_define(struct stage_worker *worker, int64_t unit, int64_t plugin,
			 const char *type, const char *config)
{
	unsigned before = worker->defineds;

	stage_tell(
		worker, &worker_define_method,
		&(struct worker_define){.version = unit,
					.name = type,
					.plugin = plugin,
					.actorType = type,
					.config = config,
					.stateDirectory = "",
					/* Nobody is too slow to end. */
					.limits = {.mailbox = 1024,
						   .mailboxBytes = 32 << 20,
						   .batch = 1024,
						   .taskGraceNs = (int64_t)STAGE_PATIENCE_NS}});
	stage_until(worker->stage, worker->defineds > before);
	return worker->error;
}

const char *stage_spawn(struct stage_worker *worker, int64_t unit, int64_t instance)
{
	unsigned before = worker->spawneds;

	stage_tell(worker, &worker_spawn_method,
		   &(struct worker_spawn){.request = ++worker->stage->last,
					  .version = unit,
					  .instance = instance});
	stage_until(worker->stage, worker->spawneds > before || worker->is_closed);
	return worker->error;
}

struct troupe_address stage_cast(struct stage_worker *worker, int64_t unit, const char *plugin,
				 const char *type, const char *config)
{
	int64_t number = 1000 + ++worker->stage->last;

	assert_null(stage_load(worker, number, plugin));
	assert_null(stage_define(worker, unit, number, type, config));
	assert_null(stage_spawn(worker, unit, 0));
	return worker->actor;
}

void stage_name(struct stage_worker *worker, const char *name,
		const struct troupe_address *actors, size_t n)
{
	struct worker_instance instances[16] = {0};

	for (size_t i = 0; i < n; i++)
		instances[i] = (struct worker_instance){actors[i], (int64_t)i};
	stage_tell(worker, &worker_name_method,
		   &(struct worker_name){.name = name, .actors = {instances, n}});
}

/* ---- calls */

int64_t stage_call(struct stage_worker *worker, struct troupe_address to, const char *method,
		   const char *parameters, unsigned flags, int64_t timeout_ms)
{
	int64_t call = ++worker->stage->last;
	const char *dot = strrchr(method, '.');

	stage_tell(worker, &worker_call_method,
		   &(struct worker_call){
			   .call = call,
			   .to = to,
			   .method = {method, strlen(method)},
			   .interfaceSize = dot ? dot - method : (int64_t)strlen(method),
			   .parameters = {parameters, strlen(parameters)},
			   .more = flags & STAGE_MORE,
			   .oneway = flags & STAGE_ONEWAY,
			   .deadlineNs = timeout_ms
						 ? (int64_t)loop_clock_ns(worker->stage->loop) +
							   timeout_ms * 1000000
						 : 0});
	return call;
}

const struct stage_reply *stage_find_reply(struct stage_worker *worker, int64_t call, size_t n)
{
	for (size_t i = 0; i < worker->n_replies; i++)
		if (worker->replies[i].call == call && n-- == 0)
			return &worker->replies[i];
	return NULL;
}

const struct stage_reply *stage_reply(struct stage_worker *worker, int64_t call, size_t n)
{
	const struct stage_reply *reply;

	stage_until(worker->stage, (reply = stage_find_reply(worker, call, n)) != NULL);
	return reply;
}

const struct stage_reply *stage_ask(struct stage_worker *worker, struct troupe_address to,
				    const char *method, const char *parameters)
{
	return stage_reply(worker, stage_call(worker, to, method, parameters, 0, 0), 0);
}

/* ---- ends */

int stage_wait_dead(struct stage_worker *worker)
{
	pid_t pid = 0;

	stage_until(worker->stage, worker->is_closed);
	stage_until(worker->stage,
		    (pid = waitpid(worker->pid, &worker->status, WNOHANG)) == worker->pid);
	worker->pid = 0;
	return worker->status;
}

char *stage_complaints(struct stage_worker *worker)
{
	char *text = calloc(1, 65536);

	assert_non_null(text);
	assert_true(pread(worker->complaints, text, 65535, 0) >= 0);
	return text;
}

void assert_reply(const struct stage_reply *reply, const char *error, const char *parameters)
{
	if (error)
		assert_string_equal(reply->error ? reply->error : "(none)", error);
	else if (reply->error)
		fail_msg("error %s %s", reply->error, reply->parameters);
	if (parameters)
		assert_string_equal(reply->parameters, parameters);
	assert_false(reply->continues);
}
