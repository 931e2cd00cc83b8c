/* What other folders make for actors: whose it is, how it is found, and that it ends with its
 * actor. */
#include "core/belonging.h"
#include "core/pause.h"
#include "world.h"
#include <errno.h>
#include <troupe/task.h>

/* ------------------------------------------------------------------ a kind */

struct thing {
	struct belonging belonging;
	struct list *waiters; /* struct task */
	struct world *world;
	const char *name;
};

static void on_gone(struct runtime *runtime, struct belonging *belonging)
{
	struct thing *thing = container_of(belonging, struct thing, belonging);

	assert_ptr_equal(runtime, thing->world->runtime);
	assert_int_equal(belonging->id, 0);
	assert_null(thing->waiters);
	world_note(thing->world, "%s gone; ", thing->name);
}

static const struct belonging_kind kind = {.name = "thing", .on_gone = on_gone},
				   plain = {.name = "plain thing", .on_gone = on_gone};

struct things {
	struct thing first, second;
	int result;
};

static struct things *things_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

static void begin(struct world *world, struct things *things,
		  const struct runtime_config *limits,
		  int (*init)(struct troupe_self *, struct puppet *))
{
	*things = (struct things){.first = {.world = world, .name = "first"},
				  .second = {.world = world, .name = "second"}};
	world_init(world, 1, limits);
	world->test = things;
	world->hooks.init = init;
}

/* ------------------------------------------------------------------ finding */

static int takes_first(struct troupe_self *self, struct puppet *me)
{
	return me->id == 1 ? belonging_join(self, &things_of(self)->first.belonging, &kind) : 0;
}

static int finds(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	struct belonging *first = &things_of(self)->first.belonging;

	(void)call;
	(void)n;
	assert_ptr_equal(belonging_find(self, first->id, &kind), me->id == 1 ? first : NULL);
	assert_null(belonging_find(self, first->id, &plain));
	assert_null(belonging_find(self, first->id + 1, &kind));
	assert_null(belonging_find(self, first->id + (1ull << 32), &kind));
	assert_null(belonging_find(self, UINT64_MAX, &kind));
	assert_null(belonging_find(self, 0, &kind));
	return 0;
}

static void number_finds_it_for_its_actor_alone(void **state)
{
	struct things things;
	struct world world;
	uint32_t at = 0;
	uint64_t id;

	(void)state;
	begin(&world, &things, NULL, takes_first);
	world.hooks.num = finds;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_send(&world, world.actors[1], 1);
	world_send(&world, world.actors[2], 1);
	world_run(&world);
	id = things.first.belonging.id;
	assert_ptr_equal(belonging_at(world.runtime, id), &things.first.belonging);
	assert_ptr_equal(belonging_next(world.runtime, &at), &things.first.belonging);
	assert_null(belonging_next(world.runtime, &at));
	assert_log(&world, "1:num 1; 2:num 1; ");
	belonging_leave(world.runtime, &things.first.belonging);
	belonging_leave(world.runtime, &things.first.belonging);
	assert_null(belonging_at(world.runtime, id));
	at = 0;
	assert_null(belonging_next(world.runtime, &at));
	world_finish(&world);
}

static int takes_two(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	assert_int_equal(belonging_join(self, &things_of(self)->first.belonging, &kind), 0);
	assert_int_equal(belonging_join(self, &things_of(self)->second.belonging, &kind),
			 -ENOMEM);
	return 0;
}

static void limit_of_belongings_holds(void **state)
{
	struct things things;
	struct world world;

	(void)state;
	begin(&world, &things, &(struct runtime_config){.max_belongings = 1}, takes_two);
	world_spawn(&world, 1);
	world_finish(&world);
}

/* ------------------------------------------------------------------ ends */

static int takes_both(struct troupe_self *self, struct puppet *me)
{
	int rc = belonging_join(self, &things_of(self)->first.belonging, &kind);

	if (rc == 0)
		rc = belonging_join(self, &things_of(self)->second.belonging, &plain);
	return rc < 0 ? rc : me->id == 2 ? -EIO : 0;
}

static void it_is_gone_after_fini(void **state)
{
	struct things things;
	struct world world;

	(void)state;
	begin(&world, &things, NULL, takes_both);
	world_spawn(&world, 1);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_log(&world, "1:fini shutdown; first gone; second gone; ");
	world_finish(&world);
}

static void it_is_gone_when_init_fails(void **state)
{
	struct troupe_address address;
	struct things things;
	struct world world;

	(void)state;
	begin(&world, &things, NULL, takes_both);
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){2}, &address), -EIO);
	assert_log(&world, "first gone; second gone; ");
	world_finish(&world);
}

static void joins_in_fini(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	(void)me;
	(void)cause;
	assert_int_equal(belonging_join(self, &things_of(self)->first.belonging, &kind), 0);
}

static void what_fini_takes_is_gone_with_it(void **state)
{
	struct things things;
	struct world world;

	(void)state;
	begin(&world, &things, NULL, NULL);
	world.hooks.fini = joins_in_fini;
	world_spawn(&world, 1);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_log(&world, "1:fini shutdown; first gone; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ waiting on it */

static int waits(struct troupe_self *self, struct puppet *me, struct thing *thing, void *unused)
{
	struct task *task;
	int rc = pause_begin(self, &task);

	(void)me;
	(void)unused;
	assert_int_equal(rc, 0);
	rc = pause_wait_in(task, &thing->waiters);
	world_note(world_of(self), "woken %d; ", rc);
	return rc;
}
TROUPE_TASK(waits, struct puppet, struct thing, void)

static int takes_and_waits(struct troupe_self *self, struct puppet *me)
{
	int rc = takes_first(self, me);

	for (int i = 0; i < 2 && rc == 0; i++)
		rc = troupe_start(self, TROUPE_OF_ACTOR, &waits_task, &things_of(self)->first,
				  NULL, NULL);
	return rc;
}

static void it_outlives_the_tasks_that_wait_for_it(void **state)
{
	struct things things;
	struct world world;

	(void)state;
	begin(&world, &things, NULL, takes_and_waits);
	world_spawn(&world, 1);
	world_run(&world);
	assert_log(&world, "");
	task_wake(world.runtime, container_of(things.first.waiters, struct task, of_wait), 5);
	world_run(&world);
	assert_log(&world, "woken 5; ");
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_log(&world, "");
	world_run(&world);
	world_run(&world);
	assert_string_equal(strstr(world_log(&world), "woken"),
			    "woken -125; 1:fini shutdown; first gone; ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_finds_it_for_its_actor_alone),
		cmocka_unit_test(limit_of_belongings_holds),
		cmocka_unit_test(it_is_gone_after_fini),
		cmocka_unit_test(it_is_gone_when_init_fails),
		cmocka_unit_test(what_fini_takes_is_gone_with_it),
		cmocka_unit_test(it_outlives_the_tasks_that_wait_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
