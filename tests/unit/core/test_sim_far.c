/* Actors in different processes: the runtimes exchange envelopes over a simulated link. */
#include "cluster.h"
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "core/peer.h"
#include <errno.h>

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
	cluster_begin(&cluster, returns);
	for (int n = 6; n < 10; n++)
		cluster_ask(&cluster, 100 + n);
	net_run(&cluster.net);
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
	cluster_begin(&cluster, keeps);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	net_kill(&cluster.net, 2);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 died; ");
	net_finish(&cluster.net);
}

static void worker_of_another_node_is_a_peer_like_any_other(void **state)
{
	const struct process here = {.worker = 2, .incarnation = 9};
	const struct process there = {.node = 5, .worker = 2, .incarnation = 1};
	struct cluster cluster;

	(void)state;
	cluster_begin_on(&cluster, keeps, 5);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 1; ");
	/* One of the same number on this node is another worker. */
	runtime_peer_down(cluster.worlds[1].runtime, here, TROUPE_ACTOR_DIED);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 101; ");
	runtime_peer_down(cluster.worlds[1].runtime, there, TROUPE_PEER_DOWN);
	net_run(&cluster.net);
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
	cluster_begin(&cluster, keeps);
	one->hooks.num = send_to_nowhere;
	one->test = &refused;
	for (int64_t n = 1; n <= 2; n++) {
		refused = 0;
		cluster_ask(&cluster, n);
		net_run(&cluster.net);
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
	cluster_begin(&cluster, keeps);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	world_sleep(&cluster.worlds[1], 2000000000); /* the deadline */
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 timeout; ");
	assert_log(&cluster.worlds[2], "2:num 1; 2:cancel; ");
	cluster_ask(&cluster, 102);
	net_run(&cluster.net);
	net_kill(&cluster.net, 1);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 2; 2:cancel; ");
	net_finish(&cluster.net);
}

static void far_caller_hears_when_who_keeps_its_call_ends(void **state)
{
	struct cluster cluster;
	struct world *two = &cluster.worlds[2];

	(void)state;
	cluster_begin(&cluster, keeps);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	runtime_stop(two->runtime, two->actors[2]);
	net_run(&cluster.net);
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
	cluster_begin(&cluster, keeps);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	assert_log(one, "1:num 101; ");
	kept = slots_at(&two->runtime->kept_calls, 0);
	/* two bytes each, and the limit falls into one */
	memset(detail, 'x', (ENVELOPE_DETAIL_MAX + 1) % 2);
	while (strlen(detail) <= ENVELOPE_DETAIL_MAX)
		strcat(detail, "\xc3\xa4");
	peer_fail(two->runtime, two->actors[2], kept->caller, kept->call,
		  (struct call_end){TROUPE_FAILED, -EPERM, detail});
	net_run(&cluster.net);
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
	cluster_begin(&cluster, returns);
	two = &cluster.worlds[2];
	runtime_stop(two->runtime, two->actors[2]);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 no-such-actor; ");
	world_unit(two, 2, two->type, 1, 0, 0);
	world_spawn_in(two, 2, 2);
	cluster_ask(&cluster, 102);
	cluster_ask(&cluster, 103);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1],
		   "1:num 102; 1:num 103; 1:reply3 overloaded; 1:reply2 ok 3; ");
	net_finish(&cluster.net);
}

static int forwards(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	if (me->id == 2)
		return troupe_forward(self, cluster_address(world_of(self), n == 5 ? 1 : 3));
	if (n == 2)
		return keeps(self, me, call, n);
	return troupe_return(self, call, &num_method, &(struct num){n + 1000});
}

static void far_call_can_be_forwarded_to_a_third_process(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_begin(&cluster, forwards);
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 101; 1:reply1 ok 1001; ");
	assert_int_equal(cluster.worlds[2].runtime->kept_calls.count, 0);
	/* who forwarded it may die then; only the death of who has it counts */
	cluster_ask(&cluster, 102);
	net_run(&cluster.net);
	net_kill(&cluster.net, 2);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 102; ");
	net_kill(&cluster.net, 3);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:reply2 died; ");
	net_finish(&cluster.net);
}

static void far_call_ends_when_the_news_of_a_death_is_faster_than_the_move(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	cluster_begin(&cluster, forwards);
	cluster_ask(&cluster, 102);
	world_run(one);
	net_carry_one(&cluster.net, 2);
	world_run(&cluster.worlds[2]); /* MOVED is on its way to worker 1 */
	net_kill(&cluster.net, 3);
	net_run(&cluster.net);
	assert_log(one, "1:num 102; 1:reply2 died; ");
	net_finish(&cluster.net);
}

static int calls_home(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	if (me->id == 1 && n == 5)
		return troupe_return(self, call, &num_method, &(struct num){55});
	return cluster_call_two(self, me, call, n);
}

static void far_call_can_be_forwarded_home(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_begin(&cluster, forwards);
	cluster.worlds[1].hooks.num = calls_home;
	cluster_ask(&cluster, 105);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 105; 1:num 5; 1:reply5 ok 55; ");
	net_finish(&cluster.net);
}

static void far_sender_waits_when_the_link_has_no_credit(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	cluster_begin(&cluster, returns);
	cluster.net.full = true;
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	assert_log(one, "1:num 101; ");
	cluster.net.full = false;
	runtime_link_room(one->runtime, life_of(2, 1));
	net_run(&cluster.net);
	assert_log(one, "1:room; ");
	net_finish(&cluster.net);
}

static void far_sender_is_notified_when_the_link_ends(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	cluster_begin(&cluster, returns);
	cluster.net.full = true;
	cluster_ask(&cluster, 101);
	net_run(&cluster.net);
	assert_log(one, "1:num 101; ");
	cluster.net.full = false;
	net_kill(&cluster.net, 2);
	net_run(&cluster.net);
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
	cluster_begin(&cluster, keeps);
	cluster_ask(&cluster, 101); /* one call is open */
	net_run(&cluster.net);
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
	net_run(&cluster.net);
	assert_int_equal(cluster.worlds[1].runtime->calls.count >= 1, 1);
	runtime_peer_down(cluster.worlds[1].runtime, life_of(2, 1), TROUPE_PEER_DOWN);
	runtime_peer_down(cluster.worlds[1].runtime, life_of(77, UINT32_MAX), TROUPE_PEER_DOWN);
	net_run(&cluster.net);
	net_finish(&cluster.net);
}

static void stale_frames_are_dropped_after_the_peer_is_down(void **state)
{
	struct cluster cluster;
	uint64_t before;

	(void)state;
	cluster_begin(&cluster, returns);
	runtime_peer_down(cluster.worlds[1].runtime, life_of(2, 1), TROUPE_PEER_DOWN);
	before = cluster.worlds[1].dead_letters;
	deliver(&cluster, (struct envelope){.kind = ENVELOPE_SEND,
					    .from = cluster.worlds[2].actors[2],
					    .to = cluster.worlds[1].actors[1],
					    .hash = 0x100,
					    .size = 8});
	net_run(&cluster.net);
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
	assert_int_equal(troupe_call(self, cluster_address(world_of(self), 2), &wide_method,
				     &(struct wide){3, NULL}, &wide_entry, 1, 0, 0, NULL),
			 0);
	return troupe_call(self, cluster_address(world_of(self), 2), &wide_method,
			   &(struct wide){3, &more}, &wide_entry, 2, 0, 0, NULL);
}

static void far_versions_are_converted_by_name_or_refused(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_begin(&cluster, returns);
	cluster.worlds[1].hooks.num = calls_wide;
	cluster_ask(&cluster, 1);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 3; ");
	assert_log(&cluster.worlds[1], "1:num 1; 1:reply2 invalid (more); 1:reply1 ok 4; ");
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
		cmocka_unit_test(far_sender_waits_when_the_link_has_no_credit),
		cmocka_unit_test(far_sender_is_notified_when_the_link_ends),
		cmocka_unit_test(hostile_envelopes_do_no_harm),
		cmocka_unit_test(stale_frames_are_dropped_after_the_peer_is_down),
		cmocka_unit_test(far_versions_are_converted_by_name_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
