/* test_sim_client.c - messages without an answer that are kept: how long, how many, whose. */
#include "base/limits.h"
#include "core/inside.h"
#include "world.h"
#include <errno.h>

#define ALICE 0x100000007ull
#define BOB   2

/* What a keeper found. */
struct keeper {
	struct troupe_call calls[200];
	int n, refused;
	int last;
	bool wanted;
};

static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	struct keeper *keeper = world_of(self)->test;

	(void)me;
	assert_true(troupe_address_is_null(troupe_sender(self)) == (n != 77));
	keeper->wanted = troupe_call_wants_reply(self, call);
	keeper->last = troupe_call_keep(self, &call);
	if (keeper->last == 0) {
		assert_int_equal(troupe_call_wants_reply(self, call), keeper->wanted);
		assert_false(troupe_call_wants_more(self, call));
		keeper->calls[keeper->n++] = call;
	} else {
		keeper->refused++;
	}
	return 0;
}

static void begin(struct world *world, struct keeper *keeper,
		  const struct runtime_config *limits)
{
	*keeper = (struct keeper){0};
	world_init(world, 1, limits);
	world->hooks.num = keeps;
	world->test = keeper;
	world_spawn(world, 1);
}

static void send(struct world *world, uint64_t client)
{
	assert_int_equal(runtime_client_send(world->runtime, world->actors[1], &num_method,
					     &(struct num){1}, client),
			 0);
	world_run(world);
}

static uint32_t kept(const struct world *world)
{
	return world->runtime->kept_calls.count;
}

static void kept_send_ends_when_its_client_leaves(void **state)
{
	struct keeper keeper;
	struct world world;

	(void)state;
	begin(&world, &keeper, NULL);
	send(&world, ALICE);
	send(&world, ALICE);
	send(&world, BOB);
	assert_false(keeper.wanted);
	assert_int_equal(keeper.n, 3);
	world_log(&world);
	runtime_client_gone(world.runtime, ALICE);
	world_run(&world);
	assert_log(&world, "1:cancel; 1:cancel; ");
	assert_int_equal(kept(&world), 1);
	/* there is nothing left of it, and nobody who would go twice */
	runtime_client_gone(world.runtime, ALICE);
	runtime_client_gone(world.runtime, 99);
	assert_int_equal(world.runtime->clients.count, 1);
	world_finish(&world);
}

static void kept_send_ends_at_its_deadline(void **state)
{
	struct keeper keeper;
	struct world world;

	(void)state;
	begin(&world, &keeper, NULL);
	send(&world, ALICE); /* of a client that stays */
	send(&world, 0);     /* of nobody */
	world_log(&world);
	world_sleep(&world, LIMIT_CALL_TIMEOUT_DEFAULT_NS - 10000000);
	assert_log(&world, "");
	world_sleep(&world, 20000000);
	assert_log(&world, "1:cancel; 1:cancel; ");
	assert_int_equal(kept(&world), 0);
	assert_int_equal(world.runtime->calls.count, 0);
	world_finish(&world);
}

static int sends_to_keeper(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	if (me->id == 1)
		return keeps(self, me, call, n);
	return troupe_send(self, world_of(self)->actors[1], &num_method, &(struct num){77});
}

static void send_of_an_actor_that_is_kept_ends_too(void **state)
{
	struct keeper keeper;
	struct world world;

	(void)state;
	begin(&world, &keeper, NULL);
	world.hooks.num = sends_to_keeper;
	world_spawn(&world, 2);
	world_send(&world, world.actors[2], 1);
	world_run(&world);
	assert_int_equal(keeper.n, 1);
	world_log(&world);
	world_sleep(&world, LIMIT_CALL_TIMEOUT_DEFAULT_NS + 10000000);
	assert_log(&world, "1:cancel; ");
	world_finish(&world);
}

static int answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	struct keeper *keeper = world_of(self)->test;

	(void)me;
	(void)call;
	if (n == 1)
		assert_int_equal(
			troupe_return(self, keeper->calls[0], &num_method, &(struct num){1}),
			0);
	if (n == 2)
		assert_int_equal(troupe_call_drop(self, keeper->calls[1]), 0);
	if (n == 3)
		assert_int_equal(
			troupe_fail(self, keeper->calls[2], &bad_error, &(struct text){"bad"}),
			0);
	/* no stream was asked for, but answering is harmless whatever it is */
	if (n == 4)
		assert_int_equal(
			troupe_reply(self, keeper->calls[3], &num_method, &(struct num){1}), 0);
	return 0;
}

static void answer_to_a_kept_send_ends_it_and_goes_nowhere(void **state)
{
	struct keeper keeper;
	struct world world;

	(void)state;
	begin(&world, &keeper, NULL);
	for (int i = 0; i < 4; i++)
		send(&world, ALICE);
	world.hooks.num = answers;
	for (int i = 1; i <= 4; i++) {
		world_send(&world, world.actors[1], i);
		world_run(&world);
		assert_int_equal(kept(&world), i < 4 ? 4 - i : 1);
		assert_int_equal(world.runtime->calls.count, kept(&world));
	}
	world_log(&world);
	runtime_client_gone(world.runtime, ALICE);
	world_run(&world);
	assert_log(&world, "1:cancel; "); /* of the one that is open */
	world_finish(&world);
}

static void one_client_has_so_many_kept_and_others_theirs(void **state)
{
	struct keeper keeper;
	struct world world;

	(void)state;
	begin(&world, &keeper, NULL);
	for (unsigned i = 0; i < LIMIT_CLIENT_KEPT + 10; i++)
		send(&world, ALICE);
	assert_int_equal(keeper.n, LIMIT_CLIENT_KEPT);
	assert_int_equal(keeper.refused, 10);
	assert_int_equal(keeper.last, -ENOBUFS);
	send(&world, BOB);
	assert_int_equal(keeper.n, LIMIT_CLIENT_KEPT + 1);
	/* whoever leaves makes room in the worker; one that ended for its client */
	world.hooks.num = answers;
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	world.hooks.num = keeps;
	send(&world, ALICE);
	assert_int_equal(keeper.last, 0);
	send(&world, ALICE);
	assert_int_equal(keeper.last, -ENOBUFS);
	runtime_client_gone(world.runtime, ALICE);
	world_run(&world);
	assert_int_equal(kept(&world), 1);
	world_finish(&world);
}

static void send_that_is_kept_after_its_client_left_ends_at_once(void **state)
{
	struct keeper keeper;
	struct world world;

	(void)state;
	begin(&world, &keeper, NULL);
	assert_int_equal(runtime_client_send(world.runtime, world.actors[1], &num_method,
					     &(struct num){1}, ALICE),
			 0);
	runtime_client_gone(world.runtime, ALICE);
	world_run(&world);
	/* it is delivered all the same: nobody waited for it before either */
	assert_log(&world, "1:num 1; 1:cancel; ");
	assert_int_equal(keeper.last, 0);
	assert_int_equal(kept(&world), 0);
	world_finish(&world);
}

static void on_reply(struct runtime_client_call *client_call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	(void)client_call;
	(void)reply;
	(void)type;
}

static void call_wants_a_reply(void **state)
{
	struct runtime_client_call client_call = {.on_reply = on_reply};
	struct keeper keeper;
	struct world world;

	(void)state;
	begin(&world, &keeper, NULL);
	assert_int_equal(runtime_client_call(world.runtime, world.actors[1], &num_method,
					     &(struct num){1}, UINT64_MAX, 0, &client_call),
			 0);
	world_run(&world);
	assert_true(keeper.wanted);
	runtime_client_cancel(world.runtime, &client_call);
	world_finish(&world);
}

static void kept_sends_end_with_their_actor(void **state)
{
	struct keeper keeper;
	struct world world;

	(void)state;
	begin(&world, &keeper, NULL);
	send(&world, ALICE);
	send(&world, 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(world.runtime->calls.count, 0);
	assert_int_equal(kept(&world), 0);
	runtime_client_gone(world.runtime, ALICE);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_send_ends_when_its_client_leaves),
		cmocka_unit_test(kept_send_ends_at_its_deadline),
		cmocka_unit_test(send_of_an_actor_that_is_kept_ends_too),
		cmocka_unit_test(answer_to_a_kept_send_ends_it_and_goes_nowhere),
		cmocka_unit_test(one_client_has_so_many_kept_and_others_theirs),
		cmocka_unit_test(send_that_is_kept_after_its_client_left_ends_at_once),
		cmocka_unit_test(call_wants_a_reply),
		cmocka_unit_test(kept_sends_end_with_their_actor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
