/* test_sim_outbox.c - what handlers have answered clients, before the next one begins: it may
 * crash. */
#include "world.h"

#include "base/cleanup.h"
#include "core/inside.h"

#define ASKED   6
#define REPLIES 5 /* of one handler that answers much */

struct asker {
	struct runtime_client_call client_call;
	struct loop *slow; /* takes 2 ms of its clock for each reply */
	unsigned replies;
	bool has_run; /* the handler of its call */
	bool is_done;
};

static void on_reply(struct runtime_client_call *client_call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct asker *asker = container_of(client_call, struct asker, client_call);

	(void)type;
	assert_int_equal(reply->status, TROUPE_OK);
	asker->replies++;
	asker->is_done = !reply->continues;
	if (asker->slow)
		sim_advance(asker->slow, 2000000);
}

static void ask(struct world *world, unsigned actor, int64_t n, struct asker *asker)
{
	asker->client_call.on_reply = on_reply;
	assert_int_equal(runtime_client_call(world->runtime, world->actors[actor], &num_method,
					     &(struct num){n}, UINT64_MAX, TROUPE_MORE,
					     &asker->client_call),
			 0);
}

/* The call with number n. */
static int see_the_others(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	struct asker *askers = world_of(self)->test;

	(void)me;
	for (int64_t i = 0; i < ASKED; i++)
		assert_int_equal(askers[i].is_done, askers[i].has_run);
	askers[n].has_run = true;
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void answers_are_handed_out_before_the_next_handler_begins(void **state)
{
	struct asker askers[ASKED] = {0};
	struct world world;

	(void)state;
	/* Of one actor, whose turn takes all of them; and of several. */
	for (unsigned n_actors = 1; n_actors <= 3; n_actors++) {
		memset(askers, 0, sizeof(askers));
		world_init(&world, 1, NULL);
		world.hooks.num = see_the_others;
		world.test = askers;
		for (unsigned i = 1; i <= n_actors; i++)
			world_spawn(&world, i);
		for (unsigned i = 0; i < ASKED; i++)
			ask(&world, 1 + i / (ASKED / n_actors), i, &askers[i]);
		world_run(&world);
		for (unsigned i = 0; i < ASKED; i++)
			assert_true(askers[i].is_done);
		world_fini(&world);
	}
}

/* Actor 1 answers much at once; whoever comes after it sees that all has gone out. */
static int answer_much(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	struct asker *asker = world_of(self)->test;

	assert_int_equal(asker->replies, asker->has_run ? REPLIES + 1 : 0);
	asker->has_run |= n == 0;
	for (int i = 0; n == 0 && i < REPLIES; i++)
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){i}), 0);
	me->count++;
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void no_handler_begins_while_answers_are_still_handed_out(void **state)
{
	struct asker much, others[2];
	struct world world;

	(void)state;
	/* The next one is the same actor's, and another's. */
	for (unsigned next = 1; next <= 2; next++) {
		memset(others, 0, sizeof(others));
		world_init(&world, 1, NULL);
		world_spawn(&world, 1);
		world_spawn(&world, 2);
		world.hooks.num = answer_much;
		world.test = &much;
		much = (struct asker){.slow = world.loop};
		ask(&world, 1, 0, &much);
		ask(&world, next, 1, &others[0]);
		ask(&world, 3 - next, 2, &others[1]);
		/* Other work of the loop has its turn meanwhile. */
		while (!much.has_run)
			loop_step(world.loop, false);
		assert_in_range(much.replies, 1, REPLIES);
		world_run(&world);
		assert_true(much.is_done && others[0].is_done && others[1].is_done);
		world_fini(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_handed_out_before_the_next_handler_begins),
		cmocka_unit_test(no_handler_begins_while_answers_are_still_handed_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
