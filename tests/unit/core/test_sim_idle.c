/* Memory of a burst: kept for the next one, and given back when there is nothing to do. */
#include "core/inside.h"
#include "core/mapping.h"
#include "slab_count.h"
#include "world.h"

#define BURST 250000 /* messages; some ten pieces of what the system gives */

static int fills_and_waits(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	(void)me;
	(void)call;
	for (int64_t i = 0; i < n; i++)
		assert_int_equal(troupe_send(self, world_of(self)->actors[2], &num_method,
					     &(struct num){0}),
				 0);
	world_of(self)->log_size = 0;
	return 0;
}

/* Two actors: of a number, the first sends the second as many messages, BURST at most. */
static void begin_burst(struct world *world)
{
	world_init(world, 1, NULL);
	world_unit(world, 2, world->type, BURST, UINT32_MAX, 0);
	world->hooks.num = fills_and_waits;
	world_spawn(world, 1);
	world_spawn_in(world, 2, 2);
}

static void memory_of_a_burst_serves_the_next(void **state)
{
	struct world world;
	uint64_t first;

	(void)state;
	begin_burst(&world);
	world_send(&world, world.actors[1], BURST);
	world_run(&world);
	first = runtime_bytes(world.runtime);
	assert_int_equal(slab_count(&world.runtime->messages), 0);
	for (int i = 0; i < 3; i++) {
		world_send(&world, world.actors[1], BURST);
		world_run(&world);
	}
	assert_int_equal(runtime_bytes(world.runtime), first);
	assert_true(first < BURST * 128ull);
	world.log_size = 0;
	world_finish(&world);
}

/* Of many messages and many actors that have been an idle runtime has nothing any more,
 * and sleeps. One that is at work keeps what it needs next. */
static void memory_goes_back_when_there_is_nothing_to_do(void **state)
{
	struct world world;

	(void)state;
	begin_burst(&world);
	for (int i = 0; i < 3; i++) {
		world_send(&world, world.actors[1], BURST);
		world_run(&world);
		world_sleep(&world, 900000000);
		assert_true(runtime_bytes(world.runtime) > BURST * 48ull);
	}
	for (int64_t i = 10; i < 100010; i++)
		world_spawn(&world, i);
	runtime_stop_all(world.runtime);
	assert_true(world.runtime->actors.used > 100000);
	world_sleep(&world, 5000000000);
	assert_int_equal(runtime_bytes(world.runtime), 0);
	assert_int_equal(world.runtime->actors.used, 0);
	assert_true(sim_is_asleep(world.loop));
	/* and it goes on */
	world.log_size = 0;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_send(&world, world.actors[1], 1000);
	world_run(&world);
	assert_int_equal(world.runtime->handled, 3 * (BURST + 1) + 1001);
	world.log_size = 0;
	world_finish(&world);
}

/* As children end with their parent: nobody gets a message of it. */
static void memory_of_actors_goes_back_when_they_ended_without_a_message(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	for (int round = 0; round < 3; round++) {
		for (int64_t i = 10; i < 100010; i++)
			world_spawn(&world, i);
		world_sleep(&world, 5000000000);
		assert_true(world.runtime->actors.used >= 100000);
		assert_true(sim_is_asleep(world.loop));
		runtime_stop_all(world.runtime);
		world_sleep(&world, 5000000000);
		assert_int_equal(world.runtime->actors.used, 0);
		assert_true(sim_is_asleep(world.loop));
		world.log_size = 0;
	}
	world_finish(&world);
}

#define INTERRUPTIONS 24

/* Whatever it is at when there is something to do again: a millisecond later each time, until
 * nothing is left. */
static void giving_memory_back_is_interrupted_and_done_later(void **state)
{
	struct world world;

	(void)state;
	begin_burst(&world);
	for (uint64_t steps = 0; steps < INTERRUPTIONS; steps++) {
		world_send(&world, world.actors[1], 100000);
		world_run(&world);
		world.log_size = 0;
		world_sleep(&world, 2000000000 + steps * 1000000);
		if (steps == 0 || steps == INTERRUPTIONS - 1)
			assert_int_equal(sim_is_asleep(world.loop), steps > 0);
	}
	world_sleep(&world, 5000000000);
	assert_true(runtime_bytes(world.runtime) < 2 * MAPPING_HUGE);
	assert_true(sim_is_asleep(world.loop));
	world.log_size = 0;
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_a_burst_serves_the_next),
		cmocka_unit_test(memory_goes_back_when_there_is_nothing_to_do),
		cmocka_unit_test(memory_of_actors_goes_back_when_they_ended_without_a_message),
		cmocka_unit_test(giving_memory_back_is_interrupted_and_done_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
