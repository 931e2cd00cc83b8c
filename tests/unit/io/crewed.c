#include "crewed.h"

#include "core/inside.h"

static int on_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct crewed *crewed = crewed_of(self);

	(void)me;
	(void)call;
	if (n < 0)
		return troupe_task_cancel(self, crewed->tasks[-n]);
	return troupe_start(self, TROUPE_OF_ACTOR, crewed->entry, (void *)(intptr_t)n,
			    crewed->shared, &crewed->tasks[n]);
}

static void free_io(struct world *world)
{
	struct crewed *crewed = world->test;

	io_free(crewed->io);
}

void crewed_begin(struct crewed *crewed, const struct troupe_task_entry *entry, void *shared)
{
	memset(crewed, 0, sizeof(*crewed));
	world_init(&crewed->world, 1, NULL);
	assert_int_equal(io_new(crewed->world.runtime, &crewed->io), 0);
	crewed->world.test = crewed;
	crewed->world.on_gone = free_io;
	crewed->world.hooks.num = on_num;
	crewed->entry = entry;
	crewed->shared = shared;
	world_spawn(&crewed->world, 1);
}

void crewed_run(struct crewed *crewed)
{
	world_sleep(&crewed->world, 0);
}

void crewed_tell(struct crewed *crewed, int64_t n)
{
	assert_int_equal(world_send(&crewed->world, crewed->world.actors[1], n), 0);
	crewed_run(crewed);
}
