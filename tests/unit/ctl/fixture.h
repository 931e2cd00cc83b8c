/* fixture.h - a daemon that is none: a process of its own with a real control server and a
 * service of tests.
 *
 * com.example.test, foreign to the server:
 *   Echo      replies with its parameters
 *   Slow      the same, later than what comes after it
 *   Long      interrupts who started it, and echoes once it gets SIGUSR1
 *   Flaky     fails with ActorDied the first time that the process is asked with these
 *             parameters, then echoes
 *   Full      fails with Overloaded always
 *   CrashN    fails N times with ActorDied, having crashed its worker; AsideN: another call had
 *   StateX    fails once with WrongState, as a unit in state X does
 *   Bad       fails with com.example.test.Bad
 *   Hang      never replies
 *   Drop      closes all connections the first time, echoes later
 *   Lines     replies with a newline between values
 *   HangTwo   never replies when n is 2, else echoes
 * Nothing that runs provides com.example.resting.
 * io.troupe.Control: Describe and Call for a unit "unit", whose interface that is; List,
 * Status, Workers; Actors in three replies, the last of them empty; Spawn, whose unit's
 * description is the configuration that it got; Watch, with two events; Stop, Start, Restart
 * and Kill, of "unit" as it should be, of "other" as it should not; Reload, once with all that
 * there can be, then with nothing; Shutdown, which ends nothing.
 */
#ifndef TESTS_CTL_FIXTURE_H
#define TESTS_CTL_FIXTURE_H

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/list.h"
#include "control/server.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "io.troupe.Control.varlink.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char fake_idl[] =
	"interface com.example.test\n"
	"type Point (x: int, y: ?float)\n"
	"method Echo(n: int, ok: ?bool, kind: ?(red, green), names: ?[]string, at: ?Point,\n"
	"  map: ?[string]int, any: ?object, text: ?string) -> (n: int)\n"
	"method Slow() -> ()\n"
	"error Bad(code: int)\n";

struct fake {
	struct loop *loop;
	struct control_server *server;
	int listener;
	struct loop_timer drop;
	bool dropped;
	struct loop_timer interrupt;
	struct control_call *first; /* of HangTwo, while it is not answered */
	bool has_third, has_reloaded;
	unsigned char seen[65536]; /* parameters that Flaky was asked with, by hash */
};

/* A reply that comes later. */
struct late {
	struct loop_timer timer;
	struct control_call *call;
	char text[256];
};

static void fake_serve(struct fake *fake);

static void fake_on_interrupt(struct loop_timer *timer)
{
	(void)timer;
	kill(getppid(), SIGINT);
}

static void fake_on_drop(struct loop_timer *timer)
{
	struct fake *fake = container_of(timer, struct fake, drop);

	control_server_free(fake->server);
	fake_serve(fake);
}

static void fake_on_late(struct loop_timer *timer)
{
	struct late *late = container_of(timer, struct late, timer);

	late->call->on_gone = NULL;
	(void)control_call_reply_text(late->call, late->text, strlen(late->text), false);
	free(late);
}

static void fake_on_gone(struct control_call *call)
{
	struct late *late = call->user;

	loop_timer_stop(&late->timer);
	free(late);
}

static void fake_reply_late(struct fake *fake, struct control_call *call, const char *text,
			    uint64_t wait_ns)
{
	struct late *late = calloc(1, sizeof(*late));

	late->call = call;
	snprintf(late->text, sizeof(late->text), "%s", text);
	call->user = late;
	call->on_gone = fake_on_gone;
	loop_timer_init(&late->timer, fake->loop, fake_on_late);
	loop_timer_start(&late->timer, wait_ns);
}

/* Of three calls, which come in any order, the second is not answered; the first is, when the
 * answer of the third has been sent. */
static void fake_hang_two(struct fake *fake, struct control_call *call, struct json_span in)
{
	switch (in.at[strlen("{\"n\":")]) {
	case '1':
		fake->first = call;
		break;
	case '3':
		(void)control_call_reply_text(call, in.at, in.size, false);
		fake->has_third = true;
		break;
	}
	if (!fake->first || !fake->has_third)
		return;
	fake_reply_late(fake, fake->first, "{\"n\":1}", 50 * CLOCK_MS_NS);
	fake->first = NULL;
	fake->has_third = false;
}

/* Interrupt the test; back once it says that it has noticed. */
static void fake_wait_interrupted(void)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getppid(), SIGINT);
	sigwait(&set, &got);
}

/* Answer a method of com.example.test; `wrap`: as io.troupe.Control.Call does. */
static void fake_answer(struct fake *fake, struct control_call *call, const char *method,
			struct json_span in, bool wrap)
{
	cleanup_free char *text = NULL;
	const char *at = in.size ? in.at : "{}";
	int size = asprintf(&text, wrap ? "{\"parameters\":%.*s}" : "%.*s",
			    in.size ? (int)in.size : 2, at);
	static const bool crashed = true, aside = false;
	unsigned hash = 5381;

	for (size_t i = 0; i < in.size; i++)
		hash = hash * 33 + (unsigned char)in.at[i];
	hash %= sizeof(fake->seen);
	if (strcmp(method, "Hang") == 0)
		return;
	if (strcmp(method, "HangInterrupted") == 0) {
		kill(getppid(), SIGINT);
		return;
	}
	if (strcmp(method, "HangTwo") == 0) {
		fake_hang_two(fake, call, in);
		return;
	}
	if (strcmp(method, "Flaky") == 0 && !fake->seen[hash]) {
		fake->seen[hash] = 1;
		control_call_fail(call, &api_actor_died_error, &(struct api_actor_died){0});
	} else if (strncmp(method, "Crash", 5) == 0 && fake->seen[hash] < method[5] - '0') {
		fake->seen[hash]++;
		control_call_fail(call, &api_actor_died_error,
				  &(struct api_actor_died){.crashed = &crashed});
	} else if (strncmp(method, "Aside", 5) == 0 && fake->seen[hash] < method[5] - '0') {
		fake->seen[hash]++;
		control_call_fail(call, &api_actor_died_error,
				  &(struct api_actor_died){.crashed = &aside});
	} else if (strncmp(method, "State", 5) == 0 && !fake->seen[hash]) {
		fake->seen[hash] = 1;
		control_call_fail(
			call, &api_wrong_state_error,
			&(struct api_wrong_state){.name = "test", .state = method + 5});
	} else if (strncmp(method, "Full", 4) == 0) {
		control_call_fail(call, &api_overloaded_error, &(struct api_overloaded){0});
		/* A moment after the first is known to have failed: the next is waited for. */
		if (strcmp(method, "FullInterrupted") == 0 && fake->seen[hash] < 2 &&
		    ++fake->seen[hash] == 2)
			loop_timer_start(&fake->interrupt, 20 * CLOCK_MS_NS);
	} else if (strcmp(method, "Bad") == 0) {
		control_call_fail_text(call, "com.example.test.Bad", "{\"code\":\n7}", 11);
	} else if (strcmp(method, "Drop") == 0 && !fake->dropped) {
		fake->dropped = true;
		loop_timer_start(&fake->drop, 0);
	} else if (strcmp(method, "Slow") == 0) {
		fake_reply_late(fake, call, text, 20 * CLOCK_MS_NS);
	} else if (strcmp(method, "Long") == 0) {
		fake_wait_interrupted();
		(void)control_call_reply_text(call, text, (size_t)size, false);
	} else if (strcmp(method, "Lines") == 0) {
		(void)control_call_reply_text(call, "{\"a\":1,\n\"b\":2}", 14, false);
	} else {
		(void)control_call_reply_text(call, text, (size_t)size, false);
	}
}

static void fake_on_foreign(void *context, struct control_call *call,
			    struct control_name method, struct json_span parameters)
{
	if (strncmp(method.text, "com.example.test.", method.interface + 1) == 0)
		fake_answer(context, call, method.text + method.interface + 1, parameters,
			    false);
	else
		control_call_interface_not_found(call, method.text, method.interface);
}

static const char *const fake_interfaces[] = {"com.example.test"};
static const char *const fake_resting[] = {"com.example.resting"};
static const int64_t fake_numbers[] = {0, 1, 2, 3};
static const struct troupe_address fake_address = {
	.worker = 2, .incarnation = 1, .generation = 1};
static const struct api_instance fake_instances[] = {
	{.instance = 0,
	 .state = API_STATE_RUNNING,
	 .worker = &fake_numbers[2],
	 .address = &fake_address},
	/* Meant for a worker, and not in it. */
	{.instance = 1, .state = API_STATE_BACKOFF, .worker = &fake_numbers[2]},
};
static const struct api_unit fake_units[] = {
	{.name = "unit",
	 .state = API_STATE_RUNNING,
	 .plugin = "p.so",
	 .actorType = "t",
	 .interfaces = {fake_interfaces, 1},
	 .instances = {fake_instances, 2}},
	{.name = "other",
	 .state = API_STATE_FAILED,
	 .reason = "why\033[31m",
	 .plugin = "p.so",
	 .actorType = "t",
	 .interfaces = {fake_resting, 1}},
};

static const struct api_actor fake_all_actors[] = {
	{.actorType = "child", .unit = "unit", .worker = 2},
	{.actorType = "t", .worker = 2, .unit = "unit", .instance = &fake_numbers[1]},
	{.actorType = "child",
	 .unit = "unit",
	 .worker = 2,
	 .parent = &(const struct troupe_address){0, 2, 1, 1, 1}},
	{.actorType = "t", .worker = 2, .unit = "unit", .instance = &fake_numbers[0]},
};

static void fake_describe(void *context, struct control_call *call, const void *in)
{
	const struct api_describe *input = in;

	(void)context;
	if (strcmp(input->name, "unit") == 0)
		(void)control_call_reply(
			call, &api_describe_method,
			&(struct api_describe_out){.unit = fake_units[0],
						   .actors = {fake_all_actors, 4}},
			false);
	else
		control_call_fail(call, &api_no_such_actor_error,
				  &(struct api_no_such_actor){.name = input->name});
}

static void fake_list(void *context, struct control_call *call, const void *in)
{
	(void)context;
	(void)in;
	(void)control_call_reply(call, &api_list_method,
				 &(struct api_list_out){.units = {fake_units, 2}}, false);
}

static void fake_status(void *context, struct control_call *call, const void *in)
{
	static const struct api_problem problem = {
		.file = "bad.actor", .line = 3, .message = "no such key"};

	(void)context;
	(void)in;
	(void)control_call_reply(
		call, &api_status_method,
		&(struct api_status_out){.version = "9.9",
					 .pid = 77,
					 .uptimeMs = 61000,
					 .state = API_STATUS_OUT_STATE_DEGRADED,
					 .workers = 2,
					 .workersRunning = 1,
					 .problems = {&problem, 1}},
		false);
}

static void fake_workers(void *context, struct control_call *call, const void *in)
{
	static const char *const frames[] = {"on_greet", "dispatch\033[31m"};
	static const struct api_crash crash = {.cause = "SIGSEGV",
					       .actor = "unit/1",
					       .message = "com.example.test.Echo",
					       .backtrace = {frames, 2}};
	static const struct api_worker workers[] = {
		{.worker = 1, .state = API_STATE_BACKOFF, .restarts = 4, .lastCrash = &crash},
		{.worker = 2, .state = API_STATE_RUNNING, .pid = &fake_numbers[3], .actors = 4},
	};

	(void)context;
	(void)in;
	(void)control_call_reply(call, &api_workers_method,
				 &(struct api_workers_out){.workers = {workers, 2}}, false);
}

static void fake_actors(void *context, struct control_call *call, const void *in)
{

	(void)context;
	(void)in;
	(void)control_call_reply(call, &api_actors_method,
				 &(struct api_actors_out){.actors = {fake_all_actors, 2}},
				 true);
	(void)control_call_reply(call, &api_actors_method,
				 &(struct api_actors_out){.actors = {fake_all_actors + 2, 2}},
				 true);
	(void)control_call_reply(call, &api_actors_method, &(struct api_actors_out){0}, false);
}

static void fake_spawn(void *context, struct control_call *call, const void *in)
{
	const struct api_spawn *input = in;
	struct api_unit unit = {.name = input->name,
				.state = API_STATE_RUNNING,
				.description = input->config,
				.plugin = input->plugin,
				.actorType = input->actorType ? input->actorType : "t"};

	(void)context;
	if (strcmp(input->name, "unit") == 0)
		control_call_fail(call, &api_name_taken_error,
				  &(struct api_name_taken){.name = input->name});
	else
		(void)control_call_reply(call, &api_spawn_method,
					 &(struct api_spawn_out){.unit = unit}, false);
}

static void fake_watch(void *context, struct control_call *call, const void *in)
{
	(void)context;
	(void)in;
	(void)control_call_reply(call, &api_watch_method,
				 &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_WATCHING},
				 true);
	(void)control_call_reply(
		call, &api_watch_method,
		&(struct api_watch_out){.event = API_WATCH_OUT_EVENT_WORKER_STARTED,
					.worker = &fake_numbers[2],
					.count = &fake_numbers[3]},
		true);
	(void)control_call_reply(
		call, &api_watch_method,
		&(struct api_watch_out){.event = API_WATCH_OUT_EVENT_WORKER_DIED,
					.worker = &fake_numbers[2],
					.unit = "unit",
					.instance = &fake_numbers[1],
					.text = "SIGSEGV\033[2J"},
		false);
}

static void fake_stop(void *context, struct control_call *call, const void *in)
{
	const struct api_stop *input = in;

	(void)context;
	if (strcmp(input->name, "unit") == 0)
		(void)control_call_reply(call, &api_stop_method, &(struct api_stop_out){0},
					 false);
	else
		control_call_fail(call, &api_no_such_actor_error,
				  &(struct api_no_such_actor){.name = input->name});
}

static void fake_start(void *context, struct control_call *call, const void *in)
{
	const struct api_start *input = in;

	(void)context;
	(void)control_call_reply(
		call, &api_start_method,
		&(struct api_start_out){.unit = fake_units[strcmp(input->name, "unit") != 0]},
		false);
}

static void fake_restart(void *context, struct control_call *call, const void *in)
{
	struct api_unit unit = fake_units[0];

	(void)context;
	if (strcmp(((const struct api_restart *)in)->name, "unit") != 0)
		unit.state = API_STATE_BACKOFF;
	(void)control_call_reply(call, &api_restart_method,
				 &(struct api_restart_out){.unit = unit}, false);
}

static void fake_kill(void *context, struct control_call *call, const void *in)
{
	static const char *const names[] = {"unit/0", "unit/1", "other/0"};

	(void)context;
	(void)in;
	(void)control_call_reply(call, &api_kill_method,
				 &(struct api_kill_out){.workers = {fake_numbers + 1, 2},
							.actors = {names, 2},
							.collateral = {names + 2, 1},
							.count = 8},
				 false);
}

static void fake_reload(void *context, struct control_call *call, const void *in)
{
	static const char *const names[] = {"a", "b", "c", "d", "Key1", "Key2"};
	static const struct api_problem problem = {
		.file = "bad.actor", .line = 3, .message = "no such key"};
	struct fake *fake = context;
	struct api_reload_out out = {
		.started = {names, 2},
		.restarted = {names + 1, 1},
		.stopped = {names + 2, 1},
		.changed = {names + 3, 1},
		.applied = {names + 4, 1},
		.pending = {names + 5, 1},
		.problems = {&problem, 1},
		.warnings = {&problem, 1},
	};

	(void)in;
	if (fake->has_reloaded)
		out = (struct api_reload_out){0};
	fake->has_reloaded = true;
	(void)control_call_reply(call, &api_reload_method, &out, false);
}

static void fake_shutdown(void *context, struct control_call *call, const void *in)
{
	(void)context;
	(void)in;
	(void)control_call_reply(call, &api_shutdown_method, &(struct api_shutdown_out){0},
				 false);
}

static void fake_call(void *context, struct control_call *call, const void *in)
{
	const struct api_call *input = in;
	const char *text = input->parameters ? input->parameters : "{}";

	fake_answer(context, call, strrchr(input->method, '.') + 1,
		    (struct json_span){text, strlen(text)}, true);
}

static const struct control_method fake_methods[] = {
	{&api_describe_method, CONTROL_OBSERVE, .handle = fake_describe},
	{&api_list_method, CONTROL_OBSERVE, .handle = fake_list},
	{&api_call_method, CONTROL_OBSERVE, .handle = fake_call},
	{&api_status_method, CONTROL_OBSERVE, .handle = fake_status},
	{&api_workers_method, CONTROL_OBSERVE, .handle = fake_workers},
	{&api_actors_method, CONTROL_OBSERVE, .handle = fake_actors, .needs_more = true},
	{&api_spawn_method, CONTROL_OBSERVE, .handle = fake_spawn},
	{&api_watch_method, CONTROL_OBSERVE, .handle = fake_watch, .needs_more = true},
	{&api_stop_method, CONTROL_OBSERVE, .handle = fake_stop},
	{&api_start_method, CONTROL_OBSERVE, .handle = fake_start},
	{&api_restart_method, CONTROL_OBSERVE, .handle = fake_restart},
	{&api_kill_method, CONTROL_OBSERVE, .handle = fake_kill},
	{&api_reload_method, CONTROL_OBSERVE, .handle = fake_reload},
	{&api_shutdown_method, CONTROL_OBSERVE, .handle = fake_shutdown},
	{0},
};
static const struct control_service fake_service = {&api_interface, fake_methods};
static const struct control_service *const fake_services[] = {&fake_service, NULL};

static enum control_level fake_level_of(void *context, const struct control_peer *peer)
{
	(void)context;
	(void)peer;
	return CONTROL_CALL;
}

static const char *fake_describe_interface(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "com.example.test") == 0 ? fake_idl : NULL;
}

static void fake_list_interfaces(void *context, void (*add)(void *list, const char *name),
				 void *list)
{
	(void)context;
	add(list, "com.example.test");
}

static const struct control_ops fake_ops = {
	.level_of = fake_level_of,
	.on_foreign = fake_on_foreign,
	.list_interfaces = fake_list_interfaces,
	.describe_interface = fake_describe_interface,
};

static void fake_serve(struct fake *fake)
{
	struct control_config config = {.loop = fake->loop,
					.services = fake_services,
					.ops = &fake_ops,
					.context = fake};

	if (control_server_new(&config, &fake->server) < 0 ||
	    control_server_listen(fake->server, fcntl(fake->listener, F_DUPFD_CLOEXEC, 3),
				  true) < 0)
		_exit(1);
}

/* ---- the tests' side */

struct fixture {
	char directory[32];
	char path[64];
	pid_t daemon;
	struct ctl ctl;
	FILE *out, *err;
	char text[1 << 20], errors[1 << 16]; /* what was printed, by take_output() */
};

static void fixture_start_daemon(struct fixture *fixture)
{
	struct fake fake = {0};

	assert_int_equal(control_listen(fixture->path, &fake.listener, NULL), 0);
	fixture->daemon = fork();
	assert_true(fixture->daemon >= 0);
	if (fixture->daemon > 0) {
		close(fake.listener);
		return;
	}
	alarm(60); /* whatever happens to the test */
	if (loop_new(&fake.loop) < 0)
		_exit(1);
	loop_timer_init(&fake.drop, fake.loop, fake_on_drop);
	loop_timer_init(&fake.interrupt, fake.loop, fake_on_interrupt);
	fake_serve(&fake);
	loop_run(fake.loop);
	_exit(0);
}

static void fixture_stop_daemon(struct fixture *fixture)
{
	if (fixture->daemon > 0) {
		kill(fixture->daemon, SIGKILL);
		waitpid(fixture->daemon, NULL, 0);
	}
	fixture->daemon = 0;
}

static int fixture_set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/ctl-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/s", fixture->directory);
	fixture_start_daemon(fixture);
	fixture->out = tmpfile();
	fixture->err = tmpfile();
	assert_non_null(fixture->out);
	assert_non_null(fixture->err);
	setvbuf(fixture->err, NULL, _IONBF, 0);
	fixture->ctl = (struct ctl){
		.out = fixture->out, .err = fixture->err, .explain = explain_error};
	fixture->ctl.options = (struct options){.connections = 4, .window = 32};
	snprintf(fixture->ctl.socket, sizeof(fixture->ctl.socket), "%s", fixture->path);
	assert_int_equal(loop_new(&fixture->ctl.loop), 0);
	*state = fixture;
	return 0;
}

static int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;

	fixture_stop_daemon(fixture);
	varlink_free(fixture->ctl.client);
	loop_free(fixture->ctl.loop);
	fclose(fixture->out);
	fclose(fixture->err);
	unlink(fixture->path);
	rmdir(fixture->directory);
	free(fixture);
	return 0;
}

static void read_all(FILE *file, char *text, size_t size)
{
	size_t n;

	fflush(file);
	rewind(file);
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	assert_int_equal(ftruncate(fileno(file), 0), 0);
	rewind(file);
}

/* What was printed since the last time, into text and errors. */
static __attribute__((unused)) void take_output(struct fixture *fixture)
{
	read_all(fixture->out, fixture->text, sizeof(fixture->text));
	read_all(fixture->err, fixture->errors, sizeof(fixture->errors));
}

/* Run a verb with the arguments up to NULL; its status. What it printed is taken. */
static __attribute__((unused)) int run_verb(struct fixture *fixture,
					    int (*verb)(struct ctl *, char **, int), ...)
{
	char *arguments[16];
	va_list list;
	int n = 0, r;

	va_start(list, verb);
	while ((arguments[n] = va_arg(list, char *)))
		n++;
	va_end(list);
	r = verb(&fixture->ctl, arguments, n);
	take_output(fixture);
	return r;
}

#define expect_in(text, part)                                                                  \
	do {                                                                                   \
		if (!strstr(text, part))                                                       \
			fail_msg("no \"%s\" in: %s", part, text);                              \
	} while (0)

#endif
