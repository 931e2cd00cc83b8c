/* A mailbox that rests while a handler is alone, or as many as may be are at work. */
#include "core/inside.h"
#include "core/task.h"
#include "tasker.h"
#include <errno.h>
#include <troupe/await.h>

static void mailbox_rests_when_all_tasks_are_at_work(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 2);
	tasker_ask(&world, 10);
	tasker_ask(&world, 20);
	tasker_ask(&world, 30);
	tasker_send_none(&world);
	tasker_ask(&world, 5);
	assert_log(&world, "1:num 110; 2:num 10; 1:num 120; 2:num 20; 1:num 130; 1:num 105; ");
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), 0);
	assert_int_equal(info.queued, 3);
	assert_int_equal(world_send(&world, world.actors[2], 9), 0);
	world_run(&world);
	/* the mailbox holds four, and pushes back */
	assert_int_equal(world_send(&world, world.actors[2], 1), -EAGAIN);
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	/* in the order in which they came */
	assert_log(&world, "2:waited10 0; 1:reply10 ok 11; 2:num 30; 2:none; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited20 0; 1:reply20 ok 21; 2:num 5; ");
	world_sleep(&world, 5 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited5 0; 1:reply5 ok 6; 2:num 9; ");
	world_sleep(&world, 30 * TROUPE_MS_NS + A_BIT);
	world_finish(&world);
}

static int speaks(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  const char *text)
{
	struct troupe_timer timer;
	int rc;

	(void)call;
	assert_int_equal(troupe_timer_start(self, &tick_entry, 5 * TROUPE_MS_NS, 0, 1, &timer),
			 0);
	rc = troupe_sleep(self, 10 * TROUPE_MS_NS);
	note(self, "%d:%s said %s; ", (int)me->id, text, tasker_word(rc));
	return 0;
}

static void nothing_is_handled_beside_one_that_is_alone(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 0);
	world.hooks.text = speaks;
	tasker_ask(&world, 2); /* it waits, and goes on beside the one that is alone */
	assert_int_equal(tasker_send_text(&world, "a"), 0);
	tasker_send_none(&world);
	assert_int_equal(tasker_send_text(&world, "b"), 0);
	assert_int_equal(world_send(&world, world.actors[2], 0), 0);
	world_run(&world);
	assert_log(&world, "1:num 102; 2:num 2; 2:text a; ");
	world_sleep(&world, 5 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited2 0; 1:reply2 ok 3; 2:tick1; ");
	world_sleep(&world, 5 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:a said 0; 2:none; 2:text b; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:tick1; 2:b said 0; 2:num 0; 2:waited0 0; ");
	world_finish(&world);
}

static void end_of_a_resting_actor_answers_what_it_has_set_aside(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 0);
	world.hooks.text = speaks;
	assert_int_equal(tasker_send_text(&world, "a"), 0);
	tasker_ask(&world, 3);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_run(&world);
	assert_log(&world, "2:text a; 1:num 103; 1:reply3 died; 2:a said ECANCELED; "
			   "2:fini shutdown; ");
	world_finish(&world);
}

static int yields(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	int rc = n ? troupe_yield(self) : 0;

	(void)call;
	note(self, "%d:yielded%d; ", (int)me->id, (int)n);
	return rc;
}

/* A call lies behind the notice with which the first task goes on and ends, and so is in the
 * turn in which the mailbox is released. It comes behind what was set aside. */
static void order_is_kept_when_it_goes_on_within_a_turn(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, yields, 1);
	assert_int_equal(world_send(&world, world.actors[2], 1), 0);
	assert_int_equal(world_send(&world, world.actors[2], 2), 0);
	tasker_ask(&world, 0);
	assert_log(&world, "2:num 1; 1:num 100; 2:yielded1; 2:num 2; 2:yielded2; 2:num 0; "
			   "2:yielded0; 1:reply0 no-reply; ");
	world_finish(&world);
}

static int ends_at_once(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	(void)self;
	(void)me;
	(void)unused;
	(void)unused_too;
	return 0;
}
TROUPE_TASK(ends_at_once, struct puppet, void, void)

static int starts_two(struct troupe_self *self, struct puppet *me)
{
	struct troupe_task task;

	(void)me;
	for (int i = 0; i < 2; i++)
		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &ends_at_once_task, NULL,
					      NULL, &task),
				 0);
	return 0;
}

/* Those that have ended and are not joined take no handler's place: the mailbox would rest for
 * ever. */
static void mailbox_does_not_rest_for_tasks_that_have_ended(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 2);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_run(&world);
	world.hooks.init = starts_two;
	world.actors[2] = world_spawn_in(&world, 2, 2);
	world_run(&world);
	world_log(&world);
	tasker_ask(&world, 10);
	tasker_ask(&world, 10);
	tasker_ask(&world, 10);
	assert_log(&world, "1:num 110; 2:num 10; 1:num 110; 2:num 10; 1:num 110; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited10 0; 2:waited10 0; 1:reply10 ok 11; 1:reply10 ok 11; "
			   "2:num 10; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailbox_rests_when_all_tasks_are_at_work),
		cmocka_unit_test(nothing_is_handled_beside_one_that_is_alone),
		cmocka_unit_test(end_of_a_resting_actor_answers_what_it_has_set_aside),
		cmocka_unit_test(order_is_kept_when_it_goes_on_within_a_turn),
		cmocka_unit_test(mailbox_does_not_rest_for_tasks_that_have_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
