/* Tasks that hand things to one another, or never have to wait, let others run. */
#include "core/inside.h"
#include "handing.h"
#include <errno.h>

/* What takes them 10 ms in all. */
#define ROUNDS 20000

#define ROUND_NS (10 * TROUPE_MS_NS / ROUNDS)

TASK(feeds, n)
{
	struct troupe_channel *channels = (struct troupe_channel *)n;
	int rc = 0, item;

	(void)me;
	while (rc >= 0 && handing->count < ROUNDS) {
		handing->count++;
		sim_advance(world_of(self)->loop, ROUND_NS);
		rc = troupe_get(self, channels[0], &item);
		if (rc > 0)
			rc = troupe_put(self, channels[1], &item);
	}
	troupe_channel_close(self, channels[1]);
	return 0;
}

TASK(ticks, unused)
{
	UNUSED;
	for (int i = 0; i < 3; i++) {
		uint64_t due_ns = troupe_now_ns(self) + TROUPE_MS_NS;

		assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
		assert_in_range(troupe_now_ns(self), due_ns, due_ns + 2 * TROUPE_MS_NS);
		assert_in_range(handing->count, 1, ROUNDS - 1);
	}
	return 0;
}

/* Trap 11: two that feed each other's channel, and a third with a timer. */
TASK(starts_feeders, unused)
{
	struct troupe_channel channels[3];
	int item = 0;

	UNUSED;
	assert_int_equal(troupe_channel_open(self, sizeof(int), 4, &channels[0]), 0);
	assert_int_equal(troupe_channel_open(self, sizeof(int), 4, &channels[1]), 0);
	channels[2] = channels[0];
	for (int i = 0; i < 3; i++)
		assert_int_equal(troupe_try_put(self, channels[0], &item), 0);
	handing_open_scope(self, handing);
	assert_int_equal(
		troupe_start(self, handing->scope, &feeds_task, &channels[0], handing, NULL),
		0);
	assert_int_equal(
		troupe_start(self, handing->scope, &feeds_task, &channels[1], handing, NULL),
		0);
	handing_start(self, &ticks_task, 0);
	return troupe_scope_end(self, handing->scope);
}

static void tasks_that_feed_each_other_let_others_run(void **state)
{
	(void)state;
	handing_run(&starts_feeders_task, 20, "1:num 0; ");
}

/* One task that always finds an item and room lets others run, too. */
TASK(feeds_itself, unused)
{
	int item = 0;

	UNUSED;
	handing_open_channel(self, handing, 1);
	assert_int_equal(troupe_semaphore_open(self, 1, &handing->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &handing->event), 0);
	assert_int_equal(troupe_event_set(self, handing->event), 0);
	handing_open_scope(self, handing);
	handing_start(self, &ticks_task, 0);
	for (; handing->count < ROUNDS; handing->count++) {
		sim_advance(world_of(self)->loop, ROUND_NS);
		assert_int_equal(troupe_put(self, handing->channel, &item), 0);
		assert_int_equal(troupe_get(self, handing->channel, &item), 1);
		assert_int_equal(troupe_acquire(self, handing->semaphore), 0);
		assert_int_equal(troupe_give_back(self, handing->semaphore), 0);
		assert_int_equal(troupe_event_wait(self, handing->event), 0);
	}
	return troupe_scope_end(self, handing->scope);
}

static void task_that_never_has_to_wait_lets_others_run(void **state)
{
	(void)state;
	handing_run(&feeds_itself_task, 20, "1:num 0; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_that_feed_each_other_let_others_run),
		cmocka_unit_test(task_that_never_has_to_wait_lets_others_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
