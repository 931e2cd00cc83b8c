/* A task's `self` in a thread of the plug-in's own, while the task runs: none waits there. */
#include "tasking.h"
#include <errno.h>
#include <pthread.h>
#include <troupe/task.h>

static struct {
	struct troupe_self *self;
	int slept, yielded, scoped;
} other;

static void *waits_in_vain(void *unused)
{
	struct troupe_scope scope = {0};

	other.slept = troupe_sleep(other.self, 1);
	other.yielded = troupe_yield(other.self);
	other.scoped = troupe_scope_begin(other.self, 0, &scope);
	return unused;
}

static int lends_itself(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	pthread_t thread;

	(void)me;
	(void)unused;
	(void)unused_too;
	other.self = self;
	assert_int_equal(pthread_create(&thread, NULL, waits_in_vain, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(other.slept, -EINVAL);
	assert_int_equal(other.yielded, -EINVAL);
	assert_int_equal(other.scoped, -EINVAL);
	note(self, "refused; ");
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "slept; ");
	return 0;
}
TROUPE_TASK(lends_itself, struct puppet, void, void)

static void self_is_refused_in_another_thread(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = (void *)(uintptr_t)&lends_itself_task;
	world.hooks.num = tasking_starts_the_test;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 0);
	world_run(&world);
	assert_log(&world, "1:num 0; refused; ");
	world_sleep(&world, 2 * TROUPE_MS_NS);
	assert_log(&world, "slept; ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(self_is_refused_in_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
