#include "handing.h"

#include "core/inside.h"
#include <errno.h>

int handing_starts_the_test(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	struct handing *handing = handing_of(self);

	(void)me;
	(void)call;
	(void)n;
	return troupe_start(self, TROUPE_OF_ACTOR, handing->entry, NULL, handing, NULL);
}

void handing_begin(struct world *world, struct handing *handing,
		   const struct troupe_task_entry *entry)
{
	*handing = (struct handing){.entry = entry};
	world_init(world, 1, NULL);
	world->test = handing;
	world->hooks.num = handing_starts_the_test;
	world_spawn(world, 1);
	world_send(world, world->actors[1], 0);
}

void handing_finish(struct world *world)
{
	assert_int_equal(world->failures, 0);
	assert_int_equal(world->runtime->tasks.count, world->runtime->stacks.n_abandoned);
	assert_int_equal(world->runtime->scopes.count, 0);
	world_finish(world);
}

void handing_run(const struct troupe_task_entry *entry, unsigned ms, const char *log)
{
	struct world world;
	struct handing handing;

	handing_begin(&world, &handing, entry);
	world_sleep(&world, ms * TROUPE_MS_NS);
	assert_log(&world, log);
	handing_finish(&world);
}

void handing_start(struct troupe_self *self, const struct troupe_task_entry *entry, int n)
{
	struct handing *handing = handing_of(self);

	assert_int_equal(
		troupe_start(self, handing->scope, entry, handing_arg(n), handing, NULL), 0);
}

void handing_open_scope(struct troupe_self *self, struct handing *handing)
{
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &handing->scope), 0);
}

void handing_open_channel(struct troupe_self *self, struct handing *handing, size_t capacity)
{
	assert_int_equal(troupe_channel_open(self, sizeof(int), capacity, &handing->channel),
			 0);
}

TASK(locks, n)
{
	int rc = troupe_acquire(self, handing->semaphore);

	(void)me;
	note(self, "lock%d %d; ", handing_value(n), rc);
	if (rc < 0)
		return 0;
	assert_int_equal(handing->count++, 0);
	(void)troupe_yield(self);
	handing->count--;
	note(self, "back%d; ", handing_value(n));
	assert_int_equal(troupe_give_back(self, handing->semaphore), 0);
	return 0;
}

TASK(waits, n)
{
	int rc = troupe_event_wait(self, handing->event);

	(void)me;
	note(self, "event%d %d; ", handing_value(n), rc);
	return 0;
}

const struct troupe_task_entry *const handing_locks = &locks_task;
const struct troupe_task_entry *const handing_waits = &waits_task;
