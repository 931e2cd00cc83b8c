/* How many tasks there may be, and how long one may go on without waiting. */
#include "core/task.h"
#include "tasking.h"
#include <errno.h>

/* Each with a handle, unless `ret_task` is NULL. */
static int starts_all(struct troupe_self *self, struct troupe_task *ret_task)
{
	int rc, count = 0;

	while ((rc = troupe_start(self, TROUPE_OF_ACTOR, tasking_sleeps, tasking_arg(1), NULL,
				  ret_task)) == 0)
		count++;
	note(self, "%d then %d; ", count, rc);
	return 0;
}

static int starts_as_many_as_it_may(struct troupe_self *self, struct puppet *me,
				    struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return starts_all(self, NULL);
}

static int starts_named_ones(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return starts_all(self, &(struct troupe_task){0});
}

/* Puppet 2 is of unit 2, "few", which may have three tasks. */
static void begin_few(struct world *world, behaviour *does)
{
	world_init(world, 1, NULL);
	assert_int_equal(
		runtime_unit_define(world->runtime, &(struct runtime_unit){.number = 2,
									   .name = "few",
									   .type = world->type,
									   .tasks = 3}),
		0);
	world->hooks.num = does;
	world_spawn(world, 1);
	world->actors[2] = world_spawn_in(world, 2, 2);
}

static void tasks_of_an_actor_are_bounded(void **state)
{
	struct world world;

	(void)state;
	begin_few(&world, starts_as_many_as_it_may);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_log(&world, "1:num 1; 1000 then -11; ");
	world_send(&world, world.actors[2], 1);
	world_run(&world);
	assert_log(&world, "2:num 1; 3 then -11; ");
	world_sleep(&world, 5 * TROUPE_MS_NS);
	world_log(&world);
	world_send(&world, world.actors[2], 1); /* they have ended */
	world_run(&world);
	assert_log(&world, "2:num 1; 3 then -11; ");
	world_finish(&world);
}

/* They count until they are joined, which a mistake never does: the log says so, once. */
static void tasks_that_nobody_joins_are_named(void **state)
{
	struct world world;

	(void)state;
	begin_few(&world, starts_named_ones);
	world_send(&world, world.actors[2], 1);
	world_run(&world);
	assert_log(&world, "2:num 1; 3 then -11; ");
	world_sleep(&world, 5 * TROUPE_MS_NS);
	world_log(&world);
	world_send(&world, world.actors[2], 1);
	world_send(&world, world.actors[2], 1);
	world_run(&world);
	assert_log(&world,
		   "2:num 1; log 4 few Tasks=3 is reached: 3 of them have ended, but "
		   "were started with a handle, and nobody has joined them; 0 then -11; "
		   "2:num 1; 0 then -11; ");
	world_finish(&world);
}

static void tasks_of_a_worker_are_bounded(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, &(struct runtime_config){.max_tasks = 5});
	world.hooks.num = starts_as_many_as_it_may;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	/* in the upper half a unit may have as many as are free */
	assert_log(&world, "1:num 1; 4 then -12; ");
	world_finish(&world);
}

static int is_refused(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_says, NULL, NULL, NULL),
			 -EOPNOTSUPP);
	return 0;
}

/* As on a machine with shadow stacks. */
static void machine_without_tasks_says_why_once(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.runtime->no_tasks = "for a test";
	world.hooks.num = is_refused;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	world_send(&world, world.actors[1], 2);
	world_run(&world);
	assert_log(&world, "1:num 1; log 3 unit1 no tasks here: for a test; 1:num 2; ");
	world_finish(&world);
}

/* Trap 11: whoever finds all ready lets others run all the same. */
static int joins_what_is_ready(struct troupe_self *self, struct puppet *me, int *count,
			       void *unused)
{
	(void)me;
	(void)unused;
	for (; *count < 1000; ++*count) {
		struct troupe_scope scope;

		assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
		assert_int_equal(troupe_scope_end(self, scope), 0);
	}
	return 0;
}
TROUPE_TASK(joins_what_is_ready, struct puppet, int, void)

static int starts_it_and_looks(struct troupe_self *self, struct puppet *me,
			       struct troupe_call call, int64_t n)
{
	int *count = world_of(self)->test;

	(void)me;
	(void)call;
	if (n == 0)
		return troupe_start(self, TROUPE_OF_ACTOR, &joins_what_is_ready_task, count,
				    NULL, NULL);
	note(self, "at %d; ", *count);
	return 0;
}

static void ready_waits_let_others_run(void **state)
{
	struct world world;
	int count = 0;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = &count;
	world.hooks.num = starts_it_and_looks;
	world_spawn(&world, 1);
	for (int i = 0; i < 3; i++)
		world_send(&world, world.actors[1], i);
	world_run(&world);
	/* the two behind it have been handled before it began */
	assert_log(&world, "1:num 0; 1:num 1; at 0; 1:num 2; at 0; ");
	assert_int_equal(count, 1000);
	/* and a message that comes in between is handled in between */
	count = 0;
	world_unit(&world, 2, world.type, 0, 0, 1);
	world_spawn_in(&world, 2, 2);
	world_send(&world, world.actors[2], 0);
	world_send(&world, world.actors[1], 7);
	world_run(&world);
	assert_int_equal(count, 1000);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_of_an_actor_are_bounded),
		cmocka_unit_test(tasks_that_nobody_joins_are_named),
		cmocka_unit_test(tasks_of_a_worker_are_bounded),
		cmocka_unit_test(machine_without_tasks_says_why_once),
		cmocka_unit_test(ready_waits_let_others_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
