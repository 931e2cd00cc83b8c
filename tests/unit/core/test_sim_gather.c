/* One thing done with many items at a time, and the first of several tasks. */
#include "base/cleanup.h"
#include "core/task.h"
#include "tasking.h"
#include <errno.h>

/* ------------------------------------------------------------------ what tasks do */

struct tally {
	int running, most, done;
};

/* Sleeps as many ms as the item says; a negative one fails with that. */
static int visits(struct troupe_self *self, struct puppet *me, const int *item,
		  struct tally *tally)
{
	int rc;

	(void)me;
	if (++tally->running > tally->most)
		tally->most = tally->running;
	rc = troupe_sleep(self, (uint64_t)(*item < 0 ? 1 : *item) * TROUPE_MS_NS);
	tally->running--;
	if (rc == 0 && *item < 0)
		rc = *item;
	tally->done += rc == 0;
	return rc;
}
TROUPE_TASK(visits, struct puppet, const int, struct tally)

/* Sleeps n ms, then fails with that. */
static int fails(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	int rc = tasking_nap(self, (unsigned)(uintptr_t)n);

	(void)me;
	(void)unused;
	return rc < 0 ? rc : -(int)(uintptr_t)n;
}
TROUPE_TASK(fails, struct puppet, void, void)

static int says(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	note(self, "said; ");
	return 5;
}
TROUPE_TASK(says, struct puppet, void, void)

static void run_in(const struct troupe_task_entry *entry, uint32_t tasks, unsigned ms,
		   const char *log)
{
	struct world world;

	world_init(&world, 1, NULL);
	world.test = (void *)(uintptr_t)entry;
	world.hooks.num = tasking_starts_the_test;
	assert_int_equal(
		runtime_unit_define(world.runtime, &(struct runtime_unit){.number = 2,
									  .name = "unit2",
									  .type = world.type,
									  .tasks = tasks}),
		0);
	world_spawn_in(&world, 2, 1);
	world_send(&world, world.actors[1], 0);
	world_run(&world);
	world_sleep(&world, ms * TROUPE_MS_NS);
	tasking_finish(&world, log);
}

/* ------------------------------------------------------------------ all */

static int visit_all(struct troupe_self *self, const int *items, size_t count, size_t limit,
		     struct tally *tally)
{
	*tally = (struct tally){0};
	return troupe_for_all(self, &visits_task, items, sizeof(*items), count, limit, tally);
}

TEST_TASK(visits_a_hundred)
{
	uint64_t begun_ns = troupe_now_ns(self);
	struct tally tally;
	int items[100];

	UNUSED;
	for (int i = 0; i < 100; i++)
		items[i] = 1 + i % 3;
	assert_int_equal(visit_all(self, items, 100, 7, &tally), 0);
	assert_int_equal(tally.most, 7);
	assert_int_equal(tally.done, 100);
	/* 199 ms in all, by seven at a time */
	assert_in_range(troupe_now_ns(self) - begun_ns, 28 * TROUPE_MS_NS, 35 * TROUPE_MS_NS);
	/* more than there are, and as many as there are */
	assert_int_equal(visit_all(self, items, 5, 1000, &tally), 0);
	assert_int_equal(tally.most, 5);
	assert_int_equal(visit_all(self, items, 100, TROUPE_UNLIMITED, &tally), 0);
	assert_int_equal(tally.most, 100);
	assert_int_equal(tally.done, 100);
	/* none at all */
	assert_int_equal(visit_all(self, NULL, 0, 7, &tally), 0);
	return 0;
}

static void limit_of_for_all_holds(void **state)
{
	(void)state;
	tasking_run(&visits_a_hundred_task, 200, "1:num 0; ");
}

TEST_TASK(visits_one_that_fails)
{
	static const int items[] = {3, 3, 3, -77, 100, 3, -88, 3, 3};
	struct tally tally;

	UNUSED;
	assert_int_equal(visit_all(self, items, ARRAY_LEN(items), 3, &tally), -77);
	/* the fifth was cancelled, and those behind it did not begin */
	assert_int_equal(tally.done, 3);
	assert_int_equal(tally.running, 0);
	return troupe_sleep(self, 1);
}

static void first_failure_of_for_all_cancels_the_others(void **state)
{
	(void)state;
	tasking_run(&visits_one_that_fails_task, 50, "1:num 0; ");
}

TEST_TASK(visits_until_cut)
{
	static const int items[] = {2, 2, 2, 2, 2, 2};
	struct troupe_scope scope;
	struct tally tally;

	UNUSED;
	for (unsigned ms = 1; ms <= 8; ms++) {
		int rc;

		assert_int_equal(troupe_scope_begin(self, ms * TROUPE_MS_NS, &scope), 0);
		rc = visit_all(self, items, ARRAY_LEN(items), 2, &tally);
		/* told only when something was not done */
		assert_int_equal(rc, tally.done == ARRAY_LEN(items) ? 0 : -ETIMEDOUT);
		assert_int_equal(tally.running, 0);
		assert_int_equal(troupe_scope_end(self, scope), rc);
		note(self, "%d ", tally.done);
	}
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	troupe_scope_cancel(self, scope);
	assert_int_equal(visit_all(self, items, ARRAY_LEN(items), 2, &tally), -ECANCELED);
	assert_int_equal(tally.done, 0);
	return troupe_scope_end(self, scope) == -ECANCELED ? 0 : -EIO;
}

static void for_all_that_is_cut_says_so_unless_all_is_done(void **state)
{
	(void)state;
	tasking_run(&visits_until_cut_task, 100, "1:num 0; 0 0 2 2 4 4 6 6 ");
}

/* Items that never wait let others run in between, and what they leave open is ended. */
static int scribbles(struct troupe_self *self, struct puppet *me, const int *item, int *sum)
{
	struct troupe_scope scope;

	(void)me;
	note(self, "%d ", *item);
	*sum += *item;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	return 0;
}
TROUPE_TASK(scribbles, struct puppet, const int, int)

TEST_TASK(scribbles_beside_another)
{
	static const int items[] = {1, 2, 3};
	int sum = 0;

	UNUSED;
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, tasking_naps, tasking_arg(0), NULL, NULL),
		0);
	assert_int_equal(
		troupe_for_all(self, &scribbles_task, items, sizeof(items[0]), 3, 1, &sum), 0);
	assert_int_equal(sum, 6);
	/* one item is as good as an array of it */
	assert_int_equal(troupe_for_all(self, &scribbles_task, &items[2], 0, 4, 4, &sum), 0);
	assert_int_equal(sum, 18);
	return 0;
}

static void items_that_do_not_wait_let_others_run(void **state)
{
	(void)state;
	tasking_run(&scribbles_beside_another_task, 10, "1:num 0; 1 nap0 0; 2 3 3 3 3 3 ");
}

TEST_TASK(runs_out_of_tasks)
{
	static const int items[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
	struct tally tally;

	UNUSED;
	/* Tasks= are 4, of which this is one */
	assert_int_equal(visit_all(self, items, ARRAY_LEN(items), 5, &tally), 0);
	assert_int_equal(tally.most, 3);
	assert_int_equal(tally.done, 9);
	for (int i = 0; i < 3; i++)
		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, tasking_naps,
					      tasking_arg(2), NULL, NULL),
				 0);
	assert_int_equal(visit_all(self, items, ARRAY_LEN(items), 5, &tally), -EAGAIN);
	assert_int_equal(troupe_sleep(self, 3 * TROUPE_MS_NS), 0);
	return 0;
}

static void for_all_takes_the_tasks_that_there_are(void **state)
{
	(void)state;
	run_in(&runs_out_of_tasks_task, 4, 50, "1:num 0; nap2 0; nap2 0; nap2 0; ");
}

/* ------------------------------------------------------------------ the first */

static int race(struct troupe_self *self, const struct troupe_task_entry *a, int a_ms,
		const struct troupe_task_entry *b, int b_ms, const struct troupe_task_entry *c,
		int c_ms)
{
	const struct troupe_task_entry *const entries[] = {a, b, c};
	void *const args[] = {tasking_arg(a_ms), tasking_arg(b_ms), tasking_arg(c_ms)};

	return troupe_race(self, 3, entries, args, NULL);
}

TEST_TASK(races)
{
	const struct troupe_task_entry *const two[] = {&says_task, tasking_naps};

	UNUSED;
	assert_int_equal(race(self, tasking_naps, 9, tasking_naps, 3, tasking_naps, 6), 1);
	note(self, "| ");
	/* failures are no wins */
	assert_int_equal(race(self, &fails_task, 1, tasking_naps, 9, &fails_task, 3), 1);
	note(self, "| ");
	assert_int_equal(race(self, &fails_task, 2, &fails_task, 3, &fails_task, 1), -3);
	note(self, "| ");
	/* the first at once: the other does not even begin */
	assert_int_equal(troupe_race(self, 2, two, NULL, NULL), 0);
	return troupe_sleep(self, 1);
}

static void first_that_does_not_fail_wins(void **state)
{
	(void)state;
	tasking_run(&races_task, 100,
		    "1:num 0; nap3 0; nap9 -125; nap6 -125; | nap1 0; nap3 0; nap9 0; | "
		    "nap1 0; nap2 0; nap3 0; | said; ");
}

TEST_TASK(races_in_vain)
{
	struct troupe_scope scope;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, 5 * TROUPE_MS_NS, &scope), 0);
	assert_int_equal(race(self, &fails_task, 2, tasking_naps, 20, tasking_naps, 30),
			 -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	note(self, "| ");
	/* the winner comes as the time is up, or not */
	for (unsigned ms = 2; ms <= 4; ms++) {
		int rc;

		assert_int_equal(troupe_scope_begin(self, ms * TROUPE_MS_NS, &scope), 0);
		rc = race(self, tasking_naps, 3, tasking_naps, 3, tasking_naps, 20);
		assert_true(rc == 0 || rc == -ETIMEDOUT);
		(void)troupe_scope_end(self, scope);
	}
	world_log(world_of(self));
	/* one that cannot be started ends those that were */
	assert_int_equal(race(self, tasking_naps, 3, NULL, 0, tasking_naps, 20), -EINVAL);
	return troupe_sleep(self, 1);
}

static void race_that_nobody_wins_says_why(void **state)
{
	(void)state;
	tasking_run(&races_in_vain_task, 100, "");
}

TEST_TASK(races_too_many)
{
	UNUSED;
	assert_int_equal(race(self, tasking_naps, 1, tasking_naps, 2, tasking_naps, 3),
			 -EAGAIN);
	return troupe_sleep(self, 1);
}

static void race_needs_all_of_its_tasks(void **state)
{
	(void)state;
	run_in(&races_too_many_task, 3, 10, "1:num 0; ");
}

/* ------------------------------------------------------------------ what is refused */

static int asks_for_what_it_may_not(struct troupe_self *self, struct puppet *me,
				    struct troupe_call call, int64_t n)
{
	const struct troupe_task_entry small = {
		.table_size = 8, .name = "small", .run = tasking_naps->run};
	const struct troupe_task_entry *entries[] = {tasking_naps};
	int items[2] = {0};

	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_for_all(self, NULL, items, 4, 2, 1, NULL), -EINVAL);
	assert_int_equal(troupe_for_all(self, &small, items, 4, 2, 1, NULL), -EINVAL);
	assert_int_equal(troupe_for_all(self, tasking_naps, NULL, 4, 2, 1, NULL), -EINVAL);
	assert_int_equal(troupe_for_all(self, tasking_naps, items, SIZE_MAX / 2, 3, 1, NULL),
			 -EINVAL);
	assert_int_equal(troupe_race(self, 0, entries, NULL, NULL), -EINVAL);
	assert_int_equal(troupe_race(self, 1, NULL, NULL, NULL), -EINVAL);
	/* a handler cannot wait */
	assert_int_equal(troupe_for_all(self, tasking_naps, items, 4, 2, 1, NULL), -EDEADLK);
	assert_int_equal(troupe_race(self, 1, entries, NULL, NULL), -EDEADLK);
	return 0;
}

static void what_cannot_be_gathered_is_refused(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = asks_for_what_it_may_not;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 0);
	world_run(&world);
	assert_log(&world, "1:num 0; ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_of_for_all_holds),
		cmocka_unit_test(first_failure_of_for_all_cancels_the_others),
		cmocka_unit_test(for_all_that_is_cut_says_so_unless_all_is_done),
		cmocka_unit_test(items_that_do_not_wait_let_others_run),
		cmocka_unit_test(for_all_takes_the_tasks_that_there_are),
		cmocka_unit_test(first_that_does_not_fail_wins),
		cmocka_unit_test(race_that_nobody_wins_says_why),
		cmocka_unit_test(race_needs_all_of_its_tasks),
		cmocka_unit_test(what_cannot_be_gathered_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
