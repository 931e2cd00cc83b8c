/* Scopes: nursery, time limit and shield; who is told of which end, and that none is lost. */
#include "base/cleanup.h"
#include "base/random.h"
#include "core/task.h"
#include "tasking.h"
#include <errno.h>

/* ------------------------------------------------------------------ what tasks do */

/* Sleeps as long in ms, and fails with as much. */
static int fails(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	int rc = troupe_sleep(self, (uint64_t)(uintptr_t)n * TROUPE_MS_NS);

	(void)me;
	(void)unused;
	return rc < 0 ? rc : -(int)(uintptr_t)n;
}
TROUPE_TASK(fails, struct puppet, void, void)

/* ------------------------------------------------------------------ a nursery */

TEST_TASK(waits_for_all)
{
	struct troupe_scope scope;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	for (int i = 3; i > 0; i--)
		assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(10 * i),
					      NULL, NULL),
				 0);
	assert_int_equal(troupe_scope_end(self, scope), 0);
	note(self, "all; ");
	/* it is over, for all that one can do with it */
	assert_int_equal(troupe_scope_end(self, scope), -EINVAL);
	assert_int_equal(troupe_start(self, scope, tasking_naps, NULL, NULL, NULL), -EINVAL);
	troupe_scope_cancel(self, scope);
	return troupe_sleep(self, 1);
}

static void scope_waits_for_its_tasks(void **state)
{
	(void)state;
	tasking_run(&waits_for_all_task, 100, "1:num 0; nap10 0; nap20 0; nap30 0; all; ");
}

TEST_TASK(first_failure_wins)
{
	struct troupe_scope scope;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(10), NULL, NULL),
			 0);
	assert_int_equal(troupe_start(self, scope, &fails_task, tasking_arg(20), NULL, NULL),
			 0);
	assert_int_equal(troupe_start(self, scope, &fails_task, tasking_arg(30), NULL, NULL),
			 0);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(40), NULL, NULL),
			 0);
	/* the owner's own waits in it end, too */
	assert_int_equal(troupe_sleep(self, TROUPE_SECOND_NS), -ECANCELED);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(1), NULL, NULL),
			 -ECANCELED);
	assert_int_equal(troupe_scope_end(self, scope), -20);
	return troupe_sleep(self, 1);
}

static void failure_cancels_the_others(void **state)
{
	(void)state;
	tasking_run(&first_failure_wins_task, 100, "1:num 0; nap10 0; nap40 -125; ");
}

/* ------------------------------------------------------------------ a time limit */

TEST_TASK(runs_out_of_time)
{
	struct troupe_scope scope, inner;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, 15 * TROUPE_MS_NS, &scope), 0);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(10), NULL, NULL),
			 0);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(30), NULL, NULL),
			 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_SECOND_NS, &inner), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_SECOND_NS), -ETIMEDOUT);
	assert_int_equal(troupe_sleep(self, 1), -ETIMEDOUT);
	assert_int_equal(troupe_yield(self), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, inner), -ETIMEDOUT);
	assert_int_equal(troupe_sleep(self, 1), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	/* outside it is over */
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	/* nobody has been told: so nothing was cut short */
	assert_int_equal(troupe_scope_begin(self, 1, &scope), 0);
	assert_int_equal(troupe_scope_end(self, scope), 0);
	return 0;
}

static void scope_ends_by_its_time(void **state)
{
	(void)state;
	tasking_run(&runs_out_of_time_task, 100, "1:num 0; nap10 0; nap30 -110; ");
}

/* Trap 1: what is due in the same pass as the time limit is there, or still to come. */
TEST_TASK(joins_at_the_limit)
{
	UNUSED;
	for (unsigned at = 8; at <= 12; at++) {
		struct troupe_task task;
		struct troupe_scope scope;
		int rc, result = 77;

		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_naps,
					      tasking_arg(10), NULL, &task),
				 0);
		assert_int_equal(troupe_scope_begin(self, at * TROUPE_MS_NS, &scope), 0);
		rc = troupe_join(self, task, &result);
		assert_true(rc == 0 || rc == -ETIMEDOUT);
		assert_int_equal(result, rc == 0 ? 0 : 77);
		assert_int_equal(troupe_scope_end(self, scope), rc);
		if (rc < 0)
			assert_int_equal(troupe_join(self, task, &result), 0);
		assert_int_equal(result, 0);
	}
	return 0;
}

static void result_that_is_there_wins(void **state)
{
	(void)state;
	tasking_run(&joins_at_the_limit_task, 100,
		    "1:num 0; nap10 0; nap10 0; nap10 0; nap10 0; nap10 0; ");
}

/* ------------------------------------------------------------------ order */

static int ends_anothers(struct troupe_self *self, struct puppet *me,
			 struct troupe_scope *scope, void *unused)
{
	(void)me;
	(void)unused;
	assert_int_equal(troupe_scope_end(self, *scope), -EINVAL);
	assert_int_equal(troupe_scope_end(self, TROUPE_OF_ACTOR), -EINVAL);
	assert_int_equal(troupe_scope_end(self, (struct troupe_scope){TROUPE_NO_SCOPE}),
			 -EINVAL);
	return 0;
}
TROUPE_TASK(ends_anothers, struct puppet, struct troupe_scope, void)

/* Trap 4. */
TEST_TASK(ends_out_of_order)
{
	struct troupe_scope outer, middle, inner;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &outer), 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &middle), 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &inner), 0);
	assert_int_equal(troupe_start(self, inner, tasking_naps, tasking_arg(1000), NULL, NULL),
			 0);
	assert_int_equal(troupe_start(self, outer, tasking_naps, tasking_arg(5), NULL, NULL),
			 0);
	assert_int_equal(troupe_start(self, outer, &ends_anothers_task, &middle, NULL, NULL),
			 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_scope_end(self, outer), 0);
	assert_int_equal(troupe_scope_end(self, inner), -EINVAL);
	assert_int_equal(troupe_scope_end(self, middle), -EINVAL);
	assert_int_equal(troupe_scope_end(self, outer), -EINVAL);
	return troupe_sleep(self, TROUPE_MS_NS);
}

static void scopes_out_of_order_break_nothing(void **state)
{
	(void)state;
	tasking_run(&ends_out_of_order_task, 100, "1:num 0; nap1000 -125; nap5 0; ");
}

/* ------------------------------------------------------------------ TROUPE_SCOPE */

static int leaves_early(struct troupe_self *self, bool early)
{
	int local[2] = {1, 2}; /* what the tasks in it might work on */

	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(20), local, NULL),
			 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	if (early)
		return -EIO;
	return troupe_scope_end(self, scope);
}

TEST_TASK(leaves_blocks)
{
	UNUSED;
	assert_int_equal(leaves_early(self, true), -EIO);
	note(self, "left; ");
	assert_int_equal(leaves_early(self, false), 0);
	note(self, "ended; ");
	{
		TROUPE_SCOPE(scope, self, TROUPE_MS_NS);
		assert_int_equal(troupe_sleep(self, TROUPE_SECOND_NS), -ETIMEDOUT);
	}
	return troupe_sleep(self, TROUPE_MS_NS);
}

static void block_that_is_left_ends_its_scope(void **state)
{
	(void)state;
	tasking_run(&leaves_blocks_task, 100, "1:num 0; nap20 -125; left; nap20 0; ended; ");
}

TEST_TASK(leaves_it_open)
{
	struct troupe_scope scope, inner;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &inner), 0);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(20), NULL, NULL),
			 0);
	assert_int_equal(troupe_start(self, inner, tasking_naps, tasking_arg(30), NULL, NULL),
			 0);
	return troupe_sleep(self, TROUPE_MS_NS);
}

static void scope_left_open_ends_with_its_task(void **state)
{
	(void)state;
	tasking_run(&leaves_it_open_task, 100, "1:num 0; nap30 -125; nap20 -125; ");
}

TEST_TASK(begins_too_many)
{
	struct troupe_scope scope;
	int rc, n = 0;

	UNUSED;
	while ((rc = troupe_scope_begin(self, TROUPE_UNLIMITED, &scope)) == 0)
		n++;
	note(self, "%d then %d; ", n, rc);
	assert_int_equal(troupe_start(self, scope, tasking_naps, NULL, NULL, NULL), -EAGAIN);
	return troupe_scope_end(self, scope);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	/* the task's own is one of the 64 */
	tasking_run(&begins_too_many_task, 100, "1:num 0; 63 then -11; ");
}

/* ------------------------------------------------------------------ shields */

TEST_TASK(shields)
{
	struct troupe_scope outer, shield;

	UNUSED;
	assert_int_equal(troupe_scope_shield(self, 0, &shield), -EINVAL);
	assert_int_equal(troupe_scope_shield(self, TROUPE_SHIELD_MAX_NS + 1, &shield), -EINVAL);
	assert_int_equal(troupe_scope_begin(self, 5 * TROUPE_MS_NS, &outer), 0);
	assert_int_equal(troupe_scope_shield(self, 20 * TROUPE_MS_NS, &shield), 0);
	assert_int_equal(troupe_start(self, shield, tasking_naps, tasking_arg(8), NULL, NULL),
			 0);
	assert_int_equal(troupe_sleep(self, 10 * TROUPE_MS_NS), 0);
	note(self, "slept; ");
	/* its own time is up, however */
	assert_int_equal(troupe_sleep(self, 20 * TROUPE_MS_NS), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, shield), -ETIMEDOUT);
	assert_int_equal(troupe_sleep(self, 1), -ETIMEDOUT);
	/* one that is begun when all is lost serves as well */
	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_scope_end(self, shield), 0);
	assert_int_equal(troupe_scope_end(self, outer), -ETIMEDOUT);
	return 0;
}

static void shield_keeps_cancellation_out(void **state)
{
	(void)state;
	tasking_run(&shields_task, 100, "1:num 0; nap8 0; slept; ");
}

/* Told to end for as long as it tidies up. */
TEST_TASK(tidies_long)
{
	struct troupe_scope outer, shield;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, TROUPE_MS_NS, &outer), 0);
	assert_int_equal(troupe_scope_shield(self, 60 * TROUPE_SECOND_NS, &shield), 0);
	assert_int_equal(
		troupe_start(self, shield, tasking_naps, tasking_arg(40000), NULL, NULL), 0);
	assert_int_equal(troupe_sleep(self, 50 * TROUPE_SECOND_NS), 0);
	note(self, "tidied; ");
	assert_int_equal(troupe_scope_end(self, shield), 0);
	(void)troupe_scope_end(self, outer);
	return 0;
}

/* Trap 8: nothing runs for a task in a shield until what it waits for is there, not even to
 * look whether it obeys now. */
static void task_in_a_shield_costs_nothing_while_it_waits(void **state)
{
	struct world world;
	uint64_t handled;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = (void *)(uintptr_t)&tidies_long_task;
	world.hooks.num = tasking_starts_the_test;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 0);
	world_sleep(&world, TROUPE_SECOND_NS);
	handled = world.runtime->handled;
	world_sleep(&world, 38 * TROUPE_SECOND_NS);
	assert_int_equal(world.runtime->handled, handled);
	assert_log(&world, "1:num 0; ");
	world_sleep(&world, 2 * TROUPE_SECOND_NS);
	assert_int_equal(world.runtime->handled, handled + 1);
	world_sleep(&world, 10 * TROUPE_SECOND_NS);
	assert_int_equal(world.runtime->handled, handled + 2);
	assert_log(&world, "nap40000 0; tidied; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ cancelling */

TEST_TASK(cancels_one)
{
	struct troupe_task waiting, fresh;
	int result;

	UNUSED;
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	assert_int_equal(
		troupe_start(self, scope, tasking_naps, tasking_arg(1000), NULL, &waiting), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(2), NULL, &fresh),
			 0);
	assert_int_equal(troupe_task_cancel(self, waiting), 0);
	assert_int_equal(troupe_task_cancel(self, fresh), 0);
	/* it will never begin */
	assert_int_equal(troupe_task_cancel(self, fresh), -ESRCH);
	assert_int_equal(troupe_join(self, fresh, &result), 0);
	assert_int_equal(result, -ECANCELED);
	assert_int_equal(troupe_join(self, waiting, &result), 0);
	assert_int_equal(result, -ECANCELED);
	/* which is no failure, so the scope goes on */
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	return troupe_scope_end(self, scope);
}

static void cancelled_task_fails_nobody(void **state)
{
	(void)state;
	tasking_run(&cancels_one_task, 100, "1:num 0; nap1000 -125; ");
}

TEST_TASK(cancels_itself)
{
	struct troupe_scope scope;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	assert_int_equal(troupe_start(self, scope, tasking_naps, tasking_arg(50), NULL, NULL),
			 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	troupe_scope_cancel(self, scope);
	assert_int_equal(troupe_scope_end(self, scope), -ECANCELED);
	/* and all of the actor's, this one too, but none that comes later */
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, tasking_naps, tasking_arg(60), NULL, NULL),
		0);
	troupe_scope_cancel(self, TROUPE_OF_ACTOR);
	assert_int_equal(troupe_sleep(self, 1), -ECANCELED);
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, tasking_naps, tasking_arg(3), NULL, NULL),
		0);
	return -ECANCELED;
}

static void scope_cancelled_by_its_owner(void **state)
{
	(void)state;
	tasking_run(&cancels_itself_task, 100, "1:num 0; nap50 -125; nap3 0; ");
}

/* Trap 8: who goes on although all is refused does not keep others from running. */
TEST_TASK(never_gives_up)
{
	struct troupe_scope scope;
	int n = 0;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, 2 * TROUPE_MS_NS, &scope), 0);
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, tasking_naps, tasking_arg(1), NULL, NULL),
		0);
	while (troupe_sleep(self, TROUPE_MS_NS) == 0 || ++n < 200) {
		if (n == 100)
			assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_naps,
						      tasking_arg(0), NULL, NULL),
					 0);
		if (n == 104)
			note(self, "104; ");
	}
	note(self, "gives up; ");
	return 0;
}

static void stubborn_task_is_put_behind_the_others(void **state)
{
	(void)state;
	tasking_run(
		&never_gives_up_task, 100,
		"1:num 0; nap1 0; log 4 unit1 task never_gives_up is cancelled and goes on "
		"waiting: it is put behind the others from now on; nap0 0; 104; gives up; ");
}

/* ------------------------------------------------------------------ a model
 *
 * Trap 2: nested scopes, each cancelled while others end. Of each of 300 seeds: a chain of
 * scopes with tasks in them, canceled at random moments; who returns what is what the tree of
 * scopes says, and nothing is left. */

struct plan {
	struct random random;
	int depth;
	struct troupe_scope scopes[4];
	bool is_cut[4]; /* cancelled by name */
	int told[4];    /* by a wait in it */
};

static int is_cut_at(const struct plan *plan, int depth)
{
	for (int i = 0; i <= depth; i++)
		if (plan->is_cut[i])
			return true;
	return false;
}

/* Cut short only where that was asked for; otherwise it has slept as long as it meant to, if
 * the scope was cut at the very end, too. */
static int sleeps_at_random(struct troupe_self *self, struct plan *plan, int depth,
			    uint64_t most_ns)
{
	uint64_t delay_ns = 1 + random_next(&plan->random) % most_ns;
	uint64_t until_ns = troupe_now_ns(self) + delay_ns;
	int rc = troupe_sleep(self, delay_ns);

	if (rc == 0)
		assert_true(troupe_now_ns(self) >= until_ns);
	else
		assert_true(rc == -ECANCELED && is_cut_at(plan, depth));
	return rc;
}

/* A task in scopes[depth]. */
struct walker {
	struct plan *plan;
	int depth;
};

static int walks(struct troupe_self *self, struct puppet *me, struct walker *walker,
		 void *unused)
{
	struct plan *plan = walker->plan;
	int rc = sleeps_at_random(self, plan, walker->depth, 20 * TROUPE_MS_NS);

	(void)me;
	(void)unused;
	for (int i = 0; rc < 0 && i <= walker->depth; i++)
		plan->told[i] |= is_cut_at(plan, i);
	return rc;
}
TROUPE_TASK(walks, struct puppet, struct walker, void)

static int cuts_at_random(struct troupe_self *self, struct puppet *me, struct plan *plan,
			  void *unused)
{
	int rc = 0;

	(void)me;
	(void)unused;
	for (int i = 0; i < 2 && rc == 0; i++) {
		int which;

		rc = troupe_sleep(self, 1 + random_next(&plan->random) % (30 * TROUPE_MS_NS));
		which = plan->depth > 0
				? (int)(random_next(&plan->random) % (uint64_t)plan->depth)
				: 0;
		if (rc < 0 || plan->depth == 0)
			continue;
		plan->is_cut[which] = true;
		troupe_scope_cancel(self, plan->scopes[which]);
	}
	return 0;
}
TROUPE_TASK(cuts_at_random, struct puppet, struct plan, void)

static int nests(struct troupe_self *self, struct puppet *me, struct plan *plan, void *unused)
{
	struct walker walkers[4];
	int rc;

	(void)me;
	(void)unused;
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &cuts_at_random_task, plan, NULL, NULL), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &plan->scopes[i]),
				 0);
		plan->depth = i + 1;
		walkers[i] = (struct walker){plan, i};
		rc = troupe_start(self, plan->scopes[i], &walks_task, &walkers[i], NULL, NULL);
		assert_int_equal(rc, is_cut_at(plan, i) ? -ECANCELED : 0);
		if (rc == 0)
			rc = sleeps_at_random(self, plan, i, 3 * TROUPE_MS_NS);
		for (int k = 0; rc < 0 && k <= i; k++)
			plan->told[k] |= is_cut_at(plan, k);
	}
	for (int i = 3; i >= 0; i--) {
		rc = troupe_scope_end(self, plan->scopes[i]);
		assert_int_equal(rc, plan->told[i] ? -ECANCELED : 0);
		plan->depth = i;
		if (i > 0) {
			rc = troupe_yield(self);
			assert_int_equal(rc, is_cut_at(plan, i - 1) ? -ECANCELED : 0);
			for (int k = 0; rc < 0 && k < i; k++)
				plan->told[k] |= is_cut_at(plan, k);
		}
		plan->is_cut[i] = false;
	}
	return troupe_sleep(self, TROUPE_MS_NS);
}
TROUPE_TASK(nests, struct puppet, struct plan, void)

static int starts_the_plan(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return troupe_start(self, TROUPE_OF_ACTOR, &nests_task, world_of(self)->test, NULL,
			    NULL);
}

static void nested_scopes_tell_whom_the_model_says(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct plan plan = {.depth = 0};
		struct world world;

		random_init(&plan.random, seed);
		world_init(&world, 1, NULL);
		world.test = &plan;
		world.hooks.num = starts_the_plan;
		world_spawn(&world, 1);
		world_send(&world, world.actors[1], 0);
		world_sleep(&world, 200 * TROUPE_MS_NS);
		assert_int_equal(world.runtime->tasks.count, 0);
		assert_int_equal(world.runtime->scopes.count, 0);
		assert_int_equal(world.failures, 0);
		world_finish(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scope_waits_for_its_tasks),
		cmocka_unit_test(failure_cancels_the_others),
		cmocka_unit_test(scope_ends_by_its_time),
		cmocka_unit_test(result_that_is_there_wins),
		cmocka_unit_test(scopes_out_of_order_break_nothing),
		cmocka_unit_test(block_that_is_left_ends_its_scope),
		cmocka_unit_test(scope_left_open_ends_with_its_task),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(shield_keeps_cancellation_out),
		cmocka_unit_test(task_in_a_shield_costs_nothing_while_it_waits),
		cmocka_unit_test(cancelled_task_fails_nobody),
		cmocka_unit_test(scope_cancelled_by_its_owner),
		cmocka_unit_test(stubborn_task_is_put_behind_the_others),
		cmocka_unit_test(nested_scopes_tell_whom_the_model_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
