#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

int scene_raise(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct world *world = world_new(11, 2, "");

	world_write(world, "slow.actor", UNIT("slow", "Worker=1\nDefault=yes\n"));
	world_write(world, "crash.actor", UNIT("crash", "Worker=2\n"));
	world_write(world, "flock.actor", UNIT("flock", "Type=flock\nWorker=2\n"));
	world_write(world, "pool.actor", UNIT("slow", "Instances=6\n"));
	world_start(world);
	assert_true(world_until(world, world_is_running));
	scene->world = world;
	client_init(&scene->client, world);
	*state = scene;
	return 0;
}

int scene_strike(void **state)
{
	struct scene *scene = *state;

	client_fini(&scene->client);
	world_free(scene->world);
	free(scene);
	return 0;
}

struct unit *scene_unit(struct scene *scene, const char *name)
{
	struct unit *unit = unit_find(scene->world->master, name);

	assert_non_null(unit);
	return unit;
}

void scene_spawn(struct scene *scene, const char *name, const char *plugin, const char *more,
		 const char *piece)
{
	char text[768];

	(void)snprintf(text, sizeof(text),
		       "{\"name\":\"%s\",\"plugin\":\"%s/test-plugins/%s.so\"%s}", name,
		       scene->world->build, plugin, more);
	client_expect(&scene->client, "Spawn", text, piece);
}
