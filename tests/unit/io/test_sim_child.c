/* Child processes, in simulated time: processes that are none (fake_exec.h). */
#include "base/cleanup.h"
#include "core/inside.h"
#include "core/share.h"
#include "fake_exec.h"
#include "io/inside.h"
#include "io/io.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <troupe/child.h>

#define MS TROUPE_MS_NS

struct stage {
	struct world world;
	struct io *io;
	struct troupe_child child;
	struct troupe_task task;
	unsigned quiet; /* times that it became so */
	bool is_last;   /* what is left ends with the worker */
};

static void free_io(struct world *world)
{
	struct stage *stage = world->test;

	if (!stage->is_last) {
		assert_true(io_is_quiet(stage->io));
		assert_int_equal(stage->io->children.table.count, 0);
	}
	io_free(stage->io);
}

static void begin(struct stage *stage)
{
	memset(stage, 0, sizeof(*stage));
	world_init(&stage->world, 1, NULL);
	fake_exec_begin(stage->world.loop);
	sim_poll(stage->world.loop, true);
	assert_int_equal(io_new(stage->world.runtime, &stage->io), 0);
	stage->world.test = stage;
	stage->world.on_gone = free_io;
}

static void finish(struct stage *stage)
{
	world_finish(&stage->world);
	fake_exec_end();
}

static struct stage *stage_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

static int start(struct troupe_self *self, const char *what, const char *begins,
		 const char *lives, const char *status)
{
	const char *const argv[] = {what, begins, lives, status, NULL};

	return troupe_child_start(self, argv, NULL, &stage_of(self)->child);
}

/* It does it in a task, when it is told a number. */
static int (*deed)(struct troupe_self *self, struct stage *stage);

static int does(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	return deed(self, stage_of(self));
}
TROUPE_TASK(does, struct puppet, void, void)

static int begins_task(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	return troupe_start(self, TROUPE_OF_ACTOR, &does_task, NULL, NULL,
			    &stage_of(self)->task);
}

static void play(struct stage *stage, int (*what)(struct troupe_self *, struct stage *))
{
	deed = what;
	begin(stage);
	stage->world.hooks.init = begins_task;
	world_spawn(&stage->world, 1);
	world_run(&stage->world);
}

/* ------------------------------------------------------------------ one child */

static int runs_one(struct troupe_self *self, struct stage *stage)
{
	int status = -1, rc = start(self, "run", "100", "5000", "3");

	note(self, "started %d; ", rc);
	assert_int_equal(troupe_child_signal(self, stage->child, 0), 0);
	rc = troupe_child_wait(self, stage->child, &status);
	note(self, "%d exit %d; ", rc, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	assert_int_equal(troupe_child_signal(self, stage->child, 0), -ESRCH);
	return troupe_child_wait(self, stage->child, &status) == -ESRCH ? 0 : -EBADE;
}

static void status_is_there_when_it_exits(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, runs_one);
	assert_log(&stage.world, "");
	world_sleep(&stage.world, MS);
	assert_log(&stage.world, "started 0; ");
	world_sleep(&stage.world, 3 * MS);
	assert_log(&stage.world, "");
	world_sleep(&stage.world, 5 * MS);
	assert_log(&stage.world, "0 exit 3; ");
	assert_int_equal(stage.world.failures, 0);
	finish(&stage);
}

static int starts_what_is_not_there(struct troupe_self *self, struct stage *stage)
{
	const char *const argv[] = {"fail", "100", "2", NULL};

	note(self, "%d; ", troupe_child_start(self, argv, NULL, &stage->child));
	fake_exec_refuse(-EMFILE);
	note(self, "%d; ", troupe_child_start(self, argv, NULL, &stage->child));
	return 0;
}

static void failed_exec_is_the_starts_error(void **state)
{
	char expected[64];
	struct stage stage;

	(void)state;
	play(&stage, starts_what_is_not_there);
	world_sleep(&stage.world, 10 * MS);
	snprintf(expected, sizeof(expected), "%d; %d; ", -ENOENT, -EMFILE);
	assert_log(&stage.world, expected);
	finish(&stage);
}

static int asks_wrongly(struct troupe_self *self, struct stage *stage)
{
	const char *const none[] = {NULL}, *const some[] = {"run", "0", "0", "0", NULL};
	struct troupe_child_options options = {.table_size = sizeof(options)};
	struct troupe_child nobody = {.id = 77};

	assert_int_equal(troupe_child_start(self, NULL, NULL, &stage->child), -EINVAL);
	assert_int_equal(troupe_child_start(self, none, NULL, &stage->child), -EINVAL);
	options.table_size = 8;
	assert_int_equal(troupe_child_start(self, some, &options, &stage->child), -EINVAL);
	options = (struct troupe_child_options){.table_size = sizeof(options), .in = 4};
	assert_int_equal(troupe_child_start(self, some, &options, &stage->child), -EINVAL);
	options = (struct troupe_child_options){.table_size = sizeof(options), .out = 4};
	assert_int_equal(troupe_child_start(self, some, &options, &stage->child), -EINVAL);
	options = (struct troupe_child_options){.table_size = sizeof(options), .err = 5};
	assert_int_equal(troupe_child_start(self, some, &options, &stage->child), -EINVAL);
	options = (struct troupe_child_options){.table_size = sizeof(options), .reserved = 1};
	assert_int_equal(troupe_child_start(self, some, &options, &stage->child), -EINVAL);
	assert_int_equal(troupe_child_wait(self, nobody, NULL), -ESRCH);
	assert_int_equal(troupe_child_signal(self, nobody, SIGTERM), -ESRCH);
	note(self, "asked; ");
	return 0;
}

static int asks_outside(struct troupe_self *self, struct puppet *me)
{
	const char *const some[] = {"run", "0", "0", "0", NULL};

	(void)me;
	assert_int_equal(troupe_child_start(self, some, NULL, &stage_of(self)->child),
			 -EDEADLK);
	assert_int_equal(troupe_child_wait(self, stage_of(self)->child, NULL), -EDEADLK);
	return 0;
}

static void misuse_is_refused(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, asks_wrongly);
	assert_log(&stage.world, "asked; ");
	assert_int_equal(fake_exec_counts().started, 0);
	stage.world.hooks.init = asks_outside;
	world_spawn(&stage.world, 2);
	finish(&stage);
}

/* ------------------------------------------------------------------ cancellation */

static int waits_for_it(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	int status = -1, rc = troupe_child_wait(self, stage_of(self)->child, &status);

	(void)me;
	(void)unused;
	(void)unused_too;
	note(self, "%d %d; ", rc, status);
	return 0;
}
TROUPE_TASK(waits_for_it, struct puppet, void, void)

static int lets_two_wait(struct troupe_self *self, struct stage *stage)
{
	struct troupe_scope scope;

	assert_int_equal(start(self, "run", "0", "5000", "4"), 0);
	assert_int_equal(troupe_scope_begin(self, 0, &scope), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			troupe_start(self, scope, &waits_for_it_task, NULL, NULL, NULL), 0);
	assert_int_equal(troupe_scope_end(self, scope), 0);
	assert_int_equal(troupe_child_wait(self, stage->child, NULL), -ESRCH);
	return 0;
}

static void all_who_wait_get_the_status(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	play(&stage, lets_two_wait);
	world_sleep(&stage.world, 10 * MS);
	snprintf(expected, sizeof(expected), "0 %d; 0 %d; ", W_EXITCODE(4, 0),
		 W_EXITCODE(4, 0));
	assert_log(&stage.world, expected);
	finish(&stage);
}

static int waits_in_vain_first(struct troupe_self *self, struct stage *stage)
{
	struct troupe_scope scope;
	int status = 0, rc;

	assert_int_equal(start(self, "run", "0", "5000", "4"), 0);
	assert_int_equal(troupe_scope_begin(self, MS, &scope), 0);
	rc = troupe_child_wait(self, stage->child, &status);
	assert_int_equal(troupe_child_wait(self, stage->child, &status), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	note(self, "%d; ", rc);
	note(self, "%d; ", troupe_child_wait(self, stage->child, &status));
	assert_int_equal(WEXITSTATUS(status), 4);
	return 0;
}

static void cancelled_wait_leaves_the_child(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	play(&stage, waits_in_vain_first);
	world_sleep(&stage.world, 10 * MS);
	snprintf(expected, sizeof(expected), "%d; 0; ", -ETIMEDOUT);
	assert_log(&stage.world, expected);
	assert_int_equal(fake_exec_counts().killed, 0);
	finish(&stage);
}

static int gives_up_starting(struct troupe_self *self, struct stage *stage)
{
	struct troupe_scope scope;

	(void)stage;
	assert_int_equal(troupe_scope_begin(self, MS, &scope), 0);
	note(self, "%d; ", start(self, "run", "5000", "5000", "0"));
	assert_int_equal(start(self, "run", "0", "0", "0"), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	return 0;
}

static void cancelled_start_leaves_nothing(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	play(&stage, gives_up_starting);
	world_sleep(&stage.world, 2 * MS);
	snprintf(expected, sizeof(expected), "%d; ", -ETIMEDOUT);
	assert_log(&stage.world, expected);
	assert_int_equal(fake_exec_counts().started, 1);
	assert_int_equal(fake_exec_counts().begun, 0);
	assert_int_equal(fake_exec_counts().killed, 1);
	assert_int_equal(fake_exec_counts().alive, 0);
	finish(&stage);
}

/* ------------------------------------------------------------------ ends of its actor */

static int starts_and_returns(struct troupe_self *self, struct stage *stage)
{
	(void)stage;
	return start(self, "run", "0", "100000000", "0");
}

static int starts_a_stubborn_one(struct troupe_self *self, struct stage *stage)
{
	(void)stage;
	return start(self, "stubborn", "0", "100000000", "0");
}

static void on_quiet(void *context)
{
	struct stage *stage = context;

	stage->quiet++;
}

static void child_is_asked_to_end_with_its_actor(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, starts_and_returns);
	io_on_quiet(stage.io, on_quiet, &stage);
	world_sleep(&stage.world, MS);
	assert_int_equal(fake_exec_counts().begun, 1);
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[1]), 0);
	assert_false(io_is_quiet(stage.io));
	assert_int_equal(stage.quiet, 0);
	world_sleep(&stage.world, MS);
	assert_int_equal(fake_exec_counts().terms, 1);
	assert_int_equal(fake_exec_counts().alive, 0);
	assert_int_equal(stage.quiet, 1);
	finish(&stage);
}

static void child_that_goes_on_is_killed(void **state)
{
	const uint64_t grace_ns = LIMIT_TASK_GRACE_DEFAULT_NS;
	struct stage stage;

	(void)state;
	play(&stage, starts_a_stubborn_one);
	world_sleep(&stage.world, MS);
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[1]), 0);
	world_sleep(&stage.world, grace_ns - MS);
	assert_int_equal(fake_exec_counts().terms, 1);
	assert_int_equal(fake_exec_counts().alive, 1);
	assert_false(io_is_quiet(stage.io));
	world_sleep(&stage.world, 2 * MS);
	assert_int_equal(fake_exec_counts().killed, 1);
	assert_int_equal(fake_exec_counts().alive, 0);
	finish(&stage);
}

static int starts_a_slow_one(struct troupe_self *self, struct stage *stage)
{
	(void)stage;
	return start(self, "run", "100000000", "0", "0");
}

static void start_ends_with_its_actor(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, starts_a_slow_one);
	assert_int_equal(fake_exec_counts().started, 1);
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[1]), 0);
	world_sleep(&stage.world, MS);
	assert_int_equal(fake_exec_counts().killed, 1);
	assert_int_equal(fake_exec_counts().alive, 0);
	finish(&stage);
}

/* A status that nobody takes goes with the actor. */
static int runs_and_returns(struct troupe_self *self, struct stage *stage)
{
	(void)stage;
	return start(self, "run", "0", "0", "0");
}

static void status_that_nobody_takes_is_no_zombie(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, runs_and_returns);
	world_sleep(&stage.world, MS);
	assert_int_equal(fake_exec_counts().reaped, 1);
	assert_int_equal(stage.io->children.table.count, 1);
	finish(&stage);
}

static void worker_that_ends_kills_what_is_left(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, starts_a_stubborn_one);
	world_sleep(&stage.world, MS);
	assert_int_equal(fake_exec_counts().alive, 1);
	fake_exec_kill_at_once();
	stage.is_last = true;
	finish(&stage);
	assert_int_equal(fake_exec_counts().killed, 1);
}

/* ------------------------------------------------------------------ trouble */

static void traced_child_is_looked_at_later(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, runs_one);
	fake_exec_trace(true);
	world_sleep(&stage.world, 1000 * MS);
	assert_log(&stage.world, "started 0; ");
	fake_exec_trace(false);
	world_sleep(&stage.world, 200 * MS);
	assert_log(&stage.world, "0 exit 3; ");
	finish(&stage);
}

static void status_that_went_elsewhere_is_an_error(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	play(&stage, runs_one);
	fake_exec_steal();
	world_sleep(&stage.world, 10 * MS);
	snprintf(expected, sizeof(expected), "started 0; %d exit -1; ", -ECHILD);
	assert_log(&stage.world, expected);
	finish(&stage);
}

static int starts_too_many(struct troupe_self *self, struct stage *stage)
{
	unsigned n = 0;
	int rc;

	(void)stage;
	while ((rc = start(self, "run", "0", "100000000", "0")) == 0)
		n++;
	note(self, "%u %d; ", n, rc);
	return 0;
}

/* Of a unit alone: three quarters. Those that are left count for the worker until they are
 * dead. */
static void children_are_bounded(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	play(&stage, starts_too_many);
	world_sleep(&stage.world, 1000 * MS);
	snprintf(expected, sizeof(expected), "%u %d; ", LIMIT_CHILDREN / 4 * 3, -EAGAIN);
	assert_log(&stage.world, expected);
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[1]), 0);
	world_sleep(&stage.world, MS);
	assert_int_equal(fake_exec_counts().alive, 0);
	(void)world_log(&stage.world);
	world_spawn(&stage.world, 1); /* and again: no share was lost */
	world_sleep(&stage.world, 1000 * MS);
	assert_log(&stage.world, expected);
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[1]), 0);
	world_sleep(&stage.world, MS);
	finish(&stage);
}

/* ------------------------------------------------------------------ storms */

#define STORM_TASKS 20

struct storm {
	unsigned wanted; /* to be started */
	unsigned statuses, refused, cancelled;
};

static uint64_t pick(struct troupe_self *self, uint64_t n)
{
	return sim_pick(world_of(self)->loop, n);
}

/* One child: its beginning and its end, each perhaps cut short. */
static int run_by_chance(struct troupe_self *self, struct storm *storm)
{
	char begins[16], lives[16], status_text[8];
	const char *const argv[] = {pick(self, 20) ? "run" : "stubborn", begins, lives,
				    status_text, NULL};
	const char *const wrong[] = {"fail", begins, "2", NULL};
	const int expected = (int)pick(self, 100);
	struct troupe_scope scope;
	struct troupe_child child;
	int status = -1, rc;

	snprintf(begins, sizeof(begins), "%u", (unsigned)pick(self, 1000));
	snprintf(lives, sizeof(lives), "%u", (unsigned)pick(self, 2000));
	snprintf(status_text, sizeof(status_text), "%d", expected);
	assert_int_equal(
		troupe_scope_begin(self, pick(self, 2) ? pick(self, 2 * MS) : 0, &scope), 0);
	rc = troupe_child_start(self, pick(self, 10) ? argv : wrong, NULL, &child);
	if (rc == 0) {
		rc = troupe_child_wait(self, child, &status);
		if (rc < 0) { /* it is still there, and so is its status */
			(void)troupe_scope_end(self, scope);
			if (pick(self, 2))
				assert_int_equal(troupe_child_signal(self, child, SIGKILL) <= 0,
						 true);
			rc = troupe_child_wait(self, child, &status);
			if (rc == -ECANCELED)
				return rc;
			assert_int_equal(rc, 0);
			assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == expected);
			storm->statuses++;
			return 0;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(WEXITSTATUS(status), expected);
		storm->statuses++;
	} else if (rc == -ENOENT) {
		storm->refused++;
	} else {
		assert_true(rc == -ETIMEDOUT || rc == -ECANCELED);
		storm->cancelled++;
	}
	(void)troupe_scope_end(self, scope);
	return rc == -ECANCELED ? rc : 0;
}

static struct storm *storm_at_hand;

static int runs_many(struct troupe_self *self, struct puppet *me, void *unused,
		     void *unused_too)
{
	struct storm *storm = storm_at_hand;
	int rc = 0;

	(void)me;
	(void)unused;
	(void)unused_too;
	while (storm->wanted > 0 && rc == 0) {
		storm->wanted--;
		rc = run_by_chance(self, storm);
	}
	return rc;
}
TROUPE_TASK(runs_many, struct puppet, void, void)

static int begins_storm(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	for (int i = 0; i < STORM_TASKS; i++)
		assert_int_equal(
			troupe_start(self, TROUPE_OF_ACTOR, &runs_many_task, NULL, NULL, NULL),
			0);
	return 0;
}

/* Trap 24: ends of the actor in between, by seed. */
static void storm_loses_none(void **state)
{
	const unsigned n_seeds = 10, n_children = 1000;

	(void)state;
	for (unsigned seed = 1; seed <= n_seeds; seed++) {
		struct storm storm = {.wanted = n_children};
		struct fake_counts counts;
		struct stage stage;

		storm_at_hand = &storm;
		begin(&stage);
		sim_seed(stage.world.loop, seed);
		stage.world.hooks.init = begins_storm;
		while (storm.wanted > 0) {
			world_spawn(&stage.world, 1);
			world_sleep(&stage.world, (1 + sim_pick(stage.world.loop, 100)) * MS);
			assert_int_equal(
				runtime_stop(stage.world.runtime, stage.world.actors[1]), 0);
			world_run(&stage.world);
			(void)world_log(&stage.world);
		}
		world_sleep(&stage.world, 2 * LIMIT_TASK_GRACE_DEFAULT_NS);
		counts = fake_exec_counts();
		assert_int_equal(counts.reaped, counts.started);
		assert_true(storm.statuses > n_children / 4);
		assert_true(storm.refused > 0 && storm.cancelled > 0);
		finish(&stage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_there_when_it_exits),
		cmocka_unit_test(failed_exec_is_the_starts_error),
		cmocka_unit_test(misuse_is_refused),
		cmocka_unit_test(all_who_wait_get_the_status),
		cmocka_unit_test(cancelled_wait_leaves_the_child),
		cmocka_unit_test(cancelled_start_leaves_nothing),
		cmocka_unit_test(child_is_asked_to_end_with_its_actor),
		cmocka_unit_test(child_that_goes_on_is_killed),
		cmocka_unit_test(start_ends_with_its_actor),
		cmocka_unit_test(status_that_nobody_takes_is_no_zombie),
		cmocka_unit_test(worker_that_ends_kills_what_is_left),
		cmocka_unit_test(traced_child_is_looked_at_later),
		cmocka_unit_test(status_that_went_elsewhere_is_an_error),
		cmocka_unit_test(children_are_bounded),
		cmocka_unit_test(storm_loses_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
