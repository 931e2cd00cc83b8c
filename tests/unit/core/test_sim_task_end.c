/* Actors that end while they have tasks: these are cancelled, run to their ends, and then the
 * fini runs. */
#include "base/cleanup.h"
#include "core/task.h"
#include "world.h"
#include <errno.h>
#include <troupe/inlet.h>
#include <troupe/task.h>

/* ------------------------------------------------------------------ what tasks do */

static int tidies(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_task task;
	int rc = troupe_sleep(self, TROUPE_SECOND_NS);

	(void)unused;
	(void)unused_too;
	note(self, "%d:woken %d; ", (int)me->id, rc);
	/* nothing new begins */
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, world_of(self)->test, NULL, NULL, &task),
		-ECANCELED);
	assert_int_equal(troupe_timer_start(self, &tick_entry, 0, 0, 0, NULL), -EINVAL);
	return rc;
}
TROUPE_TASK(tidies, struct puppet, void, void)

/* In a shield, as long as *ns says. */
static int cleans_up(struct troupe_self *self, struct puppet *me, uint64_t *ns, void *unused)
{
	struct troupe_scope shield;
	int rc = troupe_sleep(self, 100 * TROUPE_SECOND_NS);

	(void)unused;
	note(self, "%d:woken %d; ", (int)me->id, rc);
	assert_int_equal(troupe_scope_shield(self, 60 * TROUPE_SECOND_NS, &shield), 0);
	rc = troupe_sleep(self, *ns);
	note(self, "%d:clean %d; ", (int)me->id, rc);
	return troupe_scope_end(self, shield);
}
TROUPE_TASK(cleans_up, struct puppet, uint64_t, void)

static int never_ends(struct troupe_self *self, struct puppet *me, void *unused,
		      void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	while (troupe_sleep(self, TROUPE_MS_NS) <= 0)
		;
	return 0;
}
TROUPE_TASK(never_ends, struct puppet, void, void)

/* From the beginning in a shield. */
static int shields(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_scope shield;

	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	note(self, "%d:shielded %d; ", (int)me->id, troupe_sleep(self, 10 * TROUPE_MS_NS));
	return troupe_scope_end(self, shield);
}
TROUPE_TASK(shields, struct puppet, void, void)

/* One shield after the other, each of which ought to hold for a minute. */
static int shields_twice(struct troupe_self *self, struct puppet *me, void *unused,
			 void *unused_too)
{
	struct troupe_scope shield;

	(void)unused;
	(void)unused_too;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(troupe_scope_shield(self, 60 * TROUPE_SECOND_NS, &shield), 0);
		note(self, "%d:shielded %d; ", (int)me->id,
		     troupe_sleep(self, 50 * TROUPE_SECOND_NS));
		note(self, "%d:end %d; ", (int)me->id, troupe_scope_end(self, shield));
	}
	return 0;
}
TROUPE_TASK(shields_twice, struct puppet, void, void)

static int starts_one(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	static uint64_t short_ns = 10 * TROUPE_MS_NS, long_ns = 50 * TROUPE_SECOND_NS;
	const struct troupe_task_entry *const entries[] = {
		&tidies_task,     &cleans_up_task, &cleans_up_task,
		&never_ends_task, &shields_task,   &shields_twice_task};

	(void)me;
	(void)call;
	return troupe_start(self, TROUPE_OF_ACTOR, entries[n], n == 2 ? &long_ns : &short_ns,
			    NULL, NULL);
}

enum { TIDIES, CLEANS_UP, CLEANS_LONG, NEVER_ENDS, SHIELDS, SHIELDS_TWICE };

static void begin(struct world *world)
{
	world_init(world, 1, NULL);
	world->test = (void *)(uintptr_t)&tidies_task;
	world->hooks.num = starts_one;
	world_spawn(world, 1);
}

static void start(struct world *world, int64_t id, int64_t which)
{
	world_send(world, world->actors[id], which);
	world_run(world);
	world_log(world);
}

/* ------------------------------------------------------------------ tests */

static void tasks_are_cancelled_and_end_before_fini(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	start(&world, 1, TIDIES);
	start(&world, 1, TIDIES);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(world.ends, 0);
	world_run(&world);
	assert_log(&world, "1:woken -125; 1:woken -125; 1:fini shutdown; ");
	assert_int_equal(world.ends, 1);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), -ESRCH);
	world_finish(&world);
}

static void end_without_living_tasks_is_at_once(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	start(&world, 1, TIDIES);
	/* another one, that has had tasks, and one that has not */
	world_spawn(&world, 2);
	world_spawn(&world, 3);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	assert_log(&world, "2:fini shutdown; ");
	/* one that has not begun never will */
	assert_int_equal(world_send(&world, world.actors[3], TIDIES), 0);
	loop_step(world.loop, false);
	world_log(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[3]), 0);
	world_run(&world);
	world_log(&world);
	world_finish(&world);
}

/* The stop finds messages and no task that it could wake: the actor, in the queue with nothing
 * to do, lives on. */
static void end_begins_with_messages_only(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	start(&world, 1, SHIELDS);
	assert_int_equal(world_send(&world, world.actors[1], TIDIES), 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	world_spawn(&world, 2); /* would get its slot */
	assert_log(&world, "");
	world_sleep(&world, 20 * TROUPE_MS_NS);
	assert_log(&world, "1:shielded 0; 1:fini shutdown; ");
	world_finish(&world);
}

/* Trap 7. */
static void shield_has_its_time(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	start(&world, 1, CLEANS_UP);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_log(&world, "1:woken -125; ");
	/* it takes no messages meanwhile */
	assert_int_equal(world_send(&world, world.actors[1], 0), -ESRCH);
	world_sleep(&world, 15 * TROUPE_MS_NS);
	assert_log(&world, "1:clean 0; 1:fini shutdown; ");
	world_finish(&world);
}

static void shield_ends_with_three_quarters_of_the_grace(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	start(&world, 1, CLEANS_LONG);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_sleep(&world, 3 * TROUPE_SECOND_NS);
	assert_log(&world, "1:woken -125; ");
	world_sleep(&world, TROUPE_SECOND_NS);
	assert_log(&world, "1:clean -125; 1:fini shutdown; ");
	assert_int_equal(world.runtime->stacks.n_abandoned, 0);
	world_finish(&world);
}

static void what_does_not_end_is_abandoned(void **state)
{
	struct world world;
	char *log;

	(void)state;
	begin(&world);
	start(&world, 1, NEVER_ENDS);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	for (int i = 0; i < 20; i++) { /* it is always busy */
		sim_advance(world.loop, 300 * TROUPE_MS_NS);
		loop_step(world.loop, false);
	}
	log = (char *)(uintptr_t)world_log(&world);
	assert_non_null(
		strstr(log, "task never_ends did not end within TaskGrace=: abandoned; "
			    "1:fini shutdown; ")
			?: strstr(log, "1:fini shutdown; log 4 unit1 task never_ends did not "
				       "end within TaskGrace=: abandoned; "));
	assert_int_equal(world.ends, 1);
	assert_int_equal(world.runtime->stacks.n_abandoned, 1);
	world_finish(&world);
}

/* Unit 2: of that many bytes. */
static void check_lost_state(size_t state_size)
{
	struct troupe_actor table = puppet_table;
	unsigned char mark[sizeof(struct puppet)];
	const struct runtime_type *type;
	struct troupe_address address;
	struct world world;
	const char *why;
	void *lost;

	begin(&world);
	table.state_size = state_size;
	assert_int_equal(runtime_type_add(world.runtime, &table, &table, &type, &why), 0);
	world_unit(&world, 2, type, 0, 0, 0);
	address = world_spawn_in(&world, 2, 3);
	start(&world, 3, NEVER_ENDS);
	start(&world, 3, NEVER_ENDS);
	lost = actor_find(world.runtime, address)->state;
	assert_int_equal(runtime_stop(world.runtime, address), 0);
	for (int i = 0; i < 20; i++) {
		sim_advance(world.loop, 300 * TROUPE_MS_NS);
		loop_step(world.loop, false);
	}
	assert_int_equal(world.ends, 1);
	assert_int_equal(world.runtime->lost,
			 2 * (world.runtime->stacks.runs->size + sizeof(struct task)) +
				 sizeof(struct actor) + state_size);
	assert_int_equal(world.page->lost, world.runtime->lost);
	/* What something elsewhere writes there now hurts nobody, and stays. */
	memset(lost, 0xa5, state_size);
	memset(mark, 0xa5, sizeof(mark));
	for (int64_t id = 10; id < 60; id++) {
		address = world_spawn_in(&world, 2, id);
		assert_ptr_not_equal(actor_find(world.runtime, address)->state, lost);
		if (id % 2)
			assert_int_equal(runtime_stop(world.runtime, address), 0);
	}
	assert_memory_equal(lost, mark, state_size);
	world_finish(&world);
}

static void state_of_what_was_abandoned_is_never_used_again(void **state)
{
	(void)state;
	check_lost_state(sizeof(struct puppet));
	/* One that lies where the slot says. */
	check_lost_state(STATE_NEAR);
}

/* Its mail is answered when its end begins. */
static int calls_first(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)call;
	if (me->id == 1)
		return starts_one(self, me, call, n);
	return troupe_call(self, world_of(self)->actors[1], &num_method, &(struct num){n},
			   &num_entry, 9, 0, 0, NULL);
}

static void mail_is_answered_when_the_end_begins(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	world.hooks.num = calls_first;
	world_spawn(&world, 2);
	start(&world, 1, CLEANS_UP);
	world_send(&world, world.actors[2], TIDIES);
	loop_step(world.loop, false);
	world_log(&world);
	assert_int_equal(world_send(&world, world.actors[1], TIDIES), 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(world.dead_sends, 1);
	world_send(&world, world.actors[2], TIDIES);
	world_run(&world);
	world_sleep(&world, TROUPE_SECOND_NS);
	assert_non_null(strstr(world_log(&world), "1:fini shutdown; "));
	world_finish(&world);
}

static int spawns_a_child(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	struct troupe_address address;

	if (n != 9)
		return me->id == 1 ? starts_one(self, me, call, n) : 0;
	return troupe_spawn(self, &puppet_table, &(struct num){2}, 0, &address);
}

/* It has no tasks itself, and what it had in its mailbox is dropped: it waits for its parent's
 * tasks all the same. */
static void child_that_was_queued_lives_until_its_parents_tasks_have_ended(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	world.hooks.num = spawns_a_child;
	start(&world, 1, 9);
	start(&world, 1, CLEANS_UP);
	assert_int_equal(world_send(&world, world.actors[2], 0), 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(world.dead_sends, 1);
	world_run(&world);
	assert_log(&world, "1:woken -125; ");
	/* Its place is not another's. */
	for (int64_t id = 3; id < 8; id++)
		world_spawn(&world, id);
	for (int64_t id = 3; id < 8; id++)
		assert_int_not_equal(world.actors[id].slot, world.actors[2].slot);
	world_sleep(&world, TROUPE_SECOND_NS);
	assert_log(&world, "1:clean 0; 2:fini parent; 1:fini shutdown; ");
	world_finish(&world);
}

static int sends_on(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	if (me->id == 1)
		return starts_one(self, me, call, n);
	assert_int_equal(troupe_send(self, world_of(self)->actors[1], &num_method,
				     &(struct num){TIDIES}),
			 -ESRCH);
	return 0;
}

static void what_is_sent_to_an_actor_that_ends_is_a_dead_letter(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	world.hooks.num = sends_on;
	world_spawn(&world, 2);
	start(&world, 1, CLEANS_UP);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(world_send(&world, world.actors[2], 0), 0);
	world_run(&world);
	assert_int_equal(world.dead_sends, 1);
	world_sleep(&world, TROUPE_SECOND_NS);
	world_finish(&world);
}

static int keeps_and_cleans(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return starts_one(self, me, call, n);
}

static int begins_all(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	struct troupe_address address = troupe_address(self);
	struct troupe_inlet *inlet;

	assert_int_equal(me->kept_call.id, call.id);
	assert_int_equal(troupe_timer_start(self, &tick_entry, 0, 0, 0, NULL), -EINVAL);
	assert_int_equal(troupe_inlet_open(self, &post_entry, 1, 8, &inlet), -EINVAL);
	assert_int_equal(troupe_call(self, address, &num_method, &(struct num){0}, &num_entry,
				     0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_spawn(self, &puppet_table, &(struct num){7}, 0, &address),
			 -EINVAL);
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &never_ends_task, NULL, NULL, NULL),
		-EINVAL);
	return 0;
}

static void never_replies(struct runtime_client_call *client_call,
			  const struct troupe_reply *reply, const struct troupe_type *type)
{
	(void)client_call;
	(void)reply;
	(void)type;
	fail();
}

/* Who had asked it is gone: it is told so, and can begin nothing any more. */
static void handlers_of_an_actor_that_ends_begin_nothing(void **state)
{
	struct runtime_client_call client_call = {.on_reply = never_replies};
	struct world world;

	(void)state;
	begin(&world);
	world.hooks.num = keeps_and_cleans;
	world.hooks.cancel = begins_all;
	assert_int_equal(runtime_client_call(world.runtime, world.actors[1], &num_method,
					     &(struct num){CLEANS_UP}, UINT64_MAX, 0,
					     &client_call),
			 0);
	world_run(&world);
	world_log(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	runtime_client_cancel(world.runtime, &client_call);
	world_run(&world);
	world_sleep(&world, TROUPE_SECOND_NS);
	assert_log(&world, "1:woken -125; 1:cancel; 1:clean 0; 1:fini shutdown; ");
	world_finish(&world);
}

static int opens_all(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	int64_t number = 5;

	if (n <= NEVER_ENDS)
		return starts_one(self, me, call, n);
	assert_int_equal(troupe_timer_start(self, &tick_entry, 0, TROUPE_MS_NS, 1, NULL), 0);
	assert_int_equal(troupe_inlet_open(self, &post_entry, 1, 8, &me->inlet), 0);
	assert_int_equal(troupe_post(me->inlet, &number, sizeof(number)), 0);
	/* what it has begun lies in its mailbox when it ends */
	troupe_exit(self, 0);
	return troupe_call(self, troupe_address(self), &num_method, &(struct num){TIDIES},
			   &num_entry, 1, 0, 0, NULL);
}

static void releases(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	int64_t number = 5;

	(void)self;
	(void)cause;
	assert_int_equal(troupe_post(me->inlet, &number, sizeof(number)), -EPIPE);
	troupe_inlet_release(me->inlet);
}

static void nothing_else_arrives_while_it_ends(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	world.hooks.num = opens_all;
	world.hooks.fini = releases;
	start(&world, 1, CLEANS_UP);
	world_send(&world, world.actors[1], 9);
	world_run(&world);
	assert_log(&world, "1:num 9; 1:woken -125; ");
	world_sleep(&world, 15 * TROUPE_MS_NS);
	assert_log(&world, "1:clean 0; 1:fini normal; ");
	world_finish(&world);
}

static int has_a_child(struct troupe_self *self, struct puppet *me)
{
	struct troupe_address child;

	if (me->id == 1 || me->id == 2)
		assert_int_equal(
			troupe_spawn(self, &puppet_table, &(struct num){me->id + 1}, 0, &child),
			0);
	return 0;
}

static void family_ends_in_order_when_all_its_tasks_have(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = (void *)(uintptr_t)&tidies_task;
	world.hooks.num = starts_one;
	world.hooks.init = has_a_child;
	world_spawn(&world, 1);
	start(&world, 3, CLEANS_UP);
	start(&world, 1, TIDIES);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_log(&world, "1:woken -125; 3:woken -125; ");
	assert_int_equal(world.ends, 0);
	world_sleep(&world, 15 * TROUPE_MS_NS);
	assert_log(&world, "3:clean 0; 3:fini parent; 2:fini parent; 1:fini shutdown; ");
	world_finish(&world);
}

/* A child's own end is under way when its parent's begins. */
static void end_of_a_parent_meets_that_of_its_child(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = (void *)(uintptr_t)&tidies_task;
	world.hooks.num = starts_one;
	world.hooks.init = has_a_child;
	world_spawn(&world, 1);
	start(&world, 2, CLEANS_UP);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_run(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_sleep(&world, 15 * TROUPE_MS_NS);
	assert_log(&world, "2:woken -125; 2:clean 0; 3:fini parent; 2:fini shutdown; 1:fini "
			   "shutdown; ");
	world_finish(&world);
}

static int stops_its_child(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	if (me->id != 1 || n >= 0)
		return starts_one(self, me, call, n);
	assert_int_equal(troupe_stop(self, world_of(self)->actors[2]), -EINPROGRESS);
	assert_int_equal(troupe_stop(self, world_of(self)->actors[2]), -EINPROGRESS);
	return 0;
}

static void stop_of_a_child_with_tasks_takes_time(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.test = (void *)(uintptr_t)&tidies_task;
	world.hooks.num = stops_its_child;
	world.hooks.init = has_a_child;
	world_spawn(&world, 1);
	start(&world, 2, TIDIES);
	world_send(&world, world.actors[1], -1);
	world_run(&world);
	assert_log(&world, "1:num -1; 2:woken -125; 3:fini parent; 2:fini shutdown; ");
	world_finish(&world);
}

static void runtime_that_goes_waits_for_nobody(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	start(&world, 1, CLEANS_LONG);
	world_spawn(&world, 2);
	start(&world, 2, TIDIES);
	world_fini(&world);
	assert_non_null(strstr(world_log(&world), "1:fini shutdown; "));
	assert_int_equal(world.ends, 2);
}

/* What a task begins when its shields are cancelled does not hold either: so it ends, in the
 * quarter of the time that is left. */
static void no_shield_holds_after_the_last_quarter_has_begun(void **state)
{
	struct world world;
	char expected[160];

	(void)state;
	begin(&world);
	start(&world, 1, SHIELDS_TWICE);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_sleep(&world, 3 * TROUPE_SECOND_NS);
	assert_log(&world, "");
	world_sleep(&world, TROUPE_SECOND_NS); /* three quarters of 5 s are over */
	snprintf(expected, sizeof(expected),
		 "1:shielded %d; 1:end %d; 1:shielded %d; 1:end %d; 1:fini shutdown; ",
		 -ECANCELED, -ECANCELED, -ECANCELED, -ECANCELED);
	assert_log(&world, expected);
	assert_int_equal(world.runtime->stacks.n_abandoned, 0);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_are_cancelled_and_end_before_fini),
		cmocka_unit_test(end_without_living_tasks_is_at_once),
		cmocka_unit_test(end_begins_with_messages_only),
		cmocka_unit_test(shield_has_its_time),
		cmocka_unit_test(shield_ends_with_three_quarters_of_the_grace),
		cmocka_unit_test(what_does_not_end_is_abandoned),
		cmocka_unit_test(state_of_what_was_abandoned_is_never_used_again),
		cmocka_unit_test(mail_is_answered_when_the_end_begins),
		cmocka_unit_test(
			child_that_was_queued_lives_until_its_parents_tasks_have_ended),
		cmocka_unit_test(what_is_sent_to_an_actor_that_ends_is_a_dead_letter),
		cmocka_unit_test(handlers_of_an_actor_that_ends_begin_nothing),
		cmocka_unit_test(nothing_else_arrives_while_it_ends),
		cmocka_unit_test(family_ends_in_order_when_all_its_tasks_have),
		cmocka_unit_test(end_of_a_parent_meets_that_of_its_child),
		cmocka_unit_test(stop_of_a_child_with_tasks_takes_time),
		cmocka_unit_test(runtime_that_goes_waits_for_nobody),
		cmocka_unit_test(no_shield_holds_after_the_last_quarter_has_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
