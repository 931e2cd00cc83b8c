/* test_pieces.c - what takes long to make is made a piece at a time: other clients are served
 * meanwhile, and it is whole all the same. */
#include "scene.h"

#include "requests/listing.h"
#include "requests/unit_reply.h"
#include "tests/unit/sim/sim.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MANY  1500
#define START "{\"method\":\"io.troupe.Control.Start\",\"parameters\":{\"name\":\"many\"}}"
#define LIST  "{\"method\":\"io.troupe.Control.List\"}"

/* A look at the clock takes so long from now on. */
static void be_slow(struct scene *scene, uint64_t ns)
{
	sim_be_slow(scene->world->master->loop, ns);
}

static void spawn_many(struct scene *scene)
{
	scene_spawn(scene, "many", "slow", ",\"instances\":1500,\"worker\":\"1\"",
		    "\"state\":\"running\"");
	be_slow(scene, UNIT_REPLY_NS);
}

static void ask(struct client *client, struct world *world, const char *message)
{
	client_init(client, world);
	assert_true(client_send(client, message));
}

static bool has_answer(struct client *client)
{
	assert_true(client_read(client, 1 << 20));
	return client_next(client) != NULL;
}

static unsigned count(const char *text, const char *piece)
{
	unsigned n = 0;

	assert_non_null(text);
	for (const char *at = text; (at = strstr(at, piece)); at++)
		n++;
	return n;
}

/* All of its actors, each once. */
static void expect_whole(struct client *client)
{
	const char *answer = client_wait(client);

	assert_int_equal(count(answer, "\"instance\":0,"), count(answer, "\"name\":"));
	assert_int_equal(count(answer, "\"instance\":1499,"), 1);
	assert_int_equal(count(answer, "\"instance\":777,"), 1);
	client_fini(client);
}

static void large_unit_is_described_while_others_are_served(void **state)
{
	struct scene *scene = *state;
	struct client first, second;

	spawn_many(scene);
	ask(&first, scene->world, START);
	ask(&second, scene->world, START);
	client_expect(&scene->client, "Status", "", "\"running\"");
	client_call(&scene->client, "crash", "crash.Ping", "", "{");
	assert_false(has_answer(&first));
	assert_false(has_answer(&second));
	expect_whole(&first);
	expect_whole(&second);
}

static void client_that_leaves_holds_up_nobody(void **state)
{
	struct scene *scene = *state;
	struct client first, second, third;

	spawn_many(scene);
	ask(&first, scene->world, START);
	ask(&second, scene->world, START);
	ask(&third, scene->world, START);
	client_expect(&scene->client, "Status", "", "\"running\"");
	assert_false(has_answer(&first));
	client_fini(&first);
	client_fini(&third);
	expect_whole(&second);
	/* Nor does one that was the last. */
	ask(&first, scene->world, START);
	client_expect(&scene->client, "Status", "", "\"running\"");
	assert_false(has_answer(&first));
	client_fini(&first);
	client_expect(&scene->client, "Status", "", "\"running\"");
	ask(&second, scene->world, START);
	expect_whole(&second);
}

static void list_is_made_while_others_are_served(void **state)
{
	struct scene *scene = *state;
	struct client first, second, third;

	spawn_many(scene);
	be_slow(scene, S / 3000);
	ask(&first, scene->world, LIST);
	client_expect(&scene->client, "Status", "", "\"running\"");
	assert_false(has_answer(&first));
	/* It is not too late for the same one; but it is for one after a change. */
	ask(&second, scene->world, LIST);
	client_expect(&scene->client, "Stop", "{\"name\":\"flock\"}", "{}");
	ask(&third, scene->world, LIST);
	expect_whole(&first);
	expect_whole(&second);
	assert_int_equal(count(client_wait(&third), "\"state\":\"stopped\""), 2);
	client_fini(&third);
}

static void list_that_took_long_is_sent_again_until_something_changes(void **state)
{
	struct scene *scene = *state;
	uint64_t ns;

	spawn_many(scene);
	be_slow(scene, S / 3000);
	ns = client_expect(&scene->client, "List", "", "\"instance\":1499,");
	assert_in_range(client_expect(&scene->client, "List", "", "\"instance\":1499,"), 0,
			ns / 2);
	client_expect(&scene->client, "Stop", "{\"name\":\"flock\"}", "{}");
	client_expect(&scene->client, "List", "", "\"state\":\"stopped\"");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scene_raise, scene_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(large_unit_is_described_while_others_are_served),
		TEST(client_that_leaves_holds_up_nobody),
		TEST(list_is_made_while_others_are_served),
		TEST(list_that_took_long_is_sent_again_until_something_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
