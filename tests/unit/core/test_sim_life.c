/* Lives of actors in one runtime, and who looks at them from outside. */
#include "core/cold.h"
#include "core/inside.h"
#include "world.h"
#include <errno.h>

/* ------------------------------------------------------------------ lives */

static int exits(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)me;
	(void)call;
	if (n < 10)
		troupe_exit(self, (int)-n);
	return 0;
}

static void actor_ends_after_the_handler_that_exits(void **state)
{
	struct troupe_address old;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = exits;
	old = world_spawn(&world, 1);
	world_send(&world, old, 0);
	world_send(&world, old, 11); /* dies in the mailbox */
	world_run(&world);
	assert_log(&world, "1:num 0; 1:fini normal; ");
	assert_int_equal(world.ends, 1);
	assert_int_equal(world.dead_letters, 1);
	assert_int_equal(runtime_stop(world.runtime, old), -ESRCH);
	assert_int_equal(world_send(&world, old, 1), -ESRCH);
	/* the next to take the slot is not who the address means */
	assert_int_equal(world_spawn(&world, 2).slot, old.slot);
	assert_int_equal(world_send(&world, old, 1), -ESRCH);
	world_send(&world, world.actors[2], 5);
	world_run(&world);
	assert_log(&world, "2:num 5; 2:fini failed; ");
	world_finish(&world);
}

static void stop_goes_before_what_is_in_the_mailbox(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	/* its slot is still in the run queue, and must not be given to another before */
	world_spawn(&world, 2);
	assert_int_not_equal(world.actors[1].slot, world.actors[2].slot);
	world_send(&world, world.actors[2], 1);
	world_run(&world);
	assert_log(&world, "1:fini shutdown; 2:num 1; ");
	world_finish(&world);
}

static int refuses(struct troupe_self *self, struct puppet *me)
{
	assert_int_equal(troupe_send(self, troupe_address(self), &num_method, &(struct num){1}),
			 0);
	assert_int_equal(troupe_timer_start(self, &tick_entry, 0, 1, 0, NULL), 0);
	return me->id == 2 ? -EACCES : 0;
}

static void actor_never_was_when_init_refuses(void **state)
{
	struct troupe_address address = {0};
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = refuses;
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){2}, &address),
			 -EACCES);
	assert_true(troupe_address_is_null(address));
	assert_int_equal(runtime_spawn(world.runtime, 9, 0, &(struct num){2}, &address),
			 -ENOENT);
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, NULL, &address), -EINVAL);
	world_run(&world);
	assert_log(&world, "");
	assert_int_equal(world.ends, 0);
	world_finish(&world);
}

static int spawns(struct troupe_self *self, struct puppet *me)
{
	struct troupe_address address;

	assert_true(troupe_spawn(self, &wide_table, NULL, 0, &address) < 0);
	if (me->id < 100) {
		int rc = troupe_spawn(self, &puppet_table, &(struct num){me->id + 1}, 0,
				      &address);

		assert_true(rc == 0 || rc == -EAGAIN);
	}
	assert_int_equal(world_of(self)->page->thread.actor >> 32, troupe_address(self).slot);
	return 0;
}

static void actor_spawns_others_as_deep_as_the_limit(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = spawns;
	world_spawn(&world, 10);
	assert_int_equal(world.runtime->n_actors, 16);
	assert_int_equal(world.page->actors, 16);
	assert_int_equal(world.page->thread.sequence % 2, 0);
	world_finish(&world);
}

static void spawn_stops_at_the_limit_of_actors(void **state)
{
	struct troupe_address address;
	struct world world;

	(void)state;
	world_init(&world, 1, &(struct runtime_config){.max_actors = 2});
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){3}, &address),
			 -EAGAIN);
	world_finish(&world);
}

static int misuses(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	static const struct troupe_actor other = {.abi_major = 1};
	struct troupe_address address;
	struct troupe_kept *kept;

	(void)call;
	(void)n;
	assert_int_equal(troupe_spawn(self, &other, NULL, 0, &address), -EINVAL);
	assert_int_equal(troupe_spawn(self, NULL, NULL, 0, &address), -EINVAL);
	assert_int_equal(troupe_timer_start(self, &foreign_entry, 1, 0, 0, NULL), -EINVAL);
	assert_int_equal(troupe_timer_start(self, &num_entry, 1, 0, 0, NULL), -EINVAL);
	assert_int_equal(troupe_timer_start(self, NULL, 1, 0, 0, NULL), -EINVAL);
	assert_int_equal(troupe_timer_stop(self, (struct troupe_timer){77}), -ESRCH);
	assert_int_equal(troupe_find(self, "", &address), -EINVAL);
	assert_int_equal(troupe_find(self, "nobody", &address), -ENOENT);
	assert_int_equal(troupe_find(self, "puppet", &address), 0);
	assert_true(troupe_address_equal(address, world_of(self)->actors[1]));
	troupe_release(self, NULL);
	troupe_release(self, (struct troupe_kept *)(void *)me);
	assert_int_equal(troupe_keep(self, &kept), 0);
	assert_int_equal(troupe_keep(self, &kept), -EALREADY);
	troupe_release(self, kept);
	troupe_release(self, kept);
	return 0;
}

static void misuse_is_refused_and_does_no_harm(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = misuses;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	world_finish(&world);
}

/* ------------------------------------------------------------------ clients */

struct asker {
	struct runtime_client_call client_call;
	int replies, ends;
	enum troupe_status status;
	int64_t n;
};

static void on_client_reply(struct runtime_client_call *client_call,
			    const struct troupe_reply *reply, const struct troupe_type *type)
{
	struct asker *asker = container_of(client_call, struct asker, client_call);

	asker->replies++;
	asker->ends += !reply->continues;
	asker->status = reply->status;
	if (reply->status == TROUPE_OK) {
		assert_ptr_equal(type, &num_type);
		asker->n = ((const struct num *)reply->data)->n;
	}
}

static int streams_ten(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	if (n == 3)
		return troupe_call_keep(self, &call);
	for (int i = 0; i < 9; i++)
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){i}), 0);
	(void)me;
	return troupe_return(self, call, &num_method, &(struct num){9});
}

static void client_calls_are_answered_streamed_and_cancelled(void **state)
{
	struct asker asker = {.client_call = {.on_reply = on_client_reply}};
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_spawn(&world, 1);
	assert_int_equal(runtime_client_call(world.runtime, world.actors[1], &num_method,
					     &(struct num){4}, UINT64_MAX, 0,
					     &asker.client_call),
			 0);
	assert_int_equal(asker.replies, 0);
	world_run(&world);
	assert_int_equal(asker.replies, 1);
	assert_int_equal(asker.n, 5);
	world.hooks.num = streams_ten;
	runtime_client_call(world.runtime, world.actors[1], &num_method, &(struct num){4},
			    UINT64_MAX, TROUPE_MORE, &asker.client_call);
	world_run(&world);
	assert_int_equal(asker.replies, 11);
	assert_int_equal(asker.ends, 2);
	runtime_client_call(world.runtime, world.actors[1], &num_method, &(struct num){3},
			    UINT64_MAX, 0, &asker.client_call);
	world_run(&world);
	world_log(&world);
	runtime_client_cancel(world.runtime, &asker.client_call);
	world_run(&world);
	assert_log(&world, "1:cancel; ");
	assert_int_equal(asker.replies, 11);
	runtime_client_call(world.runtime, world.actors[1], &num_method, &(struct num){3},
			    UINT64_MAX, 0, &asker.client_call);
	runtime_stop_all(world.runtime);
	world_run(&world);
	assert_int_equal(asker.status, TROUPE_ACTOR_DIED);
	world_finish(&world);
}

/* ------------------------------------------------------------------ types */

static void type_add_refuses_malformed_tables(void **state)
{
	struct troupe_actor table = puppet_table;
	struct troupe_entry entry = tick_entry;
	struct troupe_life life = *puppet_table.life;
	const struct runtime_type *type;
	const char *why = NULL;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	table.abi_major++;
	assert_int_equal(runtime_type_add(world.runtime, &table, NULL, &type, &why), -EINVAL);
	assert_non_null(why);
	table = puppet_table;
	table.table_size--;
	assert_int_equal(runtime_type_add(world.runtime, &table, NULL, &type, &why), -EINVAL);
	table = puppet_table;
	table.interfaces[1] = table.interfaces[0];
	assert_int_equal(runtime_type_add(world.runtime, &table, NULL, &type, &why), -EINVAL);
	table = puppet_table;
	table.entries[0] = &entry;
	entry.table_size += 8;
	assert_int_equal(runtime_type_add(world.runtime, &table, NULL, &type, &why), -EINVAL);
	table = puppet_table;
	table.life = &life;
	life.table_size = 0;
	assert_int_equal(runtime_type_add(world.runtime, &table, NULL, &type, &why), -EINVAL);
	assert_int_equal(
		runtime_unit_define(
			world.runtime,
			&(struct runtime_unit){.number = 1, .name = "x", .type = world.type}),
		-EEXIST);
	world_finish(&world);
}

static void actors_can_be_looked_at_one_after_the_other(void **state)
{
	struct runtime_info info;
	struct world world;
	uint32_t at = 0;
	int n = 0;

	(void)state;
	world_init(&world, 1, NULL);
	for (int i = 1; i < 6; i++)
		world_spawn(&world, i);
	runtime_stop(world.runtime, world.actors[3]);
	while (runtime_next(world.runtime, &at, &info)) {
		assert_string_equal(info.unit_name, "unit1");
		assert_ptr_equal(info.table, &puppet_table);
		n++;
	}
	assert_int_equal(n, 4);
	assert_int_equal(runtime_info(world.runtime, world.actors[3], &info), -ESRCH);
	world_finish(&world);
}

static int always_fails(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	(void)self;
	(void)me;
	(void)call;
	(void)n;
	return -EIO;
}

/* What an actor has apart is named by nobody, so that its place need never be retired. An actor
 * that is stopped while it is queued keeps its slot for a while, but not that place: so a place
 * may have had all its generations while no slot of an actor has. */
static void actors_find_room_for_more_after_any_number_of_lives(void **state)
{
	struct world world;
	struct actor *actor;

	(void)state;
	world_init(&world, 1, &(struct runtime_config){.max_actors = 2});
	world.hooks.num = always_fails;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	actor = actor_at(world.runtime, world.actors[1].slot);
	cold_find(world.runtime, actor)->slot.generation = SLOT_GENERATION_MAX;
	runtime_stop(world.runtime, world.actors[1]);
	for (int i = 2; i <= 3; i++) {
		world_spawn(&world, i);
		world_send(&world, world.actors[i], 1);
	}
	world_run(&world);
	world_log(&world);
	world_finish(&world);
}

static int spawns_in_vain(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	struct troupe_address address;

	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_spawn(self, &puppet_table, NULL, 0, &address), -EINVAL);
	return 0;
}

static void spawn_in_vain_leaves_no_unit_behind_when_its_origin_is_forgotten(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = spawns_in_vain;
	world_unit(&world, 2, world.type, 0, 0, 0);
	world_spawn_in(&world, 2, 1);
	assert_int_equal(runtime_unit_forget(world.runtime, 2), 0);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	runtime_stop(world.runtime, world.actors[1]);
	world_log(&world);
	for (const struct definition *unit = world.runtime->units; unit; unit = unit->next)
		assert_int_not_equal(unit->number, 0);
	world_finish(&world);
}

static int sees_zeros(struct troupe_self *self, struct puppet *me)
{
	(void)self;
	assert_int_equal(me->count, 0);
	assert_null(me->kept);
	me->count = 7;
	me->kept = (void *)me;
	return 0;
}

static void state_begins_with_zeros_whoever_had_it_before(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = sees_zeros;
	for (int i = 0; i < 3; i++) {
		runtime_stop(world.runtime, world_spawn(&world, 1));
		world_run(&world);
	}
	world_assert_empty(&world);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actor_ends_after_the_handler_that_exits),
		cmocka_unit_test(stop_goes_before_what_is_in_the_mailbox),
		cmocka_unit_test(actor_never_was_when_init_refuses),
		cmocka_unit_test(actor_spawns_others_as_deep_as_the_limit),
		cmocka_unit_test(spawn_stops_at_the_limit_of_actors),
		cmocka_unit_test(misuse_is_refused_and_does_no_harm),
		cmocka_unit_test(client_calls_are_answered_streamed_and_cancelled),
		cmocka_unit_test(type_add_refuses_malformed_tables),
		cmocka_unit_test(actors_can_be_looked_at_one_after_the_other),
		cmocka_unit_test(actors_find_room_for_more_after_any_number_of_lives),
		cmocka_unit_test(
			spawn_in_vain_leaves_no_unit_behind_when_its_origin_is_forgotten),
		cmocka_unit_test(state_begins_with_zeros_whoever_had_it_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
