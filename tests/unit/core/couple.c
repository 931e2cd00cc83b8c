#include "couple.h"

int couple_call_two(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	struct world *world = world_of(self);

	(void)call;
	if (me->id != 1)
		return ((behaviour *)world->test)(self, me, call, n);
	return troupe_call(self, world->actors[2], &num_method, &(struct num){n - 100},
			   &num_entry, (uint64_t)n - 100, 1000000000,
			   n >= 200 ? TROUPE_MORE : 0, NULL);
}

void couple_begin(struct world *world, behaviour *two)
{
	world_init(world, 1, NULL);
	world->hooks.num = couple_call_two;
	world->test = (void *)two;
	world_spawn(world, 1);
	world_spawn(world, 2);
}
