/* What an actor keeps in channels, semaphores and events, who may use it, and for how long. */
#include "base/cleanup.h"
#include "core/cold.h"
#include "core/inspect.h"
#include "core/task.h"
#include "handing.h"
#include <errno.h>

TASK(opens_all, unused)
{
	UNUSED;
	handing_open_channel(self, handing, 1);
	assert_int_equal(troupe_try_put(self, handing->channel, &handing->count), 0);
	assert_int_equal(troupe_semaphore_open(self, 1, &handing->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &handing->event), 0);
	return 0;
}

static void refuse_channel(struct troupe_self *self, uint64_t id)
{
	struct troupe_channel channel = {id};
	int item = 0;

	assert_int_equal(troupe_put(self, channel, &item), -EINVAL);
	assert_int_equal(troupe_try_put(self, channel, &item), -EINVAL);
	assert_int_equal(troupe_get(self, channel, &item), -EINVAL);
	assert_int_equal(troupe_try_get(self, channel, &item), -EINVAL);
	troupe_channel_close(self, channel);
}

static void refuse_semaphore(struct troupe_self *self, uint64_t id)
{
	struct troupe_semaphore semaphore = {id};

	assert_int_equal(troupe_acquire(self, semaphore), -EINVAL);
	assert_int_equal(troupe_try_acquire(self, semaphore), -EINVAL);
	assert_int_equal(troupe_give_back(self, semaphore), -EINVAL);
	troupe_semaphore_close(self, semaphore);
}

static void refuse_event(struct troupe_self *self, uint64_t id)
{
	struct troupe_event event = {id};

	assert_int_equal(troupe_event_wait(self, event), -EINVAL);
	assert_int_equal(troupe_event_set(self, event), -EINVAL);
	assert_int_equal(troupe_event_clear(self, event), -EINVAL);
	troupe_event_close(self, event);
}

static void refuse(struct troupe_self *self, uint64_t id)
{
	refuse_channel(self, id);
	refuse_semaphore(self, id);
	refuse_event(self, id);
}

/* In another actor. */
TASK(makes_handles_up, unused)
{
	UNUSED;
	refuse(self, 0);
	refuse(self, UINT64_MAX);
	refuse(self, handing->channel.id);
	refuse(self, handing->semaphore.id);
	refuse(self, handing->event.id);
	refuse(self, handing->event.id + 1);
	refuse(self, handing->event.id + (1ull << 32));
	refuse(self, LIMIT_BELONGINGS | 1ull << 32);
	return 0;
}

/* In the one whose they are. */
TASK(takes_one_for_another, unused)
{
	UNUSED;
	refuse_channel(self, handing->semaphore.id);
	refuse_channel(self, handing->event.id);
	refuse_semaphore(self, handing->channel.id);
	refuse_semaphore(self, handing->event.id);
	refuse_event(self, handing->channel.id);
	refuse_event(self, handing->semaphore.id);
	assert_int_equal(self->runtime->belongings.count, 3);
	return 0;
}

static void handles_that_are_made_up_are_refused(void **state)
{
	struct inspect_owned owned[INSPECT_OWNED_MAX];
	struct world world;
	struct handing handing;

	(void)state;
	handing_begin(&world, &handing, &opens_all_task);
	world_run(&world);
	assert_int_equal(inspect_owned(world.runtime, world.actors[1], owned), 3);
	assert_string_equal(owned[0].kind, "channel");
	assert_int_equal(owned[0].bytes, sizeof(int));
	world_spawn(&world, 2);
	handing.entry = &makes_handles_up_task;
	world_send(&world, world.actors[2], 0);
	world_run(&world);
	handing.entry = &takes_one_for_another_task;
	world_send(&world, world.actors[1], 0);
	world_run(&world);
	assert_log(&world, "1:num 0; 2:num 0; 1:num 0; ");
	/* all three go with the actor that has opened them */
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	assert_int_equal(world.runtime->belongings.count, 3);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(world.runtime->belongings.count, 0);
	handing_finish(&world);
}

static size_t units_of(struct troupe_self *self)
{
	return cold_find(self->runtime, self->actor)->keeping.charged;
}

TASK(opens_too_much, unused)
{
	struct troupe_channel channels[3];
	struct troupe_semaphore semaphore;
	struct troupe_event event;
	int rc, n = 0;

	UNUSED;
	assert_int_equal(troupe_channel_open(self, 0, 1, &channels[0]), -EINVAL);
	assert_int_equal(troupe_channel_open(self, LIMIT_CHANNEL_ITEM + 1, 1, &channels[0]),
			 -EINVAL);
	assert_int_equal(troupe_channel_open(self, LIMIT_CHANNEL_ITEM,
					     LIMIT_CHANNEL_BYTES / LIMIT_CHANNEL_ITEM + 1,
					     &channels[0]),
			 -EINVAL);
	assert_int_equal(troupe_channel_open(self, 3, SIZE_MAX / 2, &channels[0]), -EINVAL);
	/* the unit's MailboxBytes= are 40,000 */
	assert_int_equal(troupe_channel_open(self, 1000, 20, &channels[0]), 0);
	assert_in_range(units_of(self), 20000 / 16, 20200 / 16);
	assert_int_equal(troupe_channel_open(self, 1000, 20, &channels[1]), -ENOBUFS);
	assert_int_equal(troupe_channel_open(self, 1000, 19, &channels[1]), 0);
	while ((rc = troupe_event_open(self, &event)) == 0)
		n++;
	assert_int_equal(rc, -ENOBUFS);
	assert_in_range(n, 1, 20);
	assert_int_equal(troupe_semaphore_open(self, 1, &semaphore), -ENOBUFS);
	/* what is closed is free */
	troupe_channel_close(self, channels[0]);
	assert_int_equal(troupe_channel_open(self, 1000, 19, &channels[0]), 0);
	return 0;
}

static void what_an_actor_keeps_in_them_is_bounded(void **state)
{
	struct world world;
	struct handing handing;

	(void)state;
	handing_begin(&world, &handing, &opens_too_much_task);
	world_unit(&world, 2, world.type, 0, 40000, 0);
	world_spawn_in(&world, 2, 2);
	world_send(&world, world.actors[2], 0);
	handing.entry = &opens_too_much_task;
	world.hooks.num = NULL;
	world_run(&world);
	world.hooks.num = handing_starts_the_test;
	world_send(&world, world.actors[2], 0);
	world_run(&world);
	handing_finish(&world);
}

/* At the end it still hands things around, in a shield. */
TASK(tidies_up, unused)
{
	struct troupe_scope shield;
	int item = 0;

	UNUSED;
	handing_open_channel(self, handing, 0);
	assert_int_equal(troupe_get(self, handing->channel, &item), -ECANCELED);
	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	note(self, "got %d", troupe_get(self, handing->channel, &item));
	note(self, " %d; ", item);
	return troupe_scope_end(self, shield);
}

TASK(tells_it, unused)
{
	struct troupe_scope shield;
	int item = 8;

	UNUSED;
	assert_int_equal(troupe_sleep(self, TROUPE_SECOND_NS), -ECANCELED);
	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	assert_int_equal(troupe_put(self, handing->channel, &item), 0);
	return troupe_scope_end(self, shield);
}

TASK(starts_those_who_tidy_up, unused)
{
	UNUSED;
	assert_int_equal(troupe_semaphore_open(self, 0, &handing->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &handing->event), 0);
	handing_start(self, handing_locks, 1);
	handing_start(self, handing_waits, 1);
	handing_start(self, &tidies_up_task, 0);
	handing_start(self, &tells_it_task, 0);
	return 0;
}

static void they_serve_until_the_last_task_has_ended(void **state)
{
	struct world world;
	struct handing handing;

	(void)state;
	handing_begin(&world, &handing, &starts_those_who_tidy_up_task);
	world_run(&world);
	assert_int_equal(world.runtime->belongings.count, 3);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_log(&world, "1:num 0; lock1 -125; event1 -125; got 1 8; 1:fini shutdown; ");
	assert_int_equal(world.runtime->belongings.count, 0);
	handing_finish(&world);
}

/* One that never ends: when its shields hold no more it is always busy, and is abandoned. */
TASK(waits_for_ever, unused)
{
	int item;

	UNUSED;
	for (;;) {
		struct troupe_scope shield;

		assert_int_equal(troupe_scope_shield(self, TROUPE_SHIELD_MAX_NS, &shield), 0);
		assert_int_not_equal(troupe_get(self, handing->channel, &item), 1);
		(void)troupe_scope_end(self, shield);
	}
	return 0;
}

TASK(starts_the_endless, unused)
{
	UNUSED;
	handing_open_channel(self, handing, 0);
	handing_start(self, &waits_for_ever_task, 0);
	handing_start(self, &waits_for_ever_task, 0);
	return 0;
}

static void abandoned_tasks_leave_what_they_wait_in(void **state)
{
	struct world world;
	struct handing handing;

	(void)state;
	handing_begin(&world, &handing, &starts_the_endless_task);
	world_run(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	for (int i = 0; i < 40; i++) {
		sim_advance(world.loop, 300 * TROUPE_MS_NS);
		loop_step(world.loop, false);
	}
	assert_int_equal(world.runtime->stacks.n_abandoned, 2);
	assert_int_equal(world.runtime->belongings.count, 0);
	assert_int_equal(world.ends, 1);
	world_log(&world);
	handing_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handles_that_are_made_up_are_refused),
		cmocka_unit_test(what_an_actor_keeps_in_them_is_bounded),
		cmocka_unit_test(they_serve_until_the_last_task_has_ended),
		cmocka_unit_test(abandoned_tasks_leave_what_they_wait_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
