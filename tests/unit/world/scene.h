/* scene.h - a world with a client and the units that operators' tests begin with: slow, crash,
 * flock and pool, on two workers. */
#ifndef TESTS_UNIT_WORLD_SCENE_H
#define TESTS_UNIT_WORLD_SCENE_H

#include "base/clock.h"
#include "client.h"
#include "process.h"
#include "units/unit.h"

#define S CLOCK_SECOND_NS

/* The text of a unit; %B is the build. */
#define UNIT(plugin, keys) "[Actor]\nPlugin=%B/test-plugins/" plugin ".so\n" keys

struct scene {
	struct world *world;
	struct client client;
};

/* cmocka's setup and teardown. */
int scene_raise(void **state);
int scene_strike(void **state);
/* The unit of that name, which is there. */
struct unit *scene_unit(struct scene *scene, const char *name);
/* Spawn a unit of a test plug-in, with `more` members of JSON; the answer must hold `piece`. */
void scene_spawn(struct scene *scene, const char *name, const char *plugin, const char *more,
		 const char *piece);

#endif
