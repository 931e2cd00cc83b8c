/* Messages and calls handed on: kept ones, streams, across processes, and for clients. */
#include "core/call.h"
#include "core/cold.h"
#include "core/inside.h"
#include "core/kept.h"
#include "world.h"
#include <errno.h>

/* Three workers with puppet I in worker I. */
struct cluster {
	struct net net;
	struct world worlds[4];
	uint64_t calls; /* that client_call_end() has seen the end of */
	struct runtime_client_call client_call;
	enum troupe_status status;
	int64_t n;
	bool named, typed;
	unsigned n_kept; /* how often the client was told so */
};

static struct troupe_address address_of(const struct troupe_self *self, int id)
{
	return world_of(self)->net->worlds[id]->actors[id];
}

static void begin(struct cluster *cluster, behaviour *act)
{
	*cluster = (struct cluster){0};
	for (uint16_t i = 1; i <= 3; i++) {
		struct world *world = &cluster->worlds[i];

		world_init(world, i, &(struct runtime_config){.secret = {i, i}});
		world_link(world, &cluster->net);
		world->hooks.num = act;
		world_spawn(world, i);
	}
}

static void tell(struct cluster *cluster, int id, int64_t n)
{
	assert_int_equal(world_send(&cluster->worlds[id], cluster->worlds[id].actors[id], n),
			 0);
	net_run(&cluster->net);
}

/* ------------------------------------------------------------------ near */

static int keeps_and_hands_on(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, const char *text)
{
	if (me->id == 4)
		return troupe_return(self, call, &text_method, &(struct text){text});
	assert_int_equal(troupe_keep(self, &me->kept), 0);
	assert_int_equal(troupe_forward(self, world_of(self)->actors[4]), 0);
	assert_string_equal(text, "both"); /* ours is still here */
	return 0;
}

static int reads_kept(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)call;
	(void)n;
	assert_string_equal(((const struct text *)troupe_kept_in(me->kept))->text, "both");
	troupe_release(self, me->kept);
	return 0;
}

static void kept_message_can_be_forwarded_and_both_last(void **state)
{
	struct runtime_info info;
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, reads_kept);
	one->hooks.text = keeps_and_hands_on;
	world_spawn(one, 4);
	assert_int_equal(runtime_client_send(one->runtime, one->actors[1], &text_method,
					     &(struct text){"both"}, 0),
			 0);
	net_run(&cluster.net);
	assert_log(one, "1:text both; 4:text both; ");
	runtime_info(one->runtime, one->actors[1], &info);
	assert_int_equal(info.queued_bytes, 0); /* it is kept, and not in the mailbox */
	assert_int_equal(cold_find(one->runtime, actor_find(one->runtime, one->actors[1]))
				 ->keeping.charged,
			 64 / 16); /* its head 48, the block 13 */
	runtime_info(one->runtime, one->actors[4], &info);
	assert_int_equal(info.queued_bytes, 0);
	tell(&cluster, 1, 0);
	runtime_info(one->runtime, one->actors[1], &info);
	assert_int_equal(info.queued_bytes, 0);
	net_finish(&cluster.net);
}

static int hands_on_to_four(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	(void)call;
	if (me->id == 4)
		return 0;
	assert_int_equal(
		troupe_forward(self, n == 7 ? troupe_address(self) : world_of(self)->actors[4]),
		0);
	if (n == 7)
		world_of(self)->hooks.num = NULL;
	return 0;
}

static void forwarded_message_is_charged_to_who_has_it(void **state)
{
	struct runtime_info info;
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, hands_on_to_four);
	world_spawn(one, 4);
	tell(&cluster, 1, 1);
	tell(&cluster, 1, 7); /* to itself */
	assert_log(one, "1:num 1; 4:num 1; 1:num 7; 1:num 7; ");
	for (int i = 1; i <= 4; i += 3) {
		runtime_info(one->runtime, one->actors[i], &info);
		assert_int_equal(info.queued_bytes, 0);
		assert_int_equal(info.queued, 0);
	}
	net_finish(&cluster.net);
}

static int answers_for_another(struct troupe_self *self, struct puppet *me,
			       struct troupe_call call, int64_t n)
{
	struct world *world = world_of(self);

	switch (me->id) {
	case 1:
		return troupe_call(self, world->actors[4], &num_method, &(struct num){n},
				   &num_entry, 0, 0, 0, NULL);
	case 4:
		assert_int_equal(troupe_call_keep(self, &call), 0);
		world->replies = call.id;
		return 0;
	default:
		call.id = world->replies;
		assert_int_equal(troupe_return(self, call, &num_method, &(struct num){6}),
				 -EINVAL);
		assert_int_equal(troupe_call_drop(self, call), -ESRCH);
		return 0;
	}
}

static void handle_of_another_actor_is_refused(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, answers_for_another);
	world_spawn(one, 4);
	world_spawn(one, 5);
	tell(&cluster, 1, 1);
	world_send(one, one->actors[5], 1);
	net_run(&cluster.net);
	assert_log(one, "1:num 1; 4:num 1; 5:num 1; ");
	net_finish(&cluster.net);
}

/* ------------------------------------------------------------------ far */

/* 1 calls 4, which lives beside it; 4 hands on to 2, 2 to 3, and 3 streams two, then
 * returns. */
static int relays(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	switch (me->id) {
	case 1:
		return troupe_call(self, world_of(self)->actors[4], &num_method,
				   &(struct num){n}, &num_entry, 5, 0, TROUPE_MORE, NULL);
	case 4:
		return troupe_forward(self, address_of(self, 2));
	case 2:
		assert_int_equal(troupe_sender(self).worker, 1);
		if (n == 2) {
			me->kept_call = call;
			return troupe_call_keep(self, &me->kept_call);
		}
		return troupe_forward(self, address_of(self, 3));
	default:
		assert_true(troupe_call_wants_more(self, call));
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){1}), 0);
		return troupe_return(self, call, &num_method, &(struct num){2});
	}
}

static void stream_goes_straight_to_its_caller_over_two_relays(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, relays);
	world_spawn(&cluster.worlds[1], 4);
	tell(&cluster, 1, 1);
	assert_log(&cluster.worlds[1], "1:num 1; 4:num 1; 1:reply5 ok+ 1; 1:reply5 ok 2; ");
	net_finish(&cluster.net);
}

static void call_handed_on_to_another_process_ends_with_it(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, relays);
	world_spawn(&cluster.worlds[1], 4);
	tell(&cluster, 1, 2);
	runtime_stop(cluster.worlds[1].runtime, cluster.worlds[1].actors[4]);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 2; 4:num 2; 4:fini shutdown; ");
	net_kill(&cluster.net, 2);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:reply5 died; ");
	net_finish(&cluster.net);
}

static int answers_wrongly(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   const char *text)
{
	(void)me;
	assert_int_equal(troupe_return(self, call, &text_method, &(struct text){NULL}),
			 -EINVAL);
	assert_int_equal(troupe_return(self, call, &text_method, &(struct text){"\xff"}),
			 -EINVAL);
	assert_int_equal(troupe_reply(self, call, &text_method, &(struct text){text}),
			 -EPROTOTYPE);
	assert_int_equal(troupe_fail(self, call, &bad_error, &(struct text){NULL}), -EINVAL);
	return troupe_return(self, call, &text_method, &(struct text){"right"});
}

static int asks_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return troupe_call(self, address_of(self, 2), &text_method, &(struct text){"?"},
			   &text_entry, 1, 0, 0, NULL);
}

static void wrong_answer_to_a_far_call_leaves_it_open(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, asks_text);
	cluster.worlds[2].hooks.text = answers_wrongly;
	tell(&cluster, 1, 1);
	assert_log(&cluster.worlds[1], "1:num 1; 1:reply1 ok right; ");
	net_finish(&cluster.net);
}

static int answers_the_gone(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	if (me->id == 1)
		return troupe_call(self, address_of(self, 2), &num_method, &(struct num){n},
				   &num_entry, 1, 0, TROUPE_MORE, NULL);
	if (n == 1) {
		assert_int_equal(troupe_call_keep(self, &call), 0);
		me->kept_call = call;
		return 0;
	}
	/* its process is gone, which nobody has told us: there is nothing to do about it */
	assert_int_equal(troupe_reply(self, me->kept_call, &num_method, &(struct num){1}), 0);
	assert_int_equal(troupe_return(self, me->kept_call, &num_method, &(struct num){1}), 0);
	assert_int_equal(troupe_return(self, me->kept_call, &num_method, &(struct num){1}),
			 -EALREADY);
	return 0;
}

static void answer_to_a_process_that_is_gone_succeeds(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, answers_the_gone);
	tell(&cluster, 1, 1);
	cluster.net.worlds[1] = NULL;
	tell(&cluster, 2, 2);
	assert_log(&cluster.worlds[2], "2:num 1; 2:num 2; ");
	cluster.net.worlds[1] = &cluster.worlds[1];
	net_finish(&cluster.net);
}

/* ------------------------------------------------------------------ clients */

static void on_client_reply(struct runtime_client_call *client_call,
			    const struct troupe_reply *reply, const struct troupe_type *type)
{
	struct cluster *cluster = container_of(client_call, struct cluster, client_call);

	cluster->calls++;
	cluster->status = reply->status;
	cluster->named = reply->error_name != NULL;
	cluster->typed = type != NULL;
	cluster->n = 0;
	if (reply->status == TROUPE_OK)
		cluster->n = ((const struct num *)reply->data)->n;
	if (reply->status == TROUPE_ERROR) {
		assert_string_equal(reply->error_name, "test.puppet.Bad");
		assert_string_equal(((const struct text *)reply->data)->text, "bad");
	}
	if (reply->status == TROUPE_INVALID_PARAMETER) {
		assert_string_equal(reply->detail, "map[a: b]: is 0");
		assert_int_equal(reply->code, strlen("map[a: b]"));
	}
}

static int hands_on_for_a_client(struct troupe_self *self, struct puppet *me,
				 struct troupe_call call, int64_t n)
{
	if (me->id == 1 && n < 10)
		return troupe_forward(self, address_of(self, 2));
	switch (n % 10) {
	case 1:
		return troupe_return(self, call, &num_method, &(struct num){11});
	case 2:
		return troupe_fail(self, call, &bad_error, &(struct text){"bad"});
	case 3:
		return troupe_fail_parameter(self, call, "map[a: b]", "is 0");
	case 4:
		return troupe_call_keep(self, &call);
	default:
		return 0;
	}
}

static void ask(struct cluster *cluster, int64_t n)
{
	struct world *one = &cluster->worlds[1];

	cluster->client_call.on_reply = on_client_reply;
	assert_int_equal(runtime_client_call(one->runtime, one->actors[1], &num_method,
					     &(struct num){n}, UINT64_MAX, 0,
					     &cluster->client_call),
			 0);
	net_run(&cluster->net);
}

static void client_call_is_answered_from_wherever_it_was_handed_on_to(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, hands_on_for_a_client);
	for (int64_t from = 0; from <= 10; from += 10) { /* there, and here */
		cluster.calls = 0;
		ask(&cluster, from + 1);
		assert_int_equal(cluster.status, TROUPE_OK);
		assert_int_equal(cluster.n, 11);
		assert_true(cluster.typed && !cluster.named);
		ask(&cluster, from + 2);
		assert_int_equal(cluster.status, TROUPE_ERROR);
		assert_true(cluster.typed && cluster.named);
		ask(&cluster, from + 3);
		assert_int_equal(cluster.status, TROUPE_INVALID_PARAMETER);
		assert_true(!cluster.typed && cluster.named);
		ask(&cluster, from + 5);
		assert_int_equal(cluster.status, TROUPE_NO_REPLY);
		assert_true(cluster.named);
		assert_int_equal(cluster.calls, 4);
		assert_int_equal(cluster.client_call.id, 0);
	}
	net_finish(&cluster.net);
}

static void client_call_ends_with_the_process_that_has_it(void **state)
{
	struct cluster cluster;

	(void)state;
	begin(&cluster, hands_on_for_a_client);
	ask(&cluster, 4);
	assert_int_equal(cluster.calls, 0);
	runtime_client_cancel(cluster.worlds[1].runtime, &cluster.client_call);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 4; 2:cancel; ");
	assert_int_equal(cluster.calls, 0);
	ask(&cluster, 4);
	net_kill(&cluster.net, 2);
	net_run(&cluster.net);
	assert_int_equal(cluster.calls, 1);
	assert_int_equal(cluster.status, TROUPE_ACTOR_DIED);
	net_finish(&cluster.net);
}

/* The error's type is only known when it arrives, so it does not wait; others do. */
static void error_from_elsewhere_leaves_what_is_held(void **state)
{
	struct cluster cluster, other = {0};
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, hands_on_for_a_client);
	runtime_client_hold(one->runtime, true);
	other.client_call.on_reply = on_client_reply;
	assert_int_equal(runtime_client_call(one->runtime, one->actors[1], &num_method,
					     &(struct num){11}, UINT64_MAX, 0,
					     &other.client_call),
			 0);
	ask(&cluster, 2);
	assert_int_equal(cluster.status, TROUPE_ERROR);
	assert_int_equal(cluster.calls, 1);
	assert_int_equal(other.calls, 0);
	runtime_client_hold(one->runtime, false);
	net_run(&cluster.net);
	assert_int_equal(other.calls, 1);
	assert_int_equal(other.n, 11);
	net_finish(&cluster.net);
}

static void on_kept(struct runtime_client_call *client_call)
{
	container_of(client_call, struct cluster, client_call)->n_kept++;
}

/* Else its default deadline would end it. */
static void client_hears_that_its_stream_is_kept_elsewhere(void **state)
{
	struct cluster cluster;
	struct world *one = &cluster.worlds[1];

	(void)state;
	begin(&cluster, hands_on_for_a_client);
	for (int64_t n = 4; n <= 14; n += 10) { /* there, and here */
		cluster.n_kept = 0;
		cluster.client_call.on_reply = on_client_reply;
		cluster.client_call.on_kept = on_kept;
		assert_int_equal(runtime_client_call(one->runtime, one->actors[1], &num_method,
						     &(struct num){n}, UINT64_MAX, TROUPE_MORE,
						     &cluster.client_call),
				 0);
		net_run(&cluster.net);
		assert_int_equal(cluster.n_kept, 1);
		runtime_client_cancel(one->runtime, &cluster.client_call);
		net_run(&cluster.net);
	}
	cluster.client_call.on_kept = NULL;
	net_finish(&cluster.net);
}

static void client_call_names_what_is_wrong_with_it(void **state)
{
	const struct troupe_method *method = NULL;
	struct troupe_address gone, one;
	struct runtime *runtime;
	struct cluster cluster;

	(void)state;
	begin(&cluster, hands_on_for_a_client);
	runtime = cluster.worlds[1].runtime;
	one = gone = cluster.worlds[1].actors[1];
	gone.generation++;
	assert_int_equal(runtime_client_send(runtime, gone, &num_method, &(struct num){1}, 0),
			 -ESRCH);
	assert_int_equal(
		runtime_client_call(runtime, one, &num_method, &(struct num){1}, 0, 2, NULL),
		-EINVAL);
	assert_int_equal(
		runtime_client_send(runtime, one, &text_method, &(struct text){NULL}, 0),
		-EINVAL);
	assert_int_equal(
		runtime_find_method(runtime, gone, "test.puppet", 11, "Num", 3, &method),
		-ESRCH);
	assert_int_equal(runtime_find_method(runtime, one, "test.puppe", 10, "Num", 3, &method),
			 -ENOPKG);
	assert_int_equal(
		runtime_find_method(runtime, one, "test.puppet", 11, "Nun", 3, &method),
		-ENOSYS);
	assert_null(method);
	assert_int_equal(
		runtime_find_method(runtime, one, "test.puppet.Num", 11, "Num", 3, &method), 0);
	assert_ptr_equal(method, &num_method);
	net_finish(&cluster.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_message_can_be_forwarded_and_both_last),
		cmocka_unit_test(forwarded_message_is_charged_to_who_has_it),
		cmocka_unit_test(handle_of_another_actor_is_refused),
		cmocka_unit_test(stream_goes_straight_to_its_caller_over_two_relays),
		cmocka_unit_test(call_handed_on_to_another_process_ends_with_it),
		cmocka_unit_test(wrong_answer_to_a_far_call_leaves_it_open),
		cmocka_unit_test(answer_to_a_process_that_is_gone_succeeds),
		cmocka_unit_test(client_call_is_answered_from_wherever_it_was_handed_on_to),
		cmocka_unit_test(client_call_ends_with_the_process_that_has_it),
		cmocka_unit_test(error_from_elsewhere_leaves_what_is_held),
		cmocka_unit_test(client_hears_that_its_stream_is_kept_elsewhere),
		cmocka_unit_test(client_call_names_what_is_wrong_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
