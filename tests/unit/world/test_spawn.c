/* test_spawn.c - units that operators spawn: they run, or the answer says why they cannot. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void unit_is_spawned_runs_and_is_gone_when_stopped(void **state)
{
	struct scene *scene = *state;
	struct client *client = &scene->client;

	scene_spawn(scene, "new", "slow", ",\"instances\":3,\"mailbox\":5,\"worker\":\"2\"",
		    "\"state\":\"running\"");
	assert_int_equal(scene_unit(scene, "new")->n_in[API_STATE_RUNNING], 3);
	client_call(client, "new/2", "slow.Kept", "", "\"kept\":0");
	scene_spawn(scene, "new", "slow", "", "io.troupe.Control.NameTaken");
	client_expect(client, "Stop", "{\"name\":\"new\"}", "{}");
	assert_null(unit_find(scene->world->master, "new"));
	client_expect(client, "Stop", "{\"name\":\"new\"}", "NoSuchActor");
}

static void spawn_says_why_a_unit_cannot_be(void **state)
{
	struct scene *scene = *state;

	scene_spawn(scene, "a b", "slow", "", "not a valid name");
	scene_spawn(scene, "new", "nobody", "", "io.troupe.Control.NoSuchPlugin");
	scene_spawn(scene, "new", "slow", ",\"actorType\":\"fast\"",
		    "io.troupe.Control.BadUnit");
	scene_spawn(scene, "new", "slow", ",\"instances\":0", "io.troupe.Control.BadUnit");
	scene_spawn(scene, "new", "slow", ",\"worker\":\"9\"", "io.troupe.Control.BadUnit");
	scene_spawn(scene, "new", "slow", ",\"config\":{\"x\":1}", "io.troupe.Control.BadUnit");
	scene_spawn(scene, "new", "slow_life", ",\"config\":{\"initMs\":true}",
		    "io.troupe.Control.BadUnit");
	assert_null(unit_find(scene->world->master, "new"));
}

/* All ten tries of the default. */
static void spawn_fails_when_its_actor_is_given_up(void **state)
{
	struct scene *scene = *state;
	uint64_t begin_ns = world_now_ns(scene->world);

	scene_spawn(scene, "new", "fail_in_init", ",\"config\":{\"code\":-5}",
		    "Input/output error");
	assert_in_range(world_now_ns(scene->world) - begin_ns, 0, 81 * S);
	assert_null(unit_find(scene->world->master, "new"));
}

static void init_has_its_time_and_no_more(void **state)
{
	struct scene *scene = *state;
	uint64_t begin_ns = world_now_ns(scene->world);

	scene_spawn(scene, "patient", "slow_life", ",\"config\":{\"initMs\":29000}",
		    "\"state\":\"running\"");
	assert_in_range(world_now_ns(scene->world) - begin_ns, 29 * S, 30 * S);
	/* StartTimeout=30s: the worker is killed, and the unit alone has failed. */
	scene_spawn(scene, "late", "slow_life",
		    ",\"config\":{\"initMs\":40000},\"worker\":\"own\"",
		    "io.troupe.Control.BadUnit");
	client_call(&scene->client, "slow", "slow.Kept", "", "\"kept\":0");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scene_raise, scene_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unit_is_spawned_runs_and_is_gone_when_stopped),
		TEST(spawn_says_why_a_unit_cannot_be),
		TEST(spawn_fails_when_its_actor_is_given_up),
		TEST(init_has_its_time_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
