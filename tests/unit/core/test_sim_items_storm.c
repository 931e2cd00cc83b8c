/* Streams that are read, made, left and cut short at random. */
#include "base/random.h"
#include "core/inside.h"
#include "reading.h"
#include <errno.h>
#include <troupe/items.h>

static struct random dice;

static unsigned below(unsigned bound)
{
	return (unsigned)random_below(&dice, bound);
}

static int reads_at_random(struct troupe_self *self, struct puppet *me, void *unused,
			   void *unused_too)
{
	struct troupe_items items = {0};
	int64_t last = 0;
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	reading.window = 1 + below(5);
	rc = reading_open(self, 2, 1, &items);
	while (rc >= 0 && below(40)) {
		struct troupe_scope scope;

		assert_int_equal(troupe_scope_begin(self, 1 + below(2000000), &scope), 0);
		if (below(3) == 0)
			(void)troupe_sleep(self, below(3000000));
		rc = troupe_items_next(self, &items);
		if (rc > 0)
			assert_int_equal(reading_num(&items), ++last);
		(void)troupe_scope_end(self, scope);
		if (rc == -ETIMEDOUT)
			rc = 1;
		else if (rc == 0)
			break;
	}
	if (below(2))
		troupe_items_close(self, &items);
	return 0;
}
TROUPE_TASK(reads_at_random, struct puppet, void, void)

static int makes_at_random(struct troupe_self *self, struct puppet *me, void *arg,
			   void *unused_too)
{
	struct troupe_call call = {(uintptr_t)arg};
	int rc = 0;

	(void)me;
	(void)unused_too;
	for (int64_t n = 1; rc == 0 && below(60); n++) {
		struct troupe_scope scope;

		assert_int_equal(troupe_scope_begin(self, 1 + below(4000000), &scope), 0);
		if (below(4) == 0)
			(void)troupe_sleep(self, below(2000000));
		rc = troupe_reply_wait(self, call, &num_method, &(struct num){n});
		assert_true(rc == 0 || rc == -EPIPE || rc == -ETIMEDOUT || rc == -ECANCELED);
		(void)troupe_scope_end(self, scope);
	}
	return rc == -EPIPE || below(4) == 0 ? 0 : troupe_call_drop(self, call) & 0;
}
TROUPE_TASK(makes_at_random, struct puppet, void, void)

static int begins_at_random(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	(void)n;
	if (me->id == 1)
		return troupe_start(self, TROUPE_OF_ACTOR, &reads_at_random_task, NULL, NULL,
				    NULL);
	if (!troupe_call_wants_more(self, call))
		return 0;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	return troupe_start(self, TROUPE_OF_ACTOR, &makes_at_random_task,
			    (void *)(uintptr_t)call.id, NULL, NULL);
}

static void items_at_random_leave_nothing_behind(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++) {
		struct cluster cluster;
		bool far = seed % 2;

		random_init(&dice, seed);
		cluster_begin(&cluster, NULL);
		for (int i = 1; i <= 3; i++)
			cluster.worlds[i].hooks.num = begins_at_random;
		if (!far) {
			world_spawn(&cluster.worlds[1], 2);
			cluster.net.worlds[2] = &cluster.worlds[1];
		}
		for (int n = 0; n < 60; n++) {
			cluster_ask(&cluster, 1);
			for (unsigned k = below(20); k > 0; k--) {
				loop_step(cluster.worlds[1].loop, false);
				if (far)
					net_carry_one(&cluster.net, (uint16_t)(1 + below(2)));
			}
			if (far && below(3) == 0)
				world_run(&cluster.worlds[2]);
			world_sleep(&cluster.worlds[1], below(3000000));
			if (far)
				world_sleep(&cluster.worlds[2], below(3000000));
			world_log(&cluster.worlds[1]);
			world_log(&cluster.worlds[2]);
		}
		cluster.net.worlds[2] = &cluster.worlds[2];
		if (seed % 3 == 0 && far)
			net_kill(&cluster.net, (uint16_t)(1 + below(2)));
		for (int n = 0; n < 20; n++)
			reading_sleep_all(&cluster, 10 * S);
		net_finish(&cluster.net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_at_random_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
