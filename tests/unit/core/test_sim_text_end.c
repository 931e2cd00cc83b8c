/* Calls by name that end otherwise than by an answer. */
#include "base/cleanup.h"
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "naming.h"
#include <errno.h>

static void call_ends_by_time_by_its_caller_and_by_its_callee(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct naming naming;

		naming_begin(&naming, is_far, naming_keeps);
		naming.timeout_ns = 1000000000;
		assert_string_equal(naming_answer(&naming, "test.puppet.Num", "{\"n\":1}"), "");
		for (uint16_t i = 1; i <= (is_far ? 3 : 1); i++)
			world_sleep(&naming.worlds[i], 1100000000);
		net_run(&naming.net);
		assert_non_null(strstr(world_log(&naming.worlds[1]), "1:said5 timeout; "));
		world_log(naming_theirs(&naming));
		/* The callee ends. */
		naming.timeout_ns = 0;
		assert_string_equal(naming_answer(&naming, "test.puppet.Num", "{\"n\":1}"), "");
		assert_int_equal(
			world_send(naming_theirs(&naming), naming_puppet(&naming, 2), 99), 0);
		net_run(&naming.net);
		assert_non_null(strstr(world_log(&naming.worlds[1]), "1:said5 died; "));
		/* There is none any more. */
		if (is_far)
			assert_string_equal(
				naming_answer(&naming, "test.puppet.Num", "{\"n\":1}"),
				"no-such-actor; ");
		else
			assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":1}", 5),
					 -ESRCH);
		net_finish(&naming.net);
	}
}

static int cancels(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)me;
	(void)context;
	assert_int_equal(troupe_cancel(self, naming_of(self)->request), 0);
	assert_int_equal(troupe_cancel(self, naming_of(self)->request), -ESRCH);
	return 0;
}

static int calls_then_cancels(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	int r = naming_on_num(self, me, call, n);

	if (me->id == 1)
		assert_int_equal(troupe_timer_start(self, &tick_entry, 1000000, 0, 0, NULL), 0);
	return r;
}

static void cancelled_call_ends_on_both_sides(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct naming naming;

		naming_begin(&naming, is_far, naming_keeps);
		naming.worlds[1].hooks.num = calls_then_cancels;
		naming.worlds[1].hooks.tick = cancels;
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":1}", 5), 0);
		world_sleep(&naming.worlds[1], 2000000);
		net_run(&naming.net);
		assert_non_null(strstr(naming_theirs(&naming)->log, "2:cancel; "));
		assert_non_null(strstr(naming.worlds[1].log, "1:said5 cancelled; "));
		net_finish(&naming.net);
	}
}

static void callers_end_cancels_the_call(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct naming naming;

		naming_begin(&naming, is_far, naming_keeps);
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":1}", 5), 0);
		assert_int_equal(
			runtime_stop(naming.worlds[1].runtime, naming.worlds[1].actors[1]), 0);
		net_run(&naming.net);
		assert_non_null(strstr(naming_theirs(&naming)->log, "2:cancel; "));
		assert_int_equal(naming_theirs(&naming)->runtime->kept_calls.count, 0);
		net_finish(&naming.net);
	}
}

static void death_of_a_worker_ends_the_call(void **state)
{
	struct naming naming;

	(void)state;
	for (int crashed = 0; crashed <= 1; crashed++) {
		naming_begin(&naming, true, naming_keeps);
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":1}", 5), 0);
		runtime_peer_down(naming.worlds[1].runtime, naming.worlds[2].process,
				  crashed ? TROUPE_ACTOR_DIED : TROUPE_PEER_DOWN);
		net_run(&naming.net);
		assert_non_null(strstr(naming.worlds[1].log,
				       crashed ? "1:said5 died; " : "1:said5 peer-down; "));
		net_finish(&naming.net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_ends_by_time_by_its_caller_and_by_its_callee),
		cmocka_unit_test(cancelled_call_ends_on_both_sides),
		cmocka_unit_test(callers_end_cancels_the_call),
		cmocka_unit_test(death_of_a_worker_ends_the_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
