/* Calls that are kept: answered later, by death, or when nobody waits any more. */
#include "couple.h"
#include <errno.h>

static int keeps_and_fails(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	if (n == 6) /* the handle of before is used up */
		assert_int_equal(
			troupe_return(self, me->kept_call, &num_method, &(struct num){n}),
			-EALREADY);
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return -EIO;
}

static void kept_call_ends_with_failed_when_its_handler_fails(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, keeps_and_fails);
	world_send(&world, world.actors[1], 105);
	world_send(&world, world.actors[1], 106);
	world_run(&world);
	assert_log(&world, "1:num 105; 1:num 106; 2:num 5; 2:num 6; 1:reply5 failed (EIO); "
			   "1:reply6 failed (EIO); ");
	world_finish(&world);
}

static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	struct troupe_call old = call;

	switch (n) {
	case 1:
		assert_int_equal(troupe_call_keep(self, &call), 0);
		assert_true(old.id != call.id);
		assert_int_equal(troupe_return(self, old, &num_method, &(struct num){n}),
				 -EALREADY);
		me->kept_call = call;
		return 0;
	case 2:
		assert_int_equal(
			troupe_return(self, me->kept_call, &text_method, &(struct text){"x"}),
			-EINVAL);
		assert_int_equal(
			troupe_return(self, me->kept_call, &num_method, &(struct num){7}), 0);
		assert_int_equal(
			troupe_return(self, me->kept_call, &num_method, &(struct num){7}),
			-EALREADY);
		return 0;
	case 3:
		assert_int_equal(troupe_call_drop(self, me->kept_call), 0);
		assert_int_equal(troupe_call_drop(self, me->kept_call), -ESRCH);
		return 0;
	default:
		/* the caller has gone meanwhile: nothing to do about it, and no on_cancel
		 * either */
		assert_int_equal(
			troupe_return(self, me->kept_call, &num_method, &(struct num){7}), 0);
		return 0;
	}
}

static void kept_call_is_answered_later(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, keeps);
	world_send(&world, world.actors[1], 101);
	world_run(&world);
	world_send(&world, world.actors[2], 2);
	world_run(&world);
	assert_log(&world, "1:num 101; 2:num 1; 2:num 2; 1:reply1 ok 7; ");
	world_send(&world, world.actors[1], 101);
	world_run(&world);
	world_send(&world, world.actors[2], 3);
	world_run(&world);
	assert_log(&world, "1:num 101; 2:num 1; 2:num 3; 1:reply1 no-reply; ");
	world_finish(&world);
}

static void kept_call_of_a_send_is_answered_into_the_void(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, keeps);
	world_send(&world, world.actors[2], 1);
	world_send(&world, world.actors[2], 2);
	world_run(&world);
	assert_log(&world, "2:num 1; 2:num 2; ");
	world_finish(&world);
}

static void kept_call_ends_and_is_cancelled_when_the_deadline_passes(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, keeps);
	world_send(&world, world.actors[1], 101);
	world_run(&world);
	world_sleep(&world, 999000000);
	assert_log(&world, "1:num 101; 2:num 1; ");
	world_sleep(&world, 2000000);
	assert_log(&world, "2:cancel; 1:reply1 timeout; ");
	world_finish(&world);
}

static void kept_call_is_answered_by_death(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, keeps);
	world_send(&world, world.actors[1], 101);
	world_run(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_run(&world);
	assert_log(&world, "1:num 101; 2:num 1; 2:fini shutdown; 1:reply1 died; ");
	world_finish(&world);
}

static void kept_call_is_cancelled_when_the_caller_dies(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, keeps);
	world_send(&world, world.actors[1], 101);
	world_run(&world);
	runtime_stop(world.runtime, world.actors[1]);
	world_run(&world);
	assert_log(&world, "1:num 101; 2:num 1; 1:fini shutdown; 2:cancel; ");
	/* and when it is answered before on_cancel came, that does not come */
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 101);
	world_run(&world);
	world_send(&world, world.actors[2], 9);
	runtime_stop(world.runtime, world.actors[1]);
	world_run(&world);
	assert_log(&world, "1:num 101; 2:num 1; 1:fini shutdown; 2:num 9; ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_call_is_answered_later),
		cmocka_unit_test(kept_call_ends_with_failed_when_its_handler_fails),
		cmocka_unit_test(kept_call_of_a_send_is_answered_into_the_void),
		cmocka_unit_test(kept_call_ends_and_is_cancelled_when_the_deadline_passes),
		cmocka_unit_test(kept_call_is_answered_by_death),
		cmocka_unit_test(kept_call_is_cancelled_when_the_caller_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
