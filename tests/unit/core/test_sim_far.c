/* Actors in different processes: the runtimes exchange envelopes over a simulated link. */
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "core/peer.h"
#include "world.h"
#include <errno.h>

/* Three workers with puppet I in worker I; puppet 1 calls puppet 2 by Num(n) when told
 * Num(100 + n). */
struct cluster {
	struct net net;
	struct world worlds[4];
};

static struct troupe_address address_of(struct world *world, int id)
{
	return world->net->worlds[id]->actors[id];
}

typedef int behaviour(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n);

static int call_two(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	struct world *world = world_of(self);

	if (me->id != 1)
		return ((behaviour *)world->test)(self, me, call, n);
	return troupe_call(self, address_of(world, 2), &num_method, &(struct num){n % 100},
			   &num_entry, (uint64_t)n % 100, 1000000000,
			   n >= 200 ? TROUPE_MORE : 0, NULL);
}

/* Worker 1 is on node 0, the others on `node`. */
static void begin_on(struct cluster *cluster, behaviour *two, uint16_t node)
{
	*cluster = (struct cluster){0};
	for (uint16_t i = 1; i <= 3; i++) {
		const struct runtime_config config = {.process.node = i == 1 ? 0 : node};
		struct world *world = &cluster->worlds[i];

		world_init(world, i, &config);
		world_link(world, &cluster->net);
		world->hooks.num = call_two;
		world->test = (void *)two;
		world_spawn(world, i);
	}
}

static void begin(struct cluster *cluster, behaviour *two)
{
	begin_on(cluster, two, 0);
}

static void run(struct cluster *cluster)
{
	net_run(&cluster->net);
}

/* Worker `i` dies without a word; the others hear of it. */
static void kill_world(struct cluster *cluster, int i)
{
	struct world *dead = &cluster->worlds[i];

	cluster->net.worlds[i] = NULL;
	dead->net = NULL;
	world_fini(dead);
	for (int k = 1; k <= 3; k++)
		if (cluster->worlds[k].runtime)
			runtime_peer_down(cluster->worlds[k].runtime, life_of((uint16_t)i, 1),
					  TROUPE_ACTOR_DIED);
}

static void ask(struct cluster *cluster, int64_t n)
{
	assert_int_equal(world_send(&cluster->worlds[1], cluster->worlds[1].actors[1], n), 0);
}

static int returns(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	assert_int_equal(troupe_sender(self).worker, 1);
	if (n == 7)
		return troupe_fail(self, call, &bad_error, &(struct text){"seven"});
	if (n == 8)
		return troupe_fail_parameter(self, call, "n", NULL);
	if (n == 9)
		return -EIO;
	return troupe_return(self, call, &num_method, &(struct num){n + 1});
}

static void far_call_gets_replies_errors_and_failures_unchanged(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, returns);
	for (int n = 6; n < 10; n++)
		ask(&cluster, 100 + n);
	run(&cluster);
	assert_log(&cluster.worlds[2], "2:num 6; 2:num 7; 2:num 8; 2:num 9; ");
	assert_log(&cluster.worlds[1],
		   "1:num 106; 1:num 107; 1:num 108; 1:num 109; 1:reply6 ok 7; "
		   "1:reply7 error test.puppet.Bad seven; 1:reply8 invalid (n); 1:reply9 "
		   "failed (EIO); ");
	net_finish(&cluster.net);
}

static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

static void far_call_ends_when_the_other_process_dies(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, keeps);
	ask(&cluster, 101);
	run(&cluster);
	kill_world(&cluster, 2);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 died; ");
	net_finish(&cluster.net);
}

static void worker_of_another_node_is_a_peer_like_any_other(void **state)
{
	const struct process here = {.worker = 2, .incarnation = 9};
	const struct process there = {.node = 5, .worker = 2, .incarnation = 1};
	struct cluster cluster;

	(void)state;
	begin_on(&cluster, keeps, 5);
	ask(&cluster, 101);
	run(&cluster);
	assert_log(&cluster.worlds[2], "2:num 1; ");
	/* One of the same number on this node is another worker. */
	runtime_peer_down(cluster.worlds[1].runtime, here, TROUPE_ACTOR_DIED);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:num 101; ");
	runtime_peer_down(cluster.worlds[1].runtime, there, TROUPE_PEER_DOWN);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:reply1 peer-down; ");
	net_finish(&cluster.net);
}

static int send_to_nowhere(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	const struct troupe_address to = {5, 2, 1, 1, 1};

	(void)me;
	(void)call;
	*(int *)world_of(self)->test =
		n == 1 ? troupe_send(self, to, &num_method, &(struct num){1})
		       : troupe_call(self, to, &num_method, &(struct num){1}, &num_entry, 0,
				     1000000000, 0, NULL);
	return 0;
}

static void process_without_a_route_is_not_reached(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];
	int refused;

	(void)state;
	begin(&cluster, keeps);
	one->hooks.num = send_to_nowhere;
	one->test = &refused;
	for (int64_t n = 1; n <= 2; n++) {
		refused = 0;
		ask(&cluster, n);
		run(&cluster);
		assert_int_equal(refused, -ESRCH);
	}
	assert_int_equal(one->dead_letters, 1); /* the send */
	assert_string_equal(one->last_dead_letter, "no-such-peer");
	assert_int_equal(one->runtime->calls.count, 0);
	net_finish(&cluster.net);
}

static void far_callee_hears_when_the_caller_is_gone(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, keeps);
	ask(&cluster, 101);
	run(&cluster);
	world_sleep(&cluster.worlds[1], 2000000000); /* the deadline */
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 timeout; ");
	assert_log(&cluster.worlds[2], "2:num 1; 2:cancel; ");
	ask(&cluster, 102);
	run(&cluster);
	kill_world(&cluster, 1);
	run(&cluster);
	assert_log(&cluster.worlds[2], "2:num 2; 2:cancel; ");
	net_finish(&cluster.net);
}

static void far_caller_hears_when_who_keeps_its_call_ends(void **state)
{
	struct cluster cluster;
	struct world *two = &cluster.worlds[2];

	(void)state;
	begin(&cluster, keeps);
	ask(&cluster, 101);
	run(&cluster);
	runtime_stop(two->runtime, two->actors[2]);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 died; ");
	assert_log(two, "2:num 1; 2:fini shutdown; ");
	net_finish(&cluster.net);
}

/* What a failure says is cut where it is too long, and not inside of a character. */
static void far_failure_has_a_bounded_detail_of_whole_characters(void **state)
{
	char detail[ENVELOPE_DETAIL_MAX + 8] = "", expected[ENVELOPE_DETAIL_MAX + 64];
	struct cluster cluster;
	struct kept_call *kept;
	struct world *one = &cluster.worlds[1], *two = &cluster.worlds[2];

	(void)state;
	begin(&cluster, keeps);
	ask(&cluster, 101);
	run(&cluster);
	assert_log(one, "1:num 101; ");
	kept = slots_at(&two->runtime->kept_calls, 0);
	/* two bytes each, and the limit falls into one */
	memset(detail, 'x', (ENVELOPE_DETAIL_MAX + 1) % 2);
	while (strlen(detail) <= ENVELOPE_DETAIL_MAX)
		strcat(detail, "\xc3\xa4");
	peer_fail(two->runtime, two->actors[2], kept->caller, kept->call,
		  (struct call_end){TROUPE_FAILED, -EPERM, detail});
	run(&cluster);
	detail[ENVELOPE_DETAIL_MAX - 1] = '\0';
	(void)snprintf(expected, sizeof(expected), "1:reply1 failed (EPERM) (%s); ", detail);
	assert_log(one, expected);
	net_finish(&cluster.net);
}

static void far_call_to_nobody_or_to_a_full_mailbox_ends_at_once(void **state)
{
	struct cluster cluster;
	struct world *two;

	(void)state;
	begin(&cluster, returns);
	two = &cluster.worlds[2];
	runtime_stop(two->runtime, two->actors[2]);
	ask(&cluster, 101);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 no-such-actor; ");
	world_unit(two, 2, two->type, 1, 0, 0);
	world_spawn_in(two, 2, 2);
	ask(&cluster, 102);
	ask(&cluster, 103);
	run(&cluster);
	assert_log(&cluster.worlds[1],
		   "1:num 102; 1:num 103; 1:reply3 overloaded; 1:reply2 ok 3; ");
	net_finish(&cluster.net);
}

static int forwards(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	if (me->id == 2)
		return troupe_forward(self, address_of(world_of(self), n == 5 ? 1 : 3));
	if (n == 2)
		return keeps(self, me, call, n);
	return troupe_return(self, call, &num_method, &(struct num){n + 1000});
}

static void far_call_can_be_forwarded_to_a_third_process(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, forwards);
	ask(&cluster, 101);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 ok 1001; ");
	assert_int_equal(cluster.worlds[2].runtime->kept_calls.count, 0);
	/* who forwarded it may die then; only the death of who has it counts */
	ask(&cluster, 102);
	run(&cluster);
	kill_world(&cluster, 2);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:num 102; ");
	kill_world(&cluster, 3);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:reply2 died; ");
	net_finish(&cluster.net);
}

static void far_call_ends_when_the_news_of_a_death_is_faster_than_the_move(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, forwards);
	ask(&cluster, 102);
	world_run(one);
	net_carry_one(&cluster.net, 2);
	world_run(&cluster.worlds[2]); /* MOVED is on its way to worker 1 */
	kill_world(&cluster, 3);
	run(&cluster);
	assert_log(one, "1:num 102; 1:reply2 died; ");
	net_finish(&cluster.net);
}

static int calls_home(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	if (me->id == 1 && n == 5)
		return troupe_return(self, call, &num_method, &(struct num){55});
	return call_two(self, me, call, n);
}

static void far_call_can_be_forwarded_home(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, forwards);
	cluster.worlds[1].hooks.num = calls_home;
	ask(&cluster, 105);
	run(&cluster);
	assert_log(&cluster.worlds[1], "1:num 105; 1:num 5; 1:reply5 ok 55; ");
	net_finish(&cluster.net);
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
	begin(&cluster, floods);
	cluster.worlds[2].hooks.room = floods_on;
	ask(&cluster, 204);
	world_run(&cluster.worlds[1]);
	net_carry_one(&cluster.net, 2);
	world_run(&cluster.worlds[2]);
	assert_int_equal(cluster.worlds[2].rooms, 0);
	assert_true(net_carry_one(&cluster.net, 1)); /* KEPT */
	for (int i = 0; i < 1024; i++)
		assert_true(net_carry_one(&cluster.net, 1));
	assert_false(net_carry_one(&cluster.net, 1));
	run(&cluster);
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
	return troupe_forward(self, address_of(world_of(self), 3));
}

/* Until all that three may send lies with one, or is on the way there. */
static void begin_handing_on(struct cluster *cluster, int64_t n, struct parcel **ret_moved)
{
	begin(cluster, replies_and_hands_on);
	cluster->worlds[3].hooks.room = floods_on;
	ask(cluster, 200 + n);
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
	run(&cluster); /* what is read is said to two, which has handed it on */
	assert_int_equal(cluster.worlds[1].replies, 1024);
	cluster.net.first[1] = cluster.net.last[1] = moved;
	run(&cluster);
	assert_int_equal(cluster.worlds[1].replies, 5001);
	net_finish(&cluster.net);
}

static void far_stream_that_has_begun_has_one_window(void **state)
{
	struct cluster cluster;

	(void)state;
	begin_handing_on(&cluster, 6, NULL);
	run(&cluster);
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
	return troupe_call(self, address_of(world_of(self), 2), &num_method, &(struct num){n},
			   &num_entry, (uint64_t)n, n == 3 ? 60000000000 : 0,
			   n == 2 ? 0 : TROUPE_MORE, NULL);
}

/* Num(1): a stream, replied to by Num(9) of a client; Num(2): a call; Num(3): a stream with a
 * deadline of a minute. */
static void far_stream_that_is_kept_outlives_the_default_deadline(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, NULL);
	one->hooks.num = cluster.worlds[2].hooks.num = subscribes;
	for (int n = 1; n <= 3; n++)
		ask(&cluster, n);
	run(&cluster);
	world_log(one);
	world_sleep(one, LIMIT_CALL_TIMEOUT_DEFAULT_NS + 1000000);
	run(&cluster);
	assert_log(one, "1:reply2 timeout; ");
	assert_log(&cluster.worlds[2], "2:num 1; 2:num 2; 2:num 3; 2:cancel; ");
	world_sleep(one, 60000000000);
	run(&cluster);
	assert_log(one, "1:reply3 timeout; ");
	assert_log(&cluster.worlds[2], "2:cancel; ");
	world_sleep(&cluster.worlds[2], LIMIT_CALL_TIMEOUT_DEFAULT_NS + 1000000);
	assert_int_equal(world_send(&cluster.worlds[2], address_of(one, 2), 9), 0);
	run(&cluster);
	assert_log(&cluster.worlds[2], "2:num 9; ");
	assert_log(one, "1:reply1 ok+ 9; ");
	kill_world(&cluster, 2);
	run(&cluster);
	assert_log(one, "1:reply1 died; ");
	net_finish(&cluster.net);
}

static void far_sender_waits_when_the_link_has_no_credit(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, returns);
	cluster.net.full = true;
	ask(&cluster, 101);
	run(&cluster);
	assert_log(one, "1:num 101; ");
	cluster.net.full = false;
	runtime_link_room(one->runtime, life_of(2, 1));
	run(&cluster);
	assert_log(one, "1:room; ");
	net_finish(&cluster.net);
}

static void far_sender_is_notified_when_the_link_ends(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, returns);
	cluster.net.full = true;
	ask(&cluster, 101);
	run(&cluster);
	assert_log(one, "1:num 101; ");
	cluster.net.full = false;
	kill_world(&cluster, 2);
	run(&cluster);
	assert_log(one, "1:room; ");
	net_finish(&cluster.net);
}

/* ------------------------------------------------------------------ hostile envelopes */

static void deliver(struct cluster *cluster, struct envelope envelope)
{
	static const _Alignas(16) unsigned char block[16];

	if (!envelope.payload)
		envelope.payload = block;
	runtime_deliver(cluster->worlds[1].runtime, life_of(2, 1), &envelope);
}

static void hostile_envelopes_do_no_harm(void **state)
{
	static const uint64_t calls[] = {1,          1ull << 32, (1ull << 32) | 1,
					 UINT64_MAX, 1ull << 63, 0x80000001ull << 32};
	static const uint64_t hashes[] = {0x100, 0x101, 0x200, 0x500, 0x110, 0x999, UINT64_MAX};
	struct cluster cluster;
	struct troupe_address to[5], from[4];
	unsigned n = 0;

	(void)state;
	begin(&cluster, keeps);
	ask(&cluster, 101); /* one call is open */
	run(&cluster);
	cluster.worlds[1].hooks.num = keeps;
	to[0] = to[1] = to[2] = to[3] = to[4] = cluster.worlds[1].actors[1];
	to[1].slot = UINT32_MAX;
	to[2].generation |= 1u << 31;
	to[3].generation = 0;
	to[4].incarnation = 9;
	from[0] = from[1] = from[2] = from[3] = cluster.worlds[2].actors[2];
	from[1].worker = 1;
	from[2].worker = 77;
	from[3].incarnation = 2;
	for (int kind = 0; kind <= ENVELOPE_KIND_COUNT; kind++)
		for (size_t c = 0; c < 6; c++)
			for (size_t h = 0; h < 7; h++)
				for (size_t t = 0; t < 5; t++)
					for (size_t f = 0; f < 4; f++) {
						struct envelope envelope = {
							.kind = (enum envelope_kind)kind,
							.flags = (uint8_t)(n % 8),
							.status = (enum troupe_status)(n % 20),
							.from = from[f],
							.to = to[t],
							.hash = hashes[h],
							.call = calls[c],
							.deadline_ns = UINT64_MAX,
							.size = n % 3 * 8,
						};

						/* not the one that is open: that may be
						 * answered */
						if (calls[c] == 1ull << 32)
							envelope.call++;
						deliver(&cluster, envelope);
						n++;
					}
	world_log(&cluster.worlds[1]);
	run(&cluster);
	assert_int_equal(cluster.worlds[1].runtime->calls.count >= 1, 1);
	runtime_peer_down(cluster.worlds[1].runtime, life_of(2, 1), TROUPE_PEER_DOWN);
	runtime_peer_down(cluster.worlds[1].runtime, life_of(77, UINT32_MAX), TROUPE_PEER_DOWN);
	run(&cluster);
	net_finish(&cluster.net);
}

static void stale_frames_are_dropped_after_the_peer_is_down(void **state)
{
	struct cluster cluster;
	uint64_t before;

	(void)state;
	begin(&cluster, returns);
	runtime_peer_down(cluster.worlds[1].runtime, life_of(2, 1), TROUPE_PEER_DOWN);
	before = cluster.worlds[1].dead_letters;
	deliver(&cluster, (struct envelope){.kind = ENVELOPE_SEND,
					    .from = cluster.worlds[2].actors[2],
					    .to = cluster.worlds[1].actors[1],
					    .hash = 0x100,
					    .size = 8});
	run(&cluster);
	assert_log(&cluster.worlds[1], "");
	assert_int_equal(cluster.worlds[1].dead_letters, before + 1);
	net_finish(&cluster.net);
}

static int calls_wide(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	int64_t more = 6;

	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_call(self, address_of(world_of(self), 2), &wide_method,
				     &(struct wide){3, NULL}, &wide_entry, 1, 0, 0, NULL),
			 0);
	return troupe_call(self, address_of(world_of(self), 2), &wide_method,
			   &(struct wide){3, &more}, &wide_entry, 2, 0, 0, NULL);
}

static void far_versions_are_converted_by_name_or_refused(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, returns);
	cluster.worlds[1].hooks.num = calls_wide;
	ask(&cluster, 1);
	run(&cluster);
	assert_log(&cluster.worlds[2], "2:num 3; ");
	assert_log(&cluster.worlds[1], "1:num 1; 1:reply2 invalid (more); 1:reply1 ok 4; ");
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
		return troupe_call(self, n == 50 ? world->actors[3] : address_of(world, 2),
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
	begin(&cluster, NULL);
	one->hooks.num = two->hooks.num = has_many_streams;
	world_spawn(one, 3);
	ask(&cluster, 50);
	for (int i = 0; i < MANY_STREAMS; i++)
		ask(&cluster, 1);
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
		cmocka_unit_test(far_call_gets_replies_errors_and_failures_unchanged),
		cmocka_unit_test(far_call_ends_when_the_other_process_dies),
		cmocka_unit_test(worker_of_another_node_is_a_peer_like_any_other),
		cmocka_unit_test(process_without_a_route_is_not_reached),
		cmocka_unit_test(far_callee_hears_when_the_caller_is_gone),
		cmocka_unit_test(far_caller_hears_when_who_keeps_its_call_ends),
		cmocka_unit_test(far_failure_has_a_bounded_detail_of_whole_characters),
		cmocka_unit_test(far_call_to_nobody_or_to_a_full_mailbox_ends_at_once),
		cmocka_unit_test(far_call_can_be_forwarded_to_a_third_process),
		cmocka_unit_test(
			far_call_ends_when_the_news_of_a_death_is_faster_than_the_move),
		cmocka_unit_test(far_call_can_be_forwarded_home),
		cmocka_unit_test(far_stream_has_a_window),
		cmocka_unit_test(far_stream_goes_on_when_its_replies_are_faster_than_the_move),
		cmocka_unit_test(far_stream_that_has_begun_has_one_window),
		cmocka_unit_test(far_stream_that_is_kept_outlives_the_default_deadline),
		cmocka_unit_test(far_sender_waits_when_the_link_has_no_credit),
		cmocka_unit_test(far_sender_is_notified_when_the_link_ends),
		cmocka_unit_test(hostile_envelopes_do_no_harm),
		cmocka_unit_test(stale_frames_are_dropped_after_the_peer_is_down),
		cmocka_unit_test(far_versions_are_converted_by_name_or_refused),
		cmocka_unit_test(unread_replies_of_many_far_streams_count_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
