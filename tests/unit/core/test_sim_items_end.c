/* The ends of a stream that a task reads: by who streams, by who reads, and by force. */
#include "base/cleanup.h"
#include "core/inside.h"
#include "reading.h"
#include <errno.h>
#include <troupe/items.h>

/* Puppet 1 joins the reader: what it learns comes after what who streams learns. */
static int joins(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_task task;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, reading_reads, NULL, NULL, &task),
			 0);
	assert_int_equal(troupe_join(self, task, NULL), 0);
	note(self, "joined; ");
	return 0;
}
TROUPE_TASK(joins, struct puppet, void, void)

/* Trap 5: the stream is closed in the middle. */
static void who_yields_learns_that_nobody_reads_on(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reading_task = &joins_task;
	for (int closes = 0; closes < 2; closes++) {
		reading_begin(100, 3);
		reading.leave_after = 10;
		reading.closes = closes;
		reading_begin_near(&world, reading_starts_making);
		reading_tell(&world);
		world_run(&world);
		assert_int_equal(reading.yielded, -EPIPE);
		/* trap 5: before anybody learns of the reader's end */
		assert_non_null(strstr(world_log(&world), "yield EPIPE; joined; "));
		reading_assert_over(&world);
		world_finish(&world);

		reading_begin(100, 3);
		reading.leave_after = 10;
		reading.closes = closes;
		reading_begin_far(&cluster, reading_starts_making);
		reading_tell(&cluster.worlds[1]);
		net_run(&cluster.net);
		assert_int_equal(reading.yielded, -EPIPE);
		reading_assert_over(&cluster.worlds[1]);
		reading_assert_over(&cluster.worlds[2]);
		net_finish(&cluster.net);
	}
}

static int waits_for_ever(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

/* Trap 5: the reader returns without a word. */
static void end_of_the_reader_closes(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reading_task = reading_reads;
	/* It waits for the first item, or who streams waits for room. */
	for (int way = 0; way < 2; way++) {
		reading_begin(100, 3);
		reading.nap_ns = way ? 100 * S : 0;
		reading_begin_near(&world, way ? reading_starts_making : waits_for_ever);
		reading_tell(&world);
		world_run(&world);
		assert_int_equal(world.runtime->items.count, 1);
		world_sleep(&world, way ? 150 * S : 0);
		runtime_stop(world.runtime, world.actors[1]);
		world_run(&world);
		assert_int_equal(world.runtime->items.count, 0);
		world_finish(&world);

		reading_begin(100, 3);
		reading_begin_far(&cluster, way ? reading_starts_making : waits_for_ever);
		reading_tell(&cluster.worlds[1]);
		if (way)
			reading.nap_ns = 100 * S;
		net_run(&cluster.net);
		net_kill(&cluster.net, way ? 1 : 2);
		net_run(&cluster.net);
		if (way)
			assert_int_equal(reading.yielded, -EPIPE);
		else
			assert_log(&cluster.worlds[1], "1:num 0; ECONNRESET; ");
		net_finish(&cluster.net);
	}
}

static int ends_otherwise(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)me;
	if (n < 10)
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){n}), 0);
	switch (n % 10) {
	case 1:
		return troupe_fail(self, call, &bad_error, &(struct text){"one"});
	case 2:
		return -EIO;
	case 3:
		return 0;
	default:
		return troupe_fail_permission_denied(self, call);
	}
}

static int reads_ends(struct troupe_self *self, struct puppet *me, void *unused,
		      void *unused_too)
{
	static const int numbers[] = {1, 2, 3, 4, 11, 12, 13, 14};
	struct troupe_items items = {0};
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	/* It is closed by the next one that is opened. */
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		assert_int_equal(reading_open(self, 2, numbers[i], &items), 0);
		while ((rc = troupe_items_next(self, &items)) > 0)
			note(self, "%d ", (int)reading_num(&items));
		note(self, "%s", rc ? strerrorname_np(-rc) : "end");
		if (rc == -EREMOTEIO)
			note(self, " %s", ((const struct text *)items.now.data)->text);
		note(self, "; ");
		assert_int_equal(troupe_items_next(self, &items), 0);
	}
	return 0;
}
TROUPE_TASK(reads_ends, struct puppet, void, void)

#define ENDS "1 EREMOTEIO one; 2 EIO; 3 end; 4 EACCES; EREMOTEIO one; EIO; end; EACCES; "

static void each_end_of_a_stream_is_told(void **state)
{
	struct cluster cluster;
	struct world world;
	char seen[256] = "";
	const char *log;

	(void)state;
	reading_task = &reads_ends_task;
	reading_begin(0, 2);
	reading_begin_near(&world, ends_otherwise);
	reading_tell(&world);
	world_run(&world);
	log = world_log(&world);
	while (*log) { /* without what puppet 2 was told */
		size_t size = strcspn(log, ";") + 2;

		if (!strstr(log, ":num") || strstr(log, ":num") - log > 4)
			strncat(seen, log, size);
		log += size;
	}
	assert_string_equal(seen, ENDS);
	reading_assert_over(&world);
	world_finish(&world);

	reading_begin_far(&cluster, ends_otherwise);
	reading_tell(&cluster.worlds[1]);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 0; " ENDS);
	reading_assert_over(&cluster.worlds[1]);
	net_finish(&cluster.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_yields_learns_that_nobody_reads_on),
		cmocka_unit_test(end_of_the_reader_closes),
		cmocka_unit_test(each_end_of_a_stream_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
