/* Calls, sends and replies of a task that wait for room. */
#include "asking.h"
#include "base/cleanup.h"
#include "core/inside.h"
#include "core/task.h"
#include <errno.h>

static int asks_with_many(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_scope scope;

	(void)me;
	(void)unused;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	for (uintptr_t i = 1; i <= (uintptr_t)n; i++)
		assert_int_equal(troupe_start(self, scope, asking_once, asking_arg((int64_t)i),
					      NULL, NULL),
				 0);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(asks_with_many, struct puppet, void, void)

static void full_mailbox_is_waited_for_in_order(void **state)
{
	struct asking play = {&asks_with_many_task, asking_takes};
	struct world world;
	const char *log;
	int last = 0;

	(void)state;
	asking_begin_small(&world, &play, 2);
	asking_tell(&world, 50);
	world_run(&world);
	log = world_log(&world);
	for (int i = 1; i <= 50; i++) {
		char word[32];
		const char *at;

		snprintf(word, sizeof(word), "2:num %d; ", i);
		at = strstr(log, word);
		assert_non_null(at);
		assert_true(at - log >= last);
		last = (int)(at - log);
		snprintf(word, sizeof(word), "%d:ok %d; ", i, i);
		assert_non_null(strstr(log, word));
	}
	assert_int_equal(world.rooms, 0); /* it is the tasks' affair */
	assert_int_equal(world.runtime->waits.count, 0);
	world_finish(&world);
}

/* An item of troupe_for_all(), which does not let go of its answer. */
static int asks_one_of_many(struct troupe_self *self, struct puppet *me, const int *item,
			    uint32_t *most)
{
	struct troupe_answer answer = {0};
	int rc = asking_await(self, cluster_puppet(self, 2), *item, &answer);

	(void)me;
	assert_int_equal(((const struct num *)answer.data)->n, *item + 1);
	if (self->runtime->kept.count > *most)
		*most = self->runtime->kept.count;
	return rc;
}
TROUPE_TASK(asks_one_of_many, struct puppet, const int, uint32_t)

static int asks_for_all(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	static const int items[] = {21, 22, 23, 24, 25, 26, 27, 28, 29};
	uint32_t most = 0;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_for_all(self, &asks_one_of_many_task, items, sizeof(items[0]),
					ARRAY_LEN(items), 2, &most),
			 0);
	note(self, "kept %u; ", most);
	return 0;
}
TROUPE_TASK(asks_for_all, struct puppet, void, void)

static void answers_of_an_item_go_with_it(void **state)
{
	struct asking play = {&asks_for_all_task, asking_answers};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 1);
	world_run(&world);
	assert_non_null(strstr(world_log(&world), "kept 2; "));
	assert_int_equal(world.runtime->kept.count, 0);
	world_finish(&world);
}

/* Both before it was woken and after that, while the notice lies in the mailbox. */
static void who_waits_for_room_can_be_cancelled(void **state)
{
	struct asking play = {&asks_with_many_task, asking_answers};

	(void)state;
	for (int is_woken = 0; is_woken < 2; is_woken++) {
		struct cluster cluster;
		struct world *world = &cluster.worlds[1];
		struct troupe_self self;

		asking_begin_far(&cluster, &play);
		cluster.net.full = true;
		asking_tell(world, 3);
		net_run(&cluster.net);
		assert_int_equal(world->runtime->waits.count, 3);
		cluster.net.full = false;
		self = asking_outside(world, 1);
		if (is_woken)
			runtime_link_room(world->runtime, cluster.worlds[2].process);
		troupe_scope_cancel(&self, TROUPE_OF_ACTOR);
		net_run(&cluster.net);
		assert_log(world, "1:num 3; 1:ECANCELED; 2:ECANCELED; 3:ECANCELED; ");
		assert_int_equal(world->runtime->waits.count, 0);
		assert_int_equal(world->runtime->calls.count, 0);
		runtime_link_room(world->runtime, cluster.worlds[2].process);
		net_run(&cluster.net);
		assert_int_equal(world->rooms, 0);
		net_finish(&cluster.net);
	}
}

static int puts_many(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	(void)me;
	(void)unused;
	for (uintptr_t i = 1; i <= (uintptr_t)n; i++)
		assert_int_equal(troupe_send_wait(self, cluster_puppet(self, 2), &num_method,
						  &(struct num){(int64_t)i}),
				 0);
	note(self, "put; ");
	return 0;
}
TROUPE_TASK(puts_many, struct puppet, void, void)

static int takes_silently(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)self;
	(void)call;
	assert_int_equal(n, me->count + 1);
	me->count = n;
	return 0;
}

static void sends_wait_for_room(void **state)
{
	struct asking play = {&puts_many_task, takes_silently};
	struct world world;

	(void)state;
	asking_begin_small(&world, &play, 3);
	asking_tell(&world, 200);
	world_run(&world);
	assert_non_null(strstr(world_log(&world), "put; "));
	assert_int_equal(world.rooms, 0);
	world_finish(&world);
}

static void link_without_credit_is_waited_for(void **state)
{
	struct asking play = {asking_once, asking_answers};
	struct cluster cluster;

	(void)state;
	asking_begin_far(&cluster, &play);
	cluster.net.full = true;
	asking_tell(&cluster.worlds[1], 1);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 1; ");
	assert_string_equal(task_at(cluster.worlds[1].runtime, 0)->waits_for, "room");
	cluster.net.full = false;
	runtime_link_room(cluster.worlds[1].runtime, cluster.worlds[2].process);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:ok 2; ");
	net_finish(&cluster.net);
}

/* The mailbox at the other end is full: what it refused never ran, and is asked for again. */
static void mailbox_elsewhere_is_asked_again(void **state)
{
	struct asking play = {&asks_with_many_task, asking_takes};
	struct cluster cluster;
	struct world *two = &cluster.worlds[2];
	struct runtime_info info;
	const char *log;

	(void)state;
	asking_begin_far(&cluster, &play);
	world_unit(two, 2, two->type, 2, 0, 0);
	two->actors[2] = world_spawn_in(two, 2, 2);
	asking_tell(&cluster.worlds[1], 9);
	for (int i = 0; i < 100; i++) {
		net_run(&cluster.net);
		world_sleep(&cluster.worlds[1], 10 * TROUPE_MS_NS);
	}
	log = world_log(&cluster.worlds[1]);
	for (int i = 1; i <= 9; i++) {
		char word[32];

		snprintf(word, sizeof(word), "%d:ok %d; ", i, i);
		assert_non_null(strstr(log, word));
	}
	runtime_info(two->runtime, two->actors[2], &info);
	assert_true(info.refused > 0);
	/* each of them once */
	log = world_log(two);
	for (int i = 1; i <= 9; i++) {
		char word[32];

		snprintf(word, sizeof(word), "2:num %d; ", i);
		assert_non_null(strstr(log, word));
		assert_null(strstr(strstr(log, word) + 1, word));
	}
	net_finish(&cluster.net);
}

/* Puppet 1 streams to a caller who reads when it is told to. */
static int streams(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	int rc = 0;

	(void)unused;
	for (intptr_t i = 0; rc == 0 && i < (intptr_t)n; i++) {
		rc = troupe_reply_wait(self, me->kept_call, &num_method, &(struct num){i});
		me->count = i + 1;
	}
	note(self, "streamed %d; ", rc);
	return troupe_return(self, me->kept_call, &num_method, &(struct num){-1});
}
TROUPE_TASK(streams, struct puppet, void, void)

static int begins_to_stream(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	if (me->id == 2) /* asks puppet 1 */
		return troupe_call(self, world_of(self)->actors[1], &num_method,
				   &(struct num){n}, &num_entry, 0, 0, TROUPE_MORE, NULL);
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return troupe_start(self, TROUPE_OF_ACTOR, &streams_task, asking_arg(n), NULL, NULL);
}

static int counts_and_forgets(struct troupe_self *self, struct puppet *me, uint64_t context,
			      const struct troupe_reply *reply)
{
	(void)context;
	(void)reply;
	me->count++;
	(void)world_log(world_of(self));
	return 0;
}

static void replies_wait_for_the_reader(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = begins_to_stream;
	world.hooks.reply = counts_and_forgets;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	assert_int_equal(world_send(&world, world.actors[2], 5000), 0);
	world_run(&world);
	assert_int_equal(world.replies, 5001);
	assert_int_equal(world.rooms, 0);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_mailbox_is_waited_for_in_order),
		cmocka_unit_test(answers_of_an_item_go_with_it),
		cmocka_unit_test(who_waits_for_room_can_be_cancelled),
		cmocka_unit_test(sends_wait_for_room),
		cmocka_unit_test(link_without_credit_is_waited_for),
		cmocka_unit_test(mailbox_elsewhere_is_asked_again),
		cmocka_unit_test(replies_wait_for_the_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
