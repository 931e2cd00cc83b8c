/* Deadlines beside handlers that take long: what has expired is not run, and an answer that
 * comes too late is none. */
#include "core/inside.h"
#include "core/kept.h"
#include "world.h"
#include <errno.h>

#define MS 1000000ull

/* Puppet 1 calls puppet 2 by Num(n) when told Num(100 + n), as a stream when told Num(200 + n):
 * with a deadline of 50 ms. Puppet 2 does what the test says; so do puppets from 3 on. */
static int act(struct troupe_self *self, struct puppet *me, struct troupe_call call, int64_t n)
{
	struct world *world = world_of(self);
	struct world *there = world->net ? world->net->worlds[2] : world;

	if (me->id != 1)
		return ((behaviour *)world->test)(self, me, call, n);
	return troupe_call(self, there->actors[2], &num_method, &(struct num){n % 100},
			   &num_entry, (uint64_t)n % 100, 50 * MS, n >= 200 ? TROUPE_MORE : 0,
			   NULL);
}

static void begin(struct world *world, uint16_t worker, behaviour *two)
{
	world_init(world, worker, NULL);
	world->hooks.num = act;
	world->test = (void *)two;
}

/* ------------------------------------------------------------------ within a process */

static int takes_20_ms(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)me;
	sim_advance(world_of(self)->loop, 20 * MS);
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void expired_calls_are_not_run_behind_slow_handlers(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1, takes_20_ms);
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	for (int n = 1; n <= 6; n++)
		world_send(&world, world.actors[1], 100 + n);
	world_run(&world);
	/* 1 and 2 are done by 40 ms, 3 at 60 ms; the rest would begin when nobody waits */
	assert_log(&world, "1:num 101; 1:num 102; 1:num 103; 1:num 104; 1:num 105; 1:num 106; "
			   "2:num 1; 1:reply1 ok 1; 2:num 2; 1:reply2 ok 2; 2:num 3; "
			   "1:reply3 timeout; 1:reply4 timeout; 1:reply5 timeout; "
			   "1:reply6 timeout; ");
	assert_int_equal(world.dead_letters, 3);
	world_finish(&world);
}

static int takes_60_ms(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)me;
	if (n == 0) /* quick ones: the clock is not read after each of them */
		return 0;
	sim_advance(world_of(self)->loop, 60 * MS);
	switch (n) {
	case 1:
		return troupe_return(self, call, &num_method, &(struct num){n});
	case 2:
		return troupe_fail(self, call, &bad_error, &(struct text){"bad"});
	case 3:
		return troupe_fail_parameter(self, call, "n", NULL);
	case 4:
		return -EIO;
	default:
		return 0;
	}
}

/* Whichever handler of a slice it is, and however the call would have ended. */
static void late_answers_are_timeouts(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1, takes_60_ms);
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	for (int before = 0; before < 3 * (int)SLICE_STRIDE; before++) {
		int n = before % 5 + 1;
		char expected[64];

		for (int i = 0; i < before; i++)
			world_send(&world, world.actors[2], 0);
		world_send(&world, world.actors[1], 100 + n);
		world_run(&world);
		world.log[world.log_size] = '\0';
		snprintf(expected, sizeof(expected), "2:num %d; 1:reply%d timeout; ", n, n);
		assert_non_null(strstr(world.log, expected));
		world.log_size = 0;
		world.log[0] = '\0';
	}
	world_finish(&world);
}

static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	if (n == 0) {
		sim_advance(world_of(self)->loop, 60 * MS);
		/* the wheel has not seen it yet: it is dead nevertheless */
		assert_int_equal(
			troupe_return(self, me->kept_call, &num_method, &(struct num){1}), 0);
		return 0;
	}
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

static void late_answer_of_a_kept_call_is_a_timeout(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1, keeps);
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_send(&world, world.actors[1], 105);
	world_run(&world);
	world_log(&world);
	world_send(&world, world.actors[2], 0);
	world_run(&world);
	/* the callee has let go of it, so that nothing has to be cancelled */
	assert_log(&world, "2:num 0; 1:reply5 timeout; ");
	world_finish(&world);
}

static int streams_late(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	if (n != 3) {
		assert_int_equal(troupe_call_keep(self, &call), 0);
		me->kept_call = call;
	}
	if (n == 2) /* in time: there is no deadline from now on */
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){n}), 0);
	sim_advance(world_of(self)->loop, 60 * MS);
	assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){n}), 0);
	return 0;
}

static void first_reply_of_a_stream_has_the_deadline(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1, streams_late);
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_send(&world, world.actors[1], 201);
	world_run(&world);
	assert_log(&world, "1:num 201; 2:num 1; 1:reply1 timeout; 2:cancel; ");
	world_send(&world, world.actors[1], 203);
	world_run(&world);
	assert_log(&world, "1:num 203; 2:num 3; 1:reply3 timeout; ");
	world_send(&world, world.actors[1], 202);
	world_run(&world);
	assert_log(&world, "1:num 202; 2:num 2; 1:reply2 ok+ 2; 1:reply2 ok+ 2; ");
	world_finish(&world);
}

static int works_then_asks(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	struct world *world = world_of(self);
	uint64_t before = troupe_now_ns(self);

	(void)call;
	if (me->id != 2 || n == 0)
		return 0;
	sim_advance(world->loop, 40 * MS);
	assert_int_equal(troupe_now_ns(self) - before, 40 * MS);
	assert_int_equal(troupe_timer_start(self, &tick_entry, 30 * MS, 0, 7, NULL), 0);
	return troupe_call(self, world->actors[3], &num_method, &(struct num){0}, &num_entry, 3,
			   30 * MS, 0, NULL);
}

static void time_counts_from_when_it_was_asked_for_in_a_long_handler(void **state)
{
	struct world world;

	(void)state;
	for (int before = 0; before < 3 * (int)SLICE_STRIDE; before += 7) {
		begin(&world, 1, works_then_asks);
		world_spawn(&world, 2);
		world_spawn(&world, 3);
		for (int i = 0; i < before; i++)
			world_send(&world, world.actors[2], 0);
		world_send(&world, world.actors[2], 1);
		world_run(&world);
		world_sleep(&world, 25 * MS);
		world.log[world.log_size] = '\0';
		/* it was in time */
		assert_non_null(strstr(world.log, "2:num 1; 3:num 0; 2:reply3 no-reply; "));
		assert_null(strstr(world.log, "tick"));
		world_log(&world);
		world_sleep(&world, 6 * MS);
		assert_log(&world, "2:tick7; ");
		world_finish(&world);
	}
}

/* ------------------------------------------------------------------ clients */

struct asker {
	struct runtime_client_call client_call;
	bool is_done;
	enum troupe_status status;
};

static void on_reply(struct runtime_client_call *client_call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct asker *asker = container_of(client_call, struct asker, client_call);

	(void)type;
	assert_false(asker->is_done);
	asker->is_done = true;
	asker->status = reply->status;
}

/* It keeps their deadlines itself; here they only say what is not run any more. */
static void expired_calls_of_clients_are_not_run(void **state)
{
	struct asker askers[6] = {0};
	struct world world;
	uint64_t deadline_ns;

	(void)state;
	begin(&world, 1, takes_20_ms);
	world_spawn(&world, 2);
	deadline_ns = loop_clock_ns(world.loop) + 50 * MS;
	for (int i = 0; i < 6; i++) {
		askers[i].client_call.on_reply = on_reply;
		assert_int_equal(runtime_client_call(world.runtime, world.actors[2],
						     &num_method, &(struct num){i}, deadline_ns,
						     0, &askers[i].client_call),
				 0);
	}
	world_run(&world);
	assert_log(&world, "2:num 0; 2:num 1; 2:num 2; ");
	for (int i = 0; i < 6; i++) {
		assert_int_equal(askers[i].is_done, i < 3);
		assert_int_equal(askers[i].status, TROUPE_OK);
		runtime_client_cancel(world.runtime, &askers[i].client_call);
	}
	world_finish(&world);
}

/* ------------------------------------------------------------------ across processes */

struct pair {
	struct net net;
	struct world worlds[3];
};

static void begin_pair(struct pair *pair, behaviour *two)
{
	*pair = (struct pair){0};
	for (uint16_t i = 1; i <= 2; i++) {
		begin(&pair->worlds[i], i, two);
		world_link(&pair->worlds[i], &pair->net);
		world_spawn(&pair->worlds[i], i);
	}
}

static void late_answer_does_not_leave_the_process(void **state)
{
	struct world *one, *two;
	struct pair pair;

	(void)state;
	begin_pair(&pair, takes_60_ms);
	one = &pair.worlds[1];
	two = &pair.worlds[2];
	for (int n = 1; n <= 5; n++) {
		world_send(one, one->actors[1], 100 + n);
		world_run(one);
		assert_true(net_carry_one(&pair.net, 2));
		sim_advance(two->loop, loop_clock_ns(one->loop) - loop_clock_ns(two->loop));
		world_run(two);
		assert_null(pair.net.first[1]);
		assert_int_equal(two->runtime->kept_calls.count, 0);
		world_log(one);
		sim_advance(one->loop, 60 * MS);
		world_run(one);
		assert_int_equal(one->log_size, strlen("1:reply1 timeout; "));
	}
	net_finish(&pair.net);
}

static int returns(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static void expired_calls_of_another_process_are_not_run(void **state)
{
	struct world *one, *two;
	struct pair pair;

	(void)state;
	begin_pair(&pair, returns);
	one = &pair.worlds[1];
	two = &pair.worlds[2];
	for (int n = 1; n <= 3; n++)
		world_send(one, one->actors[1], 100 + n);
	world_run(one);
	while (net_carry_one(&pair.net, 2))
		;
	assert_int_equal(two->runtime->kept_calls.count, 3);
	sim_advance(two->loop, 60 * MS);
	world_run(two);
	assert_log(two, "");
	assert_int_equal(two->dead_letters, 3);
	assert_string_equal(two->last_dead_letter, "expired");
	assert_int_equal(two->runtime->kept_calls.count, 0);
	net_finish(&pair.net);
}

struct carrier {
	struct loop_timer timer;
	struct net *net;
	bool has_carried;
};

static void carry(struct loop_timer *timer)
{
	struct carrier *carrier = container_of(timer, struct carrier, timer);

	carrier->has_carried = net_carry_one(carrier->net, 1);
}

/* The deadline and the answer come in the same pass, in whatever order. */
static void answer_that_arrives_late_is_a_timeout(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct carrier carrier;
		struct world *one;
		struct pair pair;

		begin_pair(&pair, returns);
		one = &pair.worlds[1];
		sim_seed(one->loop, seed);
		world_send(one, one->actors[1], 105);
		world_run(one);
		assert_true(net_carry_one(&pair.net, 2));
		world_run(&pair.worlds[2]);
		world_log(one);
		carrier.net = &pair.net;
		loop_timer_init(&carrier.timer, one->loop, carry);
		loop_timer_start(&carrier.timer,
				 one->runtime->armed_ns - loop_clock_ns(one->loop));
		loop_step(one->loop, true);
		assert_true(carrier.has_carried);
		world_run(one);
		assert_log(one, "1:reply5 timeout; ");
		net_finish(&pair.net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expired_calls_are_not_run_behind_slow_handlers),
		cmocka_unit_test(late_answers_are_timeouts),
		cmocka_unit_test(late_answer_of_a_kept_call_is_a_timeout),
		cmocka_unit_test(first_reply_of_a_stream_has_the_deadline),
		cmocka_unit_test(time_counts_from_when_it_was_asked_for_in_a_long_handler),
		cmocka_unit_test(expired_calls_of_clients_are_not_run),
		cmocka_unit_test(late_answer_does_not_leave_the_process),
		cmocka_unit_test(expired_calls_of_another_process_are_not_run),
		cmocka_unit_test(answer_that_arrives_late_is_a_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
