/* Streams that tasks read item by item, and that tasks make. */
#include "base/cleanup.h"
#include "core/inside.h"
#include "core/task.h"
#include "reading.h"
#include <errno.h>
#include <troupe/items.h>

static const uint32_t windows[] = {1, 2, 3, 16, TROUPE_WINDOW_MAX};

static void items_come_in_order_and_end(void **state)
{
	struct world world;

	(void)state;
	reading_task = reading_reads;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		reading_begin(300, windows[i]);
		reading_begin_near(&world, reading_starts_making);
		reading_tell(&world);
		world_run(&world);
		assert_int_equal(reading.n_read, 300);
		assert_non_null(strstr(world_log(&world), "end; "));
		reading_assert_over(&world);
		world_finish(&world);
	}
}

static void items_come_from_another_process(void **state)
{
	struct cluster cluster;

	(void)state;
	reading_task = reading_reads;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		reading_begin(300, windows[i]);
		reading_begin_far(&cluster, reading_starts_making);
		reading_tell(&cluster.worlds[1]);
		net_run(&cluster.net);
		assert_int_equal(reading.n_read, 300);
		reading_assert_over(&cluster.worlds[1]);
		reading_assert_over(&cluster.worlds[2]);
		net_finish(&cluster.net);
	}
}

/* A reader who takes his time: who streams waits, never further ahead than the window. */
static void slow_reader_holds_back_who_yields(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reading_task = reading_reads;
	reading_begin(40, 4);
	reading.nap_ns = S;
	reading_begin_near(&world, reading_starts_making);
	reading_tell(&world);
	world_run(&world);
	assert_int_equal(reading.sent, 4);
	for (int n = 0; n < 100; n++)
		world_sleep(&world, S);
	assert_int_equal(reading.n_read, 40);
	assert_in_range(reading.most_ahead, 4, 5); /* one that is taken is being counted */
	world_finish(&world);

	reading_begin(40, 4);
	reading.nap_ns = S;
	reading_begin_far(&cluster, reading_starts_making);
	reading_tell(&cluster.worlds[1]);
	net_run(&cluster.net);
	assert_int_equal(reading.sent, 4);
	for (int n = 0; n < 100; n++)
		reading_sleep_all(&cluster, S);
	assert_int_equal(reading.n_read, 40);
	assert_in_range(reading.most_ahead, 4, 5);
	net_finish(&cluster.net);
}

/* Trap 3. It yields in a scope that has a time: that is its own, not its reader's. */
static int makes_in_time(struct troupe_self *self, struct puppet *me, void *unused,
			 void *unused_too)
{
	struct troupe_call call = me->kept_call;
	int64_t n = 1;
	int rc = 0;

	(void)unused;
	(void)unused_too;
	{
		TROUPE_SCOPE(scope, self, S);
		while (rc == 0)
			if ((rc = reading_yield(self, call, n)) == 0)
				n++;
		note(self, "yield %s; ", strerrorname_np(-rc));
		assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	}
	for (rc = 0; rc == 0 && n < reading.total;)
		if ((rc = reading_yield(self, call, n)) == 0)
			n++;
	assert_int_equal(rc, 0);
	return troupe_return(self, call, &num_method, &(struct num){n});
}
TROUPE_TASK(makes_in_time, struct puppet, void, void)

static int starts_in_time(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return troupe_start(self, TROUPE_OF_ACTOR, &makes_in_time_task, NULL, NULL, NULL);
}

static void time_of_who_yields_is_not_his_readers(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reading_task = reading_reads;
	reading_begin(20, 2);
	reading.nap_ns = 10 * S;
	reading_begin_near(&world, starts_in_time);
	reading_tell(&world);
	for (int n = 0; n < 60; n++)
		world_sleep(&world, 5 * S);
	assert_int_equal(reading.n_read, 20);
	assert_log(&world, "1:num 0; 2:num 1; yield ETIMEDOUT; end; ");
	world_finish(&world);

	reading_begin(20, 2);
	reading.nap_ns = 10 * S;
	reading_begin_far(&cluster, starts_in_time);
	reading_tell(&cluster.worlds[1]);
	net_run(&cluster.net);
	for (int n = 0; n < 60; n++)
		reading_sleep_all(&cluster, 5 * S);
	assert_int_equal(reading.n_read, 20);
	assert_log(&cluster.worlds[1], "1:num 0; end; ");
	assert_log(&cluster.worlds[2], "2:num 1; yield ETIMEDOUT; ");
	net_finish(&cluster.net);
}

/* The same of who reads: its time ends a wait, not the stream. */
static int reads_in_time(struct troupe_self *self, struct puppet *me, void *unused,
			 void *unused_too)
{
	struct troupe_items items = {0};
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(reading_open(self, 2, 1, &items), 0);
	assert_int_equal(troupe_items_next(self, &items), 1);
	assert_int_equal(reading_num(&items), 1);
	for (int i = 0; i < 2; i++) {
		TROUPE_SCOPE(scope, self, S);
		assert_int_equal(troupe_items_next(self, &items), -ETIMEDOUT);
		assert_int_equal(troupe_items_next(self, &items), -ETIMEDOUT);
		assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	}
	note(self, "late twice; ");
	while ((rc = troupe_items_next(self, &items)) > 0)
		note(self, "%d; ", (int)reading_num(&items));
	note(self, "%s; ", rc ? strerrorname_np(-rc) : "end");
	return 0;
}
TROUPE_TASK(reads_in_time, struct puppet, void, void)

static int replies_slowly(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	assert_int_equal(troupe_timer_start(self, &tick_entry, 10 * S, 10 * S, 0, NULL), 0);
	return troupe_reply(self, call, &num_method, &(struct num){++me->count});
}

static int ticks(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)context;
	if (!me->kept_call.id)
		return 0;
	if (++me->count < 4)
		return troupe_reply(self, me->kept_call, &num_method, &(struct num){me->count});
	/* It ends without last words. */
	assert_int_equal(troupe_call_drop(self, me->kept_call), 0);
	me->kept_call.id = 0;
	return 0;
}

static void time_of_who_reads_ends_the_wait_only(void **state)
{
	struct world world;

	(void)state;
	reading_task = &reads_in_time_task;
	reading_begin(0, 4);
	reading_begin_near(&world, replies_slowly);
	world.hooks.tick = ticks;
	reading_tell(&world);
	for (int n = 0; n < 10; n++)
		world_sleep(&world, 5 * S);
	assert_log(&world, "1:num 0; 2:num 1; late twice; 2:tick0; 2; 2:tick0; 3; 2:tick0; "
			   "end; 2:tick0; ");
	assert_int_equal(world.runtime->items.count, 0);
	world_finish(&world);
}

/* An item and the cut of its scope in one moment: none is lost, whichever comes first. */
static int reads_and_is_cut(struct troupe_self *self, struct puppet *me, void *unused,
			    void *unused_too)
{
	struct troupe_items items = {0};
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(reading_open(self, 2, 1, &items), 0);
	for (;;) {
		struct troupe_scope scope;

		assert_int_equal(troupe_scope_begin(self, 10 * S, &scope), 0);
		rc = troupe_items_next(self, &items);
		if (rc > 0)
			assert_int_equal(reading_num(&items), ++reading.n_read);
		else
			assert_true(rc == 0 || rc == -ETIMEDOUT);
		(void)troupe_scope_end(self, scope);
		if (rc == 0)
			break;
	}
	return 0;
}
TROUPE_TASK(reads_and_is_cut, struct puppet, void, void)

static void item_that_is_there_is_not_lost_by_a_cut(void **state)
{
	struct world world;

	(void)state;
	reading_task = &reads_and_is_cut_task;
	reading_begin(0, 1);
	reading_begin_near(&world, replies_slowly);
	world.hooks.tick = ticks;
	reading_tell(&world);
	for (int n = 0; n < 20; n++)
		world_sleep(&world, 10 * S);
	assert_int_equal(reading.n_read, 3);
	assert_int_equal(world.runtime->tasks.count, 0);
	world_finish(&world);
}

/* Puppet 3 calls 1, whose handler reads from that of 2; both are tasks. */
static int serves(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct troupe_items items = {0};
	int rc = 0;

	(void)n;
	if (me->id == 3)
		return troupe_call(self, cluster_puppet(self, 1), &num_method, &(struct num){1},
				   &num_entry, 0, 0, 0, NULL);
	if (me->id == 2) {
		for (int64_t i = 1; rc == 0 && i <= reading.total; i++)
			rc = reading_yield(self, call, i);
		if (rc < 0)
			note(self, "yield %s; ", strerrorname_np(-rc));
		return 0;
	}
	assert_int_equal(reading_open(self, 2, 1, &items), 0);
	while ((rc = troupe_items_next(self, &items)) > 0) {
		assert_int_equal(reading_num(&items), ++reading.n_read);
		if (reading.n_read == reading.leave_after)
			return -EIO; /* that is its answer */
	}
	assert_int_equal(rc, 0);
	return troupe_return(self, call, &num_method, &(struct num){reading.n_read});
}

static void handlers_that_are_tasks_stream_to_one_another(void **state)
{
	struct world world;

	(void)state;
	for (int leaves = 0; leaves < 2; leaves++) {
		reading_begin(50, 4);
		reading.leave_after = leaves ? 7 : 0;
		world_init(&world, 1, NULL);
		world_unit(&world, 2, world.tasker, 0, 0, 0);
		world.hooks.num = serves;
		for (int id = 1; id <= 3; id++)
			world_spawn_in(&world, 2, id);
		world_send(&world, world.actors[3], 1);
		world_run(&world);
		assert_log(&world, leaves ? "3:num 1; 1:num 1; 2:num 1; yield EPIPE; 3:reply0 "
					    "failed (EIO); "
					  : "3:num 1; 1:num 1; 2:num 1; 3:reply0 ok 50; ");
		reading_assert_over(&world);
		world_finish(&world);
	}
}

static struct troupe_items common;

static int reads_anothers(struct troupe_self *self, struct puppet *me, void *unused,
			  void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_items_next(self, &common), -EINVAL);
	return 0;
}
TROUPE_TASK(reads_anothers, struct puppet, void, void)

static int misuses(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_items items = {0};
	struct troupe_task task;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_items_next(self, &items), -EINVAL);
	assert_int_equal(troupe_items_next(self, NULL), -EINVAL);
	reading.window = 0;
	assert_int_equal(reading_open(self, 2, 1, &items), -EINVAL);
	reading.window = TROUPE_WINDOW_MAX + 1;
	assert_int_equal(reading_open(self, 2, 1, &items), -EINVAL);
	reading.window = 1;
	assert_int_equal(troupe_items_open(self, cluster_puppet(self, 2), NULL,
					   num_entry.interface, &(struct num){1}, 1, &items),
			 -EINVAL);
	assert_int_equal(troupe_items_open(self, cluster_puppet(self, 2), &num_method,
					   num_entry.interface, NULL, 1, &items),
			 -EINVAL);
	assert_int_equal(troupe_items_open(self, (struct troupe_address){0}, &num_method,
					   num_entry.interface, &(struct num){1}, 1, &items),
			 -ESRCH);
	assert_int_equal(self->runtime->items.count, 0);
	memset(&common, 0, sizeof(common));
	assert_int_equal(reading_open(self, 2, 1, &common), 0);
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &reads_anothers_task, NULL, NULL, &task),
		0);
	assert_int_equal(troupe_join(self, task, NULL), 0);
	assert_int_equal(troupe_items_next(self, &common), 1);
	troupe_items_close(self, &common);
	assert_int_equal(troupe_reply_wait(self, (struct troupe_call){99}, &num_method,
					   &(struct num){1}),
			 -EPIPE);
	return 0;
}
TROUPE_TASK(misuses, struct puppet, void, void)

static int waits_in_a_handler(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	struct troupe_items items = {0};

	if (me->id != 1)
		return reading_starts_making(self, me, call, n);
	assert_int_equal(reading_open(self, 2, 1, &items), -EDEADLK);
	assert_int_equal(troupe_items_next(self, &items), -EDEADLK);
	troupe_items_close(self, &items);
	return troupe_start(self, TROUPE_OF_ACTOR, &misuses_task, NULL, NULL, NULL);
}

static void misuse_of_items_is_refused(void **state)
{
	struct world world;

	(void)state;
	reading_begin(50, 1);
	reading_begin_near(&world, NULL);
	world.hooks.num = waits_in_a_handler;
	reading_tell(&world);
	world_run(&world);
	reading_assert_over(&world);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_in_order_and_end),
		cmocka_unit_test(items_come_from_another_process),
		cmocka_unit_test(slow_reader_holds_back_who_yields),
		cmocka_unit_test(time_of_who_yields_is_not_his_readers),
		cmocka_unit_test(time_of_who_reads_ends_the_wait_only),
		cmocka_unit_test(item_that_is_there_is_not_lost_by_a_cut),
		cmocka_unit_test(handlers_that_are_tasks_stream_to_one_another),
		cmocka_unit_test(misuse_of_items_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
