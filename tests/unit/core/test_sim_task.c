/* Tasks: that they begin and wait, what a failure of theirs means, and what they may not do. */
#include "base/cleanup.h"
#include "core/task.h"
#include "tasking.h"
#include <errno.h>

static int yields(struct troupe_self *self, struct puppet *me, const char *what, void *unused)
{
	(void)unused;
	for (int i = 1; i <= 3; i++) {
		note(self, "%d:%s%d; ", (int)me->id, what, i);
		assert_int_equal(troupe_yield(self), 0);
	}
	return 0;
}
TROUPE_TASK(yields, struct puppet, const char, void)

static int starts_two(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &yields_task, "a", NULL, NULL), 0);
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &yields_task, "b", NULL, NULL), 0);
	return 0;
}

/* Trap 6: nobody keeps a handle of them. */
static void tasks_take_turns_with_messages(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = starts_two;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_log(&world, "1:num 1; 1:a1; 1:b1; 1:a2; 1:b2; 1:a3; 1:b3; ");
	assert_int_equal(world.runtime->tasks.count, 0);
	world_finish(&world);
}

static int starts_in_init(struct troupe_self *self, struct puppet *me)
{
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, tasking_says, (void *)"begun", NULL, NULL),
		0);
	return me->id == 2 ? -EIO : 0;
}

static int cancels_what_it_starts(struct troupe_self *self, struct puppet *me,
				  struct troupe_call call, int64_t n)
{
	struct troupe_task *task = world_of(self)->test;

	(void)me;
	(void)call;
	if (n == 1) {
		assert_int_equal(
			troupe_start(self, TROUPE_OF_ACTOR, tasking_says, "never", NULL, task),
			0);
		assert_int_equal(troupe_task_cancel(self, *task), 0);
		assert_int_equal(troupe_task_cancel(self, *task), -ESRCH);
	}
	return n == 2 ? troupe_start(self, TROUPE_OF_ACTOR, tasking_says, "another", NULL, NULL)
		      : 0;
}

/* Nobody has asked for its result yet when it would have begun. */
static void task_that_is_cancelled_before_it_begins_never_does(void **state)
{
	struct troupe_task task;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = cancels_what_it_starts;
	world.test = &task;
	world_spawn(&world, 1);
	for (int n = 1; n <= 2; n++) {
		world_send(&world, world.actors[1], n);
		world_run(&world);
	}
	assert_log(&world, "1:num 1; 1:num 2; 1:another; ");
	for (unsigned i = 0; i < STACKS_CLASSES; i++)
		assert_int_equal(world.runtime->stacks.n_promised[i], 0);
	world_finish(&world);
}

static void task_begins_after_init_or_never(void **state)
{
	struct troupe_address address;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = starts_in_init;
	world_spawn(&world, 1);
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){2}, &address), -EIO);
	world_run(&world);
	assert_log(&world, "1:begun; ");
	world_finish(&world);
}

static int asks_for_what_it_may_not(struct troupe_self *self, struct puppet *me,
				    struct troupe_call call, int64_t n)
{
	const struct troupe_task_entry small = {.table_size = 8,
						.name = "small",
						.run = tasking_says->run},
				       large = {.table_size = sizeof(large),
						.name = "large",
						.run = tasking_says->run,
						.stack = LIMIT_TASK_STACK_MAX + 1},
				       odd = {.table_size = sizeof(odd),
					      .reserved = 1,
					      .name = "odd",
					      .run = tasking_says->run},
				       empty = {.table_size = sizeof(empty), .name = "empty"};
	const struct troupe_task_entry *const bad[] = {NULL, &small, &large, &odd, &empty};
	struct troupe_scope scope = {0};
	int result;

	(void)me;
	(void)call;
	(void)n;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, bad[i], NULL, NULL, NULL),
				 -EINVAL);
	assert_int_equal(
		troupe_start(self, (struct troupe_scope){77}, tasking_says, NULL, NULL, NULL),
		-EINVAL);
	/* a handler cannot wait */
	assert_int_equal(troupe_sleep(self, 1), -EDEADLK);
	assert_int_equal(troupe_yield(self), -EDEADLK);
	assert_int_equal(troupe_join(self, (struct troupe_task){1}, &result), -EDEADLK);
	assert_int_equal(troupe_scope_begin(self, 0, &scope), -EDEADLK);
	assert_int_equal(troupe_scope_shield(self, 1, &scope), -EDEADLK);
	assert_int_equal(troupe_scope_end(self, TROUPE_OF_ACTOR), -EDEADLK);
	assert_int_equal(troupe_task_cancel(self, (struct troupe_task){1}), -ESRCH);
	return 0;
}

static void start_in_fini(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	(void)me;
	(void)cause;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_says, NULL, NULL, NULL),
			 -EINVAL);
	assert_int_equal(troupe_sleep(self, 1), -EDEADLK);
}

static void what_is_refused_at_once(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = asks_for_what_it_may_not;
	world.hooks.fini = start_in_fini;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_log(&world, "1:num 1; ");
	world_finish(&world);
}

static int starts_naps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)me;
	(void)call;
	for (unsigned i = (unsigned)n; i > 0; i--)
		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_sleeps,
					      tasking_arg(10 * i), NULL, NULL),
				 0);
	return 0;
}

static void sleepers_wake_by_their_time(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = starts_naps;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 3);
	world_sleep(&world, 15 * TROUPE_MS_NS);
	assert_log(&world, "1:num 3; 1:slept10 0; ");
	world_send(&world, world.actors[1], 0); /* handled while they wait */
	world_sleep(&world, 20 * TROUPE_MS_NS);
	assert_log(&world, "1:num 0; 1:slept20 0; 1:slept30 0; ");
	world_finish(&world);
}

static int starts_a_failure(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	return troupe_start(self, TROUPE_OF_ACTOR, tasking_fails, tasking_arg((int)n), NULL,
			    NULL);
}

static int fails_itself(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	(void)self;
	(void)me;
	(void)call;
	return (int)-n;
}

static void failure_of_a_task_is_a_handlers(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = starts_a_failure;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], ECANCELED);
	world_send(&world, world.actors[1], ETIMEDOUT);
	world_send(&world, world.actors[1], 0);
	world_sleep(&world, 5 * TROUPE_MS_NS);
	assert_int_equal(world.failures, 0);
	world_send(&world, world.actors[1], EIO);
	world_sleep(&world, 5 * TROUPE_MS_NS);
	assert_int_equal(world.failures, 1);
	assert_string_equal(world.last_failure, "unit1 1 a task fails -5 ");
	/* What a handler returns afterwards is a handler's. */
	world.hooks.num = fails_itself;
	world_send(&world, world.actors[1], EIO);
	world_run(&world);
	assert_string_equal(world.last_failure, "unit1 1 Num -5 ");
	world_finish(&world);
}

static void failure_of_a_task_stops_an_actor_that_says_so(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	assert_int_equal(runtime_unit_define(world.runtime,
					     &(struct runtime_unit){.number = 2,
								    .name = "strict",
								    .type = world.type,
								    .stop_on_error = true}),
			 0);
	world.hooks.num = starts_a_failure;
	world_spawn_in(&world, 2, 1);
	world_send(&world, world.actors[1], EIO);
	world_sleep(&world, 5 * TROUPE_MS_NS);
	assert_log(&world, "1:num 5; 1:fini failed; ");
	assert_int_equal(world.ends, 1);
	world_finish(&world);
}

static int exits(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	troupe_exit(self, -EIO);
	note(self, "goes on; ");
	rc = troupe_sleep(self, TROUPE_SECOND_NS);
	note(self, "woken %d; ", rc);
	return rc;
}
TROUPE_TASK(exits, struct puppet, void, void)

static void exit_in_a_task_holds_when_it_leaves(void **state)
{
	struct world world;

	(void)state;
	tasking_begin(&world, &exits_task);
	world_run(&world);
	assert_log(&world, "1:num 0; goes on; woken -125; 1:fini failed; ");
	assert_int_equal(world.ends, 1);
	world_finish(&world);
}

static int spawns(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_address child;

	(void)unused;
	(void)unused_too;
	if (me->id != 1)
		return 0;
	assert_int_equal(troupe_spawn(self, &puppet_table, &(struct num){3}, 0, &child), 0);
	note(self, "spawned; ");
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_stop(self, child), 0);
	note(self, "stopped; ");
	return 0;
}
TROUPE_TASK(spawns, struct puppet, void, void)

/* In the child's init, on the loop's stack: not the parent's task. */
static int tries_to_wait(struct troupe_self *self, struct puppet *me)
{
	char here[8] = "here";

	if (me->id == 3) {
		assert_int_equal(troupe_sleep(self, 1), -EDEADLK);
		note(self, "init %s; ", here);
	}
	return 0;
}

static void children_of_tasks_live_outside_their_stacks(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = (void *)(uintptr_t)&spawns_task;
	world.hooks.num = tasking_starts_the_test;
	world.hooks.init = tries_to_wait;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 0);
	world_sleep(&world, 5 * TROUPE_MS_NS);
	assert_log(&world, "1:num 0; init here; spawned; 3:fini shutdown; stopped; ");
	world_finish(&world);
}

static int lends_its_self(struct troupe_self *self, struct puppet *me,
			  struct troupe_self **place, void *unused)
{
	(void)me;
	(void)unused;
	*place = self;
	return troupe_sleep(self, 5 * TROUPE_MS_NS);
}
TROUPE_TASK(lends_its_self, struct puppet, struct troupe_self *, void)

static int takes_anothers_self(struct troupe_self *self, struct puppet *me,
			       struct troupe_self **place, void *unused)
{
	(void)me;
	(void)unused;
	assert_int_equal(troupe_sleep(*place, 1), -EINVAL);
	assert_ptr_not_equal(self, *place);
	return 0;
}
TROUPE_TASK(takes_anothers_self, struct puppet, struct troupe_self *, void)

static int starts_both(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	struct troupe_self **place = world_of(self)->test;

	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &lends_its_self_task, place, NULL, NULL),
		0);
	return troupe_start(self, TROUPE_OF_ACTOR, &takes_anothers_self_task, place, NULL,
			    NULL);
}

static void self_of_another_task_is_refused(void **state)
{
	struct troupe_self *place = NULL;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = &place;
	world.hooks.num = starts_both;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 0);
	world_sleep(&world, 10 * TROUPE_MS_NS);
	assert_log(&world, "1:num 0; log 4 unit1 task lends_its_self does not run, but its "
			   "`self` is waited with; ");
	assert_int_equal(world.failures, 0);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_take_turns_with_messages),
		cmocka_unit_test(task_begins_after_init_or_never),
		cmocka_unit_test(task_that_is_cancelled_before_it_begins_never_does),
		cmocka_unit_test(what_is_refused_at_once),
		cmocka_unit_test(sleepers_wake_by_their_time),
		cmocka_unit_test(failure_of_a_task_is_a_handlers),
		cmocka_unit_test(failure_of_a_task_stops_an_actor_that_says_so),
		cmocka_unit_test(exit_in_a_task_holds_when_it_leaves),
		cmocka_unit_test(children_of_tasks_live_outside_their_stacks),
		cmocka_unit_test(self_of_another_task_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
