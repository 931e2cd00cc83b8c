/* test_sim_sync_failpoints.c - each allocation fails once while tasks hand things around, do
 * one thing with many items, and race: whatever fails is returned where it is asked for, and
 * nothing is left. */
#include "base/cleanup.h"
#include "tests/failpoints/sweep.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <troupe/sync.h>

#define ITEMS 6

struct play {
	struct troupe_channel channel;
	struct troupe_semaphore semaphore;
	struct troupe_event event;
	int sum, result;
};

/* Takes an item to the channel, with the semaphore. */
static int brings(struct troupe_self *self, struct puppet *me, const int *item,
		  struct play *play)
{
	int r = troupe_acquire(self, play->semaphore);

	(void)me;
	if (r < 0)
		return r;
	r = troupe_put(self, play->channel, item);
	assert_int_equal(troupe_give_back(self, play->semaphore), 0);
	return r;
}
TROUPE_TASK(brings, struct puppet, const int, struct play)

static int adds_up(struct troupe_self *self, struct puppet *me, void *unused, struct play *play)
{
	int item, r = troupe_event_wait(self, play->event);

	(void)me;
	(void)unused;
	while (r >= 0 && (r = troupe_get(self, play->channel, &item)) > 0)
		play->sum += item;
	return r;
}
TROUPE_TASK(adds_up, struct puppet, void, struct play)

static int waits(struct troupe_self *self, struct puppet *me, void *unused, struct play *play)
{
	(void)me;
	(void)unused;
	(void)play;
	return troupe_sleep(self, UINT64_MAX);
}
TROUPE_TASK(waits, struct puppet, void, struct play)

static int hand_around(struct troupe_self *self, struct play *play)
{
	static const int items[ITEMS] = {1, 2, 3, 4, 5, 6};
	struct troupe_scope scope;
	int r = troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), ended;

	if (r < 0)
		return r;
	r = troupe_start(self, scope, &adds_up_task, NULL, play, NULL);
	if (r == 0)
		r = troupe_event_set(self, play->event);
	if (r == 0)
		r = troupe_for_all(self, &brings_task, items, sizeof(items[0]), ITEMS, 3, play);
	if (r < 0)
		troupe_scope_cancel(self, scope);
	troupe_channel_close(self, play->channel);
	ended = troupe_scope_end(self, scope);
	return r < 0 ? r : ended;
}

static int race(struct troupe_self *self, struct play *play)
{
	const struct troupe_task_entry *const entries[] = {&waits_task, &adds_up_task};
	int r = troupe_race(self, 2, entries, NULL, play);

	return r == 1 ? 0 : r;
}

static int plays(struct troupe_self *self, struct puppet *me, struct play *play, void *unused)
{
	int r;

	(void)me;
	(void)unused;
	play->sum = 0;
	r = troupe_channel_open(self, sizeof(int), 2, &play->channel);
	if (r == 0)
		r = troupe_semaphore_open(self, 2, &play->semaphore);
	if (r == 0)
		r = troupe_event_open(self, &play->event);
	if (r == 0)
		r = hand_around(self, play);
	if (r == 0)
		r = race(self, play);
	if (r == 0)
		assert_int_equal(play->sum, 21);
	troupe_channel_close(self, play->channel);
	troupe_semaphore_close(self, play->semaphore);
	troupe_event_close(self, play->event);
	play->result = r;
	return 0;
}
TROUPE_TASK(plays, struct puppet, struct play, void)

static int on_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct play *play = world_of(self)->test;

	(void)me;
	(void)call;
	(void)n;
	*play = (struct play){
		.result = troupe_start(self, TROUPE_OF_ACTOR, &plays_task, play, NULL, NULL)};
	return 0;
}

static int play_once(struct world *world)
{
	struct play *play = world->test;

	play->result = world_send(world, world->actors[1], 1);
	world_run(world);
	assert_int_equal(world->runtime->tasks.count, 0);
	assert_int_equal(world->runtime->scopes.count, 0);
	assert_int_equal(world->runtime->belongings.count, 0);
	return play->result;
}

static int act(void *data)
{
	struct play play = {0};
	struct world world;
	int result;

	(void)data;
	sweep_calm();
	world_init(&world, 1, NULL);
	world.test = &play;
	world.hooks.num = on_num;
	world_spawn(&world, 1);
	sweep_go_on();
	result = play_once(&world);
	sweep_calm();
	assert_int_equal(play_once(&world), 0);
	world_finish(&world);
	return result;
}

static void what_tasks_share_fails_alone(void **state)
{
	(void)state;
	sweep(act, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_tasks_share_fails_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
