#include "tasking.h"

#include "core/inside.h"

int tasking_nap(struct troupe_self *self, unsigned ms)
{
	int rc = troupe_sleep(self, ms * TROUPE_MS_NS);

	note(self, "nap%u %d; ", ms, rc);
	return rc;
}

static int naps(struct troupe_self *self, struct puppet *me, void *ms, void *unused)
{
	(void)me;
	(void)unused;
	return tasking_nap(self, (unsigned)(uintptr_t)ms);
}
TROUPE_TASK(naps, struct puppet, void, void)

static int says(struct troupe_self *self, struct puppet *me, const char *what, int *sum)
{
	note(self, "%d:%s; ", (int)me->id, what);
	if (sum)
		(*sum)++;
	return 0;
}
TROUPE_TASK(says, struct puppet, const char, int)

static int sleeps(struct troupe_self *self, struct puppet *me, void *ms, int *sum)
{
	int rc = troupe_sleep(self, (uint64_t)(uintptr_t)ms * TROUPE_MS_NS);

	note(self, "%d:slept%u %d; ", (int)me->id, (unsigned)(uintptr_t)ms, rc);
	if (sum)
		(*sum)++;
	return rc;
}
TROUPE_TASK(sleeps, struct puppet, void, int)

static int fails(struct troupe_self *self, struct puppet *me, void *code, void *unused)
{
	(void)me;
	(void)unused;
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	return -(int)(uintptr_t)code;
}
TROUPE_TASK(fails, struct puppet, void, void)

const struct troupe_task_entry *const tasking_naps = &naps_task;
const struct troupe_task_entry *const tasking_says = &says_task;
const struct troupe_task_entry *const tasking_sleeps = &sleeps_task;
const struct troupe_task_entry *const tasking_fails = &fails_task;

int tasking_starts_the_test(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return troupe_start(self, TROUPE_OF_ACTOR, world_of(self)->test, NULL, NULL, NULL);
}

void tasking_begin(struct world *world, const struct troupe_task_entry *entry)
{
	world_init(world, 1, NULL);
	world->test = (void *)(uintptr_t)entry;
	world->hooks.num = tasking_starts_the_test;
	world_spawn(world, 1);
	world_send(world, world->actors[1], 0);
}

void tasking_finish(struct world *world, const char *log)
{
	assert_log(world, log);
	assert_int_equal(world->failures, 0);
	assert_int_equal(world->runtime->tasks.count, 0);
	assert_int_equal(world->runtime->scopes.count, 0);
	world_finish(world);
}

void tasking_run(const struct troupe_task_entry *entry, unsigned ms, const char *log)
{
	struct world world;

	tasking_begin(&world, entry);
	world_run(&world);
	world_sleep(&world, ms * TROUPE_MS_NS);
	tasking_finish(&world, log);
}
