/* Handlers that are tasks and do not wait: they have one record and one stack after another. */
#include "core/inside.h"
#include "core/inspect.h"
#include "core/task.h"
#include "tasker.h"
#include <fenv.h>

static void handler_that_does_not_wait_is_over_at_once(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 0);
	tasker_ask(&world, 0);
	assert_log(&world, "1:num 100; 2:num 0; 2:waited0 0; 1:reply0 ok 1; ");
	assert_int_equal(world.runtime->tasks.count, 1);
	assert_non_null(world.runtime->parked);
	assert_int_equal(world.runtime->kept_calls.count, 0);
	world_finish(&world);
}

static size_t count_listed(const struct world *world, struct troupe_address actor)
{
	uint32_t at = 0, steps = UINT32_MAX;
	struct inspect_task task;
	size_t count = 0;

	while (inspect_next_task(world->runtime, actor, &at, &steps, &task) > 0)
		count++;
	return count;
}

/* They take turns with a record and a stack, which stay while an actor has tasks at times. */
static void handlers_that_do_not_wait_take_one_record(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 0);
	for (int i = 0; i < 100; i++) {
		tasker_ask(&world, 0);
		assert_log(&world, "1:num 100; 2:num 0; 2:waited0 0; 1:reply0 ok 1; ");
	}
	assert_int_equal(world.runtime->tasks.count, 1);
	assert_int_equal(world.runtime->tasks.used, 1);
	assert_int_equal(world.runtime->stacks.n_used, 1);
	assert_int_equal(count_listed(&world, world.actors[2]), 0);
	/* one that waits has it for itself */
	tasker_ask(&world, 20);
	assert_null(world.runtime->parked);
	assert_int_equal(world.runtime->tasks.count, 1);
	assert_log(&world, "1:num 120; 2:num 20; ");
	tasker_ask(&world, 0);
	assert_log(&world, "1:num 100; 2:num 0; 2:waited0 0; 1:reply0 ok 1; ");
	assert_int_equal(world.runtime->tasks.count, 2);
	world_sleep(&world, 20 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited20 0; 1:reply20 ok 21; ");
	assert_int_equal(world.runtime->tasks.count, 1);
	assert_int_equal(world.runtime->stacks.n_used, 1);
	world_finish(&world);
}

/* Says how large its stack is; of a 1 it exits besides. */
static int says_stack(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	/* sanitizers have a multiple of it */
	note(self, "%d:%d KiB; ", (int)me->id, 64 << self->task->stack->run->class);
	if (n == 1)
		troupe_exit(self, -EIO);
	return troupe_return(self, call, &num_method, &(struct num){n});
}

/* Each has the stack that its unit promises, and nothing of what another has left. */
static void handlers_of_two_units_have_their_own_stacks(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, says_stack, 0);
	assert_int_equal(runtime_unit_define(world.runtime,
					     &(struct runtime_unit){.number = 3,
								    .name = "large",
								    .type = world.tasker,
								    .task_stack = 256 << 10}),
			 0);
	world.actors[3] = world_spawn_in(&world, 3, 3);
	for (int i = 0; i < 3; i++) {
		for (int actor = 2; actor <= 3; actor++) {
			assert_int_equal(world_send(&world, world.actors[actor], 0), 0);
			world_run(&world);
		}
		assert_log(&world, "2:num 0; 2:64 KiB; 3:num 0; 3:256 KiB; ");
	}
	assert_int_equal(world_send(&world, world.actors[2], 1), 0);
	world_run(&world);
	assert_log(&world, "2:num 1; 2:64 KiB; 2:fini failed; ");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(world_send(&world, world.actors[3], 0), 0);
		world_run(&world);
		assert_log(&world, "3:num 0; 3:256 KiB; ");
	}
	world_finish(&world);
}

/* Says how it rounds; 1: and rounds upward from now on. */
static int rounds(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	note(self, "%d:%s; ", (int)me->id, fegetround() == FE_TONEAREST ? "nearest" : "up");
	if (n == 1)
		fesetround(FE_UPWARD);
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void arithmetic_of_one_handler_is_not_anothers(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, rounds, 0);
	world.actors[3] = world_spawn_in(&world, 2, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(world_send(&world, world.actors[2], 1), 0);
		assert_int_equal(world_send(&world, world.actors[3], 0), 0);
		world_run(&world);
		assert_log(&world, "2:num 1; 2:nearest; 3:num 0; 3:nearest; ");
	}
	assert_int_equal(fegetround(), FE_TONEAREST);
	world_finish(&world);
}

/* Waits n ms; then joins what lies there for the next handler, by an id that it makes up. */
static int joins_nobody(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	int rc;

	(void)me;
	if (n == 0)
		return troupe_return(self, call, &num_method, &(struct num){n});
	rc = troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS);
	if (rc < 0)
		return rc;
	assert_non_null(self->runtime->parked);
	rc = troupe_join(self, (struct troupe_task){slots_id(self->runtime->parked)}, NULL);
	note(self, "2:%s; ", tasker_word(rc));
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void record_that_is_nobodys_cannot_be_joined(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, joins_nobody, 0);
	tasker_ask(&world, 10);
	tasker_ask(&world, 0);
	assert_log(&world, "1:num 110; 2:num 10; 1:num 100; 2:num 0; 1:reply0 ok 0; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:ESRCH; 1:reply10 ok 10; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ what else they do */

static int sleeps(struct troupe_self *self, struct puppet *me, void *arg, void *shared)
{
	(void)me;
	(void)arg;
	(void)shared;
	note(self, "slept %s; ", tasker_word(troupe_sleep(self, TROUPE_SECOND_NS)));
	return 0;
}
TROUPE_TASK(sleeps, struct puppet, void, void)

/* Starts as many others as it can, up to n, and does not wait for them. */
static int starts_others(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	int rc = 0;

	(void)me;
	for (int64_t i = 0; i < n && rc == 0; i++) {
		rc = troupe_start(self, TROUPE_OF_ACTOR, &sleeps_task, NULL, NULL, NULL);
		note(self, "start %s; ", tasker_word(rc));
	}
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void begin_with_three_tasks(struct world *world, behaviour *function)
{
	tasker_begin(world, function, 0);
	assert_int_equal(runtime_unit_define(world->runtime,
					     &(struct runtime_unit){.number = 3,
								    .name = "three",
								    .type = world->tasker,
								    .tasks = 3}),
			 0);
	world->actors[3] = world_spawn_in(world, 3, 3);
}

static void handler_is_one_of_the_tasks_that_its_actor_may_have(void **state)
{
	struct world world;

	(void)state;
	begin_with_three_tasks(&world, starts_others);
	assert_int_equal(world_send(&world, world.actors[3], 3), 0);
	world_run(&world);
	assert_log(&world, "3:num 3; start 0; start 0; start EAGAIN; ");
	/* it is none of them any more, and has left the next one what it had */
	assert_int_equal(count_listed(&world, world.actors[3]), 2);
	assert_non_null(world.runtime->parked);
	assert_int_equal(world_send(&world, world.actors[3], 0), 0);
	world_run(&world);
	assert_log(&world, "3:num 0; ");
	assert_int_equal(world.runtime->tasks.count, 3);
	world_sleep(&world, TROUPE_SECOND_NS + A_BIT);
	assert_log(&world, "slept 0; slept 0; ");
	world_finish(&world);
}

/* Cuts short all that its actor's tasks wait for, and waits. */
static int cancels_all(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	int rc;

	(void)me;
	troupe_scope_cancel(self, TROUPE_OF_ACTOR);
	rc = troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS);
	note(self, "sleep %s; ", tasker_word(rc));
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void handler_that_cancels_its_actors_tasks_is_one_of_them(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, cancels_all, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(world_send(&world, world.actors[2], 1), 0);
		world_run(&world);
		assert_log(&world, "2:num 1; sleep ECANCELED; ");
	}
	world_finish(&world);
}

static struct troupe_self *kept; /* which nobody may use when its handler has returned */

static int keeps_itself(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	(void)me;
	if (n == 0)
		kept = self;
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void self_that_was_kept_harms_nobody(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, keeps_itself, 0);
	world.actors[3] = world_spawn_in(&world, 2, 3);
	assert_int_equal(world_send(&world, world.actors[2], 0), 0);
	world_run(&world);
	troupe_scope_cancel(kept, TROUPE_OF_ACTOR);
	assert_int_equal(troupe_start(kept, TROUPE_OF_ACTOR, &sleeps_task, NULL, NULL, NULL),
			 0);
	assert_false(world.runtime->parked->is_listed);
	for (int actor = 2; actor <= 3; actor++)
		assert_int_equal(world_send(&world, world.actors[actor], 1), 0);
	world_run(&world);
	assert_log(&world, "2:num 0; 2:num 1; 3:num 1; ");
	world_sleep(&world, TROUPE_SECOND_NS + A_BIT);
	assert_log(&world, "slept 0; ");
	for (int actor = 2; actor <= 3; actor++)
		assert_int_equal(tasks_count(world.runtime,
					     actor_find(world.runtime, world.actors[actor])),
				 0);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handler_that_does_not_wait_is_over_at_once),
		cmocka_unit_test(handlers_that_do_not_wait_take_one_record),
		cmocka_unit_test(handlers_of_two_units_have_their_own_stacks),
		cmocka_unit_test(arithmetic_of_one_handler_is_not_anothers),
		cmocka_unit_test(record_that_is_nobodys_cannot_be_joined),
		cmocka_unit_test(handler_is_one_of_the_tasks_that_its_actor_may_have),
		cmocka_unit_test(handler_that_cancels_its_actors_tasks_is_one_of_them),
		cmocka_unit_test(self_that_was_kept_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
