/* Fairness and bounds: nobody starves anybody, however much there is to do or to wait for. */
#include "base/loop.h"
#include "core/inside.h"
#include "core/runq.h"
#include "core/wheel.h"
#include "world.h"
#include <errno.h>

#define WAITERS 100000

static int takes_a_millisecond(struct troupe_self *self, struct puppet *me,
			       struct troupe_call call, int64_t n)
{
	(void)call;
	(void)n;
	me->count++;
	sim_advance(world_of(self)->loop, 1000000);
	return 0;
}

static void slow_turn_ends_soon_after_a_millisecond(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = takes_a_millisecond;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	for (int i = 0; i < 500; i++)
		world_send(&world, world.actors[1], i);
	world_send(&world, world.actors[2], 1);
	loop_step(world.loop, false);
	runtime_info(world.runtime, world.actors[1], &info);
	assert_in_range(info.handled, 1, SLICE_STRIDE);
	world_log(&world);
	/* the other is next: who was interrupted goes to the end of the queue */
	loop_step(world.loop, false);
	runtime_info(world.runtime, world.actors[2], &info);
	assert_int_equal(info.handled, 1);
	world_run(&world);
	runtime_info(world.runtime, world.actors[1], &info);
	assert_int_equal(info.handled, 500);
	world_finish(&world);
}

/* 0 is quick, anything else takes 20 ms. */
static int takes_20_ms(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)me;
	(void)call;
	if (n != 0)
		sim_advance(world_of(self)->loop, 20000000);
	return 0;
}

/* However many quick ones are before it, and whoever has them. */
static void slice_ends_after_the_slow_handler(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	for (int before = 0; before < 3 * (int)SLICE_STRIDE; before++) {
		world_init(&world, 1, NULL);
		world.hooks.num = takes_20_ms;
		world_spawn(&world, 1);
		world_spawn(&world, 2);
		for (int i = 0; i < before; i++)
			world_send(&world, world.actors[1 + i % 2], 0);
		for (int i = 0; i < 10; i++)
			world_send(&world, world.actors[1], 1);
		loop_step(world.loop, false);
		runtime_info(world.runtime, world.actors[1], &info);
		assert_int_equal(info.handled, before - before / 2 + 1);
		assert_int_equal(loop_clock_ns(world.loop), SIM_START_NS + 20000000);
		world_finish(&world);
	}
}

static int answers_with_the_time(struct troupe_self *self, struct puppet *me,
				 struct troupe_call call, int64_t n)
{
	if (me->id == 1)
		return takes_20_ms(self, me, call, n);
	me->count = (int64_t)loop_clock_ns(world_of(self)->loop) - n;
	assert_in_range(me->count, 0, 60000000);
	return 0;
}

static int pings(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)context;
	(void)me;
	world_of(self)->log_size = 0;
	return troupe_send(self, world_of(self)->actors[3], &num_method,
			   &(struct num){(int64_t)loop_clock_ns(world_of(self)->loop)});
}

static int starts_to_ping(struct troupe_self *self, struct puppet *me)
{
	return me->id == 2 ? troupe_timer_start(self, &tick_entry, 7000000, 7000000, 0, NULL)
			   : 0;
}

/* Defaults of Mailbox= and Batch=; a full mailbox of what takes 20 s in all. */
static void neighbour_of_slow_handlers_waits_for_two_at_most(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = answers_with_the_time;
	world.hooks.init = starts_to_ping;
	world.hooks.tick = pings;
	for (int i = 1; i <= 3; i++)
		world_spawn(&world, i);
	while (world_send(&world, world.actors[1], 1) == 0)
		;
	while (loop_clock_ns(world.loop) < SIM_START_NS + 10000000000ull)
		loop_step(world.loop, true);
	runtime_info(world.runtime, world.actors[1], &info);
	assert_in_range(info.handled, 450, 501); /* it gets on nevertheless */
	runtime_info(world.runtime, world.actors[3], &info);
	assert_in_range(info.handled, 200, 501);
	world.hooks.num = NULL;
	world.log_size = 0;
	runtime_stop_all(world.runtime);
	world.log_size = 0;
	world_run(&world);
	world_fini(&world);
}

static int sends_to_itself(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	(void)call;
	me->count++;
	sim_advance(world_of(self)->loop, 100);
	if (n == 0)
		return 0;
	return troupe_send(self, troupe_address(self), &num_method, &(struct num){n});
}

static int starts_a_timer(struct troupe_self *self, struct puppet *me)
{
	return me->id == 2 ? troupe_timer_start(self, &tick_entry, 5000000, 0, 0, NULL) : 0;
}

static int stops_the_world(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)me;
	(void)context;
	loop_stop(world_of(self)->loop);
	return 0;
}

static void on_descriptor(struct loop_io *io, unsigned events)
{
	(void)events;
	loop_io_stop(io);
}

static void endless_sender_stops_neither_the_loop_nor_timers_nor_others(void **state)
{
	struct runtime_info info;
	struct loop_io io;
	struct world world;
	uint64_t before;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = sends_to_itself;
	world.hooks.init = starts_a_timer;
	world.hooks.tick = stops_the_world;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	loop_io_init(&io, world.loop, 0, on_descriptor);
	loop_io_set(&io, LOOP_READ);
	sim_io_ready(&io, LOOP_READ);
	world_send(&world, world.actors[1], 1);
	world_send(&world, world.actors[2], 0);
	before = loop_clock_ns(world.loop);
	loop_step(world.loop, true);
	assert_false(io.started); /* seen after a millisecond, not after for ever */
	assert_true(loop_clock_ns(world.loop) - before < 1100000);
	runtime_info(world.runtime, world.actors[2], &info);
	assert_int_equal(info.handled, 1);
	loop_run(world.loop); /* until the tick */
	assert_true(loop_clock_ns(world.loop) - before < 8000000);
	world_finish(&world);
}

/* Fills its own mailbox, with what does nothing, until refused. */
static int fills_itself(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	int rc = 0;

	(void)call;
	if (n == 0)
		return 0;
	me->count = n;
	while (rc == 0)
		rc = troupe_send(self, troupe_address(self), &num_method, &(struct num){0});
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int fills_itself_again(struct troupe_self *self, struct puppet *me,
			      struct troupe_address where)
{
	assert_true(troupe_address_equal(where, troupe_address(self)));
	return me->count > 1 ? fills_itself(self, me, (struct troupe_call){0}, me->count - 1)
			     : 0;
}

/* Its own mailbox is full: it is told once for each time that it was refused. */
static void sender_to_its_own_full_mailbox_is_notified_of_room(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 4, 0, 0);
	world.hooks.num = fills_itself;
	world.hooks.room = fills_itself_again;
	world_spawn_in(&world, 2, 1);
	world_send(&world, world.actors[1], 3);
	world_run(&world);
	assert_int_equal(world.rooms, 3);
	assert_int_equal(world.runtime->handled, 1 + 3 + 3 * 4);
	world_finish(&world);
}

static int starts_tiny_timer(struct troupe_self *self, struct puppet *me)
{
	return troupe_timer_start(self, &tick_entry, 1, 1, 0, &me->timer);
}

static int counts_ticks(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)context;
	world_of(self)->replies++;
	me->count++;
	return 0;
}

static void timer_with_a_tiny_period_ticks_once_a_step_at_most(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = starts_tiny_timer;
	world.hooks.tick = counts_ticks;
	world_spawn(&world, 1);
	world_sleep(&world, 1000000000);
	assert_in_range(world.replies, 1000, 1000000000 / WHEEL_STEP_NS + 1);
	world_finish(&world);
}

static int starts_huge_timers(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	assert_int_equal(troupe_timer_start(self, &tick_entry, UINT64_MAX, 0, 1, NULL), 0);
	assert_int_equal(troupe_timer_start(self, &tick_entry, UINT64_MAX, UINT64_MAX, 2, NULL),
			 0);
	return troupe_timer_start(self, &tick_entry, 1000000, UINT64_MAX, 3, NULL);
}

static void timer_for_the_end_of_time_lets_the_loop_sleep(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = starts_huge_timers;
	world_spawn(&world, 1);
	world_sleep(&world, 2000000);
	assert_log(&world, "1:tick3; ");
	assert_true(sim_is_asleep(world.loop));
	world_finish(&world);
}

#define DUE 100000

static int starts_many_timers(struct troupe_self *self, struct puppet *me)
{
	for (int i = 0; me->id == 1 && i < DUE; i++)
		assert_int_equal(troupe_timer_start(self, &tick_entry, 1000000, 0, 0, NULL), 0);
	return 0;
}

static int counts_quietly(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	world_of(self)->log_size = 0;
	return counts_ticks(self, me, context);
}

/* All at once would hold up everybody for the time that it takes to find them all. */
static void many_timers_that_are_due_at_once_come_in_portions(void **state)
{
	struct world world;
	int passes = 0;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = starts_many_timers;
	world.hooks.tick = counts_quietly;
	world_spawn(&world, 1);
	sim_advance(world.loop, 10000000);
	for (; world.replies < DUE && passes < 1000; passes++) {
		uint64_t before = world.replies;

		loop_step(world.loop, false);
		assert_true(world.replies - before <= 4096);
	}
	assert_int_equal(world.replies, DUE);
	assert_int_equal(loop_clock_ns(world.loop), SIM_START_NS + 10000000);
	world.log_size = 0;
	world_finish(&world);
}

static int asks_for_room(struct troupe_self *self, struct puppet *me)
{
	int rc;

	if (me->id == 1)
		return 0;
	rc = troupe_send(self, world_of(self)->actors[1], &num_method, &(struct num){me->id});
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int asks_again(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	return troupe_send(self, where, &num_method, &(struct num){me->id});
}

static int takes_in_order(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	struct world *world = world_of(self);

	(void)call;
	assert_int_equal(n, me->count ? me->count + 1 : 1);
	me->count = n;
	world->log_size = 0;
	return 0;
}

static void many_waiters_get_their_room_in_order(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 1, 0, 0);
	world.hooks.num = takes_in_order;
	world.hooks.init = asks_for_room;
	world.hooks.room = asks_again;
	world_spawn_in(&world, 2, 1);
	world_send(&world, world.actors[1], 1);
	for (int i = 2; i < 2 + WAITERS; i++)
		world_spawn(&world, i);
	assert_int_equal(world.runtime->waits.count, WAITERS);
	world.hooks.init = NULL;
	while (!runq_is_empty(world.runtime)) {
		world.log_size = 0;
		loop_step(world.loop, false);
	}
	assert_int_equal(world.rooms, WAITERS);
	assert_int_equal(world.runtime->waits.count, 0);
	assert_int_equal(world.runtime->handled, 1 + 2 * WAITERS);
	world.log_size = 0;
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_turn_ends_soon_after_a_millisecond),
		cmocka_unit_test(slice_ends_after_the_slow_handler),
		cmocka_unit_test(neighbour_of_slow_handlers_waits_for_two_at_most),
		cmocka_unit_test(endless_sender_stops_neither_the_loop_nor_timers_nor_others),
		cmocka_unit_test(sender_to_its_own_full_mailbox_is_notified_of_room),
		cmocka_unit_test(timer_with_a_tiny_period_ticks_once_a_step_at_most),
		cmocka_unit_test(timer_for_the_end_of_time_lets_the_loop_sleep),
		cmocka_unit_test(many_timers_that_are_due_at_once_come_in_portions),
		cmocka_unit_test(many_waiters_get_their_room_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
