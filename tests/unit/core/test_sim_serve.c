/* Handlers that are tasks: what becomes of their message, their call and their mailbox. */
#include "base/cleanup.h"
#include "cluster.h"
#include "core/call.h"
#include "core/cold.h"
#include "core/inside.h"
#include "core/inspect.h"
#include "core/task.h"
#include "couple.h"
#include <errno.h>
#include <fenv.h>
#include <troupe/await.h>

/* A wheel is never early, and up to a tick late. */
#define A_BIT (TROUPE_MS_NS * 3 / 2)

#define note(self, ...) world_note(world_of(self), __VA_ARGS__)

/* Puppet 1 calls puppet 2, a tasker of unit 2, that has so many tasks (0: the default). */
static void begin(struct world *world, behaviour *two, uint32_t tasks)
{
	world_init(world, 1, NULL);
	assert_int_equal(
		runtime_unit_define(world->runtime,
				    &(struct runtime_unit){.number = 2,
							   .name = "tasker",
							   .type = world->tasker,
							   .task_grace_ns = 100 * TROUPE_MS_NS,
							   .mailbox = 4,
							   .tasks = tasks}),
		0);
	world->hooks.num = couple_call_two;
	world->test = (void *)two;
	world->actors[1] = world_spawn(world, 1);
	world->actors[2] = world_spawn_in(world, 2, 2);
}

static void ask(struct world *world, int64_t n)
{
	assert_int_equal(world_send(world, world->actors[1], 100 + n), 0);
	world_run(world);
}

static void send_none(struct world *world)
{
	assert_int_equal(runtime_client_send(world->runtime, world->actors[2], &none_method,
					     &(struct num){0}, 0),
			 0);
	world_run(world);
}

static int send_text(struct world *world, const char *text)
{
	int rc = runtime_client_send(world->runtime, world->actors[2], &text_method,
				     &(struct text){text}, 0);

	world_run(world);
	return rc;
}

static const char *word(int rc)
{
	return rc < 0 ? strerrorname_np(-rc) : "0";
}

/* ------------------------------------------------------------------ in one step, or many */

/* Wait n ms (0: not at all), then return n + 1; 50 and more fail. */
static int waits(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	int rc = n ? troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS) : 0;

	note(self, "%d:waited%d %s; ", (int)me->id, (int)n, word(rc));
	if (rc < 0)
		return rc;
	return n < 50 ? troupe_return(self, call, &num_method, &(struct num){n + 1}) : -EIO;
}

static void handler_that_does_not_wait_is_over_at_once(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 0);
	ask(&world, 0);
	assert_log(&world, "1:num 100; 2:num 0; 2:waited0 0; 1:reply0 ok 1; ");
	assert_int_equal(world.runtime->tasks.count, 1);
	assert_non_null(world.runtime->parked);
	assert_int_equal(world.runtime->kept_calls.count, 0);
	world_finish(&world);
}

static size_t count_listed(const struct world *world, struct troupe_address actor)
{
	uint32_t at = 0, steps = UINT32_MAX;
	struct inspect_task task;
	size_t count = 0;

	while (inspect_next_task(world->runtime, actor, &at, &steps, &task) > 0)
		count++;
	return count;
}

/* They take turns with a record and a stack, which stay while an actor has tasks at times. */
static void handlers_that_do_not_wait_take_one_record(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 0);
	for (int i = 0; i < 100; i++) {
		ask(&world, 0);
		assert_log(&world, "1:num 100; 2:num 0; 2:waited0 0; 1:reply0 ok 1; ");
	}
	assert_int_equal(world.runtime->tasks.count, 1);
	assert_int_equal(world.runtime->tasks.used, 1);
	assert_int_equal(world.runtime->stacks.n_used, 1);
	assert_int_equal(count_listed(&world, world.actors[2]), 0);
	/* one that waits has it for itself */
	ask(&world, 20);
	assert_null(world.runtime->parked);
	assert_int_equal(world.runtime->tasks.count, 1);
	assert_log(&world, "1:num 120; 2:num 20; ");
	ask(&world, 0);
	assert_log(&world, "1:num 100; 2:num 0; 2:waited0 0; 1:reply0 ok 1; ");
	assert_int_equal(world.runtime->tasks.count, 2);
	world_sleep(&world, 20 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited20 0; 1:reply20 ok 21; ");
	assert_int_equal(world.runtime->tasks.count, 1);
	assert_int_equal(world.runtime->stacks.n_used, 1);
	world_finish(&world);
}

/* Says how large its stack is; of a 1 it exits besides. */
static int says_stack(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	/* sanitizers have a multiple of it */
	note(self, "%d:%d KiB; ", (int)me->id, 64 << self->task->stack->run->class);
	if (n == 1)
		troupe_exit(self, -EIO);
	return troupe_return(self, call, &num_method, &(struct num){n});
}

/* Each has the stack that its unit promises, and nothing of what another has left. */
static void handlers_of_two_units_have_their_own_stacks(void **state)
{
	struct world world;

	(void)state;
	begin(&world, says_stack, 0);
	assert_int_equal(runtime_unit_define(world.runtime,
					     &(struct runtime_unit){.number = 3,
								    .name = "large",
								    .type = world.tasker,
								    .task_stack = 256 << 10}),
			 0);
	world.actors[3] = world_spawn_in(&world, 3, 3);
	for (int i = 0; i < 3; i++) {
		for (int actor = 2; actor <= 3; actor++) {
			assert_int_equal(world_send(&world, world.actors[actor], 0), 0);
			world_run(&world);
		}
		assert_log(&world, "2:num 0; 2:64 KiB; 3:num 0; 3:256 KiB; ");
	}
	assert_int_equal(world_send(&world, world.actors[2], 1), 0);
	world_run(&world);
	assert_log(&world, "2:num 1; 2:64 KiB; 2:fini failed; ");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(world_send(&world, world.actors[3], 0), 0);
		world_run(&world);
		assert_log(&world, "3:num 0; 3:256 KiB; ");
	}
	world_finish(&world);
}

/* Says how it rounds; 1: and rounds upward from now on. */
static int rounds(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	note(self, "%d:%s; ", (int)me->id, fegetround() == FE_TONEAREST ? "nearest" : "up");
	if (n == 1)
		fesetround(FE_UPWARD);
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void arithmetic_of_one_handler_is_not_anothers(void **state)
{
	struct world world;

	(void)state;
	begin(&world, rounds, 0);
	world.actors[3] = world_spawn_in(&world, 2, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(world_send(&world, world.actors[2], 1), 0);
		assert_int_equal(world_send(&world, world.actors[3], 0), 0);
		world_run(&world);
		assert_log(&world, "2:num 1; 2:nearest; 3:num 0; 3:nearest; ");
	}
	assert_int_equal(fegetround(), FE_TONEAREST);
	world_finish(&world);
}

/* Waits n ms; then joins what lies there for the next handler, by an id that it makes up. */
static int joins_nobody(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	int rc;

	(void)me;
	if (n == 0)
		return troupe_return(self, call, &num_method, &(struct num){n});
	rc = troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS);
	if (rc < 0)
		return rc;
	assert_non_null(self->runtime->parked);
	rc = troupe_join(self, (struct troupe_task){slots_id(self->runtime->parked)}, NULL);
	note(self, "2:%s; ", word(rc));
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void record_that_is_nobodys_cannot_be_joined(void **state)
{
	struct world world;

	(void)state;
	begin(&world, joins_nobody, 0);
	ask(&world, 10);
	ask(&world, 0);
	assert_log(&world, "1:num 110; 2:num 10; 1:num 100; 2:num 0; 1:reply0 ok 0; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:ESRCH; 1:reply10 ok 10; ");
	world_finish(&world);
}

static void others_are_handled_while_a_handler_waits(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 0);
	ask(&world, 20);
	ask(&world, 10);
	assert_log(&world, "1:num 120; 2:num 20; 1:num 110; 2:num 10; ");
	assert_int_equal(world.runtime->tasks.count, 2);
	send_none(&world);
	assert_log(&world, "2:none; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited10 0; 1:reply10 ok 11; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited20 0; 1:reply20 ok 21; ");
	assert_int_equal(world.runtime->tasks.count, 0);
	world_finish(&world);
}

static void failure_after_a_wait_is_the_calls_and_counts(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 0);
	ask(&world, 50);
	world_sleep(&world, 50 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 150; 2:num 50; 2:waited50 0; 1:reply50 failed (EIO); ");
	assert_int_equal(world.failures, 1);
	assert_non_null(strstr(world.last_failure, "Num"));
	/* also of a message that was only sent */
	assert_int_equal(world_send(&world, world.actors[2], 50), 0);
	world_run(&world);
	world_sleep(&world, 50 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:num 50; 2:waited50 0; ");
	assert_int_equal(world.failures, 2);
	world_finish(&world);
}

static int forgets(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	(void)call;
	return troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS);
}

static void handler_without_an_answer_gives_no_reply(void **state)
{
	struct world world;

	(void)state;
	begin(&world, forgets, 0);
	ask(&world, 1);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 101; 2:num 1; 1:reply1 no-reply; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ the handle */

static int answers_twice(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	assert_true(troupe_call_wants_reply(self, call));
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_true(troupe_call_wants_reply(self, call));
	assert_false(troupe_call_wants_more(self, call));
	me->kept_call = call;
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), 0);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), -EALREADY);
	assert_int_equal(troupe_sleep(self, 5 * TROUPE_MS_NS), 0);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), -EALREADY);
	note(self, "2:answered; ");
	return 0;
}

static void handle_is_good_over_waits_and_used_once(void **state)
{
	struct world world;

	(void)state;
	begin(&world, answers_twice, 0);
	ask(&world, 3);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 103; 2:num 3; 1:reply3 ok 3; ");
	assert_int_equal(world.runtime->kept_calls.count, 0);
	world_sleep(&world, 5 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:answered; ");
	world_finish(&world);
}

static int keeps_it(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	struct troupe_call kept = call;

	if (n == 9) /* for whom it was kept */
		return troupe_return(self, me->kept_call, &num_method, &(struct num){n});
	if (n == 1)
		assert_int_equal(troupe_call_keep(self, &kept), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	if (n == 2)
		assert_int_equal(troupe_call_keep(self, &kept), 0);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), -EALREADY);
	me->kept_call = kept;
	return n == 3 ? -EIO : 0;
}

static void call_is_kept_before_or_after_a_wait(void **state)
{
	struct world world;

	(void)state;
	for (int n = 1; n <= 2; n++) {
		begin(&world, keeps_it, 0);
		ask(&world, n);
		world_sleep(&world, TROUPE_MS_NS + A_BIT);
		assert_int_equal(world.runtime->tasks.count, 0);
		assert_int_equal(world_send(&world, world.actors[2], 9), 0);
		world_run(&world);
		assert_non_null(strstr(world_log(&world),
				       n == 1 ? "1:reply1 ok 9; " : "1:reply2 ok 9; "));
		/* and its owner learns that nobody waits, as of any */
		ask(&world, n);
		world_sleep(&world, TROUPE_MS_NS + A_BIT);
		world_log(&world);
		world_sleep(&world, TROUPE_SECOND_NS + A_BIT);
		assert_non_null(strstr(world_log(&world), "2:cancel; "));
		world_finish(&world);
	}
}

/* A task that has waited hands its message on; 3 is a plain puppet. */
static int forwards(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	if (me->id == 3)
		return troupe_return(self, call, &num_method, &(struct num){n + 30});
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_forward(self, world_of(self)->actors[3]), 0);
	assert_int_equal(troupe_forward(self, world_of(self)->actors[3]), -EALREADY);
	return troupe_sleep(self, TROUPE_MS_NS);
}

static void message_is_forwarded_after_a_wait(void **state)
{
	struct world world;

	(void)state;
	begin(&world, forwards, 0);
	world.actors[3] = world_spawn(&world, 3);
	ask(&world, 4);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 104; 2:num 4; 3:num 4; 1:reply4 ok 34; ");
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	world_finish(&world);
}

static int forwards_in_vain(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_forward(self, (struct troupe_address){0}), -ESRCH);
	note(self, "%s; ", word(troupe_sleep(self, 50 * TROUPE_MS_NS)));
	return 0;
}

/* The call is still the task's, which learns when nobody waits for it any more. */
static void task_that_cannot_forward_is_cancelled_with_its_caller(void **state)
{
	struct world world;

	(void)state;
	begin(&world, forwards_in_vain, 0);
	ask(&world, 4);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_log(&world, "1:num 104; 2:num 4; 1:fini shutdown; ECANCELED; ");
	assert_int_equal(world.runtime->kept_calls.count, 0);
	world_finish(&world);
}

static int forwards_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 const char *text)
{
	(void)call;
	if (me->id == 3)
		return 0;
	assert_int_equal(troupe_forward(self, world_of(self)->actors[3]), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	note(self, "still %s; ", text);
	return 0;
}

/* The task reads its message until it returns, whatever has become of it elsewhere. */
static void message_is_good_behind_its_forward(void **state)
{
	struct world world;

	(void)state;
	begin(&world, NULL, 0);
	world.hooks.text = forwards_text;
	world.actors[3] = world_spawn(&world, 3);
	assert_int_equal(send_text(&world, "first"), 0);
	world.actors[2] = world.actors[3]; /* that one has freed it: the next lies there */
	assert_int_equal(send_text(&world, "other"), 0);
	assert_log(&world, "2:text first; 3:text first; 3:text other; ");
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "still first; ");
	world_finish(&world);
}

static int keeps_message(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	(void)call;
	if (n == 9) {
		assert_int_equal(((const struct num *)troupe_kept_in(me->kept))->n, 7);
		troupe_release(self, me->kept);
		me->kept = NULL;
		return 0;
	}
	assert_int_equal(troupe_keep(self, &me->kept), 0);
	assert_int_equal(troupe_sleep(self, 2 * TROUPE_MS_NS), 0);
	assert_null(me->kept); /* somebody else has released it, and this one still reads */
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void message_is_the_tasks_whoever_releases_what_was_kept(void **state)
{
	struct world world;

	(void)state;
	begin(&world, keeps_message, 0);
	ask(&world, 7);
	assert_int_equal(world_send(&world, world.actors[2], 9), 0);
	world_run(&world);
	world_sleep(&world, 2 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 107; 2:num 7; 2:num 9; 1:reply7 ok 7; ");
	world_finish(&world);
}

static int streams(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	for (int64_t i = 0; i < n; i++) {
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){i}), 0);
		assert_int_equal(troupe_sleep(self, TROUPE_SECOND_NS), 0);
	}
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void stream_goes_on_over_waits(void **state)
{
	struct world world;

	(void)state;
	begin(&world, streams, 0);
	ask(&world, 103);
	for (int i = 0; i < 103; i++)
		world_sleep(&world, TROUPE_SECOND_NS + A_BIT);
	assert_non_null(strstr(world_log(&world), "1:reply103 ok+ 101; 1:reply103 ok+ 102; "
						  "1:reply103 ok 103; "));
	world_finish(&world);
}

/* ------------------------------------------------------------------ nobody waits any more */

static void handler_is_cancelled_with_its_call(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 0);
	ask(&world, 49);
	runtime_stop(world.runtime, world.actors[1]);
	world_run(&world);
	assert_log(&world, "1:num 149; 2:num 49; 1:fini shutdown; 2:waited49 ECANCELED; ");
	assert_int_equal(world.failures, 0);
	world_finish(&world);
}

static int waits_long(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	int rc = troupe_sleep(self, 5 * TROUPE_SECOND_NS);

	(void)n;
	(void)call;
	note(self, "%d:%s; ", (int)me->id, word(rc));
	assert_int_equal(troupe_sleep(self, 1), rc);
	return rc;
}

static void deadline_of_the_call_is_the_handlers(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits_long, 0);
	ask(&world, 1);
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
	note(self, "%d:asked %s; ", (int)me->id, word(rc));
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
	begin(&world, asks_on, 0);
	world.actors[3] = world_spawn(&world, 3);
	ask(&world, 1);
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
	note(self, "%d:%s; ", (int)me->id, word(troupe_sleep(self, 1)));
	return 0;
}

static void shield_holds_off_the_calls_end(void **state)
{
	struct world world;

	(void)state;
	begin(&world, finishes, 0);
	ask(&world, 20);
	runtime_stop(world.runtime, world.actors[1]);
	world_sleep(&world, 20 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 120; 2:num 20; 1:fini shutdown; 2:ECANCELED; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ the actor's end */

static void callers_of_handlers_get_actor_died(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 0);
	ask(&world, 49);
	ask(&world, 48);
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
	begin(&world, finishes, 0);
	ask(&world, 20);
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
	begin(&world, never_ends, 0);
	ask(&world, 1);
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
	note(self, "2:%s; ", word(rc));
	return n == 2 ? troupe_return(self, call, &num_method, &(struct num){n}) : rc;
}

static void handler_ends_its_actor(void **state)
{
	struct world world;

	(void)state;
	begin(&world, exits, 0);
	ask(&world, 1);
	assert_log(&world, "1:num 101; 2:num 1; 2:ECANCELED; 2:fini normal; 1:reply1 died; ");
	world_finish(&world);
	begin(&world, exits, 0);
	ask(&world, 2);
	world_sleep(&world, TROUPE_MS_NS + A_BIT);
	assert_log(&world, "1:num 102; 2:num 2; 2:0; 2:fini normal; 1:reply2 ok 2; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ a mailbox that rests */

static void mailbox_rests_when_all_tasks_are_at_work(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	begin(&world, waits, 2);
	ask(&world, 10);
	ask(&world, 20);
	ask(&world, 30);
	send_none(&world);
	ask(&world, 5);
	assert_log(&world, "1:num 110; 2:num 10; 1:num 120; 2:num 20; 1:num 130; 1:num 105; ");
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), 0);
	assert_int_equal(info.queued, 3);
	assert_int_equal(world_send(&world, world.actors[2], 9), 0);
	world_run(&world);
	/* the mailbox holds four, and pushes back */
	assert_int_equal(world_send(&world, world.actors[2], 1), -EAGAIN);
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	/* in the order in which they came */
	assert_log(&world, "2:waited10 0; 1:reply10 ok 11; 2:num 30; 2:none; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited20 0; 1:reply20 ok 21; 2:num 5; ");
	world_sleep(&world, 5 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited5 0; 1:reply5 ok 6; 2:num 9; ");
	world_sleep(&world, 30 * TROUPE_MS_NS + A_BIT);
	world_finish(&world);
}

static int speaks(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  const char *text)
{
	struct troupe_timer timer;
	int rc;

	(void)call;
	assert_int_equal(troupe_timer_start(self, &tick_entry, 5 * TROUPE_MS_NS, 0, 1, &timer),
			 0);
	rc = troupe_sleep(self, 10 * TROUPE_MS_NS);
	note(self, "%d:%s said %s; ", (int)me->id, text, word(rc));
	return 0;
}

static void nothing_is_handled_beside_one_that_is_alone(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 0);
	world.hooks.text = speaks;
	ask(&world, 2); /* it waits, and goes on beside the one that is alone */
	assert_int_equal(send_text(&world, "a"), 0);
	send_none(&world);
	assert_int_equal(send_text(&world, "b"), 0);
	assert_int_equal(world_send(&world, world.actors[2], 0), 0);
	world_run(&world);
	assert_log(&world, "1:num 102; 2:num 2; 2:text a; ");
	world_sleep(&world, 5 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited2 0; 1:reply2 ok 3; 2:tick1; ");
	world_sleep(&world, 5 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:a said 0; 2:none; 2:text b; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:tick1; 2:b said 0; 2:num 0; 2:waited0 0; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ who waits for himself */

/* Alone: each puppet asks that of the next number, but the one whose digit is the text's first,
 * which asks that of the second. */
static int asks_next(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     const char *text)
{
	struct troupe_answer answer = {0};
	int64_t next = me->id == text[0] - '0' ? text[1] - '0' : me->id + 1;
	int rc = troupe_await(self, world_of(self)->actors[next], &text_method,
			      text_entry.interface, &(struct text){text}, &answer);

	note(self, "%d:asked %s; ", (int)me->id, word(rc));
	return rc < 0 ? rc : troupe_return(self, call, &text_method, &(struct text){text});
}

static int asks_in_a_task(struct troupe_self *self, struct puppet *me, void *unused,
			  const char *text)
{
	(void)unused;
	return asks_next(self, me, (struct troupe_call){0}, text);
}
TROUPE_TASK(asks_in_a_task, struct puppet, void, const char)

static int has_it_asked(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			const char *text)
{
	(void)me;
	(void)call;
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	assert_int_equal(troupe_start(self, scope, &asks_in_a_task_task, NULL,
				      (void *)(uintptr_t)text, NULL),
			 0);
	return troupe_scope_end(self, scope);
}

static void begin_circle(struct world *world)
{
	begin(world, waits, 0);
	world->hooks.text = asks_next;
	for (unsigned i = 3; i <= 5; i++) {
		world_unit(world, i, world->tasker, 0, 0, 0);
		world->actors[i] = world_spawn_in(world, i, i);
	}
}

static void await_in_a_circle_of_those_who_are_alone_fails_at_once(void **state)
{
	struct world world;

	(void)state;
	begin_circle(&world);
	send_text(&world, "42"); /* 2 asks 3, that asks 4, that asks 2 */
	assert_log(&world, "2:text 42; 3:text 42; 4:text 42; log 4 unit4 task Text would wait "
			   "for itself: unit4 -> tasker -> unit3 -> unit4; 4:asked EDEADLK; "
			   "3:asked EIO; 2:asked EIO; ");
	send_text(&world, "22"); /* itself */
	assert_log(&world, "2:text 22; log 4 tasker task Text would wait for itself: tasker -> "
			   "tasker; 2:asked EDEADLK; ");
	/* a task that it waits for */
	world.hooks.text = has_it_asked;
	send_text(&world, "22");
	assert_log(&world, "2:text 22; log 4 tasker task asks_in_a_task would wait for itself: "
			   "tasker -> tasker; 2:asked EDEADLK; ");
	world_finish(&world);
}

/* One of them is not alone: it is asked, and answers. */
static int answers_in_between(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	(void)me;
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static int asks_one_who_asks_back(struct troupe_self *self, struct puppet *me,
				  struct troupe_call call, const char *text)
{
	struct troupe_answer answer = {0};
	int rc;

	if (me->id == 2) {
		rc = troupe_await(self, world_of(self)->actors[3], &text_method,
				  text_entry.interface, &(struct text){text}, &answer);
		note(self, "2:asked %s; ", word(rc));
		return rc;
	}
	rc = troupe_await(self, world_of(self)->actors[4], &num_method, num_entry.interface,
			  &(struct num){1}, &answer);
	note(self, "3:asked %s; ", word(rc));
	return troupe_return(self, call, &text_method, &(struct text){text});
}

static void await_of_one_who_is_not_alone_is_no_circle(void **state)
{
	struct world world;

	(void)state;
	begin_circle(&world);
	world.test = (void *)answers_in_between;
	world.hooks.text = asks_one_who_asks_back;
	send_text(&world, "x");
	assert_log(&world, "2:text x; 3:text x; 4:num 1; 3:asked 0; 2:asked 0; ");
	world_finish(&world);
}

static void end_of_a_resting_actor_answers_what_it_has_set_aside(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 0);
	world.hooks.text = speaks;
	assert_int_equal(send_text(&world, "a"), 0);
	ask(&world, 3);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_run(&world);
	assert_log(&world, "2:text a; 1:num 103; 1:reply3 died; 2:a said ECANCELED; "
			   "2:fini shutdown; ");
	world_finish(&world);
}

static int yields(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	int rc = n ? troupe_yield(self) : 0;

	(void)call;
	note(self, "%d:yielded%d; ", (int)me->id, (int)n);
	return rc;
}

/* A call lies behind the notice with which the first task goes on and ends, and so is in the
 * turn in which the mailbox is released. It comes behind what was set aside. */
static void order_is_kept_when_it_goes_on_within_a_turn(void **state)
{
	struct world world;

	(void)state;
	begin(&world, yields, 1);
	assert_int_equal(world_send(&world, world.actors[2], 1), 0);
	assert_int_equal(world_send(&world, world.actors[2], 2), 0);
	ask(&world, 0);
	assert_log(&world, "2:num 1; 1:num 100; 2:yielded1; 2:num 2; 2:yielded2; 2:num 0; "
			   "2:yielded0; 1:reply0 no-reply; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ callers elsewhere */

static void begin_far(struct cluster *cluster, behaviour *two)
{
	cluster_begin(cluster, two);
	for (int i = 2; i <= 3; i++) {
		struct world *world = &cluster->worlds[i];

		world_unit(world, 2, world->tasker, 0, 0, 0);
		assert_int_equal(runtime_stop(world->runtime, world->actors[i]), 0);
		world_run(world);
		world->actors[i] = world_spawn_in(world, 2, i);
		world_log(world);
	}
}

static void sleep_far(struct cluster *cluster, uint64_t ns)
{
	for (int i = 1; i <= 3; i++)
		if (cluster->net.worlds[i])
			world_sleep(&cluster->worlds[i], ns + A_BIT);
	net_run(&cluster->net);
}

static void call_from_another_process_is_answered_after_a_wait(void **state)
{
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, waits);
	cluster_ask(&cluster, 107);
	net_run(&cluster.net);
	sleep_far(&cluster, 7 * TROUPE_MS_NS);
	assert_log(&cluster.worlds[2], "2:num 7; 2:waited7 0; ");
	assert_log(&cluster.worlds[1], "1:num 107; 1:reply7 ok 8; ");
	net_finish(&cluster.net);
}

static void handler_is_cancelled_when_the_callers_process_says_so_or_dies(void **state)
{
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, waits_long);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	sleep_far(&cluster, TROUPE_SECOND_NS);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 timeout; ");
	assert_log(&cluster.worlds[2], "2:num 1; 2:ETIMEDOUT; ");
	cluster_ask(&cluster, 102);
	net_run(&cluster.net);
	net_kill(&cluster.net, 1);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 2; 2:ECANCELED; ");
	net_finish(&cluster.net);
}

static int forwards_far(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	struct world *world = world_of(self);

	if (troupe_sleep(self, TROUPE_MS_NS) < 0)
		return -EIO;
	if (me->id == 3)
		return troupe_return(self, call, &num_method, &(struct num){n + 30});
	assert_int_equal(troupe_forward(self, cluster_address(world, 3)), 0);
	return 0;
}

static void call_from_another_process_is_forwarded_after_a_wait(void **state)
{
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, forwards_far);
	cluster_ask(&cluster, 105);
	net_run(&cluster.net);
	sleep_far(&cluster, TROUPE_MS_NS);
	sleep_far(&cluster, TROUPE_MS_NS);
	assert_log(&cluster.worlds[1], "1:num 105; 1:reply5 ok 35; ");
	assert_log(&cluster.worlds[3], "3:num 5; ");
	net_finish(&cluster.net);
}

/* ------------------------------------------------------------------ tables */

static void method_with_two_handlers_is_refused(void **state)
{
	static troupe_handler_fn *const ways[9] = {(troupe_handler_fn *)1,
						   (troupe_handler_fn *)1};
	struct troupe_handlers two = *tasker_table.interfaces[0];
	struct troupe_actor table = tasker_table;
	const struct runtime_type *type;
	struct world world;
	const char *why;

	(void)state;
	world_init(&world, 1, NULL);
	two.ways = ways;
	table.interfaces[0] = &two;
	assert_int_equal(runtime_type_add(world.runtime, &table, NULL, &type, &why), -EINVAL);
	assert_string_equal(why, "a method has two handlers");
	world_finish(&world);
}

static int ends_at_once(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	(void)self;
	(void)me;
	(void)unused;
	(void)unused_too;
	return 0;
}
TROUPE_TASK(ends_at_once, struct puppet, void, void)

static int starts_two(struct troupe_self *self, struct puppet *me)
{
	struct troupe_task task;

	(void)me;
	for (int i = 0; i < 2; i++)
		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &ends_at_once_task, NULL,
					      NULL, &task),
				 0);
	return 0;
}

/* Those that have ended and are not joined take no handler's place: the mailbox would rest for
 * ever. */
static void mailbox_does_not_rest_for_tasks_that_have_ended(void **state)
{
	struct world world;

	(void)state;
	begin(&world, waits, 2);
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_run(&world);
	world.hooks.init = starts_two;
	world.actors[2] = world_spawn_in(&world, 2, 2);
	world_run(&world);
	world_log(&world);
	ask(&world, 10);
	ask(&world, 10);
	ask(&world, 10);
	assert_log(&world, "1:num 110; 2:num 10; 1:num 110; 2:num 10; 1:num 110; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	assert_log(&world, "2:waited10 0; 2:waited10 0; 1:reply10 ok 11; 1:reply10 ok 11; "
			   "2:num 10; ");
	world_sleep(&world, 10 * TROUPE_MS_NS + A_BIT);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handler_that_does_not_wait_is_over_at_once),
		cmocka_unit_test(handlers_that_do_not_wait_take_one_record),
		cmocka_unit_test(handlers_of_two_units_have_their_own_stacks),
		cmocka_unit_test(arithmetic_of_one_handler_is_not_anothers),
		cmocka_unit_test(record_that_is_nobodys_cannot_be_joined),
		cmocka_unit_test(others_are_handled_while_a_handler_waits),
		cmocka_unit_test(failure_after_a_wait_is_the_calls_and_counts),
		cmocka_unit_test(handler_without_an_answer_gives_no_reply),
		cmocka_unit_test(handle_is_good_over_waits_and_used_once),
		cmocka_unit_test(call_is_kept_before_or_after_a_wait),
		cmocka_unit_test(message_is_forwarded_after_a_wait),
		cmocka_unit_test(message_is_good_behind_its_forward),
		cmocka_unit_test(task_that_cannot_forward_is_cancelled_with_its_caller),
		cmocka_unit_test(message_is_the_tasks_whoever_releases_what_was_kept),
		cmocka_unit_test(stream_goes_on_over_waits),
		cmocka_unit_test(handler_is_cancelled_with_its_call),
		cmocka_unit_test(deadline_of_the_call_is_the_handlers),
		cmocka_unit_test(calls_that_it_awaits_have_what_is_left_of_its_own),
		cmocka_unit_test(shield_holds_off_the_calls_end),
		cmocka_unit_test(callers_of_handlers_get_actor_died),
		cmocka_unit_test(actor_whose_mailbox_is_emptied_by_its_end_goes_on),
		cmocka_unit_test(handler_that_does_not_end_is_abandoned),
		cmocka_unit_test(handler_ends_its_actor),
		cmocka_unit_test(mailbox_rests_when_all_tasks_are_at_work),
		cmocka_unit_test(nothing_is_handled_beside_one_that_is_alone),
		cmocka_unit_test(await_in_a_circle_of_those_who_are_alone_fails_at_once),
		cmocka_unit_test(await_of_one_who_is_not_alone_is_no_circle),
		cmocka_unit_test(end_of_a_resting_actor_answers_what_it_has_set_aside),
		cmocka_unit_test(order_is_kept_when_it_goes_on_within_a_turn),
		cmocka_unit_test(call_from_another_process_is_answered_after_a_wait),
		cmocka_unit_test(handler_is_cancelled_when_the_callers_process_says_so_or_dies),
		cmocka_unit_test(call_from_another_process_is_forwarded_after_a_wait),
		cmocka_unit_test(method_with_two_handlers_is_refused),
		cmocka_unit_test(mailbox_does_not_rest_for_tasks_that_have_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
