#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/unit/sim/sim.h"
#include "units/instance.h"
#include "units/master_state.h"
#include "units/unit.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LOOK_NS     (5 * CLOCK_MS_NS)
#define PATIENCE_NS (60 * CLOCK_SECOND_NS)
#define IDLE_NS     (50 * CLOCK_MS_NS)

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

void stage_pass(struct stage *stage, uint64_t ns)
{
	sim_run_until(stage->master->loop, loop_clock_ns(stage->master->loop) + ns);
}

void stage_idle(struct stage *stage)
{
	stage_pass(stage, IDLE_NS);
}

struct worker *stage_first(struct stage *stage)
{
	return stage->master->workers[1];
}

bool stage_is_up(struct stage *stage)
{
	return worker_is_up(stage_first(stage));
}

bool stage_is_stopped(struct stage *stage)
{
	return stage_first(stage)->state == API_STATE_STOPPED;
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
	stage->options.launcher = (struct launcher){.ops = &stage_launcher, .context = stage};
	log_init(&log, open("/dev/null", O_WRONLY | O_CLOEXEC), "", LOG_P_ERROR);
	assert_int_equal(master_new(&stage->options, &log, &stage->master), 0);
	sim_poll(stage->master->loop, true);
	sim_be_slow(stage->master->loop, 1);
	/* Launching fails at first, so that this is tested each time, too. */
	stage->n_refusals = n_workers;
	for (unsigned i = 1; i <= n_workers; i++)
		stage_worker_launch(stage->workers[i]);
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
		stage_worker_free(stage->workers[i]);
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

struct ledger_use *stage_use(struct stage *stage, enum call_share share)
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

static bool is_replaced(struct stage *stage)
{
	return stage->n_launched == 3 && worker_is_up(stage->master->workers[1]) &&
	       stage->workers[1]->n_spawns == 1;
}

void stage_expect_unharmed(struct stage *stage)
{
	const struct unit *unit = unit_find(stage->master, "two");

	assert_int_equal(unit_state(unit), API_STATE_RUNNING);
	assert_int_equal(unit->restarts, 0);
	assert_null(unit->reason);
	assert_int_equal(stage->master->workers[2]->incarnation, 2);
	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"two\","
		  "\"method\":\"a.b.Do\"}}");
	stage_reply(stage->workers[2], stage_wait_call(stage, 2), false, NULL, "{\"well\":1}");
	stage_expect(stage, "well");
}

void stage_expect_replaced(struct stage *stage)
{
	stage_until(stage, is_replaced);
	stage_idle(stage);
	assert_int_equal(unit_state(unit_find(stage->master, "one")), API_STATE_RUNNING);
	stage_expect_unharmed(stage);
}

struct troupe_address stage_actor(struct stage *stage, const char *unit)
{
	return unit_find(stage->master, unit)->instances[0].address;
}

void stage_share_worker(struct stage *stage)
{
	struct instance *instance = &unit_find(stage->master, "two")->instances[0];

	list_remove(&instance->on_worker);
	instance->worker->n_instances--;
	instance->worker = stage->master->workers[1];
	instance->worker->n_instances++;
	list_append(&instance->worker->instances, &instance->on_worker);
}
