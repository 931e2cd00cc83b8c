/* Handlers that fail: counted, reported, and what broke a type is named, once. */
#include "core/inside.h"
#include "world.h"
#include <errno.h>

/* What Num(n) does, to have one way for all. */
enum { FAIL, SEND_NULL, SEND_NOTHING, SWALLOW, SPAWN_AFTER, WRONG_HANDLE };

static int misbehave(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	struct troupe_address child, own = troupe_address(self);
	int rc = -EINVAL;

	(void)me;
	switch (n) {
	case SEND_NULL:
		return troupe_send(self, own, &text_method, &(struct text){NULL});
	case SEND_NOTHING:
		return troupe_send(self, own, &text_method, NULL);
	case SWALLOW:
		assert_int_equal(troupe_send(self, own, &text_method, &(struct text){NULL}),
				 -EINVAL);
		return 0;
	case SPAWN_AFTER:
		rc = troupe_send(self, own, &text_method, &(struct text){NULL});
		assert_int_equal(troupe_spawn(self, &puppet_table, &(struct num){2},
					      TROUPE_DETACHED, &child),
				 0);
		return rc;
	case WRONG_HANDLE:
		rc = troupe_return(self, (struct troupe_call){call.id + 2}, &num_method,
				   &(struct num){1});
		assert_int_equal(rc, -EINVAL);
		return rc;
	default:
		return rc;
	}
}

static int fail_on_tick(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)self;
	(void)me;
	(void)context;
	return -EPIPE;
}

static int start_tick(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)call;
	(void)n;
	return troupe_timer_start(self, &tick_entry, 1000, 0, 0, &me->timer);
}

static void tell(struct world *world, int64_t n, const char *expected)
{
	uint64_t before = world->failures;

	world_send(world, world->actors[1], n);
	world_run(world);
	assert_int_equal(world->failures - before, expected != NULL);
	if (expected)
		assert_string_equal(world->last_failure, expected);
}

static void failure_names_the_field_that_broke_its_type(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = misbehave;
	world_spawn(&world, 1);
	tell(&world, FAIL, "unit1 1 Num -22 ");
	tell(&world, SEND_NULL, "unit1 1 Num -22 text: a string, found NULL");
	tell(&world, SEND_NOTHING, "unit1 1 Num -22 a value, found NULL");
	/* What an earlier handler was told has nothing to do with another's failure. */
	tell(&world, SWALLOW, NULL);
	tell(&world, FAIL, "unit1 1 Num -22 ");
	tell(&world, WRONG_HANDLE, "unit1 1 Num -22 ");
	tell(&world, SPAWN_AFTER, "unit1 1 Num -22 text: a string, found NULL");
	world_finish(&world);
}

static int asks_or_misbehaves(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	if (me->id == 1)
		return misbehave(self, me, call, n);
	return troupe_call(self, world_of(self)->actors[1], &num_method, &(struct num){n},
			   &num_entry, (uint64_t)n, 0, 0, NULL);
}

static void caller_gets_the_field_that_broke_its_type(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = asks_or_misbehaves;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_send(&world, world.actors[2], SEND_NULL);
	world_send(&world, world.actors[2], FAIL);
	world_run(&world);
	assert_log(&world, "2:num 1; 2:num 0; 1:num 1; 1:num 0; "
			   "2:reply1 failed (EINVAL) (text: a string, found NULL); "
			   "2:reply0 failed (EINVAL); ");
	world_finish(&world);
}

static void failure_of_a_timer_is_reported_as_one(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = start_tick;
	world.hooks.tick = fail_on_tick;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	world_sleep(&world, 2000000);
	assert_int_equal(world.failures, 1);
	assert_string_equal(world.last_failure, "unit1 1 a timer -32 ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failure_names_the_field_that_broke_its_type),
		cmocka_unit_test(caller_gets_the_field_that_broke_its_type),
		cmocka_unit_test(failure_of_a_timer_is_reported_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
