#include "cluster.h"

struct troupe_address cluster_address(struct world *world, int id)
{
	return world->net->worlds[id]->actors[id];
}

struct troupe_address cluster_puppet(struct troupe_self *self, int id)
{
	struct world *world = world_of(self);

	return world->net ? cluster_address(world, id) : world->actors[id];
}

int cluster_call_two(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	struct world *world = world_of(self);

	if (me->id != 1)
		return ((behaviour *)world->test)(self, me, call, n);
	return troupe_call(self, cluster_address(world, 2), &num_method, &(struct num){n % 100},
			   &num_entry, (uint64_t)n % 100, 1000000000,
			   n >= 200 ? TROUPE_MORE : 0, NULL);
}

void cluster_begin_on(struct cluster *cluster, behaviour *two, uint16_t node)
{
	*cluster = (struct cluster){0};
	for (uint16_t i = 1; i <= 3; i++) {
		const struct runtime_config config = {.process.node = i == 1 ? 0 : node};
		struct world *world = &cluster->worlds[i];

		world_init(world, i, &config);
		world_link(world, &cluster->net);
		world->hooks.num = cluster_call_two;
		world->test = (void *)two;
		world_spawn(world, i);
	}
}

void cluster_begin(struct cluster *cluster, behaviour *two)
{
	cluster_begin_on(cluster, two, 0);
}

void cluster_ask(struct cluster *cluster, int64_t n)
{
	assert_int_equal(world_send(&cluster->worlds[1], cluster->worlds[1].actors[1], n), 0);
}
