/* test_state.c - units with a directory for what they keep: where it cannot be made the unit
 * does not run, and says why. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEEPER UNIT("slow", "StateDirectory=yes\nInstances=2\n")

static void start(struct scene *scene, const char *settings)
{
	scene->world = world_new(17, 2, settings);
	world_write(scene->world, "other.actor", UNIT("crash", "Worker=2\n"));
	world_write(scene->world, "keeper.actor", KEEPER);
	world_start(scene->world);
	world_run(scene->world, 5 * S);
	client_init(&scene->client, scene->world);
}

static void strike(struct scene *scene)
{
	client_fini(&scene->client);
	world_free(scene->world);
}

static void unit_does_not_run_without_its_directory(void **state)
{
	struct scene scene;

	(void)state;
	start(&scene, "StateDirectory=/proc/self/nowhere\n");
	client_expect(&scene.client, "Describe", "{\"name\":\"keeper\"}",
		      "StateDirectory=yes: cannot make /proc/self/nowhere");
	client_expect(&scene.client, "Status", "", "keeper.actor");
	client_expect(&scene.client, "Start", "{\"name\":\"keeper\"}", "cannot make");
	client_call(&scene.client, "keeper", "slow.Kept", "", "WrongState");
	client_call(&scene.client, "other", "crash.Ping", "", "{");
	strike(&scene);
}

static void unit_runs_again_when_its_directory_can_be_made(void **state)
{
	char top[] = "/tmp/troupe-state-XXXXXX", settings[128], path[128];
	struct scene scene;
	struct stat status;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(top));
	(void)snprintf(settings, sizeof(settings), "StateDirectory=%s\n", top);
	(void)snprintf(path, sizeof(path), "%s/keeper", top);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	start(&scene, settings);
	client_expect(&scene.client, "Describe", "{\"name\":\"keeper\"}", "is no directory");
	assert_int_equal(unlink(path), 0);
	client_expect(&scene.client, "Start", "{\"name\":\"keeper\"}", "\"state\":\"running\"");
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISDIR(status.st_mode));
	/* Each life of an actor finds it there, and each version. */
	client_expect(&scene.client, "Stop", "{\"name\":\"keeper/1\"}", "{}");
	assert_int_equal(rmdir(path), 0);
	client_expect(&scene.client, "Start", "{\"name\":\"keeper/1\"}",
		      "\"state\":\"running\"");
	assert_int_equal(rmdir(path), 0);
	client_expect(&scene.client, "Restart", "{\"name\":\"keeper\"}",
		      "\"state\":\"running\"");
	assert_int_equal(stat(path, &status), 0);
	strike(&scene);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(top), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unit_does_not_run_without_its_directory),
		cmocka_unit_test(unit_runs_again_when_its_directory_can_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
