/* Awaits that end otherwise: by time, a cancellation, or the end of either actor. */
#include "asking.h"
#include "base/cleanup.h"
#include "core/inside.h"
#include "core/task.h"
#include <errno.h>

static int keeps_or_dies(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	if (n == 99)
		return troupe_return(self, call, &num_method, &(struct num){100});
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	if (n == 5)
		troupe_exit(self, 0);
	return 0;
}

static void await_ends_with_the_callee(void **state)
{
	struct asking play = {asking_once, keeps_or_dies};
	struct cluster cluster;
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 5);
	world_run(&world);
	assert_log(&world, "1:num 5; 2:num 5; 2:fini normal; 5:ECONNRESET; ");
	world_finish(&world);

	asking_begin_far(&cluster, &play);
	asking_tell(&cluster.worlds[1], 4);
	net_run(&cluster.net);
	assert_string_equal(task_at(cluster.worlds[1].runtime, 0)->waits_for, "answer");
	net_kill(&cluster.net, 2);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 4; 4:ECONNRESET; ");
	net_finish(&cluster.net);
}

static int asks_in_time(struct troupe_self *self, struct puppet *me, void *ms, void *unused)
{
	uint64_t timeout_ns = (uint64_t)(uintptr_t)ms * TROUPE_MS_NS;
	struct troupe_answer answer = {0};
	struct troupe_scope outer, inner;
	int rc;

	(void)me;
	(void)unused;
	assert_int_equal(troupe_scope_begin(self, timeout_ns, &outer), 0);
	assert_int_equal(troupe_scope_begin(self, 2 * timeout_ns, &inner), 0);
	rc = asking_await(self, cluster_puppet(self, 2), 1, &answer);
	note(self, "%d ms:", (int)(troupe_now_ns(self) / TROUPE_MS_NS));
	asking_note(self, rc, &answer);
	assert_int_equal(asking_await(self, cluster_puppet(self, 2), 1, &answer), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, inner), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, outer), -ETIMEDOUT);
	assert_int_equal(asking_await(self, cluster_puppet(self, 2), 99, &answer), 0);
	return 0;
}
TROUPE_TASK(asks_in_time, struct puppet, void, void)

static void time_of_an_await_is_that_of_its_scopes(void **state)
{
	struct asking play = {&asks_in_time_task, keeps_or_dies};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	play.two = keeps_or_dies;
	asking_tell(&world, 100);
	world_run(&world);
	assert_log(&world, "1:num 100; 2:num 1; ");
	world_sleep(&world, 99 * TROUPE_MS_NS);
	assert_log(&world, "");
	world_sleep(&world, 2 * TROUPE_MS_NS);
	/* the callee hears of it, and the next call is made */
	assert_non_null(strstr(world_log(&world), "2:cancel; "));
	world_finish(&world);
}

static int asks_in_time_far(struct troupe_self *self, struct puppet *me, void *ms, void *unused)
{
	struct troupe_answer answer = {0};
	struct troupe_scope scope;
	int rc;

	(void)me;
	(void)unused;
	assert_int_equal(
		troupe_scope_begin(self, (uint64_t)(uintptr_t)ms * TROUPE_MS_NS, &scope), 0);
	rc = asking_await(self, cluster_puppet(self, 2), 1, &answer);
	asking_note(self, rc, &answer);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(asks_in_time_far, struct puppet, void, void)

static void callee_elsewhere_is_told_the_time(void **state)
{
	struct asking play = {&asks_in_time_far_task, keeps_or_dies};
	struct cluster cluster;

	(void)state;
	asking_begin_far(&cluster, &play);
	asking_tell(&cluster.worlds[1], 50);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 1; ");
	world_sleep(&cluster.worlds[1], 51 * TROUPE_MS_NS);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 50; ETIMEDOUT; ");
	assert_log(&cluster.worlds[2], "2:cancel; ");
	net_finish(&cluster.net);
}

static int asks_and_is_cancelled(struct troupe_self *self, struct puppet *me, void *n,
				 void *unused)
{
	struct troupe_task task;
	struct troupe_scope scope;
	int result;

	(void)me;
	(void)unused;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	assert_int_equal(troupe_start(self, scope, asking_once, n, NULL, &task), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_task_cancel(self, task), 0);
	assert_int_equal(troupe_join(self, task, &result), 0);
	note(self, "joined %d; ", result);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(asks_and_is_cancelled, struct puppet, void, void)

static void cancelled_await_cancels_its_call(void **state)
{
	struct asking play = {&asks_and_is_cancelled_task, keeps_or_dies};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 1);
	world_sleep(&world, 2 * TROUPE_MS_NS);
	assert_log(&world, "1:num 1; 2:num 1; 1:ECANCELED; 2:cancel; joined -125; ");
	assert_int_equal(world.runtime->calls.count, 0);
	world_finish(&world);
}

/* The callee answers and cancels the task's scope in one handler, in either order. */
static int is_told_to_cancel(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	struct troupe_self other = asking_outside(world_of(self), 1);

	(void)me;
	if (n == 1)
		assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n + 1}),
				 0);
	troupe_scope_cancel(&other, TROUPE_OF_ACTOR);
	if (n == 2)
		assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n + 1}),
				 0);
	return 0;
}

static int asks_then_sleeps(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};
	int rc = asking_await(self, cluster_puppet(self, 2), (int64_t)(uintptr_t)n, &answer);

	(void)me;
	(void)unused;
	asking_note(self, rc, &answer);
	rc = troupe_sleep(self, TROUPE_MS_NS);
	note(self, "then %d; ", rc);
	return rc;
}
TROUPE_TASK(asks_then_sleeps, struct puppet, void, void)

static void result_that_is_there_wins(void **state)
{
	struct asking play = {&asks_then_sleeps_task, is_told_to_cancel};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 1);
	world_run(&world);
	assert_log(&world, "1:num 1; 2:num 1; ok 2; then -125; ");
	asking_tell(&world, 2);
	world_run(&world);
	assert_log(&world, "1:num 2; 2:num 2; ok 3; then -125; ");
	world_finish(&world);
}

static int asks_in_a_shield(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};
	struct troupe_scope shield;
	int rc = troupe_sleep(self, 10 * TROUPE_SECOND_NS);

	(void)me;
	(void)unused;
	assert_int_equal(rc, -ECANCELED);
	assert_int_equal(asking_await(self, cluster_puppet(self, 2), 1, &answer), -ECANCELED);
	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	rc = asking_await(self, cluster_puppet(self, 2), (int64_t)(uintptr_t)n, &answer);
	asking_note(self, rc, &answer);
	return troupe_scope_end(self, shield);
}
TROUPE_TASK(asks_in_a_shield, struct puppet, void, void)

static void who_ends_may_still_ask_in_a_shield(void **state)
{
	struct asking play = {&asks_in_a_shield_task, asking_answers};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 20);
	world_run(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_log(&world, "1:num 20; 2:num 20; ok 21; 1:fini shutdown; ");
	world_finish(&world);
}

static void shield_waits_for_room_too(void **state)
{
	struct asking play = {&asks_in_a_shield_task, asking_takes};
	struct world world;

	(void)state;
	asking_begin_small(&world, &play, 1);
	asking_tell(&world, 20);
	world_run(&world);
	assert_int_equal(world_send(&world, world.actors[2], 5), 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_non_null(strstr(world_log(&world), "ok 20; 1:fini shutdown; "));
	world_finish(&world);
}

static int never_goes(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};

	(void)me;
	(void)unused;
	while (asking_await(self, cluster_puppet(self, 2), (int64_t)(uintptr_t)n, &answer) != 0)
		;
	return 0;
}
TROUPE_TASK(never_goes, struct puppet, void, void)

static void abandoned_await_leaves_nothing(void **state)
{
	struct asking play = {&never_goes_task, keeps_or_dies};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 1);
	world_run(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	for (int i = 0; i < 20; i++) { /* it is always busy */
		sim_advance(world.loop, 300 * TROUPE_MS_NS);
		loop_step(world.loop, false);
	}
	assert_non_null(strstr(world_log(&world), "1:fini shutdown; "));
	assert_int_equal(world.runtime->calls.count, 0);
	assert_int_equal(world.runtime->kept.count, 0);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(await_ends_with_the_callee),
		cmocka_unit_test(time_of_an_await_is_that_of_its_scopes),
		cmocka_unit_test(callee_elsewhere_is_told_the_time),
		cmocka_unit_test(cancelled_await_cancels_its_call),
		cmocka_unit_test(result_that_is_there_wins),
		cmocka_unit_test(who_ends_may_still_ask_in_a_shield),
		cmocka_unit_test(shield_waits_for_room_too),
		cmocka_unit_test(abandoned_await_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
