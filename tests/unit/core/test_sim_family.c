/* Parents and children: who ends with whom, in which order, and with which limits. */
#include "core/inside.h"
#include "world.h"
#include <errno.h>

/* What a puppet is to do in its init: spawn these, by id; flags as for troupe_spawn(). */
struct brood {
	int64_t parent, first, last;
	uint32_t flags;
};

struct plan {
	struct brood broods[8];
	int64_t refuses; /* the puppet whose init does, after spawning */
	int64_t exits;   /* the puppet that ends when it gets a message */
};

static int spawns(struct troupe_self *self, struct puppet *me)
{
	const struct plan *plan = world_of(self)->test;
	struct troupe_address none = {0}, expected = none, address;

	/* who spawns it: its parent, or for detached ones and those of a unit nobody */
	for (const struct brood *brood = plan->broods; brood->parent; brood++)
		if (brood->first <= me->id && me->id <= brood->last)
			expected = brood->flags ? none : world_of(self)->actors[brood->parent];
	assert_true(troupe_address_equal(troupe_sender(self), expected));
	for (const struct brood *brood = plan->broods; brood->parent; brood++)
		for (int64_t id = brood->first; brood->parent == me->id && id <= brood->last;
		     id++)
			assert_int_equal(troupe_spawn(self, &puppet_table, &(struct num){id},
						      brood->flags, &address),
					 0);
	/* a child's init has run inside this one */
	assert_int_equal(world_of(self)->page->thread.actor >> 32, troupe_address(self).slot);
	return me->id == plan->refuses ? -EACCES : 0;
}

static int exits(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	const struct plan *plan = world_of(self)->test;

	(void)call;
	if (me->id == plan->exits)
		troupe_exit(self, (int)-n);
	return 0;
}

static void begin(struct world *world, struct plan *plan, const struct runtime_config *limits)
{
	world_init(world, 1, limits);
	world->hooks.init = spawns;
	world->hooks.num = exits;
	world->test = plan;
}

static uint64_t count_actors(const struct world *world)
{
	return world->runtime->n_actors;
}

static void children_end_before_their_parent_last_spawned_first(void **state)
{
	/* 1 has 2, 3 and 4; 3 has 5 and 6 */
	struct plan plan = {.broods = {{1, 2, 4, 0}, {3, 5, 6, 0}}, .exits = 1};
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	world_spawn(&world, 1);
	world_send(&world, world.actors[6], 7); /* dies in the mailbox, or is handled */
	world_send(&world, world.actors[1], 5);
	world_run(&world);
	assert_log(&world, "6:num 7; 1:num 5; 4:fini parent; 6:fini parent; 5:fini parent; "
			   "3:fini parent; 2:fini parent; 1:fini failed; ");
	assert_int_equal(world.ends, 6);
	assert_int_equal(count_actors(&world), 0);
	world_finish(&world);
}

static void stop_ends_a_family_and_no_other(void **state)
{
	struct plan plan = {.broods = {{1, 2, 3, 0}, {4, 5, 5, 0}}};
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	world_spawn(&world, 1);
	world_spawn(&world, 4);
	world_send(&world, world.actors[3], 1);
	/* a child by its address, as an operator does: its parent and siblings go on */
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	assert_log(&world, "2:fini shutdown; ");
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_log(&world, "3:fini parent; 1:fini shutdown; ");
	assert_int_equal(world.dead_letters, 1);
	assert_int_equal(count_actors(&world), 2);
	/* slots that are used again know nothing of the families before */
	world_run(&world);
	plan.broods[0] = (struct brood){4, 6, 6, 0};
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	assert_int_equal(runtime_stop(world.runtime, world.actors[4]), 0);
	assert_log(&world, "5:fini parent; 4:fini shutdown; ");
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_log(&world, "1:fini shutdown; ");
	world_finish(&world);
}

static void detached_child_outlives_its_parent(void **state)
{
	struct plan plan = {.broods = {{1, 2, 2, TROUPE_DETACHED}, {1, 3, 3, 0}, {2, 4, 4, 0}}};
	struct runtime_info info;
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	world_spawn(&world, 1);
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), 0);
	assert_true(troupe_address_is_null(info.parent));
	assert_int_equal(info.origin, 1);
	assert_int_equal(info.version, 0);
	assert_int_equal(runtime_info(world.runtime, world.actors[3], &info), 0);
	assert_true(troupe_address_equal(info.parent, world.actors[1]));
	assert_int_equal(info.origin, 1);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_log(&world, "3:fini parent; 1:fini shutdown; ");
	/* it has a family of its own, and is stopped by its address */
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	assert_log(&world, "4:fini parent; 2:fini shutdown; ");
	world_finish(&world);
}

static void children_of_an_init_that_refuses_end(void **state)
{
	struct plan plan = {.broods = {{1, 2, 3, 0}, {3, 4, 4, 0}}, .refuses = 1};
	struct troupe_address address;
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){1}, &address),
			 -EACCES);
	assert_log(&world, "4:fini parent; 3:fini parent; 2:fini parent; ");
	assert_int_equal(count_actors(&world), 0);
	world_finish(&world);
}

static void stopping_all_ends_children_before_their_parents(void **state)
{
	struct plan plan = {.broods = {{2, 3, 4, 0}}};
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	/* so that the children have lower slots than their parent */
	world_spawn(&world, 5);
	world_spawn(&world, 6);
	world_spawn(&world, 7);
	for (int id = 5; id <= 6; id++)
		assert_int_equal(runtime_stop(world.runtime, world.actors[id]), 0);
	world_log(&world);
	world_spawn(&world, 2);
	runtime_stop_all(world.runtime);
	assert_non_null(strstr(world_log(&world), "4:fini parent; 3:fini parent; "));
	world_finish(&world);
}

/* ------------------------------------------------------------------ a parent stops its
 * child */

static int stops(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	struct world *world = world_of(self);
	struct troupe_address gone = world->actors[2], other = world->actors[2];

	(void)call;
	if (me->id != 1 || n != 1)
		return 0;
	other.worker++;
	assert_int_equal(troupe_stop(self, other), -EPERM);
	assert_int_equal(troupe_stop(self, world->actors[1]), -EPERM); /* itself */
	assert_int_equal(troupe_stop(self, world->actors[3]), -EPERM); /* detached */
	assert_int_equal(troupe_stop(self, world->actors[4]), -EPERM); /* its child's child */
	assert_int_equal(troupe_stop(self, world->actors[5]), -EPERM); /* a stranger */
	assert_int_equal(troupe_send(self, gone, &num_method, &(struct num){9}), 0);
	assert_int_equal(troupe_stop(self, gone), 0);
	assert_int_equal(troupe_stop(self, gone), -ESRCH);
	assert_int_equal(troupe_send(self, gone, &num_method, &(struct num){9}), -ESRCH);
	/* this handler goes on, and what crashes now is its own fault */
	assert_int_equal(world->page->thread.actor >> 32, troupe_address(self).slot);
	assert_int_equal(world->page->thread.type_hash, num_method.in_hash);
	return troupe_return(self, call, &num_method, &(struct num){2});
}

static void fini_tries(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	struct troupe_address address;

	(void)cause;
	/* none may come while a family ends */
	assert_int_equal(
		troupe_spawn(self, &puppet_table, &(struct num){me->id + 10}, 0, &address),
		-EINVAL);
	if (me->id == 2)
		assert_int_equal(troupe_stop(self, world_of(self)->actors[4]), -ESRCH);
}

static void parent_stops_its_own_child_only(void **state)
{
	struct plan plan = {.broods = {{1, 2, 2, 0}, {1, 3, 3, TROUPE_DETACHED}, {2, 4, 4, 0}}};
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	world.hooks.num = stops;
	world.hooks.fini = fini_tries;
	world_spawn(&world, 1);
	world_spawn(&world, 5);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_log(&world, "1:num 1; 4:fini parent; 2:fini shutdown; ");
	/* the two that it had been sent */
	assert_int_equal(world.dead_letters, 2);
	assert_int_equal(count_actors(&world), 3);
	world_finish(&world);
}

/* ------------------------------------------------------------------ many, and deep */

static int spawns_next(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	struct troupe_address child;

	(void)me;
	(void)call;
	if (n == 0)
		return 0;
	assert_int_equal(troupe_spawn(self, &puppet_table, &(struct num){1000 + n}, 0, &child),
			 0);
	return troupe_send(self, child, &num_method, &(struct num){n - 1});
}

static void family_deeper_than_any_stack_ends(void **state)
{
	struct plan plan = {0};
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	world.hooks.num = spawns_next;
	world.hooks.init = NULL;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 300000);
	world_run(&world);
	assert_int_equal(count_actors(&world), 300001);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(count_actors(&world), 0);
	assert_int_equal(world.ends, 300001);
	world_finish(&world);
}

static void child_leaves_its_family_from_any_place(void **state)
{
	struct plan plan = {.broods = {{1, 2, 6, 0}}};
	static const int orders[][5] = {{2, 3, 4, 5, 6}, {6, 5, 4, 3, 2}, {4, 2, 6, 3, 5}};
	struct world world;

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		begin(&world, &plan, NULL);
		world_spawn(&world, 1);
		for (int k = 0; k < 3; k++)
			assert_int_equal(
				runtime_stop(world.runtime, world.actors[orders[i][k]]), 0);
		assert_int_equal(count_actors(&world), 3);
		assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
		assert_int_equal(count_actors(&world), 0);
		world_finish(&world);
	}
}

/* ------------------------------------------------------------------ limits */

static int overfills(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	struct troupe_address child = world_of(self)->actors[2];
	int sent = 0;

	(void)call;
	if (me->id != 1)
		return n == 13 ? -EIO : 0;
	while (troupe_send(self, child, &num_method, &(struct num){n}) == 0)
		sent++;
	assert_int_equal(sent, 3);
	return 0;
}

/* 1 to 3 hand on what they get to 4, their youngest, which keeps 2 and returns the rest. */
static int hands_down(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	if (me->id != 4)
		return troupe_forward(self, world_of(self)->actors[4]);
	if (n != 2)
		return troupe_return(self, call, &num_method, &(struct num){n});
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

/* So that who gets it has no turn yet. */
static int forwards_and_ends_the_slice(struct troupe_self *self, struct puppet *me,
				       struct troupe_call call, int64_t n)
{
	sim_advance(world_of(self)->loop, 10000000);
	return hands_down(self, me, call, n);
}

struct asker {
	struct runtime_client_call client_call;
	bool is_done;
};

static void on_answer(struct runtime_client_call *client_call, const struct troupe_reply *reply,
		      const struct troupe_type *type)
{
	(void)reply;
	(void)type;
	container_of(client_call, struct asker, client_call)->is_done = true;
}

static void ask(struct world *world, struct asker *asker, int64_t n, uint32_t flags)
{
	*asker = (struct asker){.client_call.on_reply = on_answer};
	assert_int_equal(runtime_client_call(world->runtime, world->actors[1], &num_method,
					     &(struct num){n}, UINT64_MAX, flags,
					     &asker->client_call),
			 0);
}

static void parent_owes_what_its_children_owe(void **state)
{
	struct plan plan = {.broods = {{1, 5, 6, 0}, {1, 2, 2, 0}, {1, 7, 7, 0}, {2, 3, 4, 0}}};
	struct troupe_address one;
	struct asker asker;
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	world.hooks.num = hands_down;
	world_unit(&world, 2, world.type, 0, 0, 1);
	one = world_spawn_in(&world, 2, 1);
	assert_false(runtime_owes_answers(world.runtime, one));
	/* in a grandchild's mailbox, as soon as it is there and until it is answered */
	ask(&world, &asker, 1, 0);
	assert_false(runtime_owes_answers(world.runtime, one));
	world.hooks.num = forwards_and_ends_the_slice;
	loop_step(world.loop, false);
	world.hooks.num = hands_down;
	assert_false(asker.is_done);
	assert_true(runtime_owes_answers(world.runtime, one));
	assert_true(runtime_owes_answers(world.runtime, world.actors[2]));
	assert_false(runtime_owes_answers(world.runtime, world.actors[3]));
	assert_false(runtime_owes_answers(world.runtime, world.actors[5]));
	world_run(&world);
	assert_true(asker.is_done);
	assert_false(runtime_owes_answers(world.runtime, one));
	/* kept by it, until nobody waits any more */
	ask(&world, &asker, 2, 0);
	world_run(&world);
	assert_true(runtime_owes_answers(world.runtime, one));
	runtime_client_cancel(world.runtime, &asker.client_call);
	assert_false(runtime_owes_answers(world.runtime, one));
	/* what was only sent, and a stream */
	assert_int_equal(world_send(&world, one, 2), 0);
	world_run(&world);
	assert_int_equal(world.runtime->kept_calls.count, 1);
	assert_false(runtime_owes_answers(world.runtime, one));
	ask(&world, &asker, 2, TROUPE_MORE);
	world_run(&world);
	assert_false(runtime_owes_answers(world.runtime, one));
	world_finish(&world);
	assert_true(asker.is_done);
}

static void children_have_the_limits_of_their_unit(void **state)
{
	struct plan plan = {.broods = {{1, 2, 2, 0}}};
	const struct runtime_unit unit = {
		.number = 7, .name = "small", .mailbox = 3, .batch = 1, .stop_on_error = true};
	struct runtime_unit with_type = unit;
	struct world world;

	(void)state;
	begin(&world, &plan, NULL);
	world.hooks.num = overfills;
	with_type.type = world.type;
	assert_int_equal(runtime_unit_define(world.runtime, &with_type), 0);
	world_spawn_in(&world, 7, 1);
	world_send(&world, world.actors[1], 13);
	world_run(&world);
	/* its handler fails, and OnError= ends it after the first of three */
	assert_log(&world, "1:num 13; 2:num 13; 2:fini failed; 1:room; ");
	/* other limits of the unit hold for children that live already */
	world_spawn_in(&world, 7, 1);
	with_type.mailbox = 1;
	with_type.stop_on_error = false;
	assert_int_equal(runtime_unit_change(world.runtime, &with_type), 0);
	assert_int_equal(world_send(&world, world.actors[2], 13), 0);
	assert_int_equal(world_send(&world, world.actors[2], 13), -EAGAIN);
	world_run(&world);
	assert_log(&world, "2:num 13; ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_end_before_their_parent_last_spawned_first),
		cmocka_unit_test(stop_ends_a_family_and_no_other),
		cmocka_unit_test(detached_child_outlives_its_parent),
		cmocka_unit_test(children_of_an_init_that_refuses_end),
		cmocka_unit_test(stopping_all_ends_children_before_their_parents),
		cmocka_unit_test(parent_stops_its_own_child_only),
		cmocka_unit_test(family_deeper_than_any_stack_ends),
		cmocka_unit_test(child_leaves_its_family_from_any_place),
		cmocka_unit_test(parent_owes_what_its_children_owe),
		cmocka_unit_test(children_have_the_limits_of_their_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
