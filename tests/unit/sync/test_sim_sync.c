/* Channels, semaphores and events: order, handing over, closing, and that a cancelled task
 * neither loses nor keeps what is another's. */
#include "core/cold.h"
#include "core/inspect.h"
#include "core/task.h"
#include "handing.h"
#include <errno.h>

/* Puts n, n + 1 and n + 2. */
TASK(produces, n)
{
	(void)me;
	for (int i = handing_value(n); i < handing_value(n) + 3; i++) {
		int rc = troupe_put(self, handing->channel, &i);

		note(self, "put%d %d; ", i, rc);
		if (rc < 0)
			return 0;
	}
	return 0;
}

/* Gets so many. */
TASK(consumes, n)
{
	(void)me;
	for (int i = 0; i < handing_value(n); i++) {
		int item = -1, rc = troupe_get(self, handing->channel, &item);

		note(self, "got %d %d; ", rc, item);
		if (rc <= 0)
			return 0;
	}
	return 0;
}

TASK(produces_and_consumes, unused)
{
	UNUSED;
	handing_open_scope(self, handing);
	handing_open_channel(self, handing, 2);
	handing_start(self, &produces_task, 1);
	handing_start(self, &produces_task, 11);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	handing_start(self, &consumes_task, 6);
	return troupe_scope_end(self, handing->scope);
}

static void items_come_in_the_order_they_were_put(void **state)
{
	(void)state;
	handing_run(&produces_and_consumes_task, 10,
		    "1:num 0; put1 0; put2 0; | "
		    /* room goes to who waited for it first, in turn */
		    "got 1 1; got 1 2; got 1 3; got 1 11; put3 0; put11 0; "
		    "put12 0; put13 0; got 1 12; got 1 13; ");
}

TASK(hands_over, unused)
{
	int item = 7;

	UNUSED;
	handing_open_scope(self, handing);
	handing_open_channel(self, handing, 0);
	assert_int_equal(troupe_try_put(self, handing->channel, &item), -EAGAIN);
	assert_int_equal(troupe_try_get(self, handing->channel, &item), -EAGAIN);
	handing_start(self, &produces_task, 1);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	assert_int_equal(troupe_try_get(self, handing->channel, &item), 1);
	assert_int_equal(item, 1);
	assert_int_equal(troupe_get(self, handing->channel, &item), 1);
	assert_int_equal(item, 2);
	handing_start(self, &consumes_task, 2);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	item = 9;
	assert_int_equal(troupe_try_put(self, handing->channel, &item), 0);
	assert_int_equal(troupe_try_put(self, handing->channel, &item), -EAGAIN);
	return troupe_scope_end(self, handing->scope);
}

static void no_room_at_all_hands_over(void **state)
{
	(void)state;
	handing_run(&hands_over_task, 10,
		    "1:num 0; | put1 0; put2 0; got 1 3; put3 0; | got 1 9; ");
}

TASK(closes_the_channel, unused)
{
	int item = 0;

	UNUSED;
	handing_open_scope(self, handing);
	handing_open_channel(self, handing, 2);
	handing_start(self, &produces_task, 1);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	troupe_channel_close(self, handing->channel);
	troupe_channel_close(self, handing->channel);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_put(self, handing->channel, &item), -EPIPE);
	assert_int_equal(troupe_try_put(self, handing->channel, &item), -EPIPE);
	/* what was put is there */
	assert_int_equal(troupe_get(self, handing->channel, &item), 1);
	assert_int_equal(item, 1);
	assert_int_equal(self->runtime->belongings.count, 1);
	assert_int_equal(troupe_try_get(self, handing->channel, &item), 1);
	assert_int_equal(item, 2);
	/* the last has been taken: it is gone, and says the same for ever */
	assert_int_equal(self->runtime->belongings.count, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(troupe_get(self, handing->channel, &item), 0);
		assert_int_equal(troupe_try_get(self, handing->channel, &item), 0);
		assert_int_equal(troupe_put(self, handing->channel, &item), -EPIPE);
		assert_int_equal(troupe_try_put(self, handing->channel, &item), -EPIPE);
		troupe_channel_close(self, handing->channel);
	}
	note(self, "| ");
	/* who waits for an item hears of it */
	handing_open_channel(self, handing, 2);
	handing_start(self, &consumes_task, 2);
	handing_start(self, &consumes_task, 2);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	troupe_channel_close(self, handing->channel);
	assert_int_equal(self->runtime->belongings.count, 0);
	return troupe_scope_end(self, handing->scope);
}

static void closed_channel_is_emptied_then_gone(void **state)
{
	(void)state;
	handing_run(&closes_the_channel_task, 10,
		    "1:num 0; put1 0; put2 0; put3 -32; | got 0 -1; got 0 -1; ");
}

TASK(takes_turns, unused)
{
	UNUSED;
	handing_open_scope(self, handing);
	assert_int_equal(troupe_semaphore_open(self, 1, &handing->semaphore), 0);
	for (int i = 1; i <= 3; i++)
		handing_start(self, handing_locks, i);
	assert_int_equal(troupe_scope_end(self, handing->scope), 0);
	assert_int_equal(troupe_try_acquire(self, handing->semaphore), 0);
	assert_int_equal(troupe_try_acquire(self, handing->semaphore), -EAGAIN);
	handing_open_scope(self, handing);
	handing_start(self, handing_locks, 4);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	/* whoever comes later does not overtake the one that it was handed to */
	assert_int_equal(troupe_give_back(self, handing->semaphore), 0);
	assert_int_equal(troupe_try_acquire(self, handing->semaphore), -EAGAIN);
	assert_int_equal(troupe_scope_end(self, handing->scope), 0);
	handing_open_scope(self, handing);
	assert_int_equal(troupe_try_acquire(self, handing->semaphore), 0);
	handing_start(self, handing_locks, 5);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	troupe_semaphore_close(self, handing->semaphore);
	troupe_semaphore_close(self, handing->semaphore);
	assert_int_equal(troupe_acquire(self, handing->semaphore), -EPIPE);
	assert_int_equal(troupe_try_acquire(self, handing->semaphore), -EPIPE);
	assert_int_equal(troupe_give_back(self, handing->semaphore), -EPIPE);
	assert_int_equal(troupe_scope_end(self, handing->scope), 0);
	assert_int_equal(troupe_semaphore_open(self, UINT32_MAX, &handing->semaphore), 0);
	assert_int_equal(troupe_give_back(self, handing->semaphore), -EOVERFLOW);
	assert_int_equal(troupe_acquire(self, handing->semaphore), 0);
	return troupe_give_back(self, handing->semaphore);
}

static void semaphore_is_taken_in_turns(void **state)
{
	(void)state;
	handing_run(&takes_turns_task, 10,
		    "1:num 0; lock1 0; back1; lock2 0; back2; lock3 0; back3; lock4 0; back4; "
		    "lock5 -32; ");
}

TASK(sets_and_clears, unused)
{
	UNUSED;
	handing_open_scope(self, handing);
	assert_int_equal(troupe_event_open(self, &handing->event), 0);
	handing_start(self, handing_waits, 1);
	handing_start(self, handing_waits, 2);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	assert_int_equal(troupe_event_set(self, handing->event), 0);
	assert_int_equal(troupe_event_set(self, handing->event), 0);
	assert_int_equal(troupe_event_wait(self, handing->event), 0);
	/* it has happened for those two, and for nobody who comes later */
	assert_int_equal(troupe_event_clear(self, handing->event), 0);
	handing_start(self, handing_waits, 3);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	troupe_event_close(self, handing->event);
	troupe_event_close(self, handing->event);
	assert_int_equal(troupe_event_wait(self, handing->event), -EPIPE);
	assert_int_equal(troupe_event_set(self, handing->event), -EPIPE);
	assert_int_equal(troupe_event_clear(self, handing->event), -EPIPE);
	return troupe_scope_end(self, handing->scope);
}

static void event_is_for_all_who_wait(void **state)
{
	(void)state;
	handing_run(&sets_and_clears_task, 10, "1:num 0; | event1 0; event2 0; | event3 -32; ");
}

TASK(waits_for_a_handler, unused)
{
	UNUSED;
	handing_open_scope(self, handing);
	handing_open_channel(self, handing, 1);
	assert_int_equal(troupe_semaphore_open(self, 0, &handing->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &handing->event), 0);
	handing_start(self, &consumes_task, 3);
	handing_start(self, handing_locks, 1);
	handing_start(self, handing_waits, 1);
	return troupe_scope_end(self, handing->scope);
}

static int wakes_them(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	struct handing *handing = handing_of(self);
	int item = (int)n;

	if (n == 0)
		return handing_starts_the_test(self, me, call, n);
	/* a handler cannot wait */
	assert_int_equal(troupe_put(self, handing->channel, &item), -EDEADLK);
	assert_int_equal(troupe_get(self, handing->channel, &item), -EDEADLK);
	assert_int_equal(troupe_acquire(self, handing->semaphore), -EDEADLK);
	assert_int_equal(troupe_event_wait(self, handing->event), -EDEADLK);
	/* but all else */
	assert_int_equal(troupe_try_put(self, handing->channel, &item), 0);
	assert_int_equal(troupe_try_put(self, handing->channel, &item), 0);
	assert_int_equal(troupe_try_put(self, handing->channel, &item), -EAGAIN);
	assert_int_equal(troupe_try_get(self, handing->channel, &item), 1);
	assert_int_equal(troupe_try_get(self, handing->channel, &item), -EAGAIN);
	assert_int_equal(troupe_give_back(self, handing->semaphore), 0);
	assert_int_equal(troupe_event_set(self, handing->event), 0);
	assert_int_equal(troupe_event_clear(self, handing->event), 0);
	troupe_channel_close(self, handing->channel);
	return 0;
}

/* In the order in which they were opened. */
static void assert_waits_for(struct world *world, const char *expected)
{
	struct inspect_task task;
	uint32_t at = 0, steps = 1000;
	char words[256] = "";

	while (inspect_next_task(world->runtime, world->actors[1], &at, &steps, &task) > 0) {
		strcat(words, task.waits_for ? task.waits_for : "?");
		strcat(words, "; ");
	}
	assert_string_equal(words, expected);
}

static void handler_wakes_tasks(void **state)
{
	struct world world;
	struct handing handing;

	(void)state;
	handing_begin(&world, &handing, &waits_for_a_handler_task);
	world.hooks.num = wakes_them;
	world_run(&world);
	assert_waits_for(&world, "scope end; get; semaphore; event; ");
	world_send(&world, world.actors[1], 5);
	world_run(&world);
	assert_log(&world, "1:num 0; 1:num 5; got 1 5; got 0 -1; lock1 0; event1 0; back1; ");
	handing_finish(&world);
}

/* Trap 9: the task that was handed the permit is cancelled before it runs. */
TASK(cancels_the_woken_one, unused)
{
	struct troupe_task first, second, third;

	UNUSED;
	handing_open_scope(self, handing);
	assert_int_equal(troupe_semaphore_open(self, 0, &handing->semaphore), 0);
	assert_int_equal(troupe_start(self, handing->scope, handing_locks, handing_arg(1),
				      handing, &first),
			 0);
	assert_int_equal(troupe_start(self, handing->scope, handing_locks, handing_arg(2),
				      handing, &second),
			 0);
	assert_int_equal(troupe_start(self, handing->scope, handing_locks, handing_arg(3),
				      handing, &third),
			 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_give_back(self, handing->semaphore), 0);
	assert_int_equal(troupe_task_cancel(self, first), 0);  /* it has it */
	assert_int_equal(troupe_task_cancel(self, second), 0); /* it waits */
	return troupe_scope_end(self, handing->scope);
}

static void permit_of_a_cancelled_task_goes_on_to_the_next(void **state)
{
	(void)state;
	handing_run(&cancels_the_woken_one_task, 10,
		    "1:num 0; lock1 0; back1; lock2 -125; lock3 0; back3; ");
}

TASK(puts_later, unused)
{
	int item = ++handing->count;

	UNUSED;
	assert_int_equal(troupe_sleep(self, 10 * TROUPE_MS_NS), 0);
	assert_int_equal(troupe_put(self, handing->channel, &item), 0);
	return 0;
}

/* Trap 10: an item that comes as the time is up is got, or still there. */
TASK(gets_at_the_limit, unused)
{
	UNUSED;
	handing_open_channel(self, handing, 1);
	for (unsigned at = 8; at <= 12; at++) {
		struct troupe_scope scope;
		int rc, item = 0;

		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &puts_later_task, NULL,
					      handing, NULL),
				 0);
		assert_int_equal(troupe_scope_begin(self, at * TROUPE_MS_NS, &scope), 0);
		rc = troupe_get(self, handing->channel, &item);
		assert_true(rc == 1 || rc == -ETIMEDOUT);
		handing->semaphore.id += rc == 1;
		assert_int_equal(item, rc == 1 ? handing->count : 0);
		assert_int_equal(troupe_scope_end(self, scope), rc == 1 ? 0 : rc);
		if (rc < 0)
			assert_int_equal(troupe_get(self, handing->channel, &item), 1);
		assert_int_equal(item, handing->count);
		assert_int_equal(troupe_try_get(self, handing->channel, &item), -EAGAIN);
	}
	return 0;
}

static void item_at_the_limit_is_got_or_still_there(void **state)
{
	struct world world;
	struct handing handing;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		handing_begin(&world, &handing, &gets_at_the_limit_task);
		if (seed)
			sim_seed(world.loop, seed);
		world_sleep(&world, 200 * TROUPE_MS_NS);
		/* both ends were seen */
		assert_in_range(handing.semaphore.id, 1, 4);
		assert_int_equal(handing.count, 5);
		handing_finish(&world);
	}
}

TASK(cuts_first, unused)
{
	struct troupe_scope scope;
	int item = 1;

	UNUSED;
	handing_open_channel(self, handing, 2);
	assert_int_equal(troupe_semaphore_open(self, 1, &handing->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &handing->event), 0);
	assert_int_equal(troupe_event_set(self, handing->event), 0);
	assert_int_equal(troupe_try_put(self, handing->channel, &item), 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	troupe_scope_cancel(self, scope);
	assert_int_equal(troupe_put(self, handing->channel, &item), -ECANCELED);
	assert_int_equal(troupe_get(self, handing->channel, &item), -ECANCELED);
	assert_int_equal(troupe_acquire(self, handing->semaphore), -ECANCELED);
	assert_int_equal(troupe_event_wait(self, handing->event), -ECANCELED);
	/* for who tidies up, these do not wait */
	assert_int_equal(troupe_try_get(self, handing->channel, &item), 1);
	assert_int_equal(troupe_try_get(self, handing->channel, &item), -EAGAIN);
	assert_int_equal(troupe_try_acquire(self, handing->semaphore), 0);
	assert_int_equal(troupe_scope_end(self, scope), -ECANCELED);
	return 0;
}

static void cancelled_scope_takes_nothing(void **state)
{
	(void)state;
	handing_run(&cuts_first_task, 10, "1:num 0; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_in_the_order_they_were_put),
		cmocka_unit_test(no_room_at_all_hands_over),
		cmocka_unit_test(closed_channel_is_emptied_then_gone),
		cmocka_unit_test(semaphore_is_taken_in_turns),
		cmocka_unit_test(event_is_for_all_who_wait),
		cmocka_unit_test(handler_wakes_tasks),
		cmocka_unit_test(permit_of_a_cancelled_task_goes_on_to_the_next),
		cmocka_unit_test(item_at_the_limit_is_got_or_still_there),
		cmocka_unit_test(cancelled_scope_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
