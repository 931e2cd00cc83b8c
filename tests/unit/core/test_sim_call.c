/* Calls: each ends in exactly one callback, whatever happens to either side. */
#include "couple.h"
#include <errno.h>

static int returns(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	return troupe_return(self, call, &num_method, &(struct num){n * 2});
}

static void call_ends_with_the_reply_when_answered(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, returns);
	assert_int_equal(world_send(&world, world.actors[1], 104), 0);
	world_run(&world);
	assert_log(&world, "1:num 104; 2:num 4; 1:reply4 ok 8; ");
	world_sleep(&world, 2000000000); /* no timeout follows */
	assert_int_equal(world.log_size, 0);
	world_finish(&world);
}

static int fails(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)me;
	(void)n;
	return troupe_fail(self, call, &bad_error, &(struct text){"why"});
}

static void call_ends_with_the_typed_error(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, fails);
	world_send(&world, world.actors[1], 104);
	world_run(&world);
	assert_log(&world, "1:num 104; 2:num 4; 1:reply4 error test.puppet.Bad why; ");
	world_finish(&world);
}

static int does_nothing(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	(void)self;
	(void)me;
	(void)call;
	return n == 5 ? -EIO : 0;
}

static void call_ends_with_no_reply_or_failed_when_not_answered(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	couple_begin(&world, does_nothing);
	world_send(&world, world.actors[1], 104);
	world_send(&world, world.actors[1], 105);
	world_run(&world);
	assert_log(&world, "1:num 104; 1:num 105; 2:num 4; 2:num 5; 1:reply4 no-reply; "
			   "1:reply5 failed (EIO); ");
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), 0);
	assert_int_equal(info.failed, 1);
	assert_int_equal(info.handled, 2);
	world_finish(&world);
}

static int answers_wrongly(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	static const struct troupe_call made_up[] = {{1}, {0}, {UINT64_MAX}, {1ull << 63}};

	(void)me;
	for (size_t i = 0; i < 4; i++)
		assert_true(troupe_return(self, made_up[i], &num_method, &(struct num){n}) < 0);
	assert_int_equal(troupe_return(self, call, &text_method, &(struct text){"x"}), -EINVAL);
	assert_int_equal(troupe_return(self, call, &num_method, NULL), -EINVAL);
	assert_int_equal(troupe_return(self, call, NULL, &(struct num){n}), -EINVAL);
	assert_int_equal(troupe_fail(self, call, NULL, NULL), -EINVAL);
	assert_int_equal(troupe_fail_parameter(self, call, "\xff", NULL), -EINVAL);
	assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){n}), -EPROTOTYPE);
	assert_int_equal(troupe_fail_parameter(self, call, "n", "why"), 0);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), -EALREADY);
	assert_int_equal(troupe_call_keep(self, &call), -EALREADY);
	assert_int_equal(troupe_call_drop(self, call), -ESRCH);
	assert_int_equal(troupe_forward(self, world_of(self)->actors[1]), -EALREADY);
	return 0;
}

static void call_survives_misuse_and_is_answered_once(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, answers_wrongly);
	world_send(&world, world.actors[1], 104);
	world_run(&world);
	assert_log(&world, "1:num 104; 2:num 4; 1:reply4 invalid (n: why); ");
	world_finish(&world);
}

static int exits_when_told(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	if (n != 9)
		return troupe_return(self, call, &num_method, &(struct num){me->id});
	troupe_exit(self, 0);
	return 0;
}

static int calls_and_exits(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	if (me->id == 1)
		troupe_exit(self, 0);
	return couple_call_two(self, me, call, n);
}

static void queued_call_is_answered_by_death_and_not_run_after_the_callers(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, exits_when_told);
	world_send(&world, world.actors[1], 104);
	world_send(&world, world.actors[2], 9); /* is first in the mailbox */
	world_run(&world);
	assert_log(&world, "1:num 104; 2:num 9; 2:fini normal; 1:reply4 died; ");
	world_spawn(&world, 2);
	world.hooks.num = calls_and_exits;
	world_send(&world, world.actors[1], 105);
	world_run(&world);
	assert_log(&world, "1:num 105; 1:fini normal; ");
	assert_string_equal(world.last_dead_letter, "caller-gone");
	world_finish(&world);
}

static int cancels(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	struct troupe_request request;

	(void)call;
	if (me->id == 2)
		return 0;
	assert_int_equal(troupe_call(self, world_of(self)->actors[2], &num_method,
				     &(struct num){n}, &num_entry, 1, 0, 0, &request),
			 0);
	assert_int_equal(troupe_cancel(self, request), 0);
	assert_int_equal(troupe_cancel(self, request), -ESRCH);
	assert_int_equal(troupe_cancel(self, (struct troupe_request){12345}), -ESRCH);
	return 0;
}

static void cancelled_call_is_not_run(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, returns);
	world.hooks.num = cancels;
	world_send(&world, world.actors[1], 4);
	world_run(&world);
	assert_log(&world, "1:num 4; 1:reply1 cancelled; ");
	assert_int_equal(world.dead_letters, 1);
	assert_string_equal(world.last_dead_letter, "caller-gone");
	world_finish(&world);
}

static int calls_badly(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	struct troupe_address two = world_of(self)->actors[2], gone = two;

	(void)me;
	(void)call;
	(void)n;
	gone.generation++;
	assert_int_equal(troupe_call(self, gone, &num_method, &(struct num){1}, &num_entry, 0,
				     0, 0, NULL),
			 -ESRCH);
	assert_int_equal(troupe_call(self, (struct troupe_address){0}, &num_method,
				     &(struct num){1}, &num_entry, 0, 0, 0, NULL),
			 -ESRCH);
	assert_int_equal(troupe_call(self, two, &num_method, &(struct num){1}, &text_entry, 0,
				     0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call(self, two, &num_method, &(struct num){1}, &tick_entry, 0,
				     0, 0, NULL),
			 -EINVAL);
	assert_int_equal(
		troupe_call(self, two, &num_method, &(struct num){1}, NULL, 0, 0, 0, NULL),
		-EINVAL);
	assert_int_equal(troupe_call(self, two, &num_method, NULL, &num_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call(self, two, &num_method, &(struct num){1}, &num_entry, 0, 0,
				     2, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call(self, two, NULL, NULL, &num_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_send(self, two, NULL, NULL), -EINVAL);
	assert_int_equal(troupe_send(self, two, &num_method, NULL), -EINVAL);
	assert_int_equal(troupe_send(self, two, &text_method, &(struct text){NULL}), -EINVAL);
	assert_int_equal(troupe_send(self, two, &text_method, &(struct text){"\xff"}), -EINVAL);
	assert_int_equal(troupe_send(self, gone, &num_method, &(struct num){1}), -ESRCH);
	return 0;
}

static void call_that_fails_at_once_gets_no_reply(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, returns);
	world.hooks.num = calls_badly;
	world_send(&world, world.actors[1], 4);
	world_run(&world);
	assert_log(&world, "1:num 4; ");
	assert_string_equal(world.last_dead_letter, "no-such-actor");
	world_finish(&world);
}

static int keeps_at_most_one(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	int rc = troupe_call_keep(self, &call);

	(void)n;
	assert_int_equal(rc, me->count++ ? -ENOMEM : 0);
	return rc;
}

static void calls_and_kept_calls_stop_at_their_limits(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, &(struct runtime_config){.max_calls = 2, .max_kept_calls = 1});
	world.hooks.num = couple_call_two;
	world.test = (void *)keeps_at_most_one;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	for (int i = 1; i <= 3; i++) /* the third finds no place, fails, and is only counted */
		world_send(&world, world.actors[1], 100 + i);
	world_run(&world);
	assert_log(&world, "1:num 101; 1:num 102; 1:num 103; 2:num 1; 2:num 2; "
			   "1:reply2 failed (ENOMEM); ");
	world_finish(&world);
}

static int forwards(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	if (me->id == 3)
		return troupe_return(self, call, &num_method, &(struct num){n + 1000});
	assert_int_equal(troupe_forward(self, world_of(self)->actors[3]), 0);
	assert_int_equal(troupe_forward(self, world_of(self)->actors[3]), -EALREADY);
	assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n}), -EALREADY);
	assert_int_equal(troupe_keep(self, &me->kept), -EALREADY);
	return 0;
}

static void forwarded_call_is_answered_by_whoever_has_it(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, forwards);
	world_spawn(&world, 3);
	world_send(&world, world.actors[1], 104);
	world_run(&world);
	assert_log(&world, "1:num 104; 2:num 4; 3:num 4; 1:reply4 ok 1004; ");
	world_finish(&world);
}

static int streams(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)n;
	assert_true(troupe_call_wants_more(self, call));
	for (int i = 0; i < 3; i++)
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){i}), 0);
	assert_int_equal(troupe_call_keep(self, &call), 0);
	assert_true(troupe_call_wants_more(self, call));
	me->kept_call = call;
	return troupe_timer_start(self, &tick_entry, 5000000000, 0, 0, NULL);
}

static int ends_stream(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)context;
	return troupe_return(self, me->kept_call, &num_method, &(struct num){99});
}

static void stream_has_many_replies_and_one_end(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, streams);
	world.hooks.tick = ends_stream;
	world_send(&world, world.actors[1], 204);
	world_sleep(&world, 6000000000); /* the deadline was for the first reply */
	assert_log(&world, "1:num 204; 2:num 104; 1:reply104 ok+ 0; 1:reply104 ok+ 1; "
			   "1:reply104 ok+ 2; 2:tick0; 1:reply104 ok 99; ");
	world_finish(&world);
}

/* What puppet 1 asks puppet 2 with, when told Num(1). */
struct question {
	uint64_t timeout_ns;
	uint32_t flags;
};

/* Puppet 2 says nothing for a minute. */
static int subscribes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	const struct question *question = world_of(self)->test;

	if (me->id == 1)
		return troupe_call(self, world_of(self)->actors[2], &num_method,
				   &(struct num){n}, &num_entry, 1, question->timeout_ns,
				   question->flags, NULL);
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return troupe_timer_start(self, &tick_entry, 60000000000, 0, 0, NULL);
}

static void assert_quiet(uint64_t timeout_ns, uint32_t flags, const char *log)
{
	struct question question = {timeout_ns, flags};
	struct world world;

	world_init(&world, 1, NULL);
	world.hooks.num = subscribes;
	world.hooks.tick = ends_stream;
	world.test = &question;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_send(&world, world.actors[1], 1);
	world_sleep(&world, 61000000000);
	assert_log(&world, log);
	world_finish(&world);
}

static void default_deadline_of_a_stream_holds_until_it_is_kept(void **state)
{
	(void)state;
	assert_quiet(0, TROUPE_MORE, "1:num 1; 2:num 1; 2:tick0; 1:reply1 ok 99; ");
	/* One that was asked for holds until the first reply, and that of a call to its end. */
	assert_quiet(1000000000, TROUPE_MORE,
		     "1:num 1; 2:num 1; 2:cancel; 1:reply1 timeout; 2:tick0; ");
	assert_quiet(0, 0, "1:num 1; 2:num 1; 2:cancel; 1:reply1 timeout; 2:tick0; ");
}

static int floods(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	int rc = 0;

	(void)n;
	if (!me->kept_call.id) {
		assert_int_equal(troupe_call_keep(self, &call), 0);
		me->kept_call = call;
	}
	while (me->count < 3000 && rc == 0) {
		rc = troupe_reply(self, me->kept_call, &num_method, &(struct num){me->count});
		me->count += rc == 0;
	}
	if (rc == 0)
		return troupe_return(self, me->kept_call, &num_method,
				     &(struct num){me->count});
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int floods_on(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	assert_true(troupe_address_equal(where, world_of(self)->actors[1]));
	return floods(self, me, me->kept_call, 0);
}

static void stream_waits_when_the_caller_does_not_read(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, floods);
	world.hooks.room = floods_on;
	world_send(&world, world.actors[1], 204);
	world_run(&world);
	/* the log is cut: what matters is that all arrived, and that it took two waits */
	assert_int_equal(world.rooms, 2);
	assert_int_equal(world.replies, 3001);
	world_finish(&world);
}

static void method_of_another_version_is_converted_by_name(void **state)
{
	struct runtime_client_call client_call = {0};
	struct world world;

	(void)state;
	(void)client_call;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.wide, 0, 0, 0);
	world.hooks.num = couple_call_two;
	world_spawn(&world, 1);
	world_spawn_in(&world, 2, 2);
	world_send(&world, world.actors[1], 104);
	world_run(&world);
	assert_log(&world, "1:num 104; 2:wide 4 less; 1:reply4 ok 5; ");
	world_finish(&world);
}

static int calls_odd(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	const struct troupe_actor *table = &puppet_table;
	struct troupe_address two = world_of(self)->actors[2];

	(void)me;
	(void)call;
	assert_int_equal(troupe_call(self, two, &odd_method, &(struct num){n},
				     table->entries[6], 1, 0, 0, NULL),
			 0);
	assert_int_equal(troupe_call(self, two, table->entries[5]->method, &(struct num){n},
				     table->entries[5], 2, 0, 0, NULL),
			 0);
	assert_int_equal(
		troupe_call(self, two, &none_method, NULL, table->entries[4], 3, 0, 0, NULL),
		0);
	return 0;
}

static void method_that_does_not_fit_is_refused_with_the_reason(void **state)
{
	struct world world;

	(void)state;
	couple_begin(&world, returns);
	world.hooks.num = calls_odd;
	world_send(&world, world.actors[1], 104);
	world_run(&world);
	assert_log(&world, "1:num 104; 1:reply1 invalid (m); 1:reply2 not-found (Lost); "
			   "1:reply3 not-implemented (None); ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_ends_with_the_reply_when_answered),
		cmocka_unit_test(call_ends_with_the_typed_error),
		cmocka_unit_test(call_ends_with_no_reply_or_failed_when_not_answered),
		cmocka_unit_test(call_survives_misuse_and_is_answered_once),
		cmocka_unit_test(
			queued_call_is_answered_by_death_and_not_run_after_the_callers),
		cmocka_unit_test(cancelled_call_is_not_run),
		cmocka_unit_test(call_that_fails_at_once_gets_no_reply),
		cmocka_unit_test(calls_and_kept_calls_stop_at_their_limits),
		cmocka_unit_test(forwarded_call_is_answered_by_whoever_has_it),
		cmocka_unit_test(stream_has_many_replies_and_one_end),
		cmocka_unit_test(default_deadline_of_a_stream_holds_until_it_is_kept),
		cmocka_unit_test(stream_waits_when_the_caller_does_not_read),
		cmocka_unit_test(method_of_another_version_is_converted_by_name),
		cmocka_unit_test(method_that_does_not_fit_is_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
