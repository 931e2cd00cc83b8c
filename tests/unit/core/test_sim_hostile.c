/* A process that plays false: what it answers, moves or forwards that is not its own is not
 * believed. Puppet 1 in worker 1 calls puppet 2 in worker 2; worker 3 is hostile. */
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "world.h"
#include <errno.h>

struct cluster {
	struct net net;
	struct world worlds[4];
	struct troupe_request request;
	bool more;
};

static struct cluster *cluster_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

/* 1 calls 2, 2 keeps what it is asked and answers it when told 0. */
static int on_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct cluster *cluster = cluster_of(self);

	if (me->id == 1)
		return troupe_call(self, cluster->worlds[2].actors[2], &num_method,
				   &(struct num){n}, &num_entry, (uint64_t)n, 1000000000,
				   cluster->more ? TROUPE_MORE : 0, &cluster->request);
	if (n == 0)
		return troupe_return(self, me->kept_call, &num_method, &(struct num){42});
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

static void begin(struct cluster *cluster)
{
	*cluster = (struct cluster){0};
	for (uint16_t i = 1; i <= 3; i++) {
		struct world *world = &cluster->worlds[i];

		world_init(world, i, &(struct runtime_config){.secret = {i, 7}});
		world_link(world, &cluster->net);
		world->hooks.num = on_num;
		world->test = cluster;
		world_spawn(world, i);
	}
	world_send(&cluster->worlds[1], cluster->worlds[1].actors[1], 5);
	net_run(&cluster->net);
	world_log(&cluster->worlds[1]);
	world_log(&cluster->worlds[2]);
}

/* To worker 1, from `worker`, in the name of an actor of its own. */
static void play(struct cluster *cluster, uint16_t worker, struct envelope envelope)
{
	static const _Alignas(16) int64_t block = 666;

	if (!envelope.from.worker)
		envelope.from = cluster->worlds[worker].actors[worker];
	if (!envelope.to.worker)
		envelope.to = cluster->worlds[1].actors[1];
	if (!envelope.payload && envelope.size)
		envelope.payload = &block;
	runtime_deliver(cluster->worlds[1].runtime, life_of(worker, 1), &envelope);
}

static void play_all_answers(struct cluster *cluster, uint64_t call)
{
	const struct envelope_move here = {.target = cluster->worlds[3].actors[3]};

	play(cluster, 3,
	     (struct envelope){.kind = ENVELOPE_REPLY,
			       .hash = num_method.out_hash,
			       .call = call,
			       .size = 8});
	play(cluster, 3,
	     (struct envelope){.kind = ENVELOPE_FAILURE,
			       .status = TROUPE_FAILED,
			       .call = call,
			       .payload = &(int32_t){-EIO},
			       .size = sizeof(int32_t)});
	play(cluster, 3,
	     (struct envelope){
		     .kind = ENVELOPE_ERROR, .hash = bad_error.hash, .call = call, .size = 8});
	play(cluster, 3,
	     (struct envelope){.kind = ENVELOPE_MOVED,
			       .call = call,
			       .payload = &here,
			       .size = sizeof(here)});
	play(cluster, 3,
	     (struct envelope){.kind = ENVELOPE_CALL,
			       .flags = ENVELOPE_FORWARDED,
			       .from = cluster->worlds[1].actors[1],
			       .hash = num_method.in_hash,
			       .call = call,
			       .deadline_ns = UINT64_MAX,
			       .size = 8});
}

static void answer_of_a_process_that_never_had_the_call_is_not_taken(void **state)
{
	struct cluster cluster;
	struct runtime *runtime;
	uint64_t id;

	(void)state;
	begin(&cluster);
	runtime = cluster.worlds[1].runtime;
	id = cluster.request.id;
	assert_non_null(call_find(runtime, id));
	/* all that can be guessed: its id, and what looks like an alias */
	play_all_answers(&cluster, id);
	play_all_answers(&cluster, 1ull << 63 | (uint32_t)id);
	for (int bit = 0; bit < 64; bit++)
		play_all_answers(&cluster,
				 call_alias(runtime, call_find(runtime, id)) ^ 1ull << bit);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "");
	world_send(&cluster.worlds[2], cluster.worlds[2].actors[2], 0);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:reply5 ok 42; ");
	net_finish(&cluster.net);
}

static void alias_dies_with_its_call(void **state)
{
	struct cluster cluster;
	struct runtime *runtime;
	uint64_t alias;

	(void)state;
	begin(&cluster);
	runtime = cluster.worlds[1].runtime;
	alias = call_alias(runtime, call_find(runtime, cluster.request.id));
	assert_ptr_equal(call_find_alias(runtime, alias),
			 call_find(runtime, cluster.request.id));
	world_send(&cluster.worlds[2], cluster.worlds[2].actors[2], 0);
	net_run(&cluster.net);
	assert_null(call_find_alias(runtime, alias));
	/* the next call takes the same place */
	world_send(&cluster.worlds[1], cluster.worlds[1].actors[1], 6);
	net_run(&cluster.net);
	assert_int_equal((uint32_t)cluster.request.id, alias & 0xffff);
	assert_null(call_find_alias(runtime, alias));
	play_all_answers(&cluster, alias);
	world_log(&cluster.worlds[1]);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "");
	net_finish(&cluster.net);
}

static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)me;
	(void)n;
	return troupe_call_keep(self, &call);
}

static int streams(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	(void)n;
	assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){1}), -EPROTOTYPE);
	return troupe_return(self, call, &num_method, &(struct num){2});
}

static void call_that_comes_home_asks_for_no_more_than_its_caller_did(void **state)
{
	struct cluster cluster;
	struct runtime *runtime;

	(void)state;
	begin(&cluster);
	runtime = cluster.worlds[1].runtime;
	cluster.worlds[1].hooks.num = streams;
	play(&cluster, 2,
	     (struct envelope){
		     .kind = ENVELOPE_CALL,
		     .flags = ENVELOPE_FORWARDED | ENVELOPE_MORE,
		     .from = cluster.worlds[1].actors[1],
		     .hash = num_method.in_hash,
		     .call = call_alias(runtime, call_find(runtime, cluster.request.id)),
		     .deadline_ns = UINT64_MAX,
		     .size = 8});
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 666; 1:reply5 ok 2; ");
	net_finish(&cluster.net);
}

/* Whoever has handed a call back knows what it is called, but has it no more. */
static void call_that_has_come_home_is_not_answered_from_elsewhere(void **state)
{
	struct cluster cluster;
	struct runtime *runtime;
	struct call *call;

	(void)state;
	begin(&cluster);
	runtime = cluster.worlds[1].runtime;
	cluster.worlds[1].hooks.num = keeps;
	call = call_find(runtime, cluster.request.id);
	play(&cluster, 2,
	     (struct envelope){.kind = ENVELOPE_CALL,
			       .flags = ENVELOPE_FORWARDED,
			       .from = cluster.worlds[1].actors[1],
			       .hash = num_method.in_hash,
			       .call = call_alias(runtime, call),
			       .deadline_ns = UINT64_MAX,
			       .size = 8});
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 666; ");
	play_all_answers(&cluster, call_alias(runtime, call));
	net_run(&cluster.net);
	assert_ptr_equal(call_find(runtime, cluster.request.id), call);
	assert_log(&cluster.worlds[1], "");
	net_finish(&cluster.net);
}

/* Worker 2 has handed the call on to worker 3, and with it the right to say what becomes of
 * it. */
static void former_holder_of_a_call_does_not_move_it(void **state)
{
	struct envelope_move there = {0};
	struct cluster cluster;
	struct runtime *runtime;
	uint64_t alias;

	(void)state;
	begin(&cluster);
	runtime = cluster.worlds[1].runtime;
	alias = call_alias(runtime, call_find(runtime, cluster.request.id));
	there.target = cluster.worlds[3].actors[3];
	play(&cluster, 2,
	     (struct envelope){.kind = ENVELOPE_MOVED,
			       .call = alias,
			       .payload = &there,
			       .size = sizeof(there)});
	there.target = cluster.worlds[2].actors[2];
	play(&cluster, 2,
	     (struct envelope){.kind = ENVELOPE_MOVED,
			       .call = alias,
			       .payload = &there,
			       .size = sizeof(there)});
	play(&cluster, 2,
	     (struct envelope){.kind = ENVELOPE_CALL,
			       .flags = ENVELOPE_FORWARDED,
			       .from = cluster.worlds[1].actors[1],
			       .hash = num_method.in_hash,
			       .call = alias,
			       .deadline_ns = UINT64_MAX,
			       .size = 8});
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "");
	/* It ends with the process that has it. */
	runtime_peer_down(runtime, life_of(3, 1), TROUPE_ACTOR_DIED);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:reply5 died; ");
	net_finish(&cluster.net);
}

static void stream_that_overruns_its_window_is_ended(void **state)
{
	struct cluster cluster;
	struct runtime *runtime;
	uint64_t alias;

	(void)state;
	begin(&cluster);
	runtime = cluster.worlds[1].runtime;
	alias = call_alias(runtime, call_find(runtime, cluster.request.id));
	/* one reply was asked for: more of them end the call, and the callee hears of it */
	play(&cluster, 2,
	     (struct envelope){.kind = ENVELOPE_REPLY,
			       .flags = ENVELOPE_CONTINUES,
			       .hash = num_method.out_hash,
			       .call = alias,
			       .size = 8});
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:reply5 overloaded; ");
	assert_log(&cluster.worlds[2], "2:cancel; ");

	cluster.more = true;
	world_send(&cluster.worlds[1], cluster.worlds[1].actors[1], 6);
	net_run(&cluster.net);
	alias = call_alias(runtime, call_find(runtime, cluster.request.id));
	for (unsigned i = 0; i <= LIMIT_STREAM_UNREAD; i++)
		play(&cluster, 2,
		     (struct envelope){.kind = ENVELOPE_REPLY,
				       .flags = ENVELOPE_CONTINUES,
				       .hash = num_method.out_hash,
				       .call = alias,
				       .size = 8});
	cluster.worlds[1].replies = 0;
	net_run(&cluster.net);
	assert_int_equal(cluster.worlds[1].replies, LIMIT_STREAM_UNREAD + 1);
	net_finish(&cluster.net);
}

/* What stands for a client of this process is of no other's making. */
static void nobody_sends_in_the_name_of_a_client(void **state)
{
	const uint64_t client = 5;
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster);
	one->hooks.num = keeps;
	assert_int_equal(runtime_client_send(one->runtime, one->actors[1], &num_method,
					     &(struct num){1}, client),
			 0);
	runtime_deliver(one->runtime, life_of(3, 1),
			&(struct envelope){.kind = ENVELOPE_SEND,
					   .flags = ENVELOPE_FORWARDED,
					   .from = {.slot = (uint32_t)client},
					   .to = one->actors[1],
					   .hash = num_method.in_hash,
					   .payload = &(struct num){2},
					   .size = sizeof(struct num)});
	world_run(one);
	assert_log(one, "1:num 1; 1:num 2; ");
	assert_int_equal(one->runtime->kept_calls.count, 2);
	runtime_client_gone(one->runtime, client);
	world_run(one);
	assert_log(one, "1:cancel; ");
	assert_int_equal(one->runtime->kept_calls.count, 1);
	net_finish(&cluster.net);
}

static void call_in_a_name_that_is_taken_is_refused(void **state)
{
	static const _Alignas(16) char text[] = "\x08\0\0\0\0\0\0\0x";
	struct cluster cluster;
	struct runtime *runtime;

	(void)state;
	begin(&cluster);
	runtime = cluster.worlds[1].runtime;
	cluster.worlds[1].hooks.num = on_num;
	for (int i = 0; i < 2; i++)
		play(&cluster, 3,
		     (struct envelope){.kind = ENVELOPE_CALL,
				       .hash = text_method.in_hash,
				       .call = 9,
				       .to = cluster.worlds[1].actors[1],
				       .deadline_ns = UINT64_MAX,
				       .payload = text,
				       .size = 10});
	assert_int_equal(runtime->kept_calls.count, 1);
	net_run(&cluster.net);
	assert_int_equal(runtime->kept_calls.count, 0);
	net_finish(&cluster.net);
}

/* The end of a process may be told after its successor's first call, whose number it had used,
 * too. */
static void successor_calls_before_its_predecessors_end_is_reported(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster);
	one->hooks.num = keeps;
	for (uint32_t incarnation = 1; incarnation <= 2; incarnation++) {
		struct troupe_address from = cluster.worlds[3].actors[3];
		const struct num num = {incarnation};

		from.incarnation = incarnation;
		runtime_deliver(one->runtime, life_of(3, incarnation),
				&(struct envelope){.kind = ENVELOPE_CALL,
						   .from = from,
						   .to = one->actors[1],
						   .hash = num_method.in_hash,
						   .call = 9,
						   .deadline_ns = UINT64_MAX,
						   .payload = &num,
						   .size = sizeof(num)});
	}
	world_run(one);
	assert_log(one, "1:num 1; 1:num 2; ");
	assert_int_equal(one->runtime->kept_calls.count, 2);
	runtime_peer_down(one->runtime, life_of(3, 1), TROUPE_ACTOR_DIED);
	world_run(one);
	assert_log(one, "1:cancel; ");
	assert_int_equal(one->runtime->kept_calls.count, 1);
	net_finish(&cluster.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_of_a_process_that_never_had_the_call_is_not_taken),
		cmocka_unit_test(alias_dies_with_its_call),
		cmocka_unit_test(call_that_comes_home_asks_for_no_more_than_its_caller_did),
		cmocka_unit_test(call_that_has_come_home_is_not_answered_from_elsewhere),
		cmocka_unit_test(former_holder_of_a_call_does_not_move_it),
		cmocka_unit_test(stream_that_overruns_its_window_is_ended),
		cmocka_unit_test(nobody_sends_in_the_name_of_a_client),
		cmocka_unit_test(call_in_a_name_that_is_taken_is_refused),
		cmocka_unit_test(successor_calls_before_its_predecessors_end_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
