/* Inlets: what arrives, in which order, and what becomes of it. All in one thread; for more see
 * test_inlet.c. */
#include "core/cold.h"
#include "core/inside.h"
#include "world.h"
#include <errno.h>

#define CAPACITY 4u

static int post(struct troupe_inlet *inlet, const char *text)
{
	return troupe_post(inlet, text, strlen(text));
}

static int opens(struct troupe_self *self, struct puppet *me)
{
	return troupe_inlet_open(self, &post_entry, (uint64_t)me->id, CAPACITY, &me->inlet);
}

static struct puppet *puppet_at(const struct world *world, int id)
{
	return actor_find(world->runtime, world->actors[id])->state;
}

static void begin(struct world *world, const struct runtime_config *limits)
{
	world_init(world, 1, limits);
	world->hooks.init = opens;
}

static struct troupe_inlet *begin_one(struct world *world)
{
	begin(world, NULL);
	world_spawn(world, 1);
	return puppet_at(world, 1)->inlet;
}

static void posts_arrive_in_order_behind_what_is_there(void **state)
{
	struct world world;
	struct troupe_inlet *inlet = begin_one(&world);

	(void)state;
	world_send(&world, world.actors[1], 1);
	assert_int_equal(post(inlet, "a"), 0);
	assert_int_equal(post(inlet, "b"), 0);
	assert_int_equal(troupe_post(inlet, NULL, 0), 0);
	world_run(&world);
	assert_log(&world, "1:num 1; 1:post1 a; 1:post1 b; 1:post1 ; ");
	assert_int_equal(post(inlet, "c"), 0);
	world_run(&world);
	assert_log(&world, "1:post1 c; ");
	troupe_inlet_release(inlet);
	world_run(&world);
	assert_log(&world, "");
	assert_int_equal(world.runtime->inlets.count, 0);
	assert_null(
		cold_find(world.runtime, actor_find(world.runtime, world.actors[1]))->inlets);
	world_finish(&world);
}

static void inlet_holds_so_many_posts(void **state)
{
	struct world world;
	struct troupe_inlet *inlet = begin_one(&world);

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < CAPACITY; i++)
			assert_int_equal(post(inlet, "x"), 0);
		assert_int_equal(post(inlet, "x"), -EAGAIN);
		world_run(&world);
		assert_log(&world, "1:post1 x; 1:post1 x; 1:post1 x; 1:post1 x; ");
	}
	troupe_inlet_release(inlet);
	world_finish(&world);
}

static void inlet_holds_so_many_bytes(void **state)
{
	static const char bytes[4096];
	struct troupe_inlet *inlet;
	struct world world;

	(void)state;
	begin(&world, NULL);
	world_unit(&world, 2, world.type, 0, 4096, 0);
	world_spawn_in(&world, 2, 1);
	inlet = puppet_at(&world, 1)->inlet;
	assert_int_equal(troupe_post(inlet, bytes, 4097), -EMSGSIZE);
	assert_int_equal(troupe_post(inlet, bytes, SIZE_MAX), -EMSGSIZE);
	assert_int_equal(troupe_post(inlet, bytes, 4000), 0);
	assert_int_equal(troupe_post(inlet, bytes, 97), -EAGAIN);
	assert_int_equal(troupe_post(inlet, bytes, 96), 0);
	assert_int_equal(troupe_post(inlet, bytes, 1), -EAGAIN);
	world_run(&world);
	assert_int_equal(troupe_post(inlet, bytes, 4096), 0);
	troupe_inlet_release(inlet);
	world_finish(&world);
}

/* A full mailbox takes them, too; and they count there, so that senders come to know. */
static void posts_need_no_room(void **state)
{
	static char bytes[3000];
	struct troupe_inlet *inlet;
	struct world world;

	(void)state;
	begin(&world, NULL);
	world_unit(&world, 2, world.type, 1, 4096, 0);
	world_spawn_in(&world, 2, 1);
	inlet = puppet_at(&world, 1)->inlet;
	assert_int_equal(world_send(&world, world.actors[1], 1), 0);
	assert_int_equal(world_send(&world, world.actors[1], 2), -EAGAIN);
	assert_int_equal(post(inlet, "a"), 0);
	world_run(&world);
	assert_log(&world, "1:num 1; 1:post1 a; ");
	memset(bytes, 'b', sizeof(bytes));
	assert_int_equal(troupe_post(inlet, bytes, sizeof(bytes)), 0);
	world_run(&world);
	assert_log(&world, "1:post1 bbbbbbbbbbbbbbbbbbbb; ");
	assert_int_equal(actor_find(world.runtime, world.actors[1])->load.charged, 0);
	troupe_inlet_release(inlet);
	world_finish(&world);
}

/* Released: what was posted before still comes. */
static void released_inlet_is_emptied(void **state)
{
	struct world world;
	struct troupe_inlet *inlet = begin_one(&world);

	(void)state;
	assert_int_equal(post(inlet, "a"), 0);
	assert_int_equal(post(inlet, "b"), 0);
	troupe_inlet_release(inlet);
	troupe_inlet_release(NULL);
	world_run(&world);
	assert_log(&world, "1:post1 a; 1:post1 b; ");
	assert_int_equal(world.runtime->inlets.count, 0);
	world_finish(&world);
}

/* Before fini is called, where threads are joined that may be posting. */
static void post_in_fini(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	struct troupe_inlet *inlet;

	(void)cause;
	assert_int_equal(post(me->inlet, "z"), -EPIPE);
	assert_int_equal(troupe_post_wait(me->inlet, "z", 1, 0), -EPIPE);
	assert_int_equal(troupe_inlet_open(self, &post_entry, 0, 0, &inlet), -EINVAL);
}

static void posts_of_an_actor_that_ends_are_dropped(void **state)
{
	struct world world;
	struct troupe_inlet *inlet = begin_one(&world);

	(void)state;
	world.hooks.fini = post_in_fini;
	assert_int_equal(post(inlet, "a"), 0);
	loop_step(world.loop, false); /* now it lies in the mailbox, or was handled */
	assert_log(&world, "");
	assert_int_equal(post(inlet, "b"), 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(post(inlet, "c"), -EPIPE);
	world_run(&world);
	assert_log(&world, "1:fini shutdown; ");
	assert_int_equal(world.runtime->inlets.count, 0);
	troupe_inlet_release(inlet);
	world_finish(&world);
}

static void inlet_released_just_before_the_end(void **state)
{
	(void)state;
	for (int arrived = 0; arrived < 2; arrived++) {
		struct world world;
		struct troupe_inlet *inlet = begin_one(&world);

		assert_int_equal(post(inlet, "a"), 0);
		troupe_inlet_release(inlet);
		if (arrived)
			loop_step(world.loop, false);
		assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
		world_finish(&world);
	}
}

static int exits_at_a_post(struct troupe_self *self, struct puppet *me, uint64_t context,
			   const struct troupe_post_event *event)
{
	(void)context;
	assert_int_equal(event->size, 1);
	if (*(const char *)event->data == 'e') {
		assert_int_equal(post(me->inlet, "f"), 0); /* never to be handled */
		troupe_exit(self, 0);
	}
	return *(const char *)event->data == 'f' ? -EIO : 0;
}

static void actor_may_end_at_a_post(void **state)
{
	struct world world;
	struct troupe_inlet *inlet = begin_one(&world);

	(void)state;
	world.hooks.post = exits_at_a_post;
	assert_int_equal(post(inlet, "d"), 0);
	assert_int_equal(post(inlet, "e"), 0);
	assert_int_equal(post(inlet, "g"), 0);
	world_run(&world);
	assert_log(&world, "1:post1 d; 1:post1 e; 1:fini normal; ");
	assert_int_equal(post(inlet, "h"), -EPIPE);
	troupe_inlet_release(inlet);
	world_finish(&world);
}

static void failure_at_a_post_is_reported_as_one(void **state)
{
	struct world world;
	struct troupe_inlet *inlet = begin_one(&world);

	(void)state;
	world.hooks.post = exits_at_a_post;
	assert_int_equal(post(inlet, "f"), 0);
	world_run(&world);
	assert_string_equal(world.last_failure, "unit1 1 a post -5 ");
	troupe_inlet_release(inlet);
	world_finish(&world);
}

static int fails_after_opening(struct troupe_self *self, struct puppet *me)
{
	assert_int_equal(opens(self, me), 0);
	world_of(self)->test = me->inlet;
	assert_int_equal(post(me->inlet, "a"), 0);
	return -EIO;
}

static void inlet_of_a_failed_init_is_closed(void **state)
{
	struct troupe_address address;
	struct world world;

	(void)state;
	begin(&world, NULL);
	world.hooks.init = fails_after_opening;
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){1}, &address), -EIO);
	assert_int_equal(post(world.test, "a"), -EPIPE);
	world_run(&world);
	assert_log(&world, "");
	troupe_inlet_release(world.test);
	world_finish(&world);
}

/* The plug-in's threads may have it longer than there is a runtime. */
static void inlet_outlives_the_runtime(void **state)
{
	struct world world;
	struct troupe_inlet *inlet = begin_one(&world);

	(void)state;
	assert_int_equal(post(inlet, "a"), 0);
	world_finish(&world);
	assert_int_equal(post(inlet, "b"), -EPIPE);
	assert_int_equal(troupe_post_wait(inlet, "b", 1, 1), -EPIPE);
	troupe_inlet_release(inlet);
}

static int opens_wrongly(struct troupe_self *self, struct puppet *me)
{
	assert_int_equal(troupe_inlet_open(self, &tick_entry, 0, 0, &me->inlet), -EINVAL);
	assert_int_equal(troupe_inlet_open(self, NULL, 0, 0, &me->inlet), -EINVAL);
	assert_int_equal(
		troupe_inlet_open(self, &post_entry, 0, TROUPE_INLET_POSTS_MAX + 1, &me->inlet),
		-EINVAL);
	assert_null(me->inlet);
	return troupe_inlet_open(self, &post_entry, 0, TROUPE_INLET_POSTS_MAX, &me->inlet);
}

static void what_cannot_be_opened_is_refused(void **state)
{
	struct world world;

	(void)state;
	begin(&world, NULL);
	world.hooks.init = opens_wrongly;
	world_spawn(&world, 1);
	troupe_inlet_release(puppet_at(&world, 1)->inlet);
	world_finish(&world);
}

static int opens_with_the_default(struct troupe_self *self, struct puppet *me)
{
	return troupe_inlet_open(self, &post_entry, 7, 0, &me->inlet);
}

static void default_capacity_is_that_of_the_mailbox(void **state)
{
	struct troupe_inlet *inlet;
	struct world world;

	(void)state;
	begin(&world, NULL);
	world.hooks.init = opens_with_the_default;
	world_unit(&world, 2, world.type, 2, 0, 0);
	world_spawn_in(&world, 2, 1);
	inlet = puppet_at(&world, 1)->inlet;
	assert_int_equal(post(inlet, "a"), 0);
	assert_int_equal(post(inlet, "b"), 0);
	assert_int_equal(post(inlet, "c"), -EAGAIN);
	/* nobody but this thread could make room */
	assert_int_equal(troupe_post_wait(inlet, "c", 1, 0), -EDEADLK);
	world_run(&world);
	assert_log(&world, "1:post7 a; 1:post7 b; ");
	troupe_inlet_release(inlet);
	world_finish(&world);
}

static void inlets_stop_at_the_limit(void **state)
{
	struct troupe_address address;
	struct world world;

	(void)state;
	begin(&world, &(struct runtime_config){.max_inlets = 2});
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){3}, &address),
			 -ENOMEM);
	troupe_inlet_release(puppet_at(&world, 1)->inlet);
	world_run(&world);
	world_spawn(&world, 3);
	troupe_inlet_release(puppet_at(&world, 2)->inlet);
	troupe_inlet_release(puppet_at(&world, 3)->inlet);
	world_finish(&world);
}

static void unit_has_a_share_of_the_inlets(void **state)
{
	struct troupe_address address;
	struct world world;
	int64_t id = 1;

	(void)state;
	begin(&world, &(struct runtime_config){.max_inlets = 6});
	world_count_shares(&world);
	world_unit(&world, 2, world.type, 0, 0, 0);
	for (; id <= 3; id++)
		world_spawn(&world, id);
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){id}, &address),
			 -ENOMEM);
	world_spawn_in(&world, 2, id);
	for (int i = 1; i <= 4; i++)
		troupe_inlet_release(puppet_at(&world, i)->inlet);
	world_finish(&world);
}

/* ------------------------------------------------------------------ by lot */

#define INLETS 4
#define STEPS  400

struct lot {
	struct troupe_inlet *inlets[INLETS + 1];
	unsigned posted[INLETS + 1], arrived[INLETS + 1];
};

static int notes_number(struct troupe_self *self, struct puppet *me, uint64_t context,
			const struct troupe_post_event *event)
{
	struct lot *lot = world_of(self)->test;
	unsigned number;

	(void)me;
	memcpy(&number, event->data, sizeof(number));
	assert_int_equal(number, lot->arrived[context]++);
	world_log(world_of(self));
	return 0;
}

static void post_number(struct lot *lot, uint64_t id)
{
	int r = troupe_post(lot->inlets[id], &lot->posted[id], sizeof(lot->posted[id]));

	if (r == 0)
		lot->posted[id]++;
	else
		assert_int_equal(r, -EAGAIN);
}

static void nothing_is_lost_or_overtaken_in_any_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct lot lot = {0};
		struct world world;

		begin(&world, NULL);
		sim_seed(world.loop, seed);
		world.hooks.post = notes_number;
		world.test = &lot;
		for (int id = 1; id <= INLETS; id++) {
			world_spawn(&world, id);
			lot.inlets[id] = puppet_at(&world, id)->inlet;
		}
		for (int step = 0; step < STEPS; step++) {
			uint64_t id = 1 + sim_pick(world.loop, INLETS);

			if (sim_pick(world.loop, 4))
				post_number(&lot, id);
			else
				loop_step(world.loop, false);
		}
		for (int id = 1; id <= INLETS; id++)
			troupe_inlet_release(lot.inlets[id]);
		world_run(&world);
		world_run(&world);
		for (int id = 1; id <= INLETS; id++)
			assert_int_equal(lot.arrived[id], lot.posted[id]);
		world_log(&world);
		world_finish(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_arrive_in_order_behind_what_is_there),
		cmocka_unit_test(inlet_holds_so_many_posts),
		cmocka_unit_test(inlet_holds_so_many_bytes),
		cmocka_unit_test(posts_need_no_room),
		cmocka_unit_test(released_inlet_is_emptied),
		cmocka_unit_test(posts_of_an_actor_that_ends_are_dropped),
		cmocka_unit_test(inlet_released_just_before_the_end),
		cmocka_unit_test(actor_may_end_at_a_post),
		cmocka_unit_test(failure_at_a_post_is_reported_as_one),
		cmocka_unit_test(inlet_of_a_failed_init_is_closed),
		cmocka_unit_test(inlet_outlives_the_runtime),
		cmocka_unit_test(what_cannot_be_opened_is_refused),
		cmocka_unit_test(default_capacity_is_that_of_the_mailbox),
		cmocka_unit_test(inlets_stop_at_the_limit),
		cmocka_unit_test(unit_has_a_share_of_the_inlets),
		cmocka_unit_test(nothing_is_lost_or_overtaken_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
