/* Turns: one actor at a time, each message accounted for. */
#include "core/inside.h"
#include "core/runq.h"
#include "world.h"
#include <errno.h>

static int ends_or_fails(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	(void)me;
	(void)call;
	if (n == 1)
		troupe_exit(self, -EIO);
	return n == 2 ? -EXDEV : 0;
}

static void end_of_one_actor_leaves_the_next_in_peace(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = ends_or_fails;
	for (int i = 1; i <= 3; i++)
		world_spawn(&world, i);
	world_send(&world, world.actors[1], 1);
	world_send(&world, world.actors[2], 0);
	world_send(&world, world.actors[2], 0);
	world_send(&world, world.actors[3], 1);
	world_run(&world);
	assert_log(&world,
		   "1:num 1; 1:fini failed; 2:num 0; 2:num 0; 3:num 1; 3:fini failed; ");
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), 0);
	assert_int_equal(info.failed, 0);
	world_finish(&world);
}

static void failure_ends_the_actor_only_where_the_unit_says_so(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	assert_int_equal(runtime_unit_define(world.runtime,
					     &(struct runtime_unit){.number = 2,
								    .name = "strict",
								    .type = world.type,
								    .stop_on_error = true}),
			 0);
	world.hooks.num = ends_or_fails;
	world_spawn(&world, 1);
	world_spawn_in(&world, 2, 2);
	world_send(&world, world.actors[1], 2);
	world_send(&world, world.actors[1], 0);
	world_send(&world, world.actors[2], 0);
	world_send(&world, world.actors[2], 2);
	world_run(&world);
	assert_log(&world, "1:num 2; 1:num 0; 2:num 0; 2:num 2; 2:fini failed; ");
	runtime_info(world.runtime, world.actors[1], &info);
	assert_int_equal(info.failed, 1);
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), -ESRCH);
	world_finish(&world);
}

static int exits_at_once(struct troupe_self *self, struct puppet *me)
{
	troupe_exit(self, me->id == 2 ? -EIO : 0);
	return 0;
}

static void actor_may_exit_in_its_init(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = exits_at_once;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	assert_log(&world, "1:fini normal; 2:fini failed; ");
	assert_int_equal(world.ends, 2);
	assert_int_equal(runtime_info(world.runtime, world.actors[1], &info), -ESRCH);
	world_finish(&world);
}

static int exits_too(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	(void)me;
	(void)where;
	troupe_exit(self, 0);
	return 0;
}

static int cancelled_too(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	(void)me;
	(void)call;
	troupe_exit(self, 0);
	return 0;
}

static int waits_and_keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	struct troupe_address two = world_of(self)->actors[2];

	if (me->id == 2)
		return 0;
	if (me->id == 3)
		return troupe_call_keep(self, &call);
	if (n == 1)
		while (troupe_send(self, two, &num_method, &(struct num){0}) == 0)
			;
	else
		return troupe_call(self, world_of(self)->actors[3], &num_method,
				   &(struct num){0}, &num_entry, 0, 1000000, 0, NULL);
	return 0;
}

static void actor_may_exit_in_on_room_and_on_cancel(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 2, 0, 0);
	world.hooks.num = waits_and_keeps;
	world.hooks.room = exits_too;
	world.hooks.cancel = cancelled_too;
	world_spawn(&world, 1);
	world_spawn_in(&world, 2, 2);
	world_spawn(&world, 3);
	world_send(&world, world.actors[1], 2);
	world_run(&world);
	world_sleep(&world, 2000000);
	assert_log(&world, "1:num 2; 3:num 0; 3:cancel; 3:fini normal; 1:reply0 timeout; ");
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_log(&world, "1:num 1; 2:num 0; 2:num 0; 1:room; 1:fini normal; ");
	assert_int_equal(world.runtime->n_actors, 1);
	world_finish(&world);
}

static int calls_itself_once(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	if (n == 0)
		return troupe_return(self, call, &num_method, &(struct num){1});
	assert_int_equal(troupe_timer_start(self, &tick_entry, 1, 0, 7, &me->timer), 0);
	return troupe_call(self, troupe_address(self), &num_method, &(struct num){0},
			   &num_entry, 3, 0, 0, NULL);
}

static int knows_the_sender(struct troupe_self *self, struct puppet *me, uint64_t context,
			    const struct troupe_reply *reply)
{
	(void)me;
	(void)context;
	(void)reply;
	assert_true(troupe_address_equal(troupe_sender(self), troupe_address(self)));
	return 0;
}

static int timer_has_ended(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)context;
	assert_true(troupe_address_is_null(troupe_sender(self)));
	assert_int_equal(troupe_timer_stop(self, me->timer), -ESRCH);
	return 0;
}

static void actor_that_calls_itself_is_answered_and_nothing_stays_charged(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = calls_itself_once;
	world.hooks.reply = knows_the_sender;
	world.hooks.tick = timer_has_ended;
	world_spawn(&world, 1);
	world_send(&world, world.actors[1], 1);
	world_sleep(&world, 1000000);
	assert_log(&world, "1:num 1; 1:num 0; 1:reply3 ok 1; 1:tick7; ");
	runtime_info(world.runtime, world.actors[1], &info);
	assert_int_equal(info.queued, 0);
	assert_int_equal(info.queued_bytes, 0);
	assert_int_equal(info.handled, 4);
	assert_int_equal(world.runtime->timers.count, 0);
	assert_int_equal(world.runtime->calls.count, 0);
	assert_int_equal(world.runtime->handled, 4);
	assert_int_equal(world.page->messages, 4);
	world_finish(&world);
}

static void converted_message_is_charged_as_what_it_became(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.wide, 0, 0, 0);
	world_spawn_in(&world, 2, 1);
	world_send(&world, world.actors[1], 5);
	world_run(&world);
	assert_log(&world, "1:wide 5 less; ");
	runtime_info(world.runtime, world.actors[1], &info);
	assert_int_equal(info.queued_bytes, 0);
	world_finish(&world);
}

static void on_client_reply(struct runtime_client_call *client_call,
			    const struct troupe_reply *reply, const struct troupe_type *type)
{
	(void)type;
	assert_int_equal(client_call->id, 0);
	assert_int_equal(reply->status, TROUPE_TIMEOUT);
}

static void call_whose_deadline_is_now_is_not_run(void **state)
{
	struct runtime_client_call client_call = {.on_reply = on_client_reply};
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_spawn(&world, 1);
	assert_int_equal(runtime_client_call(
				 world.runtime, world.actors[1], &num_method, &(struct num){1},
				 loop_clock_ns(world.loop) + 1000000, 0, &client_call),
			 0);
	sim_advance(world.loop, 1000000);
	world_run(&world);
	assert_log(&world, "");
	assert_string_equal(world.last_dead_letter, "expired");
	/* Whoever called keeps the deadline. */
	assert_int_not_equal(client_call.id, 0);
	runtime_client_cancel(world.runtime, &client_call);
	assert_int_equal(world.runtime->calls.count, 0);
	world_finish(&world);
}

static void call_without_a_deadline_stays_open(void **state)
{
	struct runtime_client_call client_call = {.on_reply = on_client_reply};
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = waits_and_keeps;
	world_spawn(&world, 3);
	assert_int_equal(runtime_client_call(world.runtime, world.actors[3], &num_method,
					     &(struct num){1}, UINT64_MAX, 0, &client_call),
			 0);
	world_sleep(&world, 2 * LIMIT_CALL_TIMEOUT_NS);
	assert_int_not_equal(client_call.id, 0);
	runtime_client_cancel(world.runtime, &client_call);
	world_finish(&world);
}

static const struct troupe_method unknown_method = {.interface = "test.puppet",
						    .name = "Unknown",
						    .in = &num_type,
						    .out = &num_type,
						    .in_hash = 0x990,
						    .out_hash = 0x991};

static int sends_unknown(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)me;
	(void)context;
	assert_int_equal(
		troupe_send(self, world_of(self)->actors[2], &unknown_method, &(struct num){1}),
		0);
	return 0;
}

static int starts_a_timer(struct troupe_self *self, struct puppet *me)
{
	return me->id == 1 ? troupe_timer_start(self, &tick_entry, 1000000, 0, 0, NULL) : 0;
}

/* No message's handler has run in that slice, so that there is none to look at. */
static void unknown_method_may_come_from_a_timer(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = starts_a_timer;
	world.hooks.tick = sends_unknown;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_sleep(&world, 2000000);
	assert_log(&world, "1:tick0; ");
	assert_int_equal(world.dead_letters, 1);
	assert_string_equal(world.last_dead_letter, "invalid");
	world_finish(&world);
}

/* What no handler runs for takes time, too. */
static void slice_ends_when_no_message_has_a_handler(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 200000, 0, 0);
	world_spawn_in(&world, 2, 1);
	/* so that a handler has run in the slice */
	world_send(&world, world.actors[1], 1);
	for (int i = 0; i < 199999; i++)
		assert_int_equal(runtime_client_send(world.runtime, world.actors[1],
						     &unknown_method, &(struct num){1}, 0),
				 0);
	loop_step(world.loop, false);
	assert_true(world.dead_letters < 199999);
	world_run(&world);
	assert_int_equal(world.dead_letters, 199999);
	world_finish(&world);
}

static int stops_many_timers(struct troupe_self *self, struct puppet *me)
{
	for (int i = 0; i < 200000; i++) {
		assert_int_equal(troupe_timer_start(self, &tick_entry, 0, 0, 0, &me->timer), 0);
		assert_int_equal(troupe_timer_stop(self, me->timer), 0);
	}
	return 0;
}

static void slice_ends_when_no_notice_has_a_handler(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.init = stops_many_timers;
	world_spawn(&world, 1);
	loop_step(world.loop, false);
	assert_false(runq_is_empty(world.runtime));
	world_run(&world);
	assert_int_equal(world.runtime->timers.count, 0);
	world_log(&world);
	world_finish(&world);
}

/* Three actors, two messages each: the order in which they have their turns. */
static void take_turns(struct world *world, char text[static 64])
{
	for (int id = 1; id <= 3; id++)
		for (int n = 1; n <= 2; n++)
			assert_int_equal(world_send(world, world->actors[id], n), 0);
	world_run(world);
	(void)snprintf(text, 64, "%s", world_log(world));
}

/* Whatever comes of it, an actor's messages stay in order: see the storm. */
static void seed_decides_which_actor_is_next(void **state)
{
	const char *in_order = "1:num 1; 1:num 2; 2:num 1; 2:num 2; 3:num 1; 3:num 2; ";
	bool has_begun_with[4] = {false};
	char text[64], seeded[2][64];

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		for (int run = 0; run < 2; run++) {
			struct world world;

			world_init(&world, 1, NULL);
			for (int id = 1; id <= 3; id++)
				world_spawn(&world, id);
			take_turns(&world, text);
			assert_string_equal(text, in_order);
			sim_seed(world.loop, seed);
			take_turns(&world, seeded[run]);
			world_finish(&world);
		}
		assert_string_equal(seeded[1], seeded[0]);
		has_begun_with[seeded[0][0] - '0'] = true;
	}
	assert_true(has_begun_with[1] && has_begun_with[2] && has_begun_with[3]);
}

/* Not by what the host does for itself, and not while it is awake. */
static void watch_is_woken_before_a_handler_runs(void **state)
{
	atomic_bool sleeps = true;
	struct world world;

	(void)state;
	world_init(&world, 1, &(struct runtime_config){.watch_sleeps = &sleeps});
	world_run(&world);
	world_sleep(&world, TROUPE_SECOND_NS);
	assert_int_equal(world.wakes, 0);
	world_spawn(&world, 1);
	assert_int_equal(world.wakes, 1); /* its init */
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_int_equal(world.wakes, 2);
	sleeps = false;
	world_send(&world, world.actors[1], 2);
	world_run(&world);
	assert_int_equal(world.wakes, 2);
	sleeps = true;
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	assert_int_equal(world.wakes, 3); /* its fini */
	world_finish(&world);
}

/* Each takes so long. */
static int takes_time(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)me;
	(void)call;
	sim_advance(world_of(self)->loop, (uint64_t)n);
	return 0;
}

static uint64_t count_of(const struct histogram *times)
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += times->counts[i];
	return count;
}

static void handlers_are_measured_by_actor(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = takes_time;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_send(&world, world.actors[1], 5000);
	world_send(&world, world.actors[2], 100);
	world_send(&world, world.actors[2], 7000);
	world_run(&world);
	assert_int_equal(runtime_info(world.runtime, world.actors[1], &info), 0);
	assert_int_equal(count_of(info.own_times), 1);
	assert_int_equal(info.own_times->max_ns, 5000);
	assert_int_equal(count_of(info.times), 3);
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), 0);
	assert_int_equal(count_of(info.own_times), 2);
	assert_int_equal(info.own_times->max_ns, 7000);
	/* of so many at a time, first come */
	world.runtime->n_timed = LIMIT_TIMED_ACTORS;
	world_spawn(&world, 3);
	world_send(&world, world.actors[3], 900);
	world_send(&world, world.actors[1], 900);
	world_run(&world);
	assert_int_equal(runtime_info(world.runtime, world.actors[3], &info), 0);
	assert_null(info.own_times);
	assert_int_equal(count_of(info.times), 5);
	assert_int_equal(runtime_info(world.runtime, world.actors[1], &info), 0);
	assert_int_equal(count_of(info.own_times), 2);
	/* an end makes room */
	assert_int_equal(runtime_stop(world.runtime, world.actors[2]), 0);
	world_send(&world, world.actors[3], 900);
	world_run(&world);
	assert_int_equal(runtime_info(world.runtime, world.actors[3], &info), 0);
	assert_int_equal(count_of(info.own_times), 1);
	world.runtime->n_timed = 2;
	world_finish(&world);
}

/* Whoever has the last word of a slice is not charged with what the others did. */
static void slow_actor_among_quick_ones_is_told_apart(void **state)
{
	struct runtime_info quick, slow;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = takes_time;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	for (int i = 0; i < 25; i++)
		world_send(&world, world.actors[1], 1000);
	world_send(&world, world.actors[2], 40000000);
	for (int i = 0; i < 25; i++)
		world_send(&world, world.actors[1], 1000);
	world_run(&world);
	assert_int_equal(runtime_info(world.runtime, world.actors[1], &quick), 0);
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &slow), 0);
	assert_int_equal(count_of(slow.own_times), 1);
	assert_in_range(slow.own_times->max_ns, 39000000, 40000000);
	assert_true(count_of(quick.own_times) > 0);
	assert_int_equal(quick.own_times->max_ns, 1000);
	world_finish(&world);
}

static void handlers_are_measured_by_unit_and_in_all(void **state)
{
	const struct histogram *one, *two, *all, *passes;
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = takes_time;
	assert_int_equal(
		runtime_unit_define(world.runtime, &(struct runtime_unit){.number = 2,
									  .name = "other",
									  .type = world.type}),
		0);
	world_spawn(&world, 1);
	world_spawn_in(&world, 2, 2);
	assert_int_equal(runtime_info(world.runtime, world.actors[1], &info), 0);
	one = info.times;
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), 0);
	two = info.times;
	all = &world.runtime->page->handlers;
	passes = &world.runtime->page->passes;
	assert_int_equal(count_of(all), 0);
	/* the first of a slice each by itself */
	world_send(&world, world.actors[1], 5000);
	world_send(&world, world.actors[1], 100);
	world_run(&world);
	assert_int_equal(count_of(one), 2);
	assert_int_equal(one->counts[0], 1);
	assert_int_equal(one->counts[histogram_bucket(5000)], 1);
	assert_int_equal(one->max_ns, 5000);
	assert_int_equal(count_of(two), 0);
	assert_true(passes->max_ns >= 5100);
	assert_true(count_of(passes) > 0);
	/* of the rest the mean */
	for (unsigned i = 0; i < 4 + SLICE_STRIDE; i++)
		world_send(&world, world.actors[2], 3000);
	world_run(&world);
	assert_int_equal(count_of(two), 4 + SLICE_STRIDE);
	assert_int_equal(two->counts[histogram_bucket(3000)], 4 + SLICE_STRIDE);
	assert_int_equal(two->max_ns, 3000);
	assert_int_equal(count_of(all), 6 + SLICE_STRIDE);
	world_finish(&world);
}

/* As long as it was, to a millisecond, however many quick ones there are before it. */
static void long_handler_among_quick_ones_is_measured(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = takes_time;
	world_spawn(&world, 1);
	for (int i = 0; i < 30; i++)
		world_send(&world, world.actors[1], i == 20 ? 40000000 : 0);
	world_run(&world);
	assert_int_equal(runtime_info(world.runtime, world.actors[1], &info), 0);
	assert_in_range(info.times->max_ns, 39000000, 40000000);
	assert_int_equal(info.times->counts[histogram_bucket(40000000)], 1);
	assert_int_equal(info.times->counts[0], 8); /* the first of two slices */
	assert_true(world.runtime->page->passes.max_ns >= 40000000);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_of_one_actor_leaves_the_next_in_peace),
		cmocka_unit_test(failure_ends_the_actor_only_where_the_unit_says_so),
		cmocka_unit_test(actor_may_exit_in_its_init),
		cmocka_unit_test(actor_may_exit_in_on_room_and_on_cancel),
		cmocka_unit_test(actor_that_calls_itself_is_answered_and_nothing_stays_charged),
		cmocka_unit_test(converted_message_is_charged_as_what_it_became),
		cmocka_unit_test(call_whose_deadline_is_now_is_not_run),
		cmocka_unit_test(call_without_a_deadline_stays_open),
		cmocka_unit_test(unknown_method_may_come_from_a_timer),
		cmocka_unit_test(slice_ends_when_no_message_has_a_handler),
		cmocka_unit_test(slice_ends_when_no_notice_has_a_handler),
		cmocka_unit_test(seed_decides_which_actor_is_next),
		cmocka_unit_test(watch_is_woken_before_a_handler_runs),
		cmocka_unit_test(handlers_are_measured_by_actor),
		cmocka_unit_test(slow_actor_among_quick_ones_is_told_apart),
		cmocka_unit_test(handlers_are_measured_by_unit_and_in_all),
		cmocka_unit_test(long_handler_among_quick_ones_is_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
