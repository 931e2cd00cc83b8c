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

static int moves_timer(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)call;
	return troupe_timer_move(self, me->timer, (uint64_t)n * 1000000);
}

static int has_a_timer(struct troupe_self *self, struct puppet *me)
{
	return troupe_timer_start(self, &tick_entry, 20000000, 0, 3, &me->timer);
}

static int has_a_period(struct troupe_self *self, struct puppet *me)
{
	return troupe_timer_start(self, &tick_entry, 20000000, 20000000, 3, &me->timer);
}

static void timer_moves_both_ways(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = has_a_timer;
	world.hooks.num = moves_timer;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 50); /* later */
	world_sleep(&world, 49000000);
	assert_log(&world, "1:num 50; ");
	world_send(&world, world.actors[1], 40);
	world_run(&world);
	world_send(&world, world.actors[1], 5); /* sooner */
	world_sleep(&world, 6000000);
	assert_log(&world, "1:num 40; 1:num 5; 1:tick3; ");
	/* it is gone with its tick */
	world_send(&world, world.actors[1], 5);
	world_sleep(&world, 100000000);
	assert_log(&world, "1:num 5; ");
	assert_int_equal(world.failures, 1);
	assert_int_equal(world.runtime->timers.count, 0);
	world_finish(&world);
}

static void period_goes_on_from_where_the_tick_was_moved_to(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = has_a_period;
	world.hooks.num = moves_timer;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 50);
	world_sleep(&world, 69000000);
	assert_log(&world, "1:num 50; 1:tick3; ");
	world_sleep(&world, 2000000);
	assert_log(&world, "1:tick3; ");
	/* at once */
	world_send(&world, world.actors[1], 0);
	world_run(&world);
	assert_log(&world, "1:num 0; 1:tick3; ");
	world_sleep(&world, 19000000);
	assert_log(&world, "");
	world_sleep(&world, 2000000);
	assert_log(&world, "1:tick3; ");
	world_finish(&world);
}

/* Its tick lies in the mailbox, behind the message that moves it. */
static void tick_that_is_due_is_moved(void **state)
{
	static const struct {
		int64_t ms;
		bool is_periodic;
	} cases[] = {{30, false}, {30, true}, {0, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		world_init(&world, 1, NULL);
		world.hooks.init = cases[i].is_periodic ? has_a_period : has_a_timer;
		world.hooks.num = moves_timer;
		world_spawn(&world, 1);
		world_run(&world);
		world_send(&world, world.actors[1], cases[i].ms);
		sim_advance(world.loop, 25000000);
		world_run(&world);
		if (cases[i].ms == 0) {
			assert_log(&world, "1:num 0; 1:tick3; ");
		} else {
			assert_log(&world, "1:num 30; ");
			world_sleep(&world, 29000000);
			assert_log(&world, "");
			world_sleep(&world, 2000000);
			assert_log(&world, "1:tick3; ");
		}
		assert_int_equal(world.runtime->timers.count, cases[i].is_periodic);
		world_finish(&world);
	}
}

static int moves_and_stops(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	(void)call;
	(void)n;
	assert_int_equal(troupe_timer_move(self, me->timer, 1000000), 0);
	assert_int_equal(troupe_timer_stop(self, me->timer), 0);
	assert_int_equal(troupe_timer_move(self, me->timer, 1000000), -ESRCH);
	return 0;
}

static void moved_timer_can_be_stopped(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = has_a_timer;
	world.hooks.num = moves_and_stops;
	world_spawn(&world, 1);
	world_run(&world);
	world_send(&world, world.actors[1], 1);
	sim_advance(world.loop, 25000000);
	world_sleep(&world, 100000000);
	assert_log(&world, "1:num 1; ");
	assert_int_equal(world.runtime->timers.count, 0);
	world_finish(&world);
}

static int moves_anothers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)me;
	(void)call;
	return troupe_timer_move(self, (struct troupe_timer){(uint64_t)n}, 1);
}

static void timer_of_another_actor_cannot_be_moved(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = moves_anothers;
	world_spawn(&world, 1);
	world.hooks.init = has_a_timer;
	world_spawn(&world, 2);
	world_send(&world, world.actors[1], 1ll << 32); /* the first that there is */
	world_run(&world);
	assert_string_equal(world.last_failure, "unit1 1 Num -3 ");
	world_sleep(&world, 25000000);
	assert_log(&world, "1:num 0; 2:tick3; ");
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
		cmocka_unit_test(timer_moves_both_ways),
		cmocka_unit_test(period_goes_on_from_where_the_tick_was_moved_to),
		cmocka_unit_test(tick_that_is_due_is_moved),
		cmocka_unit_test(moved_timer_can_be_stopped),
		cmocka_unit_test(timer_of_another_actor_cannot_be_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
