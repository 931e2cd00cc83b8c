/* Awaits: a task calls and waits for the answer. */
#include "asking.h"
#include "base/cleanup.h"
#include "core/inside.h"
#include <errno.h>

static int asks_in_turn(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	struct troupe_answer answer = {0};
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	for (int n = 6; n < 13; n++) {
		rc = asking_await(self, cluster_puppet(self, 2), n, &answer);
		asking_note(self, rc, &answer);
		/* one answer at most is held */
		assert_true(self->runtime->kept.count <= 1);
	}
	return 0;
}
TROUPE_TASK(asks_in_turn, struct puppet, void, void)

#define ANSWERS                                                                                \
	"ok 7; EREMOTEIO test.puppet.Bad seven; EBADMSG (n: too much); EIO (EIO); ENODATA; "   \
	"EACCES (Num); ok 13; "
#define TWO_IS_TOLD "2:num 6; 2:num 7; 2:num 8; 2:num 9; 2:num 10; 2:num 11; 2:num 12; "

static void await_returns_how_the_call_ended(void **state)
{
	struct asking play = {&asks_in_turn_task, asking_answers};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 0);
	world_run(&world);
	assert_log(&world, "1:num 0; 2:num 6; ok 7; 2:num 7; EREMOTEIO test.puppet.Bad seven; "
			   "2:num 8; EBADMSG (n: too much); 2:num 9; EIO (EIO); 2:num 10; "
			   "ENODATA; 2:num 11; EACCES (Num); 2:num 12; ok 13; ");
	assert_int_equal(world.runtime->tasks.count, 0);
	assert_int_equal(world.runtime->kept.count, 0);
	world_finish(&world);
}

/* asks puppet 2 again and again */
static int asks_on(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};
	uint32_t charged = 0;

	(void)me;
	(void)unused;
	for (int i = 0; i < (int)(uintptr_t)n; i++) {
		assert_int_equal(asking_await(self, cluster_puppet(self, 2), 1, &answer), 0);
		if (i == 0)
			charged = self->actor->load.charged;
		assert_int_equal(self->actor->load.charged, charged);
		assert_int_equal(self->runtime->kept.count, 1);
	}
	troupe_answer_free(self, &answer);
	assert_true(self->actor->load.charged < charged);
	assert_int_equal(self->runtime->kept.count, 0);
	note(self, "done");
	return 0;
}
TROUPE_TASK(asks_on, struct puppet, void, void)

static void answer_used_again_takes_no_more_room(void **state)
{
	struct asking play = {&asks_on_task, asking_answers};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 100);
	world_run(&world);
	assert_int_equal(world.runtime->tasks.count, 0);
	assert_non_null(strstr(world.log, "done"));
	world_finish(&world);
}

static void await_of_another_process_returns_the_same(void **state)
{
	struct asking play = {&asks_in_turn_task, asking_answers};
	struct cluster cluster;

	(void)state;
	asking_begin_far(&cluster, &play);
	asking_tell(&cluster.worlds[1], 0);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], TWO_IS_TOLD);
	assert_log(&cluster.worlds[1], "1:num 0; " ANSWERS);
	net_finish(&cluster.net);
}

static int asks_what_is_not_there(struct troupe_self *self, struct puppet *me, void *unused,
				  void *unused_too)
{
	struct troupe_answer answer = {0};
	struct troupe_address nobody = world_of(self)->actors[2];

	(void)me;
	(void)unused;
	(void)unused_too;
	nobody.generation += 2;
	assert_int_equal(asking_await(self, nobody, 1, &answer), -ESRCH);
	assert_int_equal(answer.status, TROUPE_NO_SUCH_ACTOR);
	assert_int_equal(asking_await(self, (struct troupe_address){0}, 1, &answer), -ESRCH);
	assert_int_equal(troupe_await(self, cluster_puppet(self, 2), NULL, num_entry.interface,
				      NULL, &answer),
			 -EINVAL);
	assert_int_equal(troupe_await(self, cluster_puppet(self, 2), &num_method,
				      num_entry.interface, NULL, &answer),
			 -EINVAL);
	assert_int_equal(troupe_await(self, cluster_puppet(self, 2), &text_method,
				      num_entry.interface, &(struct text){NULL}, &answer),
			 -EINVAL);
	assert_int_equal(answer.status, TROUPE_OVERLOADED); /* it is no answer */
	assert_null(answer.data);
	assert_int_equal(troupe_await(self, cluster_puppet(self, 2), &lost_method,
				      num_entry.interface, &(struct num){1}, &answer),
			 -EOPNOTSUPP);
	assert_int_equal(troupe_await(self, cluster_puppet(self, 2), &none_method,
				      num_entry.interface, NULL, &answer),
			 -EOPNOTSUPP);
	assert_int_equal(troupe_send_wait(self, nobody, &num_method, &(struct num){1}), -ESRCH);
	/* never used, and used twice */
	troupe_answer_free(self, &answer);
	troupe_answer_free(self, &answer);
	assert_int_equal(asking_await(self, cluster_puppet(self, 2), 1, &answer), 0);
	/* what was made up is no answer of this task */
	troupe_answer_free(self, &(struct troupe_answer){.kept = (void *)(uintptr_t)4096});
	troupe_release(self, answer.kept);
	assert_int_equal(((const struct num *)answer.data)->n, 2);
	return 0;
}
TROUPE_TASK(asks_what_is_not_there, struct puppet, void, void)

static void await_refuses_what_cannot_be_called(void **state)
{
	struct asking play = {&asks_what_is_not_there_task, asking_answers};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	asking_tell(&world, 0);
	world_run(&world);
	assert_log(&world, "1:num 0; 2:num 1; ");
	world_finish(&world);
}

/* Puppet 3 knows another version of Num. */
static int asks_the_wide_one(struct troupe_self *self, struct puppet *me, void *unused,
			     void *unused_too)
{
	struct troupe_answer answer = {0};
	struct troupe_address wide = world_of(self)->actors[3];
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	asking_note(self, asking_await(self, wide, 20, &answer), &answer);
	rc = troupe_await(self, wide, &odd_method, num_entry.interface, &(struct num){1},
			  &answer);
	asking_note(self, rc, &answer);
	return 0;
}
TROUPE_TASK(asks_the_wide_one, struct puppet, void, void)

static void answer_of_another_version_is_converted(void **state)
{
	struct asking play = {&asks_the_wide_one_task, asking_answers};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	world_unit(&world, 2, world.wide, 0, 0, 0);
	world_spawn_in(&world, 2, 3);
	asking_tell(&world, 0);
	world_run(&world);
	assert_log(&world, "1:num 0; 3:wide 20 less; ok 21; EBADMSG (m); ");
	assert_int_equal(world.runtime->kept.count, 0);
	world_finish(&world);
}

static int asks_and_leaves(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	struct troupe_answer answer = {0};

	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(asking_await(self, cluster_puppet(self, 2), 1, &answer), -EDEADLK);
	assert_int_equal(
		troupe_send_wait(self, cluster_puppet(self, 2), &num_method, &(struct num){1}),
		-EDEADLK);
	return 0;
}

static void handlers_do_not_await(void **state)
{
	struct asking play = {NULL, asks_and_leaves};
	struct world world;

	(void)state;
	asking_begin(&world, &play);
	assert_int_equal(world_send(&world, world.actors[2], 1), 0);
	world_run(&world);
	assert_log(&world, "2:num 1; ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(await_returns_how_the_call_ended),
		cmocka_unit_test(answer_used_again_takes_no_more_room),
		cmocka_unit_test(await_of_another_process_returns_the_same),
		cmocka_unit_test(await_refuses_what_cannot_be_called),
		cmocka_unit_test(answer_of_another_version_is_converted),
		cmocka_unit_test(handlers_do_not_await),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
