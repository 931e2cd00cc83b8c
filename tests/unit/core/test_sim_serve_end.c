/* Handlers that are tasks, when nobody waits for their answer any more, or their actor ends. */
#include "core/call.h"
#include "core/cold.h"
#include "core/inside.h"
#include "tasker.h"
#include <errno.h>
#include <troupe/await.h>

static void handler_is_cancelled_with_its_call(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 0);
	tasker_ask(&world, 49);
	runtime_stop(world.runtime, world.actors[1]);
	world_run(&world);
	assert_log(&world, "1:num 149; 2:num 49; 1:fini shutdown; 2:waited49 ECANCELED; ");
	assert_int_equal(world.failures, 0);
	world_finish(&world);
}

static void deadline_of_the_call_is_the_handlers(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits_long, 0);
	tasker_ask(&world, 1);
	world_sleep(&world, TROUPE_SECOND_NS + A_BIT);
	assert_log(&world, "1:num 101; 2:num 1; 2:ETIMEDOUT; 1:reply1 timeout; ");
	assert_int_equal(world.failures, 0);
	world_finish(&world);
}

/* A task handler that asks another: 3, who never answers. */
static int asks_on(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	struct troupe_answer answer = {0};
	int rc;

	if (me->id == 3)
		return troupe_call_keep(self, &call);
	rc = troupe_await(self, world_of(self)->actors[3], &num_method, num_entry.interface,
			  &(struct num){n}, &answer);
	note(self, "%d:asked %s; ", (int)me->id, tasker_word(rc));
	return rc;
}

static uint64_t deadline_of_call_by(const struct world *world, int id)
{
	const struct actor_cold *cold =
		cold_find(world->runtime, actor_find(world->runtime, world->actors[id]));

	return container_of(cold->calls, struct call, of_caller)->deadline.at_ns;
}

static void calls_that_it_awaits_have_what_is_left_of_its_own(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, asks_on, 0);
	world.actors[3] = world_spawn(&world, 3);
	tasker_ask(&world, 1);
	assert_int_equal(deadline_of_call_by(&world, 2), deadline_of_call_by(&world, 1));
	world_sleep(&world, TROUPE_SECOND_NS + A_BIT);
	assert_log(&world, "1:num 101; 2:num 1; 3:num 1; 2:asked ETIMEDOUT; 1:reply1 timeout; "
			   "3:cancel; ");
	assert_int_equal(world.failures, 0);
	world_finish(&world);
}

static int finishes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	struct troupe_scope shield;

	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	assert_int_equal(troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS), 0);
	assert_int_equal(troupe_scope_end(self, shield), 0);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), 0);
	note(self, "%d:%s; ", (int)me->id, tasker_word(troupe_sleep(self, 1)));
	return 0;
}

static void shield_holds_off_the_calls_end(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, finishes, 0);
	tasker_ask(&world, 20);
	runtime_stop(world.runtime, world.actors[1]);
	world_sleep(&world, 20 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 120; 2:num 20; 1:fini shutdown; 2:ECANCELED; ");
	world_finish(&world);
}

static void callers_of_handlers_get_actor_died(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, tasker_waits, 0);
	tasker_ask(&world, 49);
	tasker_ask(&world, 48);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_run(&world);
	assert_log(&world, "1:num 149; 2:num 49; 1:num 148; 2:num 48; 2:waited49 ECANCELED; "
			   "2:waited48 ECANCELED; 2:fini shutdown; 1:reply49 died; 1:reply48 "
			   "died; ");
	world_finish(&world);
}

/* Its mail was all that it was queued for, and is dropped. */
static void actor_whose_mailbox_is_emptied_by_its_end_goes_on(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, finishes, 0);
	tasker_ask(&world, 20);
	assert_int_equal(world_send(&world, world.actors[2], 1), 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_run(&world);
	world_spawn(&world, 3); /* not in its slot */
	world_sleep(&world, 20 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 120; 2:num 20; 2:ECANCELED; 2:fini shutdown; 1:reply20 ok "
			   "20; ");
	world_finish(&world);
}

static int never_ends(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)me;
	(void)call;
	while (n > 0)
		(void)troupe_sleep(self, TROUPE_MS_NS);
	return 0;
}

static void handler_that_does_not_end_is_abandoned(void **state)
{
	struct world world;
	const char *log;

	(void)state;
	tasker_begin(&world, never_ends, 0);
	tasker_ask(&world, 1);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	for (int i = 0; i < 20; i++) {
		sim_advance(world.loop, 10 * TROUPE_MS_NS);
		loop_step(world.loop, false);
	}
	log = world_log(&world);
	assert_non_null(strstr(log, "task Num did not end within TaskGrace=: abandoned"));
	assert_non_null(strstr(log, "1:reply1 died; "));
	assert_int_equal(world.runtime->n_aside, 1);
	world_finish(&world);
}

static int exits(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	int rc;

	(void)me;
	if (n == 1)
		troupe_exit(self, 0);
	rc = troupe_sleep(self, TROUPE_MS_NS);
	if (n == 2)
		troupe_exit(self, 0);
	note(self, "2:%s; ", tasker_word(rc));
	return n == 2 ? troupe_return(self, call, &num_method, &(struct num){n}) : rc;
}

static void handler_ends_its_actor(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, exits, 0);
	tasker_ask(&world, 1);
	assert_log(&world, "1:num 101; 2:num 1; 2:ECANCELED; 2:fini normal; 1:reply1 died; ");
	world_finish(&world);
	tasker_begin(&world, exits, 0);
	tasker_ask(&world, 2);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 102; 2:num 2; 2:0; 2:fini normal; 1:reply2 ok 2; ");
	world_finish(&world);
}

/* Answers in a stream; of n > 0 after a wait. */
static int streams(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	int rc = n ? troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS) : 0;

	(void)me;
	return rc < 0 ? rc : troupe_reply_wait(self, call, &num_method, &(struct num){(int)n});
}

/* Whose fault it is: no handler's. */
static void caller_of_one_answer_is_told_that_there_are_more(void **state)
{
	struct world world;

	(void)state;
	tasker_begin(&world, streams, 0);
	tasker_ask(&world, 0);
	assert_log(&world, "1:num 100; 2:num 0; 1:reply0 expected-more (Num); ");
	tasker_ask(&world, 1);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 101; 2:num 1; 1:reply1 expected-more (Num); ");
	assert_int_equal(
		cold_get(world.runtime, actor_find(world.runtime, world.actors[2]))->failed, 0);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handler_is_cancelled_with_its_call),
		cmocka_unit_test(deadline_of_the_call_is_the_handlers),
		cmocka_unit_test(calls_that_it_awaits_have_what_is_left_of_its_own),
		cmocka_unit_test(shield_holds_off_the_calls_end),
		cmocka_unit_test(callers_of_handlers_get_actor_died),
		cmocka_unit_test(actor_whose_mailbox_is_emptied_by_its_end_goes_on),
		cmocka_unit_test(handler_that_does_not_end_is_abandoned),
		cmocka_unit_test(handler_ends_its_actor),
		cmocka_unit_test(caller_of_one_answer_is_told_that_there_are_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
