/* test_manage.c - what operators do, with the real master and real workers, in simulated time:
 * the defaults of the manual, and what takes seconds, minutes or an hour. */
#include "scene.h"

#include "master/worker.h"
#include "tests/unit/sim/sim.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void unit_is_stopped_and_started_again(void **state)
{
	struct scene *scene = *state;
	struct client *client = &scene->client;

	client_expect(client, "Stop", "{\"name\":\"pool\"}", "{}");
	client_expect(client, "Describe", "{\"name\":\"pool\"}", "\"state\":\"stopped\"");
	client_call(client, "pool", "slow.Kept", "", "io.troupe.Control.WrongState");
	client_call(client, "pool/1", "slow.Kept", "", "io.troupe.Control.WrongState");
	client_expect(client, "Start", "{\"name\":\"pool/1\"}", "\"name\":\"pool\"");
	assert_int_equal(scene_unit(scene, "pool")->n_in[API_STATE_RUNNING], 1);
	client_call(client, "pool", "slow.Kept", "", "\"kept\":0");
	client_expect(client, "Start", "{\"name\":\"pool\"}", "\"state\":\"running\"");
	assert_int_equal(scene_unit(scene, "pool")->n_in[API_STATE_RUNNING], 6);
	client_expect(client, "Stop", "{\"name\":\"pool/4\"}", "{}");
	client_expect(client, "Restart", "{\"name\":\"pool/3\"}", "\"name\":\"pool\"");
	assert_int_equal(scene_unit(scene, "pool")->n_in[API_STATE_RUNNING], 5);
	client_expect(client, "Restart", "{\"name\":\"pool\"}", "\"state\":\"running\"");
	assert_int_equal(scene_unit(scene, "pool")->n_in[API_STATE_RUNNING], 6);
	client_expect(client, "Start", "{\"name\":\"pool/6\"}", "NoSuchActor");
	client_expect(client, "Restart", "{\"name\":\"nobody\"}", "NoSuchActor");
}

static void restart_waits_for_the_work_that_is_under_way(void **state)
{
	struct scene *scene = *state;
	struct client other;
	uint64_t ns;

	client_init(&other, scene->world);
	assert_true(client_send(
		&other, "{\"method\":\"io.troupe.test.slow.Answer\",\"parameters\":{\"text\":"
			"\"done\",\"delayMs\":4000}}"));
	world_run(scene->world, S);
	ns = client_expect(&scene->client, "Restart", "{\"name\":\"slow\"}",
			   "\"state\":\"running\"");
	assert_in_range(ns, 3 * S, 4 * S);
	assert_non_null(strstr(client_wait(&other), "done"));
	client_fini(&other);
}

static void actor_that_does_not_stop_costs_its_worker(void **state)
{
	struct scene *scene = *state;
	uint64_t ns;

	scene_spawn(scene, "long", "slow_life",
		    ",\"config\":{\"finiMs\":60000},\"worker\":\"2\"", "\"state\":\"running\"");
	/* StopTimeout=10s */
	ns = client_expect(&scene->client, "Stop", "{\"name\":\"long\"}", "{}");
	assert_in_range(ns, 10 * S, 13 * S);
	assert_true(world_until(scene->world, world_is_running));
	assert_int_equal(scene_unit(scene, "flock")->crashes, 0);
	client_call(&scene->client, "crash", "crash.Ping", "", "{");
}

/* The address that stands first in an answer. */
static void read_address(const char *answer, char address[64])
{
	const char *at = strstr(answer, "\"0.");

	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"%63[0-9.]\"", address), 1);
}

static void hatch(struct scene *scene, char address[64])
{
	read_address(
		client_ask(&scene->client,
			   "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":"
			   "\"flock\",\"method\":\"io.troupe.test.flock.Hatch\","
			   "\"parameters\":{\"count\":3,\"detached\":false}}}"),
		address);
}

static void child_is_described_called_and_stopped_by_its_address(void **state)
{
	struct scene *scene = *state;
	struct client *client = &scene->client;
	char address[64], text[96];

	hatch(scene, address);
	(void)snprintf(text, sizeof(text), "{\"name\":\"%s\"}", address);
	client_expect(client, "Describe", text, "\"parent\":");
	client_call(client, address, "bird.Sing", "", "tweet");
	client_expect(client, "Actors", "{\"worker\":2}", address);
	client_expect(client, "Stop", text, "{}");
	client_expect(client, "Stop", text, "NoSuchActor");
	client_call(client, address, "bird.Sing", "", "NoSuchActor");
	client_call(client, "flock", "flock.Ended", "", "\"count\":1");
}

static void child_is_killed_by_its_address_with_its_worker(void **state)
{
	struct scene *scene = *state;
	char address[64], text[96];

	hatch(scene, address);
	(void)snprintf(text, sizeof(text), "{\"name\":\"%s\"}", address);
	client_expect(&scene->client, "Kill", text, "\"collateral\":[\"");
	assert_int_equal(scene->world->deaths, 1);
	assert_true(world_until(scene->world, world_is_running));
	assert_int_equal(scene_unit(scene, "flock")->crashes, 0);
	client_expect(&scene->client, "Kill", text, "NoSuchActor");
	client_expect(&scene->client, "Kill", "{\"name\":\"nobody\"}", "NoSuchActor");
	client_expect(&scene->client, "Kill", "{\"name\":\"pool\"}", "\"workers\":[1,2]");
	client_expect(&scene->client, "Stop", "{\"name\":\"crash\"}", "{}");
	client_expect(&scene->client, "Kill", "{\"name\":\"crash\"}", "WrongState");
}

static void actors_are_listed_in_pieces_and_whole(void **state)
{
	struct scene *scene = *state;
	struct client *client = &scene->client;
	const char *answer;
	unsigned n = 0;

	scene_spawn(scene, "many", "slow", ",\"instances\":700,\"worker\":\"1\"",
		    "\"state\":\"running\"");
	client_expect(client, "Actors", "{\"worker\":9}", "InvalidParameter");
	client_expect(client, "Actors", "{\"worker\":1}", "\"instance\":699");
	client_expect(client, "Describe", "{\"name\":\"many\"}", "\"instance\":699");
	client_expect(client, "Describe", "{\"name\":\"many/13\"}", "\"queued\":0");
	answer = client_ask(client, "{\"method\":\"io.troupe.Control.Actors\",\"more\":true}");
	for (; strstr(answer, "\"continues\":true"); answer = client_wait(client))
		n++;
	assert_in_range(n, 2, 100);
}

static void worker_that_does_not_answer_is_said_to_be_silent(void **state)
{
	struct scene *scene = *state;

	process_stall(process_of_worker(scene->world, 2), 20 * S);
	assert_in_range(client_expect(&scene->client, "Actors", "", "\"silent\":[2]"), 0,
			10 * S);
	client_expect(&scene->client, "Describe", "{\"name\":\"crash\"}", "\"silent\":[2]");
	client_expect(&scene->client, "Status", "", "\"stalls\":[{\"worker\":2");
	client_expect(&scene->client, "Workers", "", "\"state\":\"stalled\"");
	world_run(scene->world, 30 * S);
	client_expect(&scene->client, "Status", "", "\"stalls\":[]");
	assert_int_equal(scene->world->deaths, 0);
}

static void watcher_is_sent_what_happens(void **state)
{
	struct scene *scene = *state;
	static const char *const events[] = {"watching",     "stalled",      "resumed",
					     "actorEnded",   "actorStarted", "workerDied",
					     "workerStarted"};
	struct client watcher;
	const char *answer;
	size_t n = 0;

	client_init(&watcher, scene->world);
	answer = client_ask(&watcher, "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
	client_call(&scene->client, "slow", "slow.Block", "{\"ms\":4000}", "{");
	world_run(scene->world, 2 * S);
	client_expect(&scene->client, "Restart", "{\"name\":\"slow\"}", "running");
	client_expect(&scene->client, "Kill", "{\"name\":\"slow\"}", "\"workers\":[1]");
	for (; n < sizeof(events) / sizeof(events[0]); n++)
		while (!strstr(answer, events[n]))
			answer = client_wait(&watcher);
	client_fini(&watcher);
}

/* GiveUpAfter= and the quarantine, with the defaults of the manual. */
static void actor_that_crashes_again_and_again_is_given_up(void **state)
{
	struct scene *scene = *state;
	struct unit *unit = scene_unit(scene, "crash");
	unsigned n = 0;

	while (unit_state(unit) != API_STATE_FAILED) {
		assert_in_range(++n, 1, 20);
		client_call(&scene->client, "crash", "crash.Raise", "{\"signal\":11}", "error");
		for (unsigned i = 0; i < 600 && unit_state(unit) != API_STATE_RUNNING &&
				     unit_state(unit) != API_STATE_FAILED;
		     i++)
			world_run(scene->world, S / 10);
	}
	assert_non_null(unit->reason);
	client_call(&scene->client, "crash", "crash.Ping", "", "WrongState");
	/* The neighbours of its worker were not blamed, and are there. */
	assert_int_equal(scene_unit(scene, "flock")->crashes, 0);
	client_call(&scene->client, "flock", "flock.Ended", "", "count");
	client_expect(&scene->client, "Start", "{\"name\":\"crash\"}", "\"state\":\"running\"");
	client_call(&scene->client, "crash", "crash.Ping", "", "{");
}

/* Isolate=after-crash */
static void actor_that_crashed_twice_goes_on_in_a_worker_of_its_own(void **state)
{
	struct scene *scene = *state;
	struct unit *unit;
	uint64_t restarts;

	scene_spawn(scene, "frail", "crash", "", "running");
	unit = scene_unit(scene, "frail");
	for (unsigned i = 0; i < 2; i++) {
		client_call(&scene->client, "frail", "crash.Raise", "{\"signal\":11}", "error");
		world_run(scene->world, 5 * S);
		assert_int_equal(unit_state(unit), API_STATE_RUNNING);
	}
	assert_true(unit->is_isolated);
	assert_in_range(unit->instances[0].address.worker, 3, LIMIT_WORKERS);
	restarts = scene_unit(scene, "flock")->restarts + scene_unit(scene, "slow")->restarts;
	client_call(&scene->client, "frail", "crash.Raise", "{\"signal\":11}", "error");
	world_run(scene->world, S);
	assert_int_equal(scene_unit(scene, "flock")->restarts +
				 scene_unit(scene, "slow")->restarts,
			 restarts);
}

static void message_of_megabytes_goes_from_worker_to_worker(void **state)
{
	struct scene *scene = *state;
	size_t size = 600000;
	char *text = malloc(size + 400);
	const char *answer;
	int n;

	scene_spawn(scene, "relay", "relay", ",\"actorType\":\"relay\",\"worker\":\"2\"",
		    "running");
	n = sprintf(
		text,
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"relay\","
		"\"method\":\"io.troupe.test.relay.Answer\",\"parameters\":{\"to\":\"slow\","
		"\"delayMs\":1,\"text\":\"");
	memset(text + n, 'x', size);
	strcpy(text + n + size, "\"}}}");
	for (unsigned i = 0; i < 3; i++) {
		client_send_all(&scene->client, text);
		answer = client_wait(&scene->client);
		assert_non_null(answer);
		assert_true(strlen(answer) > size);
	}
	/* Its arena goes with its process. */
	process_signal(process_of_worker(scene->world, 2), SIGKILL);
	assert_true(world_until(scene->world, world_is_running));
	client_send_all(&scene->client, text);
	assert_true(strlen(client_wait(&scene->client)) > size);
	free(text);
}

static void reload_applies_what_has_changed(void **state)
{
	struct scene *scene = *state;
	struct world *world = scene->world;
	struct client *client = &scene->client;

	client_expect(client, "Reload", "", "{\"parameters\":{\"started\":[],\"restarted\":[]");
	world_write(world, "new.actor", UNIT("slow", "Instances=2\n"));
	world_write(world, "pool.actor", UNIT("slow", "Instances=3\nMailbox=77\n"));
	world_write(world, "flock.actor",
		    UNIT("flock", "Type=flock\nWorker=2\n[Config]\nchildren=4\n"));
	client_expect(client, "Reload", "", "\"started\":[\"new\"],\"restarted\":[\"flock\"");
	assert_int_equal(scene_unit(scene, "pool")->n_in[API_STATE_RUNNING], 3);
	assert_int_equal(scene_unit(scene, "new")->n_in[API_STATE_RUNNING], 2);
	world_remove(world, "new.actor");
	world_write(world, "pool.actor", UNIT("slow", "Instances=none\n"));
	world_write(world, "slow.actor", UNIT("fast", ""));
	client_expect(client, "Reload", "", "\"stopped\":[\"new\"");
	client_expect(client, "Status", "", "pool.actor");
	client_expect(client, "Status", "", "slow.actor");
	client_call(client, "slow", "slow.Kept", "", "\"kept\":0"); /* as it was */
	client_expect(client, "Start", "{\"name\":\"pool\"}", "{");
	world_write(world, "trouped.conf", "[Daemon]\nWorkers=many\n");
	client_expect(client, "Reload", "", "trouped.conf");
	/* All is well again. */
	world_write(world, "slow.actor", UNIT("slow", "Worker=1\nDefault=yes\n"));
	world_write(world, "pool.actor", UNIT("slow", ""));
	world_write(world, "trouped.conf", "[Daemon]\nWorkers=2\nLogLevel=debug\n");
	client_expect(client, "Reload", "", "\"problems\":[]");
	client_call(client, "slow", "slow.Kept", "", "\"kept\":0");
	client_call(client, "pool", "slow.Kept", "", "\"kept\":0");
}

static void unit_that_cannot_run_is_shown_with_the_reason(void **state)
{
	struct scene *scene = *state;
	struct world *world = scene->world;
	struct client *client = &scene->client;

	world_write(world, "unread.actor", "[Actor]\nPlugin\n");
	world_write(world, "far.actor", UNIT("slow", "Worker=9\n"));
	world_write(world, "wrong.actor", UNIT("slow_life", "[Config]\ninitMs=soon\n"));
	client_expect(client, "Reload", "", "unread.actor");
	client_expect(client, "Describe", "{\"name\":\"unread\"}", "\"state\":\"failed\"");
	client_expect(client, "Start", "{\"name\":\"unread\"}", "WrongState");
	client_expect(client, "Restart", "{\"name\":\"unread\"}", "WrongState");
	client_expect(client, "Describe", "{\"name\":\"far\"}", "there are 2 workers");
	client_expect(client, "Start", "{\"name\":\"far\"}", "there are 2 workers");
	client_expect(client, "Describe", "{\"name\":\"wrong\"}", "initMs");
	client_call(client, "far", "slow.Kept", "", "WrongState");
	world_write(world, "unread.actor", UNIT("slow", ""));
	world_write(world, "far.actor", UNIT("slow", "Worker=1\n"));
	world_write(world, "wrong.actor", UNIT("slow_life", "[Config]\ninitMs=1\n"));
	client_expect(client, "Reload", "", "\"problems\":[]");
	client_call(client, "unread", "slow.Kept", "", "\"kept\":0");
	client_call(client, "far", "slow.Kept", "", "\"kept\":0");
	client_call(client, "wrong", "slow-life.Ping", "", "{");
}

static void client_can_see_what_actors_provide(void **state)
{
	struct scene *scene = *state;
	struct client *client = &scene->client;

	assert_non_null(strstr(
		client_ask(client, "{\"method\":\"org.varlink.service.GetInfo\"}"),
		"\"io.troupe.test.crash\",\"io.troupe.test.flock\",\"io.troupe.test.slow\""));
	assert_non_null(
		strstr(client_ask(client,
				  "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
				  "\"parameters\":{\"interface\":\"io.troupe.test.bird\"}}"),
		       "method Sing"));
	assert_non_null(
		strstr(client_ask(client,
				  "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
				  "\"parameters\":{\"interface\":\"io.troupe.nobody\"}}"),
		       "InterfaceNotFound"));
	client_expect(client, "List", "", "\"io.troupe.test.flock\"");
}

static bool is_stopped(struct world *world)
{
	return sim_is_stopped(world->master->loop);
}

static void shutdown_stops_the_daemon(void **state)
{
	struct scene *scene = *state;

	client_expect(&scene->client, "Shutdown", "", "{}");
	assert_null(client_wait(&scene->client));
	assert_true(world_until(scene->world, is_stopped));
	assert_int_equal(scene->world->ends, 2);
	assert_int_equal(scene->world->deaths, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scene_raise, scene_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unit_is_stopped_and_started_again),
		TEST(restart_waits_for_the_work_that_is_under_way),
		TEST(actor_that_does_not_stop_costs_its_worker),
		TEST(child_is_described_called_and_stopped_by_its_address),
		TEST(child_is_killed_by_its_address_with_its_worker),
		TEST(actors_are_listed_in_pieces_and_whole),
		TEST(worker_that_does_not_answer_is_said_to_be_silent),
		TEST(watcher_is_sent_what_happens),
		TEST(actor_that_crashes_again_and_again_is_given_up),
		TEST(actor_that_crashed_twice_goes_on_in_a_worker_of_its_own),
		TEST(message_of_megabytes_goes_from_worker_to_worker),
		TEST(reload_applies_what_has_changed),
		TEST(unit_that_cannot_run_is_shown_with_the_reason),
		TEST(client_can_see_what_actors_provide),
		TEST(shutdown_stops_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
