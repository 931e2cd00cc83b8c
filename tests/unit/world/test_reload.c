/* test_reload.c - what becomes of units when their files change: what can go on goes on, and
 * what cannot is said. */
#include "scene.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cmocka.h>

static void reload(struct scene *scene, const char *piece)
{
	client_expect(&scene->client, "Reload", "", piece);
}

/* Put a copy of a test plug-in into the world's directory, or nothing that could be one. */
static void put_plugin(struct scene *scene, const char *name, const char *plugin)
{
	char path[1024];
	int from, to;

	world_write(scene->world, name, "no plug-in");
	if (!plugin)
		return;
	(void)snprintf(path, sizeof(path), "%s/test-plugins/%s.so", scene->world->build,
		       plugin);
	from = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "%s/%s", scene->world->directory, name);
	to = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(from >= 0 && to >= 0);
	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	close(from);
	close(to);
}

static void write_unit_of(struct scene *scene, const char *name, const char *plugin,
			  const char *keys)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "[Actor]\nPlugin=%s/%s\n%s", scene->world->directory,
		       plugin, keys);
	world_write(scene->world, name, text);
}

/* How many of four calls an actor refuses that would keep them all. */
static unsigned count_refused(struct scene *scene)
{
	struct client clients[4];
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++) {
		client_init(&clients[i], scene->world);
		assert_true(client_send(&clients[i],
					"{\"method\":\"io.troupe.test.slow.Answer\","
					"\"parameters\":{\"text\":\"hi\",\"delayMs\":500}}"));
	}
	for (unsigned i = 0; i < 4; i++) {
		const char *answer = client_wait(&clients[i]);

		assert_non_null(answer);
		n += strstr(answer, "\"error\"") != NULL;
		client_fini(&clients[i]);
	}
	return n;
}

static void limit_changes_without_a_new_actor(void **state)
{
	struct scene *scene = *state;
	struct troupe_address before = scene_unit(scene, "slow")->instances[0].address;

	assert_int_equal(count_refused(scene), 0);
	world_write(scene->world, "slow.actor",
		    UNIT("slow", "Worker=1\nDefault=yes\nMailbox=1\n"));
	reload(scene, "\"changed\":[\"slow\"]");
	assert_true(
		troupe_address_equal(scene_unit(scene, "slow")->instances[0].address, before));
	assert_int_equal(count_refused(scene), 3);
}

static void unit_that_was_given_up_is_started_when_its_file_changes(void **state)
{
	struct scene *scene = *state;

	world_write(scene->world, "crash.actor", UNIT("crash", "Worker=2\nGiveUpAfter=1\n"));
	reload(scene, "\"changed\":[\"crash\"]");
	client_call(&scene->client, "crash", "crash.Raise", "{\"signal\":11}", "ActorDied");
	world_run(scene->world, S);
	assert_int_equal(unit_state(scene_unit(scene, "crash")), API_STATE_FAILED);
	/* Nothing that concerns it has changed. */
	reload(scene, "{\"parameters\":{\"started\":[],\"restarted\":[],\"stopped\":[],"
		      "\"changed\":[]");
	assert_int_equal(unit_state(scene_unit(scene, "crash")), API_STATE_FAILED);
	world_write(scene->world, "crash.actor", UNIT("crash", "Worker=2\nGiveUpAfter=2\n"));
	reload(scene, "{\"parameters\":{\"started\":[\"crash\"]");
	client_call(&scene->client, "crash", "crash.Ping", "", "{");
}

static void actor_goes_on_when_its_plugin_is_no_plugin_any_more(void **state)
{
	struct scene *scene = *state;

	put_plugin(scene, "own.so", "slow");
	write_unit_of(scene, "own.actor", "own.so", "");
	reload(scene, "\"started\":[\"own\"]");
	put_plugin(scene, "own.so", NULL);
	reload(scene, "own goes on with its plug-in as it was: ");
	client_call(&scene->client, "own", "slow.Kept", "", "\"kept\":0");
	/* What else has changed holds for it. */
	write_unit_of(scene, "own.actor", "own.so", "Mailbox=5\n");
	reload(scene, "\"changed\":[\"own\"]");
	assert_int_equal(scene_unit(scene, "own")->file.mailbox, 5);
	assert_int_equal(scene_unit(scene, "own")->restarts, 0);
	/* Another one, in the file of the same name. */
	put_plugin(scene, "own.so", "crash");
	reload(scene, "\"restarted\":[\"own\"]");
	client_call(&scene->client, "own", "crash.Ping", "", "{");
}

static void unit_that_stays_broken_has_the_newest_reason(void **state)
{
	struct scene *scene = *state;
	struct client *client = &scene->client;

	put_plugin(scene, "later.so", NULL);
	write_unit_of(scene, "late.actor", "later.so", "");
	reload(scene, "later.so");
	client_expect(client, "Describe", "{\"name\":\"late\"}", "\"state\":\"failed\"");
	put_plugin(scene, "later.so", "slow");
	write_unit_of(scene, "late.actor", "later.so", "Type=fast\n");
	reload(scene, "fast");
	assert_non_null(strstr(scene_unit(scene, "late")->reason, "fast"));
	client_expect(client, "Start", "{\"name\":\"late\"}", "fast");
	/* What was in its way is mended, and nobody reloads. */
	write_unit_of(scene, "late.actor", "later.so", "");
	put_plugin(scene, "later.so", NULL);
	reload(scene, "later.so");
	put_plugin(scene, "later.so", "slow");
	client_expect(client, "Start", "{\"name\":\"late\"}", "\"state\":\"running\"");
	client_call(client, "late", "slow.Kept", "", "\"kept\":0");
}

static void file_with_the_name_of_a_spawned_unit_does_not_replace_it(void **state)
{
	struct scene *scene = *state;

	scene_spawn(scene, "mine", "slow", "", "\"state\":\"running\"");
	world_write(scene->world, "mine.actor", UNIT("crash", ""));
	reload(scene, "an operator has spawned a unit of that name: stop it first");
	client_call(&scene->client, "mine", "slow.Kept", "", "\"kept\":0");
	client_expect(&scene->client, "Stop", "{\"name\":\"mine\"}", "{}");
	reload(scene, "\"started\":[\"mine\"]");
	client_call(&scene->client, "mine", "crash.Ping", "", "{");
}

#define POOL(code) UNIT("fail_in_init", "Instances=3\nGiveUpAfter=1\n[Config]\ncode=" code "\n")

static void pool_goes_on_as_it_was_behind_one_that_does_not_come_up(void **state)
{
	struct scene *scene = *state;
	struct client *client = &scene->client;
	struct unit *unit;

	world_write(scene->world, "three.actor", POOL("0"));
	reload(scene, "\"started\":[\"three\"]");
	unit = scene_unit(scene, "three");
	world_write(scene->world, "three.actor", POOL("-5"));
	reload(scene, "three has failed: ");
	assert_int_equal(unit->n_in[API_STATE_RUNNING], 2);
	assert_int_equal(unit->instances[0].state, API_STATE_FAILED);
	client_call(client, "three/2", "fail-in-init.Ping", "", "{");
	client_call(client, "three/0", "fail-in-init.Ping", "", "WrongState");
	world_write(scene->world, "three.actor", POOL("0"));
	reload(scene, "\"started\":[\"three\"]");
	assert_int_equal(unit->n_in[API_STATE_RUNNING], 3);
}

static void restart_is_answered_though_a_reload_takes_its_actor_away(void **state)
{
	struct scene *scene = *state;
	struct client working, waiting;

	world_write(scene->world, "new.actor", UNIT("slow", "Instances=2\n"));
	reload(scene, "\"started\":[\"new\"]");
	client_init(&working, scene->world);
	assert_true(client_send(
		&working,
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"new/1\","
		"\"method\":\"io.troupe.test.slow.Answer\","
		"\"parameters\":{\"text\":\"done\",\"delayMs\":3000}}}"));
	world_run(scene->world, S);
	client_init(&waiting, scene->world);
	assert_true(client_send(&waiting, "{\"method\":\"io.troupe.Control.Restart\","
					  "\"parameters\":{\"name\":\"new/1\"}}"));
	world_run(scene->world, S);
	world_write(scene->world, "new.actor", UNIT("slow", ""));
	reload(scene, "\"restarted\":[\"new\"]");
	assert_int_equal(scene_unit(scene, "new")->n_instances, 1);
	assert_non_null(strstr(client_wait(&working), "done"));
	assert_non_null(strstr(client_wait(&waiting), "\"name\":\"new\""));
	client_fini(&working);
	client_fini(&waiting);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scene_raise, scene_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(limit_changes_without_a_new_actor),
		TEST(unit_that_was_given_up_is_started_when_its_file_changes),
		TEST(actor_goes_on_when_its_plugin_is_no_plugin_any_more),
		TEST(unit_that_stays_broken_has_the_newest_reason),
		TEST(file_with_the_name_of_a_spawned_unit_does_not_replace_it),
		TEST(pool_goes_on_as_it_was_behind_one_that_does_not_come_up),
		TEST(restart_is_answered_though_a_reload_takes_its_actor_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
