/* Waiting for room: who was refused is told once, in order, and as many as there is room
 * for. */
#include "base/loop.h"
#include "core/inside.h"
#include "world.h"
#include <errno.h>

/* Puppet 2 takes what comes; the others send to it once when told, and again when there is
 * room. */
static int sends_to_two(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	int rc;

	(void)call;
	if (n == 99)
		troupe_exit(self, 0);
	if (me->id == 2 || n == 99)
		return 0;
	rc = troupe_send(self, world_of(self)->actors[2], &num_method, &(struct num){n});
	if (rc < 0)
		world_note(world_of(self), "%d:refused %d; ", (int)me->id, rc);
	return 0;
}

static int sends_again(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	return sends_to_two(self, me, (struct troupe_call){0},
			    50 + (int64_t)(where.slot ? me->id : 0));
}

static void begin(struct world *world, uint32_t mailbox)
{
	world_init(world, 1, NULL);
	world_unit(world, 2, world->type, mailbox, 0, 0);
	world_unit(world, 3, world->type, 0, 0, 1); /* a message a turn */
	world->hooks.num = sends_to_two;
	world->hooks.room = sends_again;
	world_spawn(world, 1); /* so that slot 0 is not who they wait for */
	world_spawn_in(world, 2, 2);
}

static void waiters_notified_are_as_many_as_there_is_room_for(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	begin(&world, 4);
	for (int i = 0; i < 4; i++)
		world_send(&world, world.actors[2], 0);
	for (int id = 10; id < 30; id++)
		world_send(&world, world_spawn(&world, id), 1);
	/* the mailbox is full until all of them have been refused */
	sim_seed(world.loop, 1);
	world_run(&world);
	runtime_info(world.runtime, world.actors[2], &info);
	/* whoever was told found the room that it was told of */
	assert_int_equal(info.refused, world.rooms);
	assert_int_equal(info.handled, 4 + 20);
	assert_int_equal(info.queued, 0);
	world_finish(&world);
}

#define FLOOD 64

/* As much as there is room for, FLOOD messages each. */
static int sends_all(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	int rc = 0;

	(void)call;
	while (me->id != 2 && me->count < FLOOD && rc == 0) {
		rc = troupe_send(self, world_of(self)->actors[2], &num_method,
				 &(struct num){n});
		me->count += rc == 0;
	}
	return 0;
}

static int sends_the_rest(struct troupe_self *self, struct puppet *me,
			  struct troupe_address where)
{
	(void)where;
	return sends_all(self, me, (struct troupe_call){0}, 0);
}

static void waiters_that_send_all_that_fits_are_notified_a_few_at_a_time(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	begin(&world, 16);
	world.hooks.num = sends_all;
	world.hooks.room = sends_the_rest;
	for (int id = 10; id < 60; id++)
		world_send(&world, world_spawn(&world, id), 1);
	world_run(&world);
	runtime_info(world.runtime, world.actors[2], &info);
	assert_int_equal(info.handled, 50 * FLOOD);
	/* told in vain they would be refused once for about each message */
	assert_in_range(info.refused, 50, 50 * FLOOD / 4);
	assert_int_equal(world.runtime->waits.count, 0);
	world_log(&world);
	world_finish(&world);
}

static void room_of_a_waiter_that_dies_goes_to_the_next(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	world_spawn_in(&world, 3, 3);
	world_spawn_in(&world, 3, 4);
	world_send(&world, world.actors[3], 1);
	world_send(&world, world.actors[4], 1);
	world_send(&world, world.actors[2], 0);
	assert_int_equal(world_send(&world, world.actors[3], 99), 0);
	world_send(&world, world.actors[3], 99);
	world_run(&world);
	/* 3 is in the mailbox first; then 2 is full for 4, and 3 goes before it hears
	 * anything */
	assert_non_null(strstr(world_log(&world), "4:room; "));
	assert_int_equal(world.runtime->waits.count, 0);
	world_finish(&world);
}

static void sender_to_the_dead_does_not_wait(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	world_send(&world, world.actors[2], 99);
	for (int id = 3; id < 6; id++)
		world_send(&world, world_spawn(&world, id), 1);
	loop_step(world.loop, false);
	world_run(&world);
	assert_log(&world, "2:num 99; 2:fini normal; 3:num 1; 3:refused -3; 4:num 1; "
			   "4:refused -3; 5:num 1; 5:refused -3; ");
	assert_int_equal(world.runtime->waits.count, 0);
	world_finish(&world);
}

/* A receiver that ends with senders waiting: what it was full of is dead, and they hear of
 * it. */
static int fills_and_ends(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	struct troupe_address two = world_of(self)->actors[2];

	(void)call;
	if (me->id == 2) {
		troupe_exit(self, 0);
		return 0;
	}
	while (troupe_send(self, two, &num_method, &(struct num){n}) == 0)
		;
	return 0;
}

static int finds_nobody(struct troupe_self *self, struct puppet *me,
			struct troupe_address where)
{
	(void)me;
	assert_int_equal(troupe_send(self, where, &num_method, &(struct num){1}), -ESRCH);
	return 0;
}

static void waiters_hear_of_the_death_of_the_receiver(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 3);
	world.hooks.num = fills_and_ends;
	world.hooks.room = finds_nobody;
	world_send(&world, world.actors[1], 7);
	world_send(&world, world_spawn(&world, 3), 8);
	world_run(&world);
	assert_log(&world, "1:num 7; 3:num 8; 2:num 7; 2:fini normal; 1:room; 3:room; ");
	assert_int_equal(world.dead_letters, 2 + 2); /* in its mailbox; the tries after */
	assert_int_equal(world.runtime->waits.count, 0);
	world_finish(&world);
}

static int sends_to(struct troupe_self *self, int id)
{
	assert_int_equal(
		troupe_send(self, world_of(self)->actors[id], &num_method, &(struct num){3}),
		-EAGAIN);
	return 0;
}

/* 1 asks 2 for a stream, whose replies take more memory than its mailbox has. */
static int asks_for_much(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	int rc = 0;

	if (me->id == 3)
		return sends_to(self, 1);
	if (me->id == 1 && n != 9)
		return 0;
	if (me->id == 1)
		return troupe_call(self, world_of(self)->actors[2], &num_method,
				   &(struct num){0}, &num_entry, 0, 0, TROUPE_MORE, NULL);
	if (!me->kept_call.id) {
		me->kept_call = call;
		assert_int_equal(troupe_call_keep(self, &me->kept_call), 0);
	}
	while (me->count < 3000 && rc == 0) {
		rc = troupe_reply(self, me->kept_call, &num_method, &(struct num){me->count});
		me->count += rc == 0;
	}
	if (rc == -EAGAIN && me->count == LIMIT_STREAM_UNREAD) /* 3 waits behind it */
		assert_int_equal(troupe_send(self, world_of(self)->actors[3], &num_method,
					     &(struct num){0}),
				 0);
	return rc == 0 ? troupe_return(self, me->kept_call, &num_method, &(struct num){-1}) : 0;
}

static int streams_on(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	(void)where;
	if (me->id == 2)
		return asks_for_much(self, me, me->kept_call, 0);
	/* for the sender there is no room before */
	assert_true(world_of(self)->replies >= 3000);
	return 0;
}

static void stream_goes_on_when_its_replies_leave_no_room_to_senders(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 8, 3 * 64, 256);
	world.hooks.num = asks_for_much;
	world.hooks.room = streams_on;
	world_spawn_in(&world, 2, 1);
	world_spawn(&world, 2);
	world_spawn(&world, 3);
	world_send(&world, world.actors[1], 9);
	world_run(&world);
	assert_int_equal(world.replies, 3001);
	assert_int_equal(world.runtime->waits.count, 0);
	world_log(&world);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiters_notified_are_as_many_as_there_is_room_for),
		cmocka_unit_test(waiters_that_send_all_that_fits_are_notified_a_few_at_a_time),
		cmocka_unit_test(room_of_a_waiter_that_dies_goes_to_the_next),
		cmocka_unit_test(sender_to_the_dead_does_not_wait),
		cmocka_unit_test(waiters_hear_of_the_death_of_the_receiver),
		cmocka_unit_test(stream_goes_on_when_its_replies_leave_no_room_to_senders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
