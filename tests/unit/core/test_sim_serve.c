/* Handlers that are tasks: what becomes of their message and their call while they wait. */
#include "cluster.h"
#include "core/cold.h"
#include "core/inside.h"
#include "tasker.h"
#include <errno.h>
#include <troupe/await.h>

static void others_are_handled_while_a_handler_waits(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 0);
	tasker_ask(&world, 20);
	tasker_ask(&world, 10);
	assert_log(&world, "1:num 120; 2:num 20; 1:num 110; 2:num 10; ");
	assert_int_equal(world.runtime->tasks.count, 2);
	tasker_send_none(&world);
	assert_log(&world, "2:none; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited10 0; 1:reply10 ok 11; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited20 0; 1:reply20 ok 21; ");
	assert_int_equal(world.runtime->tasks.count, 0);
	world_finish(&world);
}

static void failure_after_a_wait_is_the_calls_and_counts(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 0);
	tasker_ask(&world, 50);
	world_sleep(&world, 50 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 150; 2:num 50; 2:waited50 0; 1:reply50 failed (EIO); ");
	assert_int_equal(world.failures, 1);
	assert_non_null(strstr(world.last_failure, "Num"));
	/* also of a message that was only sent */
	assert_int_equal(world_send(&world, world.actors[2], 50), 0);
	world_run(&world);
	world_sleep(&world, 50 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:num 50; 2:waited50 0; ");
	assert_int_equal(world.failures, 2);
	world_finish(&world);
}

static int forgets(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	(void)call;
	return troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS);
}

static void handler_without_an_answer_gives_no_reply(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, forgets, 0);
	tasker_ask(&world, 1);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 101; 2:num 1; 1:reply1 no-reply; ");
	world_finish(&world);
}

static int answers_twice(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	assert_true(troupe_call_wants_reply(self, call));
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_true(troupe_call_wants_reply(self, call));
	assert_false(troupe_call_wants_more(self, call));
	me->kept_call = call;
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), 0);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), -EALREADY);
	assert_int_equal(troupe_sleep(self, 5 * TROUPE_MS_NS), 0);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), -EALREADY);
	note(self, "2:answered; ");
	return 0;
}

static void handle_is_good_over_waits_and_used_once(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, answers_twice, 0);
	tasker_ask(&world, 3);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 103; 2:num 3; 1:reply3 ok 3; ");
	assert_int_equal(world.runtime->kept_calls.count, 0);
	world_sleep(&world, 5 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:answered; ");
	world_finish(&world);
}

static int keeps_it(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	struct troupe_call kept = call;

	if (n == 9) /* for whom it was kept */
		return troupe_return(self, me->kept_call, &num_method, &(struct num){n});
	if (n == 1)
		assert_int_equal(troupe_call_keep(self, &kept), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	if (n == 2)
		assert_int_equal(troupe_call_keep(self, &kept), 0);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), -EALREADY);
	me->kept_call = kept;
	return n == 3 ? -EIO : 0;
}

static void call_is_kept_before_or_after_a_wait(void **state)
{
	struct world world;

	(void)state;
	for (int n = 1; n <= 2; n++) {
		tasker_begin(&world, keeps_it, 0);
		tasker_ask(&world, n);
		world_sleep(&world, TROUPE_MS_NS + A_BIT);
		assert_int_equal(world.runtime->tasks.count, 0);
		assert_int_equal(world_send(&world, world.actors[2], 9), 0);
		world_run(&world);
		assert_non_null(strstr(world_log(&world),
				       n == 1 ? "1:reply1 ok 9; " : "1:reply2 ok 9; "));
		/* and its owner learns that nobody waits, as of any */
		tasker_ask(&world, n);
		world_sleep(&world, TROUPE_MS_NS + A_BIT);
		world_log(&world);
		world_sleep(&world, TROUPE_SECOND_NS + A_BIT);
		assert_non_null(strstr(world_log(&world), "2:cancel; "));
		world_finish(&world);
	}
}

/* A task that has waited hands its message on; 3 is a plain puppet. */
static int forwards(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	if (me->id == 3)
		return troupe_return(self, call, &num_method, &(struct num){n + 30});
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_forward(self, world_of(self)->actors[3]), 0);
	assert_int_equal(troupe_forward(self, world_of(self)->actors[3]), -EALREADY);
	return troupe_sleep(self, TROUPE_MS_NS);
}

static void message_is_forwarded_after_a_wait(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, forwards, 0);
	world.actors[3] = world_spawn(&world, 3);
	tasker_ask(&world, 4);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 104; 2:num 4; 3:num 4; 1:reply4 ok 34; ");
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	world_finish(&world);
}

static int forwards_in_vain(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_forward(self, (struct troupe_address){0}), -ESRCH);
	note(self, "%s; ", tasker_word(troupe_sleep(self, 50 * TROUPE_MS_NS)));
	return 0;
}

/* The call is still the task's, which learns when nobody waits for it any more. */
static void task_that_cannot_forward_is_cancelled_with_its_caller(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, forwards_in_vain, 0);
	tasker_ask(&world, 4);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_log(&world, "1:num 104; 2:num 4; 1:fini shutdown; ECANCELED; ");
	assert_int_equal(world.runtime->kept_calls.count, 0);
	world_finish(&world);
}

static int forwards_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 const char *text)
{
	(void)call;
	if (me->id == 3)
		return 0;
	assert_int_equal(troupe_forward(self, world_of(self)->actors[3]), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "still %s; ", text);
	return 0;
}

/* The task reads its message until it returns, whatever has become of it elsewhere. */
static void message_is_good_behind_its_forward(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, NULL, 0);
	world.hooks.text = forwards_text;
	world.actors[3] = world_spawn(&world, 3);
	assert_int_equal(tasker_send_text(&world, "first"), 0);
	world.actors[2] = world.actors[3]; /* that one has freed it: the next lies there */
	assert_int_equal(tasker_send_text(&world, "other"), 0);
	assert_log(&world, "2:text first; 3:text first; 3:text other; ");
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "still first; ");
	world_finish(&world);
}

static int keeps_message(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	(void)call;
	if (n == 9) {
		assert_int_equal(((const struct num *)troupe_kept_in(me->kept))->n, 7);
		troupe_release(self, me->kept);
		me->kept = NULL;
		return 0;
	}
	assert_int_equal(troupe_keep(self, &me->kept), 0);
	assert_int_equal(troupe_sleep(self, 2 * TROUPE_MS_NS), 0);
	assert_null(me->kept); /* somebody else has released it, and this one still reads */
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void message_is_the_tasks_whoever_releases_what_was_kept(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, keeps_message, 0);
	tasker_ask(&world, 7);
	assert_int_equal(world_send(&world, world.actors[2], 9), 0);
	world_run(&world);
	world_sleep(&world, 2 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 107; 2:num 7; 2:num 9; 1:reply7 ok 7; ");
	world_finish(&world);
}

static int streams(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	for (int64_t i = 0; i < n; i++) {
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){i}), 0);
		assert_int_equal(troupe_sleep(self, TROUPE_SECOND_NS), 0);
	}
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void stream_goes_on_over_waits(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, streams, 0);
	tasker_ask(&world, 103);
	for (int i = 0; i < 103; i++)
		world_sleep(&world, TROUPE_SECOND_NS + A_BIT);
	assert_non_null(strstr(world_log(&world), "1:reply103 ok+ 101; 1:reply103 ok+ 102; "
						  "1:reply103 ok 103; "));
	world_finish(&world);
}

static void begin_far(struct cluster *cluster, behaviour *two)
{
	cluster_begin(cluster, two);
	for (int i = 2; i <= 3; i++) {
		struct world *world = &cluster->worlds[i];

		world_unit(world, 2, world->tasker, 0, 0, 0);
		assert_int_equal(runtime_stop(world->runtime, world->actors[i]), 0);
		world_run(world);
		world->actors[i] = world_spawn_in(world, 2, i);
		world_log(world);
	}
}

static void sleep_far(struct cluster *cluster, uint64_t ns)
{
	for (int i = 1; i <= 3; i++)
		if (cluster->net.worlds[i])
			world_sleep(&cluster->worlds[i], ns + A_BIT);
	net_run(&cluster->net);
}

static void call_from_another_process_is_answered_after_a_wait(void **state)
{
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, tasker_waits);
	cluster_ask(&cluster, 107);
	net_run(&cluster.net);
	sleep_far(&cluster, 7 * TROUPE_MS_NS);
	assert_log(&cluster.worlds[2], "2:num 7; 2:waited7 0; ");
	assert_log(&cluster.worlds[1], "1:num 107; 1:reply7 ok 8; ");
	net_finish(&cluster.net);
}

static void handler_is_cancelled_when_the_callers_process_says_so_or_dies(void **state)
{
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, tasker_waits_long);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	sleep_far(&cluster, TROUPE_SECOND_NS);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 timeout; ");
	assert_log(&cluster.worlds[2], "2:num 1; 2:ETIMEDOUT; ");
	cluster_ask(&cluster, 102);
	net_run(&cluster.net);
	net_kill(&cluster.net, 1);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 2; 2:ECANCELED; ");
	net_finish(&cluster.net);
}

static int forwards_far(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	struct world *world = world_of(self);

	if (troupe_sleep(self, TROUPE_MS_NS) < 0)
		return -EIO;
	if (me->id == 3)
		return troupe_return(self, call, &num_method, &(struct num){n + 30});
	assert_int_equal(troupe_forward(self, cluster_address(world, 3)), 0);
	return 0;
}

static void call_from_another_process_is_forwarded_after_a_wait(void **state)
{
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, forwards_far);
	cluster_ask(&cluster, 105);
	net_run(&cluster.net);
	sleep_far(&cluster, TROUPE_MS_NS);
	sleep_far(&cluster, TROUPE_MS_NS);
	assert_log(&cluster.worlds[1], "1:num 105; 1:reply5 ok 35; ");
	assert_log(&cluster.worlds[3], "3:num 5; ");
	net_finish(&cluster.net);
}

static void method_with_two_handlers_is_refused(void **state)
{
	static troupe_handler_fn *const ways[9] = {(troupe_handler_fn *)1,
						   (troupe_handler_fn *)1};
	struct troupe_handlers two = *tasker_table.interfaces[0];
	struct troupe_actor table = tasker_table;
	const struct runtime_type *type;
	struct world world;
	const char *why;

	(void)state;
	world_init(&world, 1, NULL);
	two.ways = ways;
	table.interfaces[0] = &two;
	assert_int_equal(runtime_type_add(world.runtime, &table, NULL, &type, &why), -EINVAL);
	assert_string_equal(why, "a method has two handlers");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_are_handled_while_a_handler_waits),
		cmocka_unit_test(failure_after_a_wait_is_the_calls_and_counts),
		cmocka_unit_test(handler_without_an_answer_gives_no_reply),
		cmocka_unit_test(handle_is_good_over_waits_and_used_once),
		cmocka_unit_test(call_is_kept_before_or_after_a_wait),
		cmocka_unit_test(message_is_forwarded_after_a_wait),
		cmocka_unit_test(message_is_good_behind_its_forward),
		cmocka_unit_test(task_that_cannot_forward_is_cancelled_with_its_caller),
		cmocka_unit_test(message_is_the_tasks_whoever_releases_what_was_kept),
		cmocka_unit_test(stream_goes_on_over_waits),
		cmocka_unit_test(call_from_another_process_is_answered_after_a_wait),
		cmocka_unit_test(handler_is_cancelled_when_the_callers_process_says_so_or_dies),
		cmocka_unit_test(call_from_another_process_is_forwarded_after_a_wait),
		cmocka_unit_test(method_with_two_handlers_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
