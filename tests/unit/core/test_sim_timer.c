/* Timers of actors. */
#include "core/cold.h"
#include "core/inside.h"
#include "world.h"
#include <errno.h>

static int starts_timers(struct troupe_self *self, struct puppet *me)
{
	assert_int_equal(troupe_timer_start(self, &tick_entry, 50000000, 0, 1, NULL), 0);
	assert_int_equal(troupe_timer_start(self, &tick_entry, 0, 0, 2, NULL), 0);
	return troupe_timer_start(self, &tick_entry, 20000000, 20000000, 3, &me->timer);
}

static void timers_tick_once_or_each_period(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = starts_timers;
	world_spawn(&world, 1);
	world_sleep(&world, 65000000);
	assert_log(&world, "1:tick2; 1:tick3; 1:tick3; 1:tick1; 1:tick3; ");
	/* the worker stands still for long: one tick, not fifty */
	sim_advance(world.loop, 1000000000);
	world_run(&world);
	assert_log(&world, "1:tick3; ");
	world_sleep(&world, 20000000);
	assert_log(&world, "1:tick3; ");
	world_finish(&world);
}

static int stops_timer(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)call;
	(void)n;
	assert_int_equal(troupe_timer_stop(self, me->timer), 0);
	assert_int_equal(troupe_timer_stop(self, me->timer), -ESRCH);
	return 0;
}

static void stopped_timer_swallows_the_tick_that_is_due(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = starts_timers;
	world.hooks.num = stops_timer;
	world_spawn(&world, 1);
	world_run(&world);
	world_log(&world);
	world_send(&world, world.actors[1], 1); /* before the tick, in the mailbox */
	sim_advance(world.loop, 30000000);
	world_run(&world);
	world_sleep(&world, 100000000);
	assert_log(&world, "1:num 1; 1:tick1; ");
	world_finish(&world);
}

/* Five timers, stopped in an order that takes first, middle and last ones. */
static int stops_some_of_many(struct troupe_self *self, struct puppet *me)
{
	static const int order[] = {0, 2, 4};
	struct troupe_timer timers[5];

	(void)me;
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(troupe_timer_start(self, &tick_entry, 10000000,
						    i % 2 ? 0 : 10000000, i, &timers[i]),
				 0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(troupe_timer_stop(self, timers[order[i]]), 0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(troupe_timer_stop(self, timers[order[i]]), -ESRCH);
	return troupe_timer_start(self, &tick_entry, 10000000, 10000000, 5, NULL);
}

static void timers_of_an_actor_stop_in_any_order(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = stops_some_of_many;
	world_spawn(&world, 1);
	assert_int_equal(world.runtime->timers.count, 3);
	world_sleep(&world, 15000000);
	assert_log(&world, "1:tick1; 1:tick3; 1:tick5; ");
	assert_int_equal(world.runtime->timers.count, 1);
	world_sleep(&world, 10000000);
	assert_log(&world, "1:tick5; ");
	world_finish(&world);
}

static void timers_stop_at_the_limit(void **state)
{
	struct troupe_address address;
	struct world world;

	(void)state;
	world_init(&world, 1, &(struct runtime_config){.max_timers = 2});
	world.hooks.init = starts_timers;
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){1}, &address),
			 -ENOMEM);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_tick_once_or_each_period),
		cmocka_unit_test(stopped_timer_swallows_the_tick_that_is_due),
		cmocka_unit_test(timers_of_an_actor_stop_in_any_order),
		cmocka_unit_test(timers_stop_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
