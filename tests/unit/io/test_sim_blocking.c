/* Jobs of tasks on a simulated crew: what becomes of them, and when. */
#include "core/inside.h"
#include "crewed.h"
#include <errno.h>
#include <troupe/pool.h>
#include <troupe/task.h>

#define MS TROUPE_MS_NS

struct stage {
	struct crewed crewed;
	struct troupe_scope scope;
	uint64_t timeout_ns;
	struct troupe_self *lent;
};

static struct stage *stage_of(struct troupe_self *self)
{
	return container_of(crewed_of(self), struct stage, crewed);
}

static void begin(struct stage *stage, const struct troupe_task_entry *entry)
{
	memset(stage, 0, sizeof(*stage));
	crewed_begin(&stage->crewed, entry, NULL);
	world_run(&stage->crewed.world);
}

static void finish(struct stage *stage)
{
	world_finish(&stage->crewed.world);
}

/* ---- a job, which notes what it was */

struct work {
	struct world *world;
	int n;
};

static int work_on(struct troupe_job *job, void *arg)
{
	struct work *work = arg;

	world_note(work->world, "job %d%s; ", work->n,
		   troupe_job_cancelled(job) ? " unwanted" : "");
	return work->n * 10;
}

static int blocks(struct troupe_self *self, struct puppet *me, void *number, void *unused)
{
	struct work work = {world_of(self), (int)(intptr_t)number};
	int rc = troupe_blocking(self, work_on, &work);

	(void)me;
	(void)unused;
	note(self, "%d: %d, then %d; ", work.n, rc, troupe_sleep(self, 0));
	return rc;
}
TROUPE_TASK(blocks, struct puppet, void, void)

static void result_of_a_job_comes_back(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &blocks_task);
	assert_false(io_is_held(stage.crewed.io));
	crewed_tell(&stage.crewed, 1);
	assert_log(&stage.crewed.world, "1:num 1; job 1; 1: 10, then 0; ");
	assert_false(io_is_held(stage.crewed.io));
	finish(&stage);
}

/* Others are handled meanwhile. */
static void actor_goes_on_while_a_job_runs(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &blocks_task);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, 1);
	assert_true(io_is_held(stage.crewed.io));
	crewed_tell(&stage.crewed, 2);
	assert_log(&stage.crewed.world, "1:num 1; 1:num 2; ");
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "job 1; 1: 10, then 0; job 2; 2: 20, then 0; ");
	finish(&stage);
}

/* Blocking= is 4: the fifth waits, and is never run when it is cancelled before its turn. */
static void job_that_waits_for_a_thread_is_cancelled(void **state)
{
	struct stage stage;
	char expected[128];

	(void)state;
	begin(&stage, &blocks_task);
	sim_hold_crews(stage.crewed.world.loop, true);
	for (int i = 1; i <= 6; i++)
		crewed_tell(&stage.crewed, i);
	(void)world_log(&stage.crewed.world);
	crewed_tell(&stage.crewed, -5);
	snprintf(expected, sizeof(expected), "1:num -5; 5: %d, then %d; ", -ECANCELED,
		 -ECANCELED);
	assert_log(&stage.crewed.world, expected);
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_null(strstr(stage.crewed.world.log, "job 5"));
	assert_non_null(strstr(stage.crewed.world.log, "job 6; "));
	assert_non_null(strstr(stage.crewed.world.log, "6: 60, then 0; "));
	(void)world_log(&stage.crewed.world);
	finish(&stage);
}

/* Trap 22, cancelled thread still runs, its memory gone: the wait ends after the job, whose
 * result is there and wins; the next wait says that it was cancelled. */
static void cancelled_job_is_waited_for(void **state)
{
	struct stage stage;
	char expected[128];

	(void)state;
	begin(&stage, &blocks_task);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, 1);
	crewed_tell(&stage.crewed, -1);
	assert_log(&stage.crewed.world, "1:num 1; 1:num -1; ");
	crewed_tell(&stage.crewed, -1); /* once more does no harm */
	(void)world_log(&stage.crewed.world);
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	snprintf(expected, sizeof(expected), "job 1 unwanted; 1: 10, then %d; ", -ECANCELED);
	assert_log(&stage.crewed.world, expected);
	finish(&stage);
}

static int blocks_for_a_time(struct troupe_self *self, struct puppet *me, void *number,
			     void *unused)
{
	struct work work = {world_of(self), (int)(intptr_t)number};
	struct troupe_scope scope;
	int rc;

	(void)me;
	(void)unused;
	assert_int_equal(troupe_scope_begin(self, 10 * MS, &scope), 0);
	rc = troupe_blocking(self, work_on, &work);
	note(self, "blocking %d; ", rc);
	note(self, "scope %d; ", troupe_scope_end(self, scope));
	return 0;
}
TROUPE_TASK(blocks_for_a_time, struct puppet, void, void)

/* A scope whose time is over while the job runs: nothing in it was cut short, so it says
 * nothing of that. */
static void result_wins_over_the_time_of_its_scope(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &blocks_for_a_time_task);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, 1);
	world_sleep(&stage.crewed.world, 20 * MS);
	assert_log(&stage.crewed.world, "1:num 1; ");
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "job 1 unwanted; blocking 10; scope 0; ");
	finish(&stage);
}

static void time_of_a_scope_ends_the_wait_for_a_thread(void **state)
{
	struct stage stage;
	char expected[128];

	(void)state;
	begin(&stage, &blocks_for_a_time_task);
	io_set_blocking_threads(stage.crewed.io, 1);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, 1);
	crewed_tell(&stage.crewed, 2);
	world_sleep(&stage.crewed.world, 20 * MS);
	snprintf(expected, sizeof(expected), "1:num 1; 1:num 2; blocking %d; scope %d; ",
		 -ETIMEDOUT, -ETIMEDOUT);
	assert_log(&stage.crewed.world, expected);
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "job 1 unwanted; blocking 10; scope 0; ");
	finish(&stage);
}

static int blocks_although_cancelled(struct troupe_self *self, struct puppet *me, void *number,
				     void *unused)
{
	struct work work = {world_of(self), (int)(intptr_t)number};

	(void)me;
	(void)unused;
	note(self, "sleep %d; ", troupe_sleep(self, TROUPE_SECOND_NS));
	note(self, "blocking %d; ", troupe_blocking(self, work_on, &work));
	return 0;
}
TROUPE_TASK(blocks_although_cancelled, struct puppet, void, void)

static void no_job_in_a_cancelled_scope(void **state)
{
	struct stage stage;
	char expected[128];

	(void)state;
	begin(&stage, &blocks_although_cancelled_task);
	crewed_tell(&stage.crewed, 1);
	crewed_tell(&stage.crewed, -1);
	snprintf(expected, sizeof(expected), "1:num 1; 1:num -1; sleep %d; blocking %d; ",
		 -ECANCELED, -ECANCELED);
	assert_log(&stage.crewed.world, expected);
	finish(&stage);
}

/* ---- ends */

static void stop(struct stage *stage)
{
	assert_int_equal(
		runtime_stop(stage->crewed.world.runtime, stage->crewed.world.actors[1]), 0);
	crewed_run(&stage->crewed);
}

static void end_of_an_actor_waits_for_its_jobs(void **state)
{
	struct stage stage;
	char expected[256];

	(void)state;
	begin(&stage, &blocks_task);
	io_set_blocking_threads(stage.crewed.io, 1);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, 1);
	crewed_tell(&stage.crewed, 2);
	(void)world_log(&stage.crewed.world);
	stop(&stage);
	snprintf(expected, sizeof(expected), "2: %d, then %d; ", -ECANCELED, -ECANCELED);
	assert_log(&stage.crewed.world, expected);
	world_sleep(&stage.crewed.world, TROUPE_SECOND_NS);
	assert_log(&stage.crewed.world, "");
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	snprintf(expected, sizeof(expected),
		 "job 1 unwanted; 1: 10, then %d; 1:fini shutdown; ", -ECANCELED);
	assert_log(&stage.crewed.world, expected);
	finish(&stage);
}

/* Trap 22, shutdown hangs: TaskGrace= (5 s), then the actor is gone, its thread replaced, and
 * the process must not free what the job may use. */
static void job_that_never_returns_is_left_alone(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &blocks_task);
	io_set_blocking_threads(stage.crewed.io, 1);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, 1);
	(void)world_log(&stage.crewed.world);
	stop(&stage);
	world_sleep(&stage.crewed.world, 6 * TROUPE_SECOND_NS);
	assert_log(&stage.crewed.world,
		   "1:fini shutdown; "
		   "log 4 unit1 task blocks did not end within TaskGrace=: abandoned; "
		   "log 4 unit1 a job of task blocks does not return: a thread "
		   "is left to it; ");
	assert_true(io_is_held(stage.crewed.io));
	sim_hold_crews(stage.crewed.world.loop, false);
	world_spawn(&stage.crewed.world, 1);
	crewed_tell(&stage.crewed, 2);
	assert_log(&stage.crewed.world, "1:num 2; job 2; 2: 20, then 0; ");
	finish(&stage);
}

/* ---- in a handler that is a task: its message and its call become the task's when it waits */

static int blocks_as_a_task(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	struct work work = {world_of(self), (int)n};
	int rc;

	if (me->id == 1)
		return troupe_call(self, world_of(self)->actors[2], &num_method,
				   &(struct num){n}, &num_entry, 0, 0, 0, NULL);
	rc = troupe_blocking(self, work_on, &work);
	note(self, "%d: %d; ", work.n, rc);
	return troupe_return(self, call, &num_method, &(struct num){rc});
}

/* The same, alone: without an answer. */
static int blocks_alone(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			const char *text)
{
	(void)text;
	return blocks_as_a_task(self, me, call, 7);
}

/* Puppet 1 calls puppet 2, whose handlers are tasks. */
static void begin_tasker(struct stage *stage)
{
	begin(stage, NULL);
	assert_int_equal(runtime_unit_define(stage->crewed.world.runtime,
					     &(struct runtime_unit){
						     .number = 2,
						     .name = "tasker",
						     .type = stage->crewed.world.tasker,
						     .task_grace_ns = 100 * MS,
					     }),
			 0);
	stage->crewed.world.actors[2] = world_spawn_in(&stage->crewed.world, 2, 2);
	stage->crewed.world.hooks.num = blocks_as_a_task;
	stage->crewed.world.hooks.text = blocks_alone;
}

static void job_of_a_handler_that_is_a_task(void **state)
{
	struct stage stage;

	(void)state;
	begin_tasker(&stage);
	crewed_tell(&stage.crewed, 3);
	assert_log(&stage.crewed.world, "1:num 3; 2:num 3; job 3; 3: 30; 1:reply0 ok 30; ");
	finish(&stage);
}

static void job_of_a_handler_that_is_alone(void **state)
{
	struct stage stage;

	(void)state;
	begin_tasker(&stage);
	assert_int_equal(runtime_client_send(stage.crewed.world.runtime,
					     stage.crewed.world.actors[2], &text_method,
					     &(struct text){"x"}, 0),
			 0);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_run(&stage.crewed);
	assert_int_equal(world_send(&stage.crewed.world, stage.crewed.world.actors[2], 3), 0);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "2:text x; ");
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "job 7; 7: 70; 2:num 3; job 3; 3: 30; ");
	finish(&stage);
}

static void job_of_a_handler_never_returns(void **state)
{
	struct stage stage;

	(void)state;
	begin_tasker(&stage);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, 3);
	assert_log(&stage.crewed.world, "1:num 3; 2:num 3; ");
	assert_int_equal(runtime_stop(stage.crewed.world.runtime, stage.crewed.world.actors[2]),
			 0);
	world_sleep(&stage.crewed.world, 200 * MS);
	assert_log(&stage.crewed.world,
		   "2:fini shutdown; "
		   "log 4 tasker task Num did not end within TaskGrace=: abandoned; "
		   "log 4 tasker a job of task Num does not return: a thread "
		   "is left to it; 1:reply0 died; ");
	sim_hold_crews(stage.crewed.world.loop, false);
	finish(&stage);
}

/* ---- mistakes */

static int does_nothing(struct troupe_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 0;
}

static int asks_wrongly(struct troupe_self *self, struct puppet *me, void *number, void *unused)
{
	(void)me;
	(void)number;
	(void)unused;
	assert_int_equal(troupe_blocking(self, NULL, NULL), -EINVAL);
	note(self, "asked; ");
	return 0;
}
TROUPE_TASK(asks_wrongly, struct puppet, void, void)

static int blocks_in_a_handler(struct troupe_self *self, struct puppet *me,
			       struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	note(self, "%d; ", troupe_blocking(self, does_nothing, NULL));
	return 0;
}

static void wrong_jobs_are_refused(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	begin(&stage, &asks_wrongly_task);
	crewed_tell(&stage.crewed, 1);
	assert_log(&stage.crewed.world, "1:num 1; asked; ");
	stage.crewed.world.hooks.num = blocks_in_a_handler;
	crewed_tell(&stage.crewed, 1);
	snprintf(expected, sizeof(expected), "1:num 1; %d; ", -EDEADLK);
	assert_log(&stage.crewed.world, expected);
	finish(&stage);
}

/* ---- in any order: every job that runs is waited for, and every wait ends */

#define SEEDS 300

static void any_order_by_seed(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct stage stage;

		begin(&stage, &blocks_task);
		sim_seed(stage.crewed.world.loop, seed);
		io_set_blocking_threads(stage.crewed.io,
					1 + (uint32_t)sim_pick(stage.crewed.world.loop, 3));
		for (int i = 0; i < 40; i++) {
			int64_t n = 1 + (int64_t)sim_pick(stage.crewed.world.loop, 7);

			sim_hold_crews(stage.crewed.world.loop,
				       sim_pick(stage.crewed.world.loop, 2) == 0);
			(void)world_send(&stage.crewed.world, stage.crewed.world.actors[1],
					 sim_pick(stage.crewed.world.loop, 2) == 0 ? n : -n);
			if (sim_pick(stage.crewed.world.loop, 3) == 0)
				loop_step(stage.crewed.world.loop, false);
			(void)world_log(&stage.crewed.world);
		}
		if (seed % 2)
			stop(&stage);
		sim_hold_crews(stage.crewed.world.loop, false);
		crewed_run(&stage.crewed);
		(void)world_log(&stage.crewed.world);
		assert_false(io_is_held(stage.crewed.io));
		finish(&stage);
	}
}

static int blocks_and_shows_itself(struct troupe_self *self, struct puppet *me, void *number,
				   void *unused)
{
	struct stage *stage = stage_of(self);

	(void)unused;
	if (me->id == 2)
		stage->lent = self;
	else
		assert_ptr_not_equal(self, stage->lent);
	return blocks(self, me, number, NULL);
}
TROUPE_TASK(blocks_and_shows_itself, struct puppet, void, void)

/* What a job that never returns may still do with the `self` of its task: it is refused for
 * ever, whatever has become of the actor and its unit, and is no other task's. */
static void self_of_a_job_that_never_returns_stays_nobodys(void **state)
{
	struct stage stage;
	const struct definition *unit;
	uint32_t index;

	(void)state;
	begin(&stage, &blocks_and_shows_itself_task);
	world_unit(&stage.crewed.world, 2, stage.crewed.world.type, 0, 0, 0);
	stage.crewed.world.actors[2] = world_spawn_in(&stage.crewed.world, 2, 2);
	sim_hold_crews(stage.crewed.world.loop, true);
	assert_int_equal(world_send(&stage.crewed.world, stage.crewed.world.actors[2], 1), 0);
	crewed_run(&stage.crewed);
	assert_non_null(stage.lent);
	assert_int_equal(runtime_stop(stage.crewed.world.runtime, stage.crewed.world.actors[2]),
			 0);
	world_sleep(&stage.crewed.world, 6 * TROUPE_SECOND_NS);
	assert_true(io_is_held(stage.crewed.io));
	index = stage.crewed.world.actors[2].slot;
	assert_int_equal(runtime_unit_forget(stage.crewed.world.runtime, 2), 0);
	for (unit = stage.crewed.world.runtime->units;
	     unit && strcmp(unit->name, "unit2") != 0;)
		unit = unit->next;
	assert_non_null(unit);
	for (int64_t n = 1; n <= 4; n++)
		crewed_tell(&stage.crewed, n);
	for (int64_t id = 3; id < 8; id++) {
		world_spawn(&stage.crewed.world, id);
		assert_int_not_equal(stage.crewed.world.actors[id].slot, index);
	}
	assert_string_equal(troupe_name(stage.lent), "unit2");
	assert_int_equal(troupe_now_ns(stage.lent), 0);
	assert_int_equal(troupe_send(stage.lent, stage.crewed.world.actors[1], &num_method,
				     &(struct num){1}),
			 -EINVAL);
	assert_int_equal(troupe_sleep(stage.lent, 0), -EINVAL);
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	finish(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(result_of_a_job_comes_back),
		cmocka_unit_test(actor_goes_on_while_a_job_runs),
		cmocka_unit_test(job_that_waits_for_a_thread_is_cancelled),
		cmocka_unit_test(cancelled_job_is_waited_for),
		cmocka_unit_test(result_wins_over_the_time_of_its_scope),
		cmocka_unit_test(time_of_a_scope_ends_the_wait_for_a_thread),
		cmocka_unit_test(no_job_in_a_cancelled_scope),
		cmocka_unit_test(end_of_an_actor_waits_for_its_jobs),
		cmocka_unit_test(job_that_never_returns_is_left_alone),
		cmocka_unit_test(job_of_a_handler_that_is_a_task),
		cmocka_unit_test(job_of_a_handler_that_is_alone),
		cmocka_unit_test(job_of_a_handler_never_returns),
		cmocka_unit_test(wrong_jobs_are_refused),
		cmocka_unit_test(any_order_by_seed),
		cmocka_unit_test(self_of_a_job_that_never_returns_stays_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
