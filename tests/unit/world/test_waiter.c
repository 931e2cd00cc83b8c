/* test_waiter.c - clients that wait for a unit get an answer, also when what they wait for does
 * not come. */
#include "scene.h"

#include "base/limits.h"
#include "units/instance.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void ask(struct client *client, struct world *world, const char *message)
{
	client_init(client, world);
	assert_true(client_send(client, message));
}

static void expect(struct client *client, const char *piece)
{
	const char *answer = client_wait(client);

	assert_non_null(answer);
	if (!strstr(answer, piece))
		fail_msg("%s\n%s", piece, answer);
	client_fini(client);
}

/* Looks at a client again and again, also while a handler sleeps. */
struct look {
	struct client client;
	uint64_t begun_ns, next_ns, answered_ns;
};

static uint64_t next_look(void *context)
{
	return ((const struct look *)context)->next_ns;
}

static void look(void *context)
{
	struct look *look = context;

	look->next_ns += S / 100;
	assert_true(client_read(&look->client, 65536));
	if (look->answered_ns == 0 && look->client.size > 0)
		look->answered_ns = world_now_ns(look->client.world);
}

/* Ask, and return after how long there was an answer, which must hold `piece`. */
static uint64_t expect_late(struct world *world, const char *message, const char *piece)
{
	struct look look_ = {.begun_ns = world_now_ns(world), .next_ns = world_now_ns(world)};

	ask(&look_.client, world, message);
	world->act = look;
	world->next_act_ns = next_look;
	world->context = &look_;
	expect(&look_.client, piece);
	world->act = NULL;
	return look_.answered_ns - look_.begun_ns;
}

/* StartTimeout= holds for it, which is none, and WorkerWatchdog= does not. */
static void client_waits_no_longer_than_it_may_for_a_start(void **state)
{
	struct scene *scene = *state;
	uint64_t ns;

	world_write(scene->world, "long.actor",
		    UNIT("slow_life",
			 "StartTimeout=infinity\nWorker=own\n[Config]\ninitMs=50000\n"));
	ns = expect_late(scene->world, "{\"method\":\"io.troupe.Control.Reload\"}",
			 "\"started\":[\"long\"]");
	assert_in_range(ns, LIMIT_WAIT_NS, LIMIT_WAIT_NS + S);
	world_run(scene->world, 20 * S);
	client_call(&scene->client, "long", "slow-life.Ping", "", "{");
	client_expect(&scene->client, "Stop", "{\"name\":\"long\"}", "{}");
	ns = expect_late(
		scene->world,
		"{\"method\":\"io.troupe.Control.Start\",\"parameters\":{\"name\":\"long\"}}",
		"io.troupe.Control.Timeout");
	assert_in_range(ns, LIMIT_WAIT_NS, LIMIT_WAIT_NS + S);
	/* It is started all the same. */
	world_run(scene->world, 20 * S);
	client_call(&scene->client, "long", "slow-life.Ping", "", "{");
	assert_int_equal(scene->world->deaths, 0);
}

static void restart_is_answered_when_the_unit_goes(void **state)
{
	struct scene *scene = *state;
	struct client restarting, stopping;

	scene_spawn(scene, "new", "slow_life",
		    ",\"instances\":3,\"config\":{\"finiMs\":2000},\"worker\":\"1\"",
		    "\"state\":\"running\"");
	ask(&restarting, scene->world,
	    "{\"method\":\"io.troupe.Control.Restart\",\"parameters\":{\"name\":\"new\"}}");
	world_run(scene->world, S);
	ask(&stopping, scene->world,
	    "{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":\"new\"}}");
	expect(&restarting, "io.troupe.Control.WrongState");
	expect(&stopping, "{}");
	assert_null(unit_find(scene->world->master, "new"));
	client_expect(&scene->client, "Start", "{\"name\":\"new\"}", "NoSuchActor");
}

static void actor_whose_start_is_taken_back_is_stopped_if_its_init_fails_too(void **state)
{
	struct scene *scene = *state;
	struct client starting;

	world_write(scene->world, "sad.actor",
		    UNIT("fail_in_init", "Worker=1\n[Config]\ncode=-5\n"));
	/* The worker does not come to it yet. */
	process_stall(process_of_worker(scene->world, 1), 3 * S);
	ask(&starting, scene->world, "{\"method\":\"io.troupe.Control.Reload\"}");
	world_run(scene->world, S);
	assert_int_equal(unit_state(scene_unit(scene, "sad")), API_STATE_STARTING);
	client_expect(&scene->client, "Stop", "{\"name\":\"sad\"}", "{}");
	assert_int_equal(unit_state(scene_unit(scene, "sad")), API_STATE_STOPPED);
	expect(&starting, "\"started\":[\"sad\"]");
	world_run(scene->world, 10 * S);
	assert_int_equal(unit_state(scene_unit(scene, "sad")), API_STATE_STOPPED);
	assert_int_equal(scene->world->deaths, 0);
}

static void call_says_what_is_wrong_with_it(void **state)
{
	static const char *const calls[][2] = {
		{"{\"name\":\"slow\",\"method\":\"Kept\"}", "must be INTERFACE.METHOD"},
		{"{\"name\":\"slow\",\"method\":\"io.troupe.test.slow.Kept\","
		 "\"timeoutMs\":604800001}",
		 "a week"},
		{"{\"name\":\"slow\",\"method\":\"io.troupe.test.slow.Kept\",\"timeoutMs\":-1}",
		 "a week"},
		{"{\"name\":\"slow\",\"method\":\"io.troupe.test.slow.Kept\","
		 "\"timeoutMs\":604800000}",
		 "\"kept\":0"},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		client_expect(&scene->client, "Call", calls[i][0], calls[i][1]);
	/* No member can have that name, whoever provides the interface, or nobody. */
	assert_non_null(
		strstr(client_ask(&scene->client, "{\"method\":\"io.troupe.test.slow.kept\"}"),
		       "org.varlink.service.MethodNotFound"));
	assert_non_null(
		strstr(client_ask(&scene->client, "{\"method\":\"io.troupe.nobody.kept\"}"),
		       "org.varlink.service.InterfaceNotFound"));
}

static void actor_of_a_unit_is_stopped_by_its_address(void **state)
{
	struct scene *scene = *state;
	struct instance *instance = &scene_unit(scene, "pool")->instances[2];
	struct troupe_address at = instance->address;
	char text[128];

	(void)snprintf(text, sizeof(text), "{\"name\":\"%u.%u.%u.%u.%u\"}", at.node, at.worker,
		       at.incarnation, at.slot, at.generation);
	client_expect(&scene->client, "Stop", text, "{}");
	assert_int_equal(instance->state, API_STATE_STOPPED);
	assert_int_equal(scene_unit(scene, "pool")->n_in[API_STATE_RUNNING], 5);
	/* Nobody has that address any more. */
	client_expect(&scene->client, "Stop", text, "NoSuchActor");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scene_raise, scene_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_waits_no_longer_than_it_may_for_a_start),
		TEST(restart_is_answered_when_the_unit_goes),
		TEST(actor_whose_start_is_taken_back_is_stopped_if_its_init_fails_too),
		TEST(call_says_what_is_wrong_with_it),
		TEST(actor_of_a_unit_is_stopped_by_its_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
