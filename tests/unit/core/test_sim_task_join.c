/* Tasks that are joined: what that returns, and what a circle of them is. */
#include "base/cleanup.h"
#include "core/task.h"
#include "tasking.h"
#include <errno.h>

static int joins(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_task late, early, silent;
	int result = 1;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_sleeps, tasking_arg(20),
				      NULL, &late),
			 0);
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_fails, tasking_arg(EIO),
				      NULL, &early),
			 0);
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_says, (void *)"silent",
				      NULL, &silent),
			 0);
	assert_int_equal(troupe_join(self, late, &result), 0);
	assert_int_equal(result, 0);
	/* it has ended long ago; and cannot be asked twice */
	assert_int_equal(troupe_task_cancel(self, early), -ESRCH);
	assert_int_equal(troupe_join(self, early, &result), 0);
	assert_int_equal(result, -EIO);
	assert_int_equal(troupe_join(self, early, &result), -ESRCH);
	assert_int_equal(troupe_join(self, silent, NULL), 0);
	note(self, "joined; ");
	return 0;
}
TROUPE_TASK(joins, struct puppet, void, void)

/* Its id is good all the same. */
static int cancels_early(struct troupe_self *self, struct puppet *me, void *unused,
			 void *unused_too)
{
	struct troupe_task task;
	int result = 0;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, tasking_says, (void *)"never", NULL, &task),
		0);
	assert_int_equal(troupe_task_cancel(self, task), 0);
	assert_int_equal(troupe_yield(self), 0);
	assert_int_equal(troupe_join(self, task, &result), 0);
	note(self, "joined %d; ", result);
	return 0;
}
TROUPE_TASK(cancels_early, struct puppet, void, void)

static void task_cancelled_before_it_begins_never_runs(void **state)
{
	struct world world;
	char expected[64];

	(void)state;
	tasking_begin(&world, &cancels_early_task);
	world_run(&world);
	snprintf(expected, sizeof(expected), "1:num 0; joined %d; ", -ECANCELED);
	assert_log(&world, expected);
	world_finish(&world);
}

static void join_gets_the_result(void **state)
{
	struct world world;

	(void)state;
	tasking_begin(&world, &joins_task);
	world_sleep(&world, 100 * TROUPE_MS_NS);
	assert_log(&world, "1:num 0; 1:silent; 1:slept20 0; joined; ");
	world_finish(&world);
}

/* shared: the other one's id */
static int joins_other(struct troupe_self *self, struct puppet *me, const char *name,
		       struct troupe_task *other)
{
	int rc = troupe_join(self, *other, NULL);

	(void)me;
	note(self, "%s %d; ", name, rc);
	return 0;
}
TROUPE_TASK(joins_other, struct puppet, const char, struct troupe_task)

static int joins_in_a_circle(struct troupe_self *self, struct puppet *me, void *unused,
			     void *unused_too)
{
	struct troupe_task tasks[3];
	static const char *const names[] = {"a", "b", "c"};

	(void)me;
	(void)unused;
	(void)unused_too;
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		assert_int_equal(troupe_start(self, scope, &joins_other_task,
					      (void *)(uintptr_t)names[i],
					      &tasks[(i + 1) % ARRAY_LEN(tasks)], &tasks[i]),
				 0);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(joins_in_a_circle, struct puppet, void, void)

static void joins_in_a_circle_are_noticed(void **state)
{
	struct world world;

	(void)state;
	tasking_begin(&world, &joins_in_a_circle_task);
	world_sleep(&world, 10 * TROUPE_MS_NS);
	/* the last one would wait for itself; so it returns, and the others can */
	assert_log(&world, "1:num 0; c -35; b 0; a 0; ");
	world_finish(&world);
}

static int waits_for_its_child(struct troupe_self *self, struct puppet *me,
			       struct troupe_task *mine, void *unused)
{
	(void)me;
	(void)unused;
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	assert_int_equal(troupe_join(self, *mine, NULL), -EDEADLK);
	assert_int_equal(
		troupe_start(self, scope, &joins_other_task, (void *)"child", mine, NULL), 0);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(waits_for_its_child, struct puppet, struct troupe_task, void)

static int starts_the_parent(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return troupe_start(self, TROUPE_OF_ACTOR, &waits_for_its_child_task,
			    world_of(self)->test, NULL, world_of(self)->test);
}

static void join_of_who_ends_my_scope_is_noticed(void **state)
{
	struct troupe_task parent;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = &parent;
	world.hooks.num = starts_the_parent;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 0);
	world_run(&world);
	assert_log(&world, "1:num 0; child -35; ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task_cancelled_before_it_begins_never_runs),
		cmocka_unit_test(join_gets_the_result),
		cmocka_unit_test(joins_in_a_circle_are_noticed),
		cmocka_unit_test(join_of_who_ends_my_scope_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
