/* test_world.c - a master, workers and clients in one process, in simulated time. */
#include "client.h"
#include "process.h"

#include "base/clock.h"
#include "master/worker.h"
#include "units/unit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct world *raise_world(uint64_t seed)
{
	struct world *world = world_new(seed, 2, "");

	world_write(world, "slow.actor", "[Actor]\nPlugin=%B/test-plugins/slow.so\nWorker=1\n");
	world_write(world, "relay.actor",
		    "[Actor]\nPlugin=%B/test-plugins/relay.so\nType=relay\n"
		    "Worker=2\n");
	world_write(world, "crash.actor",
		    "[Actor]\nPlugin=%B/test-plugins/crash.so\n"
		    "Worker=2\n");
	world_start(world);
	if (!world_until(world, world_is_running)) {
		world_print_log(world);
		fail();
	}
	return world;
}

static void call_goes_to_an_actor_and_back(void **state)
{
	struct world *world = raise_world(1);
	struct client client;
	uint64_t begin_ns = world_now_ns(world);

	(void)state;
	client_init(&client, world);
	client_call(&client, "slow", "slow.Answer", "{\"text\":\"hi\",\"delayMs\":20000}",
		    "{\"parameters\":{\"parameters\":{\"text\":\"hi\"}}}");
	assert_in_range(world_now_ns(world) - begin_ns, 20 * CLOCK_SECOND_NS,
			21 * CLOCK_SECOND_NS);
	/* From worker to worker. */
	client_call(&client, "relay", "relay.Answer",
		    "{\"to\":\"slow\",\"text\":\"ho\",\"delayMs\":5}",
		    "{\"parameters\":{\"parameters\":{\"text\":\"ho\"}}}");
	client_fini(&client);
	world_free(world);
}

static void actor_that_faults_pays_alone(void **state)
{
	struct world *world = raise_world(2);
	const struct unit *unit = unit_find(world->master, "crash");
	struct client client;

	(void)state;
	client_init(&client, world);
	client_call(&client, "crash", "crash.Raise", "{\"signal\":11}",
		    "{\"error\":\"io.troupe.Control.ActorDied\"");
	assert_int_equal(world->deaths, 1);
	assert_true(world_until(world, world_is_running));
	assert_int_equal(unit->crashes, 1);
	assert_int_equal(unit_find(world->master, "relay")->crashes, 0);
	assert_int_equal(unit_find(world->master, "slow")->restarts, 0);
	assert_string_equal(world->master->workers[2]->crash.names.actor, "crash/0");
	client_call(&client, "crash", "crash.Ping", "{}", "{\"parameters\":");
	client_fini(&client);
	world_free(world);
}

static void handler_that_never_returns_pays_at_the_limit(void **state)
{
	struct world *world = raise_world(3);
	struct client client;
	uint64_t begin_ns = world_now_ns(world);

	(void)state;
	client_init(&client, world);
	/* The defaults: WorkerWatchdog=30s, and a call that is not done after 45 s has timed
	 * out. */
	client_call(&client, "slow", "slow.Block", "{\"ms\":100000}",
		    "{\"error\":\"io.troupe.Control.ActorDied\"");
	assert_in_range(world_now_ns(world) - begin_ns, 30 * CLOCK_SECOND_NS,
			34 * CLOCK_SECOND_NS);
	assert_true(world_until(world, world_is_running));
	assert_int_equal(unit_find(world->master, "slow")->crashes, 1);
	client_call(&client, "slow", "slow.Kept", "{}", "{\"parameters\":");
	client_fini(&client);
	world_free(world);
}

static void worker_that_is_stopped_is_replaced_and_nobody_pays(void **state)
{
	struct world *world = raise_world(4);
	struct client client;

	(void)state;
	client_init(&client, world);
	process_stall(process_of_worker(world, 1), 3600 * CLOCK_SECOND_NS);
	client_call(&client, "slow", "slow.Kept", "{}",
		    "{\"error\":\"io.troupe.Control.ActorDied\"");
	assert_true(world_until(world, world_is_running));
	assert_int_equal(unit_find(world->master, "slow")->crashes, 0);
	assert_int_equal(unit_find(world->master, "slow")->restarts, 1);
	client_fini(&client);
	world_free(world);
}

static void workers_come_though_launching_fails_and_takes_long(void **state)
{
	struct world *world = world_new(5, 2, "");

	(void)state;
	world->refuse = 5;
	world->late_ns = 20 * CLOCK_SECOND_NS;
	world_start(world);
	assert_true(world_until(world, world_is_running));
	assert_int_equal(world->refuse, 0);
	assert_int_equal(world->launches, 2);
	world_free(world);
}

static uint64_t hash_of_run(uint64_t seed)
{
	struct world *world = raise_world(seed);
	struct client client;
	uint64_t hash;

	client_init(&client, world);
	client_call(&client, "relay", "relay.Answer",
		    "{\"to\":\"slow\",\"text\":\"ho\",\"delayMs\":5}", "ho");
	client_call(&client, "crash", "crash.Raise", "{\"signal\":6}", "ActorDied");
	client_call(&client, "slow", "slow.Stream", "{\"count\":3,\"periodMs\":50}", "1");
	client_expect(&client, "Workers", "", "SIGABRT");
	client_fini(&client);
	hash = world_hash(world);
	world_free(world);
	return hash;
}

static void seed_gives_one_run(void **state)
{
	(void)state;
	assert_int_equal(hash_of_run(6), hash_of_run(6));
	assert_int_not_equal(hash_of_run(6), hash_of_run(7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_goes_to_an_actor_and_back),
		cmocka_unit_test(actor_that_faults_pays_alone),
		cmocka_unit_test(handler_that_never_returns_pays_at_the_limit),
		cmocka_unit_test(worker_that_is_stopped_is_replaced_and_nobody_pays),
		cmocka_unit_test(workers_come_though_launching_fails_and_takes_long),
		cmocka_unit_test(seed_gives_one_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
