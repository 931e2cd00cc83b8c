/* test_sim_share.c - what one unit cannot take from the others of its worker. */
#include "core/inside.h"
#include "core/share.h"
#include "world.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LIMIT 400

enum want { CALLS, KEPT_CALLS, KEPT_MESSAGES, TIMERS, WATCHES, ACTORS, WANTS };

static const enum share_kind kinds[WANTS] = {SHARE_CALLS,         SHARE_KEPT_CALLS,
					     SHARE_KEPT_MESSAGES, SHARE_TIMERS,
					     SHARE_WATCHES,       SHARE_ACTORS};

/* A descriptor of its own, left open until the end of the test. */
static int watch_one(struct troupe_self *self)
{
	struct troupe_watch watch;
	int fd = eventfd(0, EFD_CLOEXEC), r;

	assert_true(fd >= 0);
	r = troupe_watch_start(self, fd, 0, &watch_entry, 0, &watch);
	if (r < 0)
		close(fd);
	return r;
}

static int take_one(struct troupe_self *self, enum want want, struct troupe_call call)
{
	struct troupe_address address;
	struct troupe_kept *kept;

	switch (want) {
	case CALLS:
		return troupe_call(self, world_of(self)->actors[7], &num_method,
				   &(struct num){0}, &num_entry, 0, 0, 0, NULL);
	case KEPT_CALLS:
		return troupe_call_keep(self, &call);
	case KEPT_MESSAGES:
		return troupe_keep(self, &kept);
	case TIMERS:
		return troupe_timer_start(self, &tick_entry, TROUPE_SECOND_NS, 0, 0, NULL);
	case WATCHES:
		return watch_one(self);
	default:
		return troupe_spawn(self, &puppet_table, &(struct num){100}, TROUPE_DETACHED,
				    &address);
	}
}

struct count {
	enum want want;
	int got[8]; /* by puppet: how many it has taken */
	int last;
};

/* Each message makes its receiver take one more. */
static int takes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	struct count *count = world_of(self)->test;

	(void)n;
	if (me->id == 7) /* it is called, and answers never */
		return troupe_call_keep(self, &call);
	count->last = take_one(self, count->want, call);
	count->got[me->id] += count->last == 0;
	return 0;
}

static void take(struct world *world, struct count *count, int puppet, int n)
{
	(void)count;
	for (int i = 0; i < n; i++) {
		assert_int_equal(world_send(world, world->actors[puppet], 1), 0);
		world_run(world);
	}
}

static void begin(struct world *world, struct count *count, enum want want)
{
	struct runtime_config limits = {0};

	*count = (struct count){.want = want};
	/* what is wanted is what there is little of */
	limits.max_calls = want == CALLS || want == KEPT_CALLS ? LIMIT : 0;
	limits.max_kept_calls = want == KEPT_CALLS || want == KEPT_MESSAGES ? LIMIT : 0;
	limits.max_timers = want == TIMERS ? LIMIT : 0;
	limits.max_watches = want == WATCHES ? LIMIT : 0;
	limits.max_actors = want == ACTORS ? LIMIT : 0;
	world_init(world, 1, &limits);
	world->hooks.num = takes;
	world->test = count;
	for (uint32_t unit = 2; unit <= 4; unit++)
		world_unit(world, unit, world->type, 1000, 0, 0);
	for (uint32_t unit = 2; unit <= 4; unit++)
		world_spawn_in(world, unit, unit);
	world_spawn(world, 7);
}

static void finish(struct world *world)
{
	for (uint32_t number = 2; number <= 4; number++)
		assert_int_equal(runtime_stop(world->runtime, world->actors[number]), 0);
	runtime_stop_all(world->runtime);
	world_run(world);
	for (uint32_t number = 1; number <= 4; number++)
		for (int kind = 0; kind < SHARE_KINDS; kind++)
			assert_int_equal(
				definition_find(world->runtime, number)->share->held[kind], 0);
	world_assert_empty(world);
	world_fini(world);
}

static void share_with(enum want want)
{
	struct count count;
	struct world world;

	begin(&world, &count, want);
	/* one unit alone gets three quarters, however hard it tries */
	take(&world, &count, 2, 2 * LIMIT);
	assert_in_range(count.got[2], LIMIT * 3 / 4 - 6, LIMIT * 3 / 4 + 6);
	assert_int_equal(count.last, want == ACTORS ? -EAGAIN : -ENOMEM);
	/* the next gets half of the rest, and there is still something for the third */
	take(&world, &count, 3, 2 * LIMIT);
	assert_in_range(count.got[3], LIMIT / 8 - 6, LIMIT / 8 + 6);
	take(&world, &count, 4, 2 * LIMIT);
	assert_in_range(count.got[4], LIMIT / 16 - 6, LIMIT / 16 + 6);
	assert_true(definition_find(world.runtime, 2)->share->held[kinds[want]] > 0);
	/* what the greedy one gives up is there for the others */
	if (want != ACTORS) {
		assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
		count.got[4] = 0;
		take(&world, &count, 4, 2 * LIMIT);
		assert_true(count.got[4] > LIMIT / 2);
		world_spawn_in(&world, 2, 2);
	}
	finish(&world);
}

static void one_unit_leaves_calls_to_the_others(void **state)
{
	(void)state;
	share_with(CALLS);
}

static void one_unit_leaves_kept_calls_to_the_others(void **state)
{
	(void)state;
	share_with(KEPT_CALLS);
}

static void one_unit_leaves_kept_messages_to_the_others(void **state)
{
	(void)state;
	share_with(KEPT_MESSAGES);
}

static void one_unit_leaves_timers_to_the_others(void **state)
{
	(void)state;
	share_with(TIMERS);
}

static void one_unit_leaves_watches_to_the_others(void **state)
{
	int next = eventfd(0, EFD_CLOEXEC);

	(void)state;
	share_with(WATCHES);
	close(next);
	(void)close_range((unsigned)next, ~0u, 0); /* what units that are gone watched */
}

static void one_unit_leaves_actors_to_the_others(void **state)
{
	(void)state;
	share_with(ACTORS);
}

/* ------------------------------------------------------------------ who pays */

static int breeds(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct count *count = world_of(self)->test;
	struct troupe_address child;

	(void)call;
	if (me->id == 2 && n == 1)
		return troupe_spawn(self, &puppet_table, &(struct num){6}, 0, &child);
	if (me->id == 6 || me->id == 3)
		count->got[me->id] += take_one(self, TIMERS, call) == 0;
	return 0;
}

static void children_take_from_the_share_of_their_unit(void **state)
{
	struct count count;
	struct world world;
	int own;

	(void)state;
	begin(&world, &count, TIMERS);
	take(&world, &count, 2, 2 * LIMIT);
	own = count.got[2];
	world.hooks.num = breeds;
	take(&world, &count, 2, 1);
	take(&world, &count, 6, 100);
	assert_int_equal(count.got[6], 0);
	take(&world, &count, 3, 20);
	assert_int_equal(count.got[3], 20);
	assert_true(own > LIMIT / 2);
	/* they give it back too */
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_spawn_in(&world, 2, 2);
	finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_unit_leaves_calls_to_the_others),
		cmocka_unit_test(one_unit_leaves_kept_calls_to_the_others),
		cmocka_unit_test(one_unit_leaves_kept_messages_to_the_others),
		cmocka_unit_test(one_unit_leaves_timers_to_the_others),
		cmocka_unit_test(one_unit_leaves_watches_to_the_others),
		cmocka_unit_test(one_unit_leaves_actors_to_the_others),
		cmocka_unit_test(children_take_from_the_share_of_their_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
