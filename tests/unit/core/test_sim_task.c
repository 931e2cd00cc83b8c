/* Tasks: that they begin, wait and are joined, and what a failure of theirs means. */
#include "base/cleanup.h"
#include "core/task.h"
#include "world.h"
#include <errno.h>
#include <troupe/task.h>

/* ------------------------------------------------------------------ what tasks do */

#define note(self, ...) world_note(world_of(self), __VA_ARGS__)

static int says(struct troupe_self *self, struct puppet *me, const char *what, int *sum)
{
	note(self, "%d:%s; ", (int)me->id, what);
	if (sum)
		(*sum)++;
	return 0;
}
TROUPE_TASK(says, struct puppet, const char, int)

/* arg: how many ms, in the pointer itself */
static int naps(struct troupe_self *self, struct puppet *me, void *ms, int *sum)
{
	int rc = troupe_sleep(self, (uint64_t)(uintptr_t)ms * TROUPE_MS_NS);

	note(self, "%d:slept%u %d; ", (int)me->id, (unsigned)(uintptr_t)ms, rc);
	if (sum)
		(*sum)++;
	return rc;
}
TROUPE_TASK(naps, struct puppet, void, int)

static void *ms(unsigned n)
{
	return (void *)(uintptr_t)n;
}

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

static int fails(struct troupe_self *self, struct puppet *me, void *code, void *unused)
{
	(void)me;
	(void)unused;
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	return -(int)(uintptr_t)code;
}
TROUPE_TASK(fails, struct puppet, void, void)

static void *code(int error)
{
	return (void *)(uintptr_t)error;
}

/* ------------------------------------------------------------------ beginning */

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
		troupe_start(self, TROUPE_OF_ACTOR, &says_task, (void *)"begun", NULL, NULL),
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
			troupe_start(self, TROUPE_OF_ACTOR, &says_task, "never", NULL, task),
			0);
		assert_int_equal(troupe_task_cancel(self, *task), 0);
		assert_int_equal(troupe_task_cancel(self, *task), -ESRCH);
	}
	return n == 2 ? troupe_start(self, TROUPE_OF_ACTOR, &says_task, "another", NULL, NULL)
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
	static const struct troupe_task_entry small = {.table_size = 8,
						       .name = "small",
						       .run = says_run},
					      large = {.table_size = sizeof(large),
						       .name = "large",
						       .run = says_run,
						       .stack = LIMIT_TASK_STACK_MAX + 1},
					      odd = {.table_size = sizeof(odd),
						     .reserved = 1,
						     .name = "odd",
						     .run = says_run},
					      empty = {.table_size = sizeof(empty),
						       .name = "empty"};
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
		troupe_start(self, (struct troupe_scope){77}, &says_task, NULL, NULL, NULL),
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
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &says_task, NULL, NULL, NULL),
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

/* ------------------------------------------------------------------ sleeping */

static int starts_naps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)me;
	(void)call;
	for (unsigned i = (unsigned)n; i > 0; i--)
		assert_int_equal(
			troupe_start(self, TROUPE_OF_ACTOR, &naps_task, ms(10 * i), NULL, NULL),
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

/* ------------------------------------------------------------------ limits */

static int starts_as_many_as_it_may(struct troupe_self *self, struct puppet *me,
				    struct troupe_call call, int64_t n)
{
	int rc, count = 0;

	(void)me;
	(void)call;
	(void)n;
	while ((rc = troupe_start(self, TROUPE_OF_ACTOR, &naps_task, ms(1), NULL, NULL)) == 0)
		count++;
	note(self, "%d then %d; ", count, rc);
	return 0;
}

static void tasks_of_an_actor_are_bounded(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	assert_int_equal(
		runtime_unit_define(world.runtime, &(struct runtime_unit){.number = 2,
									  .name = "few",
									  .type = world.type,
									  .tasks = 3}),
		0);
	world.hooks.num = starts_as_many_as_it_may;
	world_spawn(&world, 1);
	world_spawn_in(&world, 2, 2);
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
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &says_task, NULL, NULL, NULL),
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

/* ------------------------------------------------------------------ joining */

static int joins(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_task late, early, silent;
	int result = 1;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &naps_task, ms(20), NULL, &late),
			 0);
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &fails_task, code(EIO), NULL, &early), 0);
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &says_task, (void *)"silent", NULL,
				      &silent),
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

static const struct troupe_task_entry *entry_of(const struct world *world)
{
	return world->test;
}

static int starts_that_of_the_test(struct troupe_self *self, struct puppet *me,
				   struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return troupe_start(self, TROUPE_OF_ACTOR, entry_of(world_of(self)), NULL, NULL, NULL);
}

/* Run a task by itself. */
static void run_one(struct world *world, const struct troupe_task_entry *entry)
{
	world_init(world, 1, NULL);
	world->test = (void *)(uintptr_t)entry;
	world->hooks.num = starts_that_of_the_test;
	world_spawn(world, 1);
	world_send(world, world->actors[1], 0);
}

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
		troupe_start(self, TROUPE_OF_ACTOR, &says_task, (void *)"never", NULL, &task),
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
	run_one(&world, &cancels_early_task);
	world_run(&world);
	snprintf(expected, sizeof(expected), "1:num 0; joined %d; ", -ECANCELED);
	assert_log(&world, expected);
	world_finish(&world);
}

static void join_gets_the_result(void **state)
{
	struct world world;

	(void)state;
	run_one(&world, &joins_task);
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
	run_one(&world, &joins_in_a_circle_task);
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

/* ------------------------------------------------------------------ failures */

static int starts_a_failure(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	return troupe_start(self, TROUPE_OF_ACTOR, &fails_task, code((int)n), NULL, NULL);
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
	run_one(&world, &exits_task);
	world_run(&world);
	assert_log(&world, "1:num 0; goes on; woken -125; 1:fini failed; ");
	assert_int_equal(world.ends, 1);
	world_finish(&world);
}

/* ------------------------------------------------------------------ what else runs in one */

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
	world.hooks.num = starts_that_of_the_test;
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

static int starts_named_ones(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	struct troupe_task task;
	int count = 0, rc;

	(void)me;
	(void)call;
	(void)n;
	while ((rc = troupe_start(self, TROUPE_OF_ACTOR, &naps_task, ms(1), NULL, &task)) == 0)
		count++;
	note(self, "%d then %d; ", count, rc);
	return 0;
}

/* They count until they are joined, which a mistake never does: the log says so, once. */
static void tasks_that_nobody_joins_are_named(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	assert_int_equal(
		runtime_unit_define(world.runtime, &(struct runtime_unit){.number = 2,
									  .name = "few",
									  .type = world.type,
									  .tasks = 3}),
		0);
	world.hooks.num = starts_named_ones;
	world.actors[2] = world_spawn_in(&world, 2, 2);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_take_turns_with_messages),
		cmocka_unit_test(task_begins_after_init_or_never),
		cmocka_unit_test(task_that_is_cancelled_before_it_begins_never_does),
		cmocka_unit_test(what_is_refused_at_once),
		cmocka_unit_test(sleepers_wake_by_their_time),
		cmocka_unit_test(tasks_of_an_actor_are_bounded),
		cmocka_unit_test(tasks_of_a_worker_are_bounded),
		cmocka_unit_test(machine_without_tasks_says_why_once),
		cmocka_unit_test(task_cancelled_before_it_begins_never_runs),
		cmocka_unit_test(join_gets_the_result),
		cmocka_unit_test(joins_in_a_circle_are_noticed),
		cmocka_unit_test(join_of_who_ends_my_scope_is_noticed),
		cmocka_unit_test(failure_of_a_task_is_a_handlers),
		cmocka_unit_test(failure_of_a_task_stops_an_actor_that_says_so),
		cmocka_unit_test(exit_in_a_task_holds_when_it_leaves),
		cmocka_unit_test(children_of_tasks_live_outside_their_stacks),
		cmocka_unit_test(self_of_another_task_is_refused),
		cmocka_unit_test(ready_waits_let_others_run),
		cmocka_unit_test(tasks_that_nobody_joins_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
