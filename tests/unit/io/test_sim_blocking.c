/* Jobs of tasks on a simulated crew: what becomes of them, and when. */
#include "core/inside.h"
#include "io/io.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <troupe/pool.h>
#include <troupe/task.h>

#define MS TROUPE_MS_NS

struct stage {
	struct world world;
	struct io *io;
	struct troupe_task tasks[8];
	unsigned n_tasks;
	const struct troupe_task_entry *entry; /* that Num(n) starts */
	struct troupe_scope scope;
	uint64_t timeout_ns;
	struct troupe_self *lent;
};

static struct stage *stage_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

/* Num(n): starts one; Num(-n): cancels the one that was started as n. */
static int on_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct stage *stage = stage_of(self);

	(void)me;
	(void)call;
	if (n < 0)
		return troupe_task_cancel(self, stage->tasks[-n]);
	return troupe_start(self, TROUPE_OF_ACTOR, stage->entry, (void *)(intptr_t)n, NULL,
			    &stage->tasks[n]);
}

static void free_io(struct world *world)
{
	struct stage *stage = world->test;

	io_free(stage->io);
}

static void begin(struct stage *stage, const struct troupe_task_entry *entry)
{
	memset(stage, 0, sizeof(*stage));
	world_init(&stage->world, 1, NULL);
	assert_int_equal(io_new(stage->world.runtime, &stage->io), 0);
	stage->world.test = stage;
	stage->world.on_gone = free_io;
	stage->world.hooks.num = on_num;
	stage->entry = entry;
	world_spawn(&stage->world, 1);
	world_run(&stage->world);
}

static void finish(struct stage *stage)
{
	world_finish(&stage->world);
}

/* Until there is nothing to do for actors or crews, without time passing. */
static void run(struct stage *stage)
{
	world_sleep(&stage->world, 0);
}

static void tell(struct stage *stage, int64_t n)
{
	assert_int_equal(world_send(&stage->world, stage->world.actors[1], n), 0);
	run(stage);
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
	assert_false(io_is_held(stage.io));
	tell(&stage, 1);
	assert_log(&stage.world, "1:num 1; job 1; 1: 10, then 0; ");
	assert_false(io_is_held(stage.io));
	finish(&stage);
}

/* Others are handled meanwhile. */
static void actor_goes_on_while_a_job_runs(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &blocks_task);
	sim_hold_crews(stage.world.loop, true);
	tell(&stage, 1);
	assert_true(io_is_held(stage.io));
	tell(&stage, 2);
	assert_log(&stage.world, "1:num 1; 1:num 2; ");
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_log(&stage.world, "job 1; 1: 10, then 0; job 2; 2: 20, then 0; ");
	finish(&stage);
}

/* Blocking= is 4: the fifth waits, and is never run when it is cancelled before its turn. */
static void job_that_waits_for_a_thread_is_cancelled(void **state)
{
	struct stage stage;
	char expected[128];

	(void)state;
	begin(&stage, &blocks_task);
	sim_hold_crews(stage.world.loop, true);
	for (int i = 1; i <= 6; i++)
		tell(&stage, i);
	(void)world_log(&stage.world);
	tell(&stage, -5);
	snprintf(expected, sizeof(expected), "1:num -5; 5: %d, then %d; ", -ECANCELED,
		 -ECANCELED);
	assert_log(&stage.world, expected);
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_null(strstr(stage.world.log, "job 5"));
	assert_non_null(strstr(stage.world.log, "job 6; "));
	assert_non_null(strstr(stage.world.log, "6: 60, then 0; "));
	(void)world_log(&stage.world);
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
	sim_hold_crews(stage.world.loop, true);
	tell(&stage, 1);
	tell(&stage, -1);
	assert_log(&stage.world, "1:num 1; 1:num -1; ");
	tell(&stage, -1); /* once more does no harm */
	(void)world_log(&stage.world);
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	snprintf(expected, sizeof(expected), "job 1 unwanted; 1: 10, then %d; ", -ECANCELED);
	assert_log(&stage.world, expected);
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
	sim_hold_crews(stage.world.loop, true);
	tell(&stage, 1);
	world_sleep(&stage.world, 20 * MS);
	assert_log(&stage.world, "1:num 1; ");
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_log(&stage.world, "job 1 unwanted; blocking 10; scope 0; ");
	finish(&stage);
}

static void time_of_a_scope_ends_the_wait_for_a_thread(void **state)
{
	struct stage stage;
	char expected[128];

	(void)state;
	begin(&stage, &blocks_for_a_time_task);
	io_set_blocking_threads(stage.io, 1);
	sim_hold_crews(stage.world.loop, true);
	tell(&stage, 1);
	tell(&stage, 2);
	world_sleep(&stage.world, 20 * MS);
	snprintf(expected, sizeof(expected), "1:num 1; 1:num 2; blocking %d; scope %d; ",
		 -ETIMEDOUT, -ETIMEDOUT);
	assert_log(&stage.world, expected);
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_log(&stage.world, "job 1 unwanted; blocking 10; scope 0; ");
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
	tell(&stage, 1);
	tell(&stage, -1);
	snprintf(expected, sizeof(expected), "1:num 1; 1:num -1; sleep %d; blocking %d; ",
		 -ECANCELED, -ECANCELED);
	assert_log(&stage.world, expected);
	finish(&stage);
}

/* ---- ends */

static void stop(struct stage *stage)
{
	assert_int_equal(runtime_stop(stage->world.runtime, stage->world.actors[1]), 0);
	run(stage);
}

static void end_of_an_actor_waits_for_its_jobs(void **state)
{
	struct stage stage;
	char expected[256];

	(void)state;
	begin(&stage, &blocks_task);
	io_set_blocking_threads(stage.io, 1);
	sim_hold_crews(stage.world.loop, true);
	tell(&stage, 1);
	tell(&stage, 2);
	(void)world_log(&stage.world);
	stop(&stage);
	snprintf(expected, sizeof(expected), "2: %d, then %d; ", -ECANCELED, -ECANCELED);
	assert_log(&stage.world, expected);
	world_sleep(&stage.world, TROUPE_SECOND_NS);
	assert_log(&stage.world, "");
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	snprintf(expected, sizeof(expected),
		 "job 1 unwanted; 1: 10, then %d; 1:fini shutdown; ", -ECANCELED);
	assert_log(&stage.world, expected);
	finish(&stage);
}

/* Trap 22, shutdown hangs: TaskGrace= (5 s), then the actor is gone, its thread replaced, and
 * the process must not free what the job may use. */
static void job_that_never_returns_is_left_alone(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &blocks_task);
	io_set_blocking_threads(stage.io, 1);
	sim_hold_crews(stage.world.loop, true);
	tell(&stage, 1);
	(void)world_log(&stage.world);
	stop(&stage);
	world_sleep(&stage.world, 6 * TROUPE_SECOND_NS);
	assert_log(&stage.world,
		   "1:fini shutdown; "
		   "log 4 unit1 task blocks did not end within TaskGrace=: abandoned; "
		   "log 4 unit1 a job of task blocks does not return (0 of 0 done): a thread "
		   "is left to it; ");
	assert_true(io_is_held(stage.io));
	sim_hold_crews(stage.world.loop, false);
	world_spawn(&stage.world, 1);
	tell(&stage, 2);
	assert_log(&stage.world, "1:num 2; job 2; 2: 20, then 0; ");
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
	assert_int_equal(runtime_unit_define(stage->world.runtime,
					     &(struct runtime_unit){
						     .number = 2,
						     .name = "tasker",
						     .type = stage->world.tasker,
						     .task_grace_ns = 100 * MS,
					     }),
			 0);
	stage->world.actors[2] = world_spawn_in(&stage->world, 2, 2);
	stage->world.hooks.num = blocks_as_a_task;
	stage->world.hooks.text = blocks_alone;
}

static void job_of_a_handler_that_is_a_task(void **state)
{
	struct stage stage;

	(void)state;
	begin_tasker(&stage);
	tell(&stage, 3);
	assert_log(&stage.world, "1:num 3; 2:num 3; job 3; 3: 30; 1:reply0 ok 30; ");
	finish(&stage);
}

static void job_of_a_handler_that_is_alone(void **state)
{
	struct stage stage;

	(void)state;
	begin_tasker(&stage);
	assert_int_equal(runtime_client_send(stage.world.runtime, stage.world.actors[2],
					     &text_method, &(struct text){"x"}, 0),
			 0);
	sim_hold_crews(stage.world.loop, true);
	run(&stage);
	assert_int_equal(world_send(&stage.world, stage.world.actors[2], 3), 0);
	run(&stage);
	assert_log(&stage.world, "2:text x; ");
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_log(&stage.world, "job 7; 7: 70; 2:num 3; job 3; 3: 30; ");
	finish(&stage);
}

static void job_of_a_handler_never_returns(void **state)
{
	struct stage stage;

	(void)state;
	begin_tasker(&stage);
	sim_hold_crews(stage.world.loop, true);
	tell(&stage, 3);
	assert_log(&stage.world, "1:num 3; 2:num 3; ");
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[2]), 0);
	world_sleep(&stage.world, 200 * MS);
	assert_log(&stage.world,
		   "2:fini shutdown; "
		   "log 4 tasker task Num did not end within TaskGrace=: abandoned; "
		   "log 4 tasker a job of task Num does not return (0 of 0 done): a thread "
		   "is left to it; 1:reply0 died; ");
	sim_hold_crews(stage.world.loop, false);
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
	tell(&stage, 1);
	assert_log(&stage.world, "1:num 1; asked; ");
	stage.world.hooks.num = blocks_in_a_handler;
	tell(&stage, 1);
	snprintf(expected, sizeof(expected), "1:num 1; %d; ", -EDEADLK);
	assert_log(&stage.world, expected);
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
		sim_seed(stage.world.loop, seed);
		io_set_blocking_threads(stage.io, 1 + (uint32_t)sim_pick(stage.world.loop, 3));
		for (int i = 0; i < 40; i++) {
			int64_t n = 1 + (int64_t)sim_pick(stage.world.loop, 7);

			sim_hold_crews(stage.world.loop, sim_pick(stage.world.loop, 2) == 0);
			(void)world_send(&stage.world, stage.world.actors[1],
					 sim_pick(stage.world.loop, 2) == 0 ? n : -n);
			if (sim_pick(stage.world.loop, 3) == 0)
				loop_step(stage.world.loop, false);
			(void)world_log(&stage.world);
		}
		if (seed % 2)
			stop(&stage);
		sim_hold_crews(stage.world.loop, false);
		run(&stage);
		(void)world_log(&stage.world);
		assert_false(io_is_held(stage.io));
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
	world_unit(&stage.world, 2, stage.world.type, 0, 0, 0);
	stage.world.actors[2] = world_spawn_in(&stage.world, 2, 2);
	sim_hold_crews(stage.world.loop, true);
	assert_int_equal(world_send(&stage.world, stage.world.actors[2], 1), 0);
	run(&stage);
	assert_non_null(stage.lent);
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[2]), 0);
	world_sleep(&stage.world, 6 * TROUPE_SECOND_NS);
	assert_true(io_is_held(stage.io));
	index = stage.world.actors[2].slot;
	assert_int_equal(runtime_unit_forget(stage.world.runtime, 2), 0);
	for (unit = stage.world.runtime->units; unit && strcmp(unit->name, "unit2") != 0;)
		unit = unit->next;
	assert_non_null(unit);
	for (int64_t n = 1; n <= 4; n++)
		tell(&stage, n);
	for (int64_t id = 3; id < 8; id++) {
		world_spawn(&stage.world, id);
		assert_int_not_equal(stage.world.actors[id].slot, index);
	}
	assert_string_equal(troupe_name(stage.lent), "unit2");
	assert_int_equal(troupe_now_ns(stage.lent), 0);
	assert_int_equal(
		troupe_send(stage.lent, stage.world.actors[1], &num_method, &(struct num){1}),
		-EINVAL);
	assert_int_equal(troupe_sleep(stage.lent, 0), -EINVAL);
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
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
