/* Streams between actors in different processes. */
#include "cluster.h"
#include "core/inside.h"
#include "core/kept.h"
#include <errno.h>

static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

static int floods(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	int rc = 0;

	(void)n;
	if (!me->kept_call.id)
		keeps(self, me, call, n);
	while (me->count < 5000 && rc == 0) {
		rc = troupe_reply(self, me->kept_call, &num_method, &(struct num){me->count});
		me->count += rc == 0;
	}
	if (rc == 0)
		return troupe_return(self, me->kept_call, &num_method, &(struct num){0});
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int floods_on(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	assert_int_equal(where.worker, 1);
	assert_int_equal(world_of(self)->room_of.id, me->kept_call.id);
	return floods(self, me, me->kept_call, 0);
}

static void far_stream_has_a_window(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_begin(&cluster, floods);
	cluster.worlds[2].hooks.room = floods_on;
	cluster_ask(&cluster, 204);
	world_run(&cluster.worlds[1]);
	net_carry_one(&cluster.net, 2);
	world_run(&cluster.worlds[2]);
	assert_int_equal(cluster.worlds[2].rooms, 0);
	assert_true(net_carry_one(&cluster.net, 1)); /* KEPT */
	for (int i = 0; i < 1024; i++)
		assert_true(net_carry_one(&cluster.net, 1));
	assert_false(net_carry_one(&cluster.net, 1));
	net_run(&cluster.net);
	assert_int_equal(cluster.worlds[1].replies, 5001);
	net_finish(&cluster.net);
}

/* Two replies n * 100 times, then hands the stream on to three, which floods. */
static int replies_and_hands_on(struct troupe_self *self, struct puppet *me,
				struct troupe_call call, int64_t n)
{
	if (me->id == 3)
		return floods(self, me, call, n);
	for (int64_t i = 0; i < n * 100; i++)
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){i}), 0);
	return troupe_forward(self, cluster_address(world_of(self), 3));
}

/* Until all that three may send lies with one, or is on the way there. */
static void begin_handing_on(struct cluster *cluster, int64_t n, struct parcel **ret_moved)
{
	cluster_begin(cluster, replies_and_hands_on);
	cluster->worlds[3].hooks.room = floods_on;
	cluster_ask(cluster, 200 + n);
	world_run(&cluster->worlds[1]);
	assert_true(net_carry_one(&cluster->net, 2));
	world_run(&cluster->worlds[2]);
	if (ret_moved) {
		*ret_moved = cluster->net.first[1];
		assert_null((*ret_moved)->next);
		cluster->net.first[1] = NULL;
	}
	assert_true(net_carry_one(&cluster->net, 3));
	world_run(&cluster->worlds[3]);
	while (net_carry_one(&cluster->net, 1))
		;
}

static void far_stream_goes_on_when_its_replies_are_faster_than_the_move(void **state)
{
	struct cluster cluster;
	struct parcel *moved;

	(void)state;
	begin_handing_on(&cluster, 0, &moved);
	net_run(&cluster.net); /* what is read is said to two, which has handed it on */
	assert_int_equal(cluster.worlds[1].replies, 1024);
	cluster.net.first[1] = cluster.net.last[1] = moved;
	net_run(&cluster.net);
	assert_int_equal(cluster.worlds[1].replies, 5001);
	net_finish(&cluster.net);
}

static void far_stream_that_has_begun_has_one_window(void **state)
{
	struct cluster cluster;

	(void)state;
	begin_handing_on(&cluster, 6, NULL);
	net_run(&cluster.net);
	assert_int_equal(cluster.worlds[1].replies, 600 + 5001);
	net_finish(&cluster.net);
}

static int keeps_for_good(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	if (n == 9)
		return troupe_reply(self, me->kept_call, &num_method, &(struct num){n});
	assert_int_equal(troupe_call_keep(self, &call), 0);
	if (n == 1)
		me->kept_call = call;
	return 0;
}

static int subscribes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	if (me->id == 2)
		return keeps_for_good(self, me, call, n);
	return troupe_call(self, cluster_address(world_of(self), 2), &num_method,
			   &(struct num){n}, &num_entry, (uint64_t)n, n == 3 ? 60000000000 : 0,
			   n == 2 ? 0 : TROUPE_MORE, NULL);
}

/* Num(1): a stream, replied to by Num(9) of a client; Num(2): a call; Num(3): a stream with a
 * deadline of a minute. */
static void far_stream_that_is_kept_outlives_the_default_deadline(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	cluster_begin(&cluster, NULL);
	one->hooks.num = cluster.worlds[2].hooks.num = subscribes;
	for (int n = 1; n <= 3; n++)
		cluster_ask(&cluster, n);
	net_run(&cluster.net);
	world_log(one);
	world_sleep(one, LIMIT_CALL_TIMEOUT_DEFAULT_NS + 1000000);
	net_run(&cluster.net);
	assert_log(one, "1:reply2 timeout; ");
	assert_log(&cluster.worlds[2], "2:num 1; 2:num 2; 2:num 3; 2:cancel; ");
	world_sleep(one, 60000000000);
	net_run(&cluster.net);
	assert_log(one, "1:reply3 timeout; ");
	assert_log(&cluster.worlds[2], "2:cancel; ");
	world_sleep(&cluster.worlds[2], LIMIT_CALL_TIMEOUT_DEFAULT_NS + 1000000);
	assert_int_equal(world_send(&cluster.worlds[2], cluster_address(one, 2), 9), 0);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 9; ");
	assert_log(one, "1:reply1 ok+ 9; ");
	net_kill(&cluster.net, 2);
	net_run(&cluster.net);
	assert_log(one, "1:reply1 died; ");
	net_finish(&cluster.net);
}

#define MANY_STREAMS 65

/* Puppet 1 asks for streams of puppet 2, and by Num(50) one of puppet 3, here; that one holds
 * its handle until it is told Num(60). */
static int has_many_streams(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	struct world *world = world_of(self);

	switch (me->id) {
	case 1:
		return troupe_call(self, n == 50 ? world->actors[3] : cluster_address(world, 2),
				   &num_method, &(struct num){n}, &num_entry, 0, 0, TROUPE_MORE,
				   NULL);
	case 2:
		for (int i = 0; i < 1024; i++)
			assert_int_equal(
				troupe_reply(self, call, &num_method, &(struct num){i}), 0);
		return troupe_call_keep(self, &call);
	default:
		if (n == 50) {
			assert_int_equal(troupe_call_keep(self, &call), 0);
			me->kept_call = call;
			return 0;
		}
		*(int *)world->test =
			troupe_reply(self, me->kept_call, &num_method, &(struct num){n});
		return 0;
	}
}

static void unread_replies_of_many_far_streams_count_all(void **state)
{
	static struct cluster cluster;
	struct world *one = &cluster.worlds[1], *two = &cluster.worlds[2];
	int result = 1;

	(void)state;
	cluster_begin(&cluster, NULL);
	one->hooks.num = two->hooks.num = has_many_streams;
	world_spawn(one, 3);
	cluster_ask(&cluster, 50);
	for (int i = 0; i < MANY_STREAMS; i++)
		cluster_ask(&cluster, 1);
	world_run(one);
	while (net_carry_one(&cluster.net, 2))
		;
	world_run(two);
	while (net_carry_one(&cluster.net, 1))
		;
	one->test = &result;
	world_send(one, one->actors[3], 60);
	loop_step(one->loop, false);
	assert_int_equal(result, -EAGAIN);
	net_finish(&cluster.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(far_stream_has_a_window),
		cmocka_unit_test(far_stream_goes_on_when_its_replies_are_faster_than_the_move),
		cmocka_unit_test(far_stream_that_has_begun_has_one_window),
		cmocka_unit_test(far_stream_that_is_kept_outlives_the_default_deadline),
		cmocka_unit_test(unread_replies_of_many_far_streams_count_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
