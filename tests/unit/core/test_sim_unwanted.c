/* Calls that nobody waits for any more, in the hands of whoever handles them: each that is kept
 * all the same gets its on_cancel, none is handed on, and a stream that has begun is not taken
 * for one of them. */
#include "core/inside.h"
#include "core/kept.h"
#include "world.h"
#include <errno.h>

#define MS 1000000ull

/* Puppet 1 calls puppet 2, of the last world, by Num(n % 100) when told Num(n): with a deadline
 * of 50 ms from 100 on, with the default one from 300 on; as a stream from 200 on. Puppet 2
 * does what the test says; so do puppets from 3 on. */
struct stage {
	struct net net;
	struct world worlds[4];
	uint16_t n_worlds;
	behaviour *two;
};

static struct stage *stage_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

static struct troupe_address two_of(const struct stage *stage)
{
	return stage->worlds[stage->n_worlds > 1 ? 2 : 1].actors[2];
}

static int act(struct troupe_self *self, struct puppet *me, struct troupe_call call, int64_t n)
{
	const struct stage *stage = stage_of(self);

	if (me->id != 1)
		return stage->two(self, me, call, n);
	return troupe_call(self, two_of(stage), &num_method, &(struct num){n % 100}, &num_entry,
			   (uint64_t)n % 100, n >= 300 ? 0 : 50 * MS,
			   n >= 200 ? TROUPE_MORE : 0, NULL);
}

/* Puppet i lives in world i, from n_worlds on all in the last one. */
static void begin(struct stage *stage, uint16_t n_worlds, behaviour *two)
{
	*stage = (struct stage){.n_worlds = n_worlds, .two = two};
	for (uint16_t i = 1; i <= n_worlds; i++) {
		world_init(&stage->worlds[i], i, NULL);
		world_link(&stage->worlds[i], &stage->net);
		stage->worlds[i].hooks.num = act;
		stage->worlds[i].test = stage;
		world_count_shares(&stage->worlds[i]);
	}
	for (uint16_t i = 1; i <= 3; i++)
		world_spawn(&stage->worlds[i < n_worlds ? i : n_worlds], i);
}

/* All worlds at the time of the one that is ahead, and quiet. */
static void run(struct stage *stage)
{
	uint64_t now_ns = 0;

	net_run(&stage->net);
	for (uint16_t i = 1; i <= stage->n_worlds; i++)
		if (loop_clock_ns(stage->worlds[i].loop) > now_ns)
			now_ns = loop_clock_ns(stage->worlds[i].loop);
	for (uint16_t i = 1; i <= stage->n_worlds; i++)
		sim_run_until(stage->worlds[i].loop, now_ns);
	net_run(&stage->net);
}

static void ask(struct stage *stage, int64_t n)
{
	struct world *one = &stage->worlds[1];

	assert_int_equal(world_send(one, one->actors[1], n), 0);
}

static bool has_kept(const struct stage *stage)
{
	for (uint16_t i = 1; i <= stage->n_worlds; i++)
		if (stage->worlds[i].runtime->kept_calls.count > 0)
			return true;
	return false;
}

/* ------------------------------------------------------------------ kept */

static int replies_late_and_keeps(struct troupe_self *self, struct puppet *me,
				  struct troupe_call call, int64_t n)
{
	sim_advance(world_of(self)->loop, 60 * MS);
	assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){n}), 0);
	assert_int_equal(troupe_call_keep(self, &call), 0);
	assert_false(troupe_call_wants_reply(self, call));
	me->kept_call = call;
	return 0;
}

static void stream_that_is_kept_after_its_end_is_cancelled(void **state)
{
	(void)state;
	for (uint16_t n_worlds = 1; n_worlds <= 2; n_worlds++) {
		struct stage stage;

		begin(&stage, n_worlds, replies_late_and_keeps);
		ask(&stage, 201);
		run(&stage);
		run(&stage);
		if (n_worlds == 1) {
			assert_log(&stage.worlds[1],
				   "1:num 201; 2:num 1; 1:reply1 timeout; 2:cancel; ");
		} else {
			assert_log(&stage.worlds[1], "1:num 201; 1:reply1 timeout; ");
			assert_log(&stage.worlds[2], "2:num 1; 2:cancel; ");
		}
		assert_false(has_kept(&stage));
		net_finish(&stage.net);
	}
}

static int keeps_late(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)n;
	sim_advance(world_of(self)->loop, 46000 * MS);
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

/* A default deadline ends when the call is kept, but not when it has passed by then. */
static void call_that_is_kept_too_late_has_timed_out(void **state)
{
	(void)state;
	for (uint16_t n_worlds = 1; n_worlds <= 2; n_worlds++) {
		struct stage stage;

		begin(&stage, n_worlds, keeps_late);
		ask(&stage, 301);
		run(&stage);
		run(&stage);
		if (n_worlds == 1) {
			assert_log(&stage.worlds[1],
				   "1:num 301; 2:num 1; 1:reply1 timeout; 2:cancel; ");
		} else {
			assert_log(&stage.worlds[1], "1:num 301; 1:reply1 timeout; ");
			assert_log(&stage.worlds[2], "2:num 1; 2:cancel; ");
		}
		assert_false(has_kept(&stage));
		net_finish(&stage.net);
	}
}

static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
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

/* That the callee has kept it, and the deadline, come in the same pass, in whatever order. */
static void callee_hears_that_its_keeping_was_too_late(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct carrier carrier;
		struct stage stage;
		struct world *one;

		begin(&stage, 2, keeps);
		one = &stage.worlds[1];
		sim_seed(one->loop, seed);
		ask(&stage, 201);
		world_run(one);
		assert_true(net_carry_one(&stage.net, 2));
		world_run(&stage.worlds[2]);
		carrier = (struct carrier){.net = &stage.net};
		loop_timer_init(&carrier.timer, one->loop, carry);
		loop_timer_start(&carrier.timer,
				 one->runtime->armed_ns - loop_clock_ns(one->loop));
		loop_step(one->loop, true);
		assert_true(carrier.has_carried);
		net_run(&stage.net);
		assert_log(one, "1:num 201; 1:reply1 timeout; ");
		assert_log(&stage.worlds[2], "2:num 1; 2:cancel; ");
		net_finish(&stage.net);
	}
}

/* ------------------------------------------------------------------ handed on */

static int replies_and_forwards(struct troupe_self *self, struct puppet *me,
				struct troupe_call call, int64_t n)
{
	const struct stage *stage = stage_of(self);

	if (me->id == 3)
		return troupe_return(self, call, &num_method, &(struct num){n + 10});
	assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){n}), 0);
	assert_int_equal(troupe_forward(self, stage->worlds[stage->n_worlds].actors[3]), 0);
	sim_advance(world_of(self)->loop, 60 * MS); /* before puppet 3 has its turn */
	return 0;
}

/* Its deadline was for the first reply, whoever gives the second one. */
static void stream_that_has_begun_is_handed_on_without_a_deadline(void **state)
{
	(void)state;
	for (uint16_t n_worlds = 1; n_worlds <= 3; n_worlds++) {
		struct stage stage;

		begin(&stage, n_worlds, replies_and_forwards);
		ask(&stage, 201);
		world_run(&stage.worlds[1]);
		while (net_carry_one(&stage.net, 2))
			;
		if (n_worlds > 1)
			world_run(&stage.worlds[2]);
		for (uint16_t i = 1; i <= n_worlds; i++) {
			while (net_carry_one(&stage.net, i))
				;
			if (i == 3)
				sim_advance(stage.worlds[3].loop, 60 * MS);
		}
		run(&stage);
		world_log(&stage.worlds[n_worlds]);
		assert_int_equal(stage.worlds[1].replies, 2);
		for (uint16_t i = 1; i <= n_worlds; i++)
			assert_int_equal(stage.worlds[i].runtime->calls.count, 0);
		assert_false(has_kept(&stage));
		net_finish(&stage.net);
	}
}

static int replies_late_and_forwards(struct troupe_self *self, struct puppet *me,
				     struct troupe_call call, int64_t n)
{
	const struct stage *stage = stage_of(self);

	if (me->id == 3)
		return keeps(self, me, call, n);
	sim_advance(world_of(self)->loop, 60 * MS);
	assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){n}), 0);
	assert_int_equal(troupe_forward(self, stage->worlds[stage->n_worlds].actors[3]), 0);
	return 0;
}

static void call_that_is_over_is_not_handed_on(void **state)
{
	(void)state;
	for (uint16_t n_worlds = 1; n_worlds <= 3; n_worlds++) {
		struct stage stage;
		struct world *two = &stage.worlds[n_worlds > 1 ? 2 : 1];

		begin(&stage, n_worlds, replies_late_and_forwards);
		ask(&stage, 201);
		run(&stage);
		run(&stage);
		assert_int_equal(stage.worlds[1].replies, 1);
		assert_int_equal(two->dead_letters, 1);
		assert_string_equal(two->last_dead_letter, "caller-gone");
		if (n_worlds == 3)
			assert_log(&stage.worlds[3], "");
		assert_false(has_kept(&stage));
		net_finish(&stage.net);
	}
}

static int forwards_to_three(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	if (me->id == 3)
		return keeps(self, me, call, n);
	return troupe_forward(self, stage_of(self)->worlds[3].actors[3]);
}

/* The caller gives up before it knows that the call was handed on: who has it hears of it. */
static void cancel_reaches_who_has_the_call(void **state)
{
	struct stage stage;
	struct world *one = &stage.worlds[1];

	(void)state;
	begin(&stage, 3, forwards_to_three);
	ask(&stage, 101);
	world_run(one);
	assert_true(net_carry_one(&stage.net, 2));
	world_run(&stage.worlds[2]); /* MOVED is on its way to worker 1 */
	assert_true(net_carry_one(&stage.net, 3));
	world_run(&stage.worlds[3]);
	world_sleep(one, 60 * MS);
	net_run(&stage.net);
	assert_log(one, "1:num 101; 1:reply1 timeout; ");
	assert_log(&stage.worlds[3], "3:num 1; 3:cancel; ");
	assert_false(has_kept(&stage));
	net_finish(&stage.net);
}

/* Over two links, a CANCEL may arrive before the call that was forwarded. */
static void cancel_that_was_faster_than_its_call_is_repeated(void **state)
{
	struct parcel *call, *cancel;
	struct stage stage;
	struct world *one = &stage.worlds[1];

	(void)state;
	begin(&stage, 2, keeps);
	ask(&stage, 301);
	world_run(one);
	world_sleep(one, 46000 * MS);
	call = stage.net.first[2];
	cancel = call->next;
	assert_ptr_equal(cancel, stage.net.last[2]);
	cancel->next = call;
	call->next = NULL;
	stage.net.first[2] = cancel;
	stage.net.last[2] = call;
	net_run(&stage.net);
	assert_log(one, "1:num 301; 1:reply1 timeout; ");
	assert_log(&stage.worlds[2], "2:num 1; 2:cancel; ");
	assert_false(has_kept(&stage));
	net_finish(&stage.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_that_is_kept_after_its_end_is_cancelled),
		cmocka_unit_test(call_that_is_kept_too_late_has_timed_out),
		cmocka_unit_test(callee_hears_that_its_keeping_was_too_late),
		cmocka_unit_test(stream_that_has_begun_is_handed_on_without_a_deadline),
		cmocka_unit_test(call_that_is_over_is_not_handed_on),
		cmocka_unit_test(cancel_reaches_who_has_the_call),
		cmocka_unit_test(cancel_that_was_faster_than_its_call_is_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
