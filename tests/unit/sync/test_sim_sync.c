/* Channels, semaphores and events: order, handing over, closing, and that a cancelled task
 * neither loses nor keeps what is another's. */
#include "base/cleanup.h"
#include "core/cold.h"
#include "core/inspect.h"
#include "core/task.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <troupe/sync.h>

#define note(self, ...) world_note(world_of(self), __VA_ARGS__)

/* What the tasks of a test work on: the world's `test`, and all tasks' `shared`. */
struct stage {
	const struct troupe_task_entry *entry; /* of the task that is the test */
	struct troupe_channel channel;
	struct troupe_semaphore semaphore;
	struct troupe_event event;
	struct troupe_scope scope;
	int count;
};

static struct stage *stage_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

static int starts_the_test(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	struct stage *stage = stage_of(self);

	(void)me;
	(void)call;
	(void)n;
	return troupe_start(self, TROUPE_OF_ACTOR, stage->entry, NULL, stage, NULL);
}

static void begin(struct world *world, struct stage *stage,
		  const struct troupe_task_entry *entry)
{
	*stage = (struct stage){.entry = entry};
	world_init(world, 1, NULL);
	world->test = stage;
	world->hooks.num = starts_the_test;
	world_spawn(world, 1);
	world_send(world, world->actors[1], 0);
}

static void finish(struct world *world)
{
	assert_int_equal(world->failures, 0);
	assert_int_equal(world->runtime->tasks.count, world->runtime->stacks.n_abandoned);
	assert_int_equal(world->runtime->scopes.count, 0);
	world_finish(world);
}

static void run_for(const struct troupe_task_entry *entry, unsigned ms, const char *log)
{
	struct world world;
	struct stage stage;

	begin(&world, &stage, entry);
	world_sleep(&world, ms * TROUPE_MS_NS);
	assert_log(&world, log);
	finish(&world);
}

#define TASK(name, arg_name)                                                                   \
	static int name(struct troupe_self *self, struct puppet *me, void *arg_name,           \
			struct stage *stage);                                                  \
	TROUPE_TASK(name, struct puppet, void, struct stage)                                   \
	static int name(struct troupe_self *self, struct puppet *me, void *arg_name,           \
			struct stage *stage)

#define UNUSED                                                                                 \
	(void)stage;                                                                           \
	(void)me;                                                                              \
	(void)unused

static void *number(int n)
{
	return (void *)(uintptr_t)n;
}

static int value_of(const void *n)
{
	return (int)(uintptr_t)n;
}

static void start(struct troupe_self *self, const struct troupe_task_entry *entry, int n)
{
	struct stage *stage = stage_of(self);

	assert_int_equal(troupe_start(self, stage->scope, entry, number(n), stage, NULL), 0);
}

static void open_scope(struct troupe_self *self, struct stage *stage)
{
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &stage->scope), 0);
}

static void open_channel(struct troupe_self *self, struct stage *stage, size_t capacity)
{
	assert_int_equal(troupe_channel_open(self, sizeof(int), capacity, &stage->channel), 0);
}

/* ------------------------------------------------------------------ tasks of many tests */

/* Puts n, n + 1 and n + 2. */
TASK(produces, n)
{
	(void)me;
	for (int i = value_of(n); i < value_of(n) + 3; i++) {
		int rc = troupe_put(self, stage->channel, &i);

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
	for (int i = 0; i < value_of(n); i++) {
		int item = -1, rc = troupe_get(self, stage->channel, &item);

		note(self, "got %d %d; ", rc, item);
		if (rc <= 0)
			return 0;
	}
	return 0;
}

/* Takes the semaphore, lets others run, gives it back. */
TASK(locks, n)
{
	int rc = troupe_acquire(self, stage->semaphore);

	(void)me;
	note(self, "lock%d %d; ", value_of(n), rc);
	if (rc < 0)
		return 0;
	assert_int_equal(stage->count++, 0);
	(void)troupe_yield(self);
	stage->count--;
	note(self, "back%d; ", value_of(n));
	assert_int_equal(troupe_give_back(self, stage->semaphore), 0);
	return 0;
}

TASK(waits, n)
{
	int rc = troupe_event_wait(self, stage->event);

	(void)me;
	note(self, "event%d %d; ", value_of(n), rc);
	return 0;
}

/* ------------------------------------------------------------------ channels */

TASK(produces_and_consumes, unused)
{
	UNUSED;
	open_scope(self, stage);
	open_channel(self, stage, 2);
	start(self, &produces_task, 1);
	start(self, &produces_task, 11);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	start(self, &consumes_task, 6);
	return troupe_scope_end(self, stage->scope);
}

static void items_come_in_the_order_they_were_put(void **state)
{
	(void)state;
	run_for(&produces_and_consumes_task, 10,
		"1:num 0; put1 0; put2 0; | "
		/* room goes to who waited for it first, in turn */
		"got 1 1; got 1 2; got 1 3; got 1 11; put3 0; put11 0; "
		"put12 0; put13 0; got 1 12; got 1 13; ");
}

TASK(hands_over, unused)
{
	int item = 7;

	UNUSED;
	open_scope(self, stage);
	open_channel(self, stage, 0);
	assert_int_equal(troupe_try_put(self, stage->channel, &item), -EAGAIN);
	assert_int_equal(troupe_try_get(self, stage->channel, &item), -EAGAIN);
	start(self, &produces_task, 1);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	assert_int_equal(troupe_try_get(self, stage->channel, &item), 1);
	assert_int_equal(item, 1);
	assert_int_equal(troupe_get(self, stage->channel, &item), 1);
	assert_int_equal(item, 2);
	start(self, &consumes_task, 2);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	item = 9;
	assert_int_equal(troupe_try_put(self, stage->channel, &item), 0);
	assert_int_equal(troupe_try_put(self, stage->channel, &item), -EAGAIN);
	return troupe_scope_end(self, stage->scope);
}

static void no_room_at_all_hands_over(void **state)
{
	(void)state;
	run_for(&hands_over_task, 10,
		"1:num 0; | put1 0; put2 0; got 1 3; put3 0; | got 1 9; ");
}

TASK(closes_the_channel, unused)
{
	int item = 0;

	UNUSED;
	open_scope(self, stage);
	open_channel(self, stage, 2);
	start(self, &produces_task, 1);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	troupe_channel_close(self, stage->channel);
	troupe_channel_close(self, stage->channel);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_put(self, stage->channel, &item), -EPIPE);
	assert_int_equal(troupe_try_put(self, stage->channel, &item), -EPIPE);
	/* what was put is there */
	assert_int_equal(troupe_get(self, stage->channel, &item), 1);
	assert_int_equal(item, 1);
	assert_int_equal(self->runtime->belongings.count, 1);
	assert_int_equal(troupe_try_get(self, stage->channel, &item), 1);
	assert_int_equal(item, 2);
	/* the last has been taken: it is gone, and says the same for ever */
	assert_int_equal(self->runtime->belongings.count, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(troupe_get(self, stage->channel, &item), 0);
		assert_int_equal(troupe_try_get(self, stage->channel, &item), 0);
		assert_int_equal(troupe_put(self, stage->channel, &item), -EPIPE);
		assert_int_equal(troupe_try_put(self, stage->channel, &item), -EPIPE);
		troupe_channel_close(self, stage->channel);
	}
	note(self, "| ");
	/* who waits for an item hears of it */
	open_channel(self, stage, 2);
	start(self, &consumes_task, 2);
	start(self, &consumes_task, 2);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	troupe_channel_close(self, stage->channel);
	assert_int_equal(self->runtime->belongings.count, 0);
	return troupe_scope_end(self, stage->scope);
}

static void closed_channel_is_emptied_then_gone(void **state)
{
	(void)state;
	run_for(&closes_the_channel_task, 10,
		"1:num 0; put1 0; put2 0; put3 -32; | got 0 -1; got 0 -1; ");
}

/* ------------------------------------------------------------------ semaphores, events */

TASK(takes_turns, unused)
{
	UNUSED;
	open_scope(self, stage);
	assert_int_equal(troupe_semaphore_open(self, 1, &stage->semaphore), 0);
	for (int i = 1; i <= 3; i++)
		start(self, &locks_task, i);
	assert_int_equal(troupe_scope_end(self, stage->scope), 0);
	assert_int_equal(troupe_try_acquire(self, stage->semaphore), 0);
	assert_int_equal(troupe_try_acquire(self, stage->semaphore), -EAGAIN);
	open_scope(self, stage);
	start(self, &locks_task, 4);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	/* whoever comes later does not overtake the one that it was handed to */
	assert_int_equal(troupe_give_back(self, stage->semaphore), 0);
	assert_int_equal(troupe_try_acquire(self, stage->semaphore), -EAGAIN);
	assert_int_equal(troupe_scope_end(self, stage->scope), 0);
	open_scope(self, stage);
	assert_int_equal(troupe_try_acquire(self, stage->semaphore), 0);
	start(self, &locks_task, 5);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	troupe_semaphore_close(self, stage->semaphore);
	troupe_semaphore_close(self, stage->semaphore);
	assert_int_equal(troupe_acquire(self, stage->semaphore), -EPIPE);
	assert_int_equal(troupe_try_acquire(self, stage->semaphore), -EPIPE);
	assert_int_equal(troupe_give_back(self, stage->semaphore), -EPIPE);
	assert_int_equal(troupe_scope_end(self, stage->scope), 0);
	assert_int_equal(troupe_semaphore_open(self, UINT32_MAX, &stage->semaphore), 0);
	assert_int_equal(troupe_give_back(self, stage->semaphore), -EOVERFLOW);
	assert_int_equal(troupe_acquire(self, stage->semaphore), 0);
	return troupe_give_back(self, stage->semaphore);
}

static void semaphore_is_taken_in_turns(void **state)
{
	(void)state;
	run_for(&takes_turns_task, 10,
		"1:num 0; lock1 0; back1; lock2 0; back2; lock3 0; back3; lock4 0; back4; "
		"lock5 -32; ");
}

TASK(sets_and_clears, unused)
{
	UNUSED;
	open_scope(self, stage);
	assert_int_equal(troupe_event_open(self, &stage->event), 0);
	start(self, &waits_task, 1);
	start(self, &waits_task, 2);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	assert_int_equal(troupe_event_set(self, stage->event), 0);
	assert_int_equal(troupe_event_set(self, stage->event), 0);
	assert_int_equal(troupe_event_wait(self, stage->event), 0);
	/* it has happened for those two, and for nobody who comes later */
	assert_int_equal(troupe_event_clear(self, stage->event), 0);
	start(self, &waits_task, 3);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "| ");
	troupe_event_close(self, stage->event);
	troupe_event_close(self, stage->event);
	assert_int_equal(troupe_event_wait(self, stage->event), -EPIPE);
	assert_int_equal(troupe_event_set(self, stage->event), -EPIPE);
	assert_int_equal(troupe_event_clear(self, stage->event), -EPIPE);
	return troupe_scope_end(self, stage->scope);
}

static void event_is_for_all_who_wait(void **state)
{
	(void)state;
	run_for(&sets_and_clears_task, 10, "1:num 0; | event1 0; event2 0; | event3 -32; ");
}

/* ------------------------------------------------------------------ handlers */

TASK(waits_for_a_handler, unused)
{
	UNUSED;
	open_scope(self, stage);
	open_channel(self, stage, 1);
	assert_int_equal(troupe_semaphore_open(self, 0, &stage->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &stage->event), 0);
	start(self, &consumes_task, 3);
	start(self, &locks_task, 1);
	start(self, &waits_task, 1);
	return troupe_scope_end(self, stage->scope);
}

static int wakes_them(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	struct stage *stage = stage_of(self);
	int item = (int)n;

	if (n == 0)
		return starts_the_test(self, me, call, n);
	/* a handler cannot wait */
	assert_int_equal(troupe_put(self, stage->channel, &item), -EDEADLK);
	assert_int_equal(troupe_get(self, stage->channel, &item), -EDEADLK);
	assert_int_equal(troupe_acquire(self, stage->semaphore), -EDEADLK);
	assert_int_equal(troupe_event_wait(self, stage->event), -EDEADLK);
	/* but all else */
	assert_int_equal(troupe_try_put(self, stage->channel, &item), 0);
	assert_int_equal(troupe_try_put(self, stage->channel, &item), 0);
	assert_int_equal(troupe_try_put(self, stage->channel, &item), -EAGAIN);
	assert_int_equal(troupe_try_get(self, stage->channel, &item), 1);
	assert_int_equal(troupe_try_get(self, stage->channel, &item), -EAGAIN);
	assert_int_equal(troupe_give_back(self, stage->semaphore), 0);
	assert_int_equal(troupe_event_set(self, stage->event), 0);
	assert_int_equal(troupe_event_clear(self, stage->event), 0);
	troupe_channel_close(self, stage->channel);
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
	struct stage stage;

	(void)state;
	begin(&world, &stage, &waits_for_a_handler_task);
	world.hooks.num = wakes_them;
	world_run(&world);
	assert_waits_for(&world, "scope end; get; semaphore; event; ");
	world_send(&world, world.actors[1], 5);
	world_run(&world);
	assert_log(&world, "1:num 0; 1:num 5; got 1 5; got 0 -1; lock1 0; event1 0; back1; ");
	finish(&world);
}

/* ------------------------------------------------------------------ cancelling */

/* Trap 9: the task that was handed the permit is cancelled before it runs. */
TASK(cancels_the_woken_one, unused)
{
	struct troupe_task first, second, third;

	UNUSED;
	open_scope(self, stage);
	assert_int_equal(troupe_semaphore_open(self, 0, &stage->semaphore), 0);
	assert_int_equal(
		troupe_start(self, stage->scope, &locks_task, number(1), stage, &first), 0);
	assert_int_equal(
		troupe_start(self, stage->scope, &locks_task, number(2), stage, &second), 0);
	assert_int_equal(
		troupe_start(self, stage->scope, &locks_task, number(3), stage, &third), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_give_back(self, stage->semaphore), 0);
	assert_int_equal(troupe_task_cancel(self, first), 0);  /* it has it */
	assert_int_equal(troupe_task_cancel(self, second), 0); /* it waits */
	return troupe_scope_end(self, stage->scope);
}

static void permit_of_a_cancelled_task_goes_on_to_the_next(void **state)
{
	(void)state;
	run_for(&cancels_the_woken_one_task, 10,
		"1:num 0; lock1 0; back1; lock2 -125; lock3 0; back3; ");
}

TASK(puts_later, unused)
{
	int item = ++stage->count;

	UNUSED;
	assert_int_equal(troupe_sleep(self, 10 * TROUPE_MS_NS), 0);
	assert_int_equal(troupe_put(self, stage->channel, &item), 0);
	return 0;
}

/* Trap 10: an item that comes as the time is up is got, or still there. */
TASK(gets_at_the_limit, unused)
{
	UNUSED;
	open_channel(self, stage, 1);
	for (unsigned at = 8; at <= 12; at++) {
		struct troupe_scope scope;
		int rc, item = 0;

		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &puts_later_task, NULL,
					      stage, NULL),
				 0);
		assert_int_equal(troupe_scope_begin(self, at * TROUPE_MS_NS, &scope), 0);
		rc = troupe_get(self, stage->channel, &item);
		assert_true(rc == 1 || rc == -ETIMEDOUT);
		stage->semaphore.id += rc == 1;
		assert_int_equal(item, rc == 1 ? stage->count : 0);
		assert_int_equal(troupe_scope_end(self, scope), rc == 1 ? 0 : rc);
		if (rc < 0)
			assert_int_equal(troupe_get(self, stage->channel, &item), 1);
		assert_int_equal(item, stage->count);
		assert_int_equal(troupe_try_get(self, stage->channel, &item), -EAGAIN);
	}
	return 0;
}

static void item_at_the_limit_is_got_or_still_there(void **state)
{
	struct world world;
	struct stage stage;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		begin(&world, &stage, &gets_at_the_limit_task);
		if (seed)
			sim_seed(world.loop, seed);
		world_sleep(&world, 200 * TROUPE_MS_NS);
		/* both ends were seen */
		assert_in_range(stage.semaphore.id, 1, 4);
		assert_int_equal(stage.count, 5);
		finish(&world);
	}
}

TASK(cuts_first, unused)
{
	struct troupe_scope scope;
	int item = 1;

	UNUSED;
	open_channel(self, stage, 2);
	assert_int_equal(troupe_semaphore_open(self, 1, &stage->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &stage->event), 0);
	assert_int_equal(troupe_event_set(self, stage->event), 0);
	assert_int_equal(troupe_try_put(self, stage->channel, &item), 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	troupe_scope_cancel(self, scope);
	assert_int_equal(troupe_put(self, stage->channel, &item), -ECANCELED);
	assert_int_equal(troupe_get(self, stage->channel, &item), -ECANCELED);
	assert_int_equal(troupe_acquire(self, stage->semaphore), -ECANCELED);
	assert_int_equal(troupe_event_wait(self, stage->event), -ECANCELED);
	/* for who tidies up, these do not wait */
	assert_int_equal(troupe_try_get(self, stage->channel, &item), 1);
	assert_int_equal(troupe_try_get(self, stage->channel, &item), -EAGAIN);
	assert_int_equal(troupe_try_acquire(self, stage->semaphore), 0);
	assert_int_equal(troupe_scope_end(self, scope), -ECANCELED);
	return 0;
}

static void cancelled_scope_takes_nothing(void **state)
{
	(void)state;
	run_for(&cuts_first_task, 10, "1:num 0; ");
}

/* ------------------------------------------------------------------ fairness */

/* What takes them 10 ms in all. */
#define ROUNDS   20000
#define ROUND_NS (10 * TROUPE_MS_NS / ROUNDS)

TASK(feeds, n)
{
	struct troupe_channel *channels = (struct troupe_channel *)n;
	int rc = 0, item;

	(void)me;
	while (rc >= 0 && stage->count < ROUNDS) {
		stage->count++;
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
		assert_in_range(stage->count, 1, ROUNDS - 1);
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
	open_scope(self, stage);
	assert_int_equal(
		troupe_start(self, stage->scope, &feeds_task, &channels[0], stage, NULL), 0);
	assert_int_equal(
		troupe_start(self, stage->scope, &feeds_task, &channels[1], stage, NULL), 0);
	start(self, &ticks_task, 0);
	return troupe_scope_end(self, stage->scope);
}

static void tasks_that_feed_each_other_let_others_run(void **state)
{
	(void)state;
	run_for(&starts_feeders_task, 20, "1:num 0; ");
}

/* One task that always finds an item and room lets others run, too. */
TASK(feeds_itself, unused)
{
	int item = 0;

	UNUSED;
	open_channel(self, stage, 1);
	assert_int_equal(troupe_semaphore_open(self, 1, &stage->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &stage->event), 0);
	assert_int_equal(troupe_event_set(self, stage->event), 0);
	open_scope(self, stage);
	start(self, &ticks_task, 0);
	for (; stage->count < ROUNDS; stage->count++) {
		sim_advance(world_of(self)->loop, ROUND_NS);
		assert_int_equal(troupe_put(self, stage->channel, &item), 0);
		assert_int_equal(troupe_get(self, stage->channel, &item), 1);
		assert_int_equal(troupe_acquire(self, stage->semaphore), 0);
		assert_int_equal(troupe_give_back(self, stage->semaphore), 0);
		assert_int_equal(troupe_event_wait(self, stage->event), 0);
	}
	return troupe_scope_end(self, stage->scope);
}

static void task_that_never_has_to_wait_lets_others_run(void **state)
{
	(void)state;
	run_for(&feeds_itself_task, 20, "1:num 0; ");
}

/* ------------------------------------------------------------------ handles, bounds */

TASK(opens_all, unused)
{
	UNUSED;
	open_channel(self, stage, 1);
	assert_int_equal(troupe_try_put(self, stage->channel, &stage->count), 0);
	assert_int_equal(troupe_semaphore_open(self, 1, &stage->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &stage->event), 0);
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
	refuse(self, stage->channel.id);
	refuse(self, stage->semaphore.id);
	refuse(self, stage->event.id);
	refuse(self, stage->event.id + 1);
	refuse(self, stage->event.id + (1ull << 32));
	refuse(self, LIMIT_BELONGINGS | 1ull << 32);
	return 0;
}

/* In the one whose they are. */
TASK(takes_one_for_another, unused)
{
	UNUSED;
	refuse_channel(self, stage->semaphore.id);
	refuse_channel(self, stage->event.id);
	refuse_semaphore(self, stage->channel.id);
	refuse_semaphore(self, stage->event.id);
	refuse_event(self, stage->channel.id);
	refuse_event(self, stage->semaphore.id);
	assert_int_equal(self->runtime->belongings.count, 3);
	return 0;
}

static void handles_that_are_made_up_are_refused(void **state)
{
	struct inspect_owned owned[INSPECT_OWNED_MAX];
	struct world world;
	struct stage stage;

	(void)state;
	begin(&world, &stage, &opens_all_task);
	world_run(&world);
	assert_int_equal(inspect_owned(world.runtime, world.actors[1], owned), 3);
	assert_string_equal(owned[0].kind, "channel");
	assert_int_equal(owned[0].bytes, sizeof(int));
	world_spawn(&world, 2);
	stage.entry = &makes_handles_up_task;
	world_send(&world, world.actors[2], 0);
	world_run(&world);
	stage.entry = &takes_one_for_another_task;
	world_send(&world, world.actors[1], 0);
	world_run(&world);
	assert_log(&world, "1:num 0; 2:num 0; 1:num 0; ");
	/* all three go with the actor that has opened them */
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	assert_int_equal(world.runtime->belongings.count, 3);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(world.runtime->belongings.count, 0);
	finish(&world);
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
	struct stage stage;

	(void)state;
	begin(&world, &stage, &opens_too_much_task);
	world_unit(&world, 2, world.type, 0, 40000, 0);
	world_spawn_in(&world, 2, 2);
	world_send(&world, world.actors[2], 0);
	stage.entry = &opens_too_much_task;
	world.hooks.num = NULL;
	world_run(&world);
	world.hooks.num = starts_the_test;
	world_send(&world, world.actors[2], 0);
	world_run(&world);
	finish(&world);
}

/* ------------------------------------------------------------------ the actor's end */

/* At the end it still hands things around, in a shield. */
TASK(tidies_up, unused)
{
	struct troupe_scope shield;
	int item = 0;

	UNUSED;
	open_channel(self, stage, 0);
	assert_int_equal(troupe_get(self, stage->channel, &item), -ECANCELED);
	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	note(self, "got %d", troupe_get(self, stage->channel, &item));
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
	assert_int_equal(troupe_put(self, stage->channel, &item), 0);
	return troupe_scope_end(self, shield);
}

TASK(starts_those_who_tidy_up, unused)
{
	UNUSED;
	assert_int_equal(troupe_semaphore_open(self, 0, &stage->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &stage->event), 0);
	start(self, &locks_task, 1);
	start(self, &waits_task, 1);
	start(self, &tidies_up_task, 0);
	start(self, &tells_it_task, 0);
	return 0;
}

static void they_serve_until_the_last_task_has_ended(void **state)
{
	struct world world;
	struct stage stage;

	(void)state;
	begin(&world, &stage, &starts_those_who_tidy_up_task);
	world_run(&world);
	assert_int_equal(world.runtime->belongings.count, 3);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_log(&world, "1:num 0; lock1 -125; event1 -125; got 1 8; 1:fini shutdown; ");
	assert_int_equal(world.runtime->belongings.count, 0);
	finish(&world);
}

/* One that never ends: when its shields hold no more it is always busy, and is abandoned. */
TASK(waits_for_ever, unused)
{
	int item;

	UNUSED;
	for (;;) {
		struct troupe_scope shield;

		assert_int_equal(troupe_scope_shield(self, TROUPE_SHIELD_MAX_NS, &shield), 0);
		assert_int_not_equal(troupe_get(self, stage->channel, &item), 1);
		(void)troupe_scope_end(self, shield);
	}
	return 0;
}

TASK(starts_the_endless, unused)
{
	UNUSED;
	open_channel(self, stage, 0);
	start(self, &waits_for_ever_task, 0);
	start(self, &waits_for_ever_task, 0);
	return 0;
}

static void abandoned_tasks_leave_what_they_wait_in(void **state)
{
	struct world world;
	struct stage stage;

	(void)state;
	begin(&world, &stage, &starts_the_endless_task);
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
	finish(&world);
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
		cmocka_unit_test(tasks_that_feed_each_other_let_others_run),
		cmocka_unit_test(task_that_never_has_to_wait_lets_others_run),
		cmocka_unit_test(handles_that_are_made_up_are_refused),
		cmocka_unit_test(what_an_actor_keeps_in_them_is_bounded),
		cmocka_unit_test(they_serve_until_the_last_task_has_ended),
		cmocka_unit_test(abandoned_tasks_leave_what_they_wait_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
