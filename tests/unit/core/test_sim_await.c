/* Awaits: calls, sends and replies that a task waits with. */
#include "base/cleanup.h"
#include "cluster.h"
#include "core/inside.h"
#include "core/task.h"
#include <errno.h>
#include <troupe/await.h>

#define note(self, ...) world_note(world_of(self), __VA_ARGS__)

static int await_num(struct troupe_self *self, struct troupe_address to, int64_t n,
		     struct troupe_answer *answer)
{
	return troupe_await(self, to, &num_method, num_entry.interface, &(struct num){n},
			    answer);
}

static void note_answer(struct troupe_self *self, int rc, const struct troupe_answer *answer)
{
	note(self, "%s", rc ? strerrorname_np(-rc) : "ok");
	if (rc == 0)
		note(self, " %d", (int)((const struct num *)answer->data)->n);
	if (rc == -EREMOTEIO)
		note(self, " %s %s", answer->error_name,
		     ((const struct text *)answer->data)->text);
	if (answer->code)
		note(self, " (%s)", strerrorname_np(-answer->code));
	if (answer->detail)
		note(self, " (%s)", answer->detail);
	note(self, "; ");
}

static void *num_of(int64_t n)
{
	return (void *)(uintptr_t)n;
}

/* The others, wherever they are. */
static struct troupe_address puppet(struct troupe_self *self, int id)
{
	struct world *world = world_of(self);

	return world->net ? cluster_address(world, id) : world->actors[id];
}

/* arg: which Num; asks puppet 2 once */
static int asks(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};
	int rc;

	(void)me;
	(void)unused;
	rc = await_num(self, puppet(self, 2), (int64_t)(uintptr_t)n, &answer);
	note(self, "%d:", (int)(uintptr_t)n);
	note_answer(self, rc, &answer);
	return rc == -ECANCELED || rc == -ETIMEDOUT ? rc : 0;
}
TROUPE_TASK(asks, struct puppet, void, void)

/* Puppet 1 starts the test's task with what it is told; the others do what `two` does. */
struct play {
	const struct troupe_task_entry *one;
	behaviour *two;
};

static int begins(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	const struct play *play = world_of(self)->test;

	if (me->id != 1)
		return play->two(self, me, call, n);
	return troupe_start(self, TROUPE_OF_ACTOR, play->one, num_of(n), NULL, NULL);
}

static void begin(struct world *world, struct play *play)
{
	world_init(world, 1, NULL);
	world->hooks.num = begins;
	world->test = play;
	world_spawn(world, 1);
	world_spawn(world, 2);
}

static void begin_far(struct cluster *cluster, struct play *play)
{
	cluster_begin(cluster, NULL);
	for (int i = 1; i <= 3; i++) {
		cluster->worlds[i].hooks.num = begins;
		cluster->worlds[i].test = play;
	}
}

static void tell(struct world *world, int64_t n)
{
	assert_int_equal(world_send(world, world->actors[1], n), 0);
}

/* ------------------------------------------------------------------ answers */

static int answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	if (n == 7)
		return troupe_fail(self, call, &bad_error, &(struct text){"seven"});
	if (n == 8)
		return troupe_fail_parameter(self, call, "n", "too much");
	if (n == 9)
		return -EIO;
	if (n == 10)
		return 0;
	if (n == 11)
		return troupe_fail_permission_denied(self, call);
	return troupe_return(self, call, &num_method, &(struct num){n + 1});
}

static int asks_in_turn(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	struct troupe_answer answer = {0};
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	for (int n = 6; n < 13; n++) {
		rc = await_num(self, puppet(self, 2), n, &answer);
		note_answer(self, rc, &answer);
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
	struct play play = {&asks_in_turn_task, answers};
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 0);
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
		assert_int_equal(await_num(self, puppet(self, 2), 1, &answer), 0);
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
	struct play play = {&asks_on_task, answers};
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 100);
	world_run(&world);
	assert_int_equal(world.runtime->tasks.count, 0);
	assert_non_null(strstr(world.log, "done"));
	world_finish(&world);
}

static void await_of_another_process_returns_the_same(void **state)
{
	struct play play = {&asks_in_turn_task, answers};
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, &play);
	tell(&cluster.worlds[1], 0);
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
	assert_int_equal(await_num(self, nobody, 1, &answer), -ESRCH);
	assert_int_equal(answer.status, TROUPE_NO_SUCH_ACTOR);
	assert_int_equal(await_num(self, (struct troupe_address){0}, 1, &answer), -ESRCH);
	assert_int_equal(
		troupe_await(self, puppet(self, 2), NULL, num_entry.interface, NULL, &answer),
		-EINVAL);
	assert_int_equal(troupe_await(self, puppet(self, 2), &num_method, num_entry.interface,
				      NULL, &answer),
			 -EINVAL);
	assert_int_equal(troupe_await(self, puppet(self, 2), &text_method, num_entry.interface,
				      &(struct text){NULL}, &answer),
			 -EINVAL);
	assert_int_equal(answer.status, TROUPE_OVERLOADED); /* it is no answer */
	assert_null(answer.data);
	assert_int_equal(troupe_await(self, puppet(self, 2), &lost_method, num_entry.interface,
				      &(struct num){1}, &answer),
			 -EOPNOTSUPP);
	assert_int_equal(troupe_await(self, puppet(self, 2), &none_method, num_entry.interface,
				      NULL, &answer),
			 -EOPNOTSUPP);
	assert_int_equal(troupe_send_wait(self, nobody, &num_method, &(struct num){1}), -ESRCH);
	/* never used, and used twice */
	troupe_answer_free(self, &answer);
	troupe_answer_free(self, &answer);
	assert_int_equal(await_num(self, puppet(self, 2), 1, &answer), 0);
	/* what was made up is no answer of this task */
	troupe_answer_free(self, &(struct troupe_answer){.kept = (void *)(uintptr_t)4096});
	troupe_release(self, answer.kept);
	assert_int_equal(((const struct num *)answer.data)->n, 2);
	return 0;
}
TROUPE_TASK(asks_what_is_not_there, struct puppet, void, void)

static void await_refuses_what_cannot_be_called(void **state)
{
	struct play play = {&asks_what_is_not_there_task, answers};
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 0);
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
	note_answer(self, await_num(self, wide, 20, &answer), &answer);
	rc = troupe_await(self, wide, &odd_method, num_entry.interface, &(struct num){1},
			  &answer);
	note_answer(self, rc, &answer);
	return 0;
}
TROUPE_TASK(asks_the_wide_one, struct puppet, void, void)

static void answer_of_another_version_is_converted(void **state)
{
	struct play play = {&asks_the_wide_one_task, answers};
	struct world world;

	(void)state;
	begin(&world, &play);
	world_unit(&world, 2, world.wide, 0, 0, 0);
	world_spawn_in(&world, 2, 3);
	tell(&world, 0);
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
	assert_int_equal(await_num(self, puppet(self, 2), 1, &answer), -EDEADLK);
	assert_int_equal(troupe_send_wait(self, puppet(self, 2), &num_method, &(struct num){1}),
			 -EDEADLK);
	return 0;
}

static void handlers_do_not_await(void **state)
{
	struct play play = {NULL, asks_and_leaves};
	struct world world;

	(void)state;
	begin(&world, &play);
	assert_int_equal(world_send(&world, world.actors[2], 1), 0);
	world_run(&world);
	assert_log(&world, "2:num 1; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ ends of the callee */

static int keeps_or_dies(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	if (n == 99)
		return troupe_return(self, call, &num_method, &(struct num){100});
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	if (n == 5)
		troupe_exit(self, 0);
	return 0;
}

static void await_ends_with_the_callee(void **state)
{
	struct play play = {&asks_task, keeps_or_dies};
	struct cluster cluster;
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 5);
	world_run(&world);
	assert_log(&world, "1:num 5; 2:num 5; 2:fini normal; 5:ECONNRESET; ");
	world_finish(&world);

	begin_far(&cluster, &play);
	tell(&cluster.worlds[1], 4);
	net_run(&cluster.net);
	assert_string_equal(task_at(cluster.worlds[1].runtime, 0)->waits_for, "answer");
	net_kill(&cluster.net, 2);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 4; 4:ECONNRESET; ");
	net_finish(&cluster.net);
}

/* ------------------------------------------------------------------ time and cancellation */

static int asks_in_time(struct troupe_self *self, struct puppet *me, void *ms, void *unused)
{
	uint64_t timeout_ns = (uint64_t)(uintptr_t)ms * TROUPE_MS_NS;
	struct troupe_answer answer = {0};
	struct troupe_scope outer, inner;
	int rc;

	(void)me;
	(void)unused;
	assert_int_equal(troupe_scope_begin(self, timeout_ns, &outer), 0);
	assert_int_equal(troupe_scope_begin(self, 2 * timeout_ns, &inner), 0);
	rc = await_num(self, puppet(self, 2), 1, &answer);
	note(self, "%d ms:", (int)(troupe_now_ns(self) / TROUPE_MS_NS));
	note_answer(self, rc, &answer);
	assert_int_equal(await_num(self, puppet(self, 2), 1, &answer), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, inner), -ETIMEDOUT);
	assert_int_equal(troupe_scope_end(self, outer), -ETIMEDOUT);
	assert_int_equal(await_num(self, puppet(self, 2), 99, &answer), 0);
	return 0;
}
TROUPE_TASK(asks_in_time, struct puppet, void, void)

static void time_of_an_await_is_that_of_its_scopes(void **state)
{
	struct play play = {&asks_in_time_task, keeps_or_dies};
	struct world world;

	(void)state;
	begin(&world, &play);
	play.two = keeps_or_dies;
	tell(&world, 100);
	world_run(&world);
	assert_log(&world, "1:num 100; 2:num 1; ");
	world_sleep(&world, 99 * TROUPE_MS_NS);
	assert_log(&world, "");
	world_sleep(&world, 2 * TROUPE_MS_NS);
	/* the callee hears of it, and the next call is made */
	assert_non_null(strstr(world_log(&world), "2:cancel; "));
	world_finish(&world);
}

static int asks_in_time_far(struct troupe_self *self, struct puppet *me, void *ms, void *unused)
{
	struct troupe_answer answer = {0};
	struct troupe_scope scope;
	int rc;

	(void)me;
	(void)unused;
	assert_int_equal(
		troupe_scope_begin(self, (uint64_t)(uintptr_t)ms * TROUPE_MS_NS, &scope), 0);
	rc = await_num(self, puppet(self, 2), 1, &answer);
	note_answer(self, rc, &answer);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(asks_in_time_far, struct puppet, void, void)

static void callee_elsewhere_is_told_the_time(void **state)
{
	struct play play = {&asks_in_time_far_task, keeps_or_dies};
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, &play);
	tell(&cluster.worlds[1], 50);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[2], "2:num 1; ");
	world_sleep(&cluster.worlds[1], 51 * TROUPE_MS_NS);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 50; ETIMEDOUT; ");
	assert_log(&cluster.worlds[2], "2:cancel; ");
	net_finish(&cluster.net);
}

static int asks_and_is_cancelled(struct troupe_self *self, struct puppet *me, void *n,
				 void *unused)
{
	struct troupe_task task;
	struct troupe_scope scope;
	int result;

	(void)me;
	(void)unused;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	assert_int_equal(troupe_start(self, scope, &asks_task, n, NULL, &task), 0);
	assert_int_equal(troupe_sleep(self, TROUPE_MS_NS), 0);
	assert_int_equal(troupe_task_cancel(self, task), 0);
	assert_int_equal(troupe_join(self, task, &result), 0);
	note(self, "joined %d; ", result);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(asks_and_is_cancelled, struct puppet, void, void)

static void cancelled_await_cancels_its_call(void **state)
{
	struct play play = {&asks_and_is_cancelled_task, keeps_or_dies};
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 1);
	world_sleep(&world, 2 * TROUPE_MS_NS);
	assert_log(&world, "1:num 1; 2:num 1; 1:ECANCELED; 2:cancel; joined -125; ");
	assert_int_equal(world.runtime->calls.count, 0);
	world_finish(&world);
}

static struct troupe_self outside_of(struct world *world, int id)
{
	return (struct troupe_self){.runtime = world->runtime,
				    .actor = actor_find(world->runtime, world->actors[id])};
}

/* The callee answers and cancels the task's scope in one handler, in either order. */
static int is_told_to_cancel(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	struct troupe_self other = outside_of(world_of(self), 1);

	(void)me;
	if (n == 1)
		assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n + 1}),
				 0);
	troupe_scope_cancel(&other, TROUPE_OF_ACTOR);
	if (n == 2)
		assert_int_equal(troupe_return(self, call, &num_method, &(struct num){n + 1}),
				 0);
	return 0;
}

static int asks_then_sleeps(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};
	int rc = await_num(self, puppet(self, 2), (int64_t)(uintptr_t)n, &answer);

	(void)me;
	(void)unused;
	note_answer(self, rc, &answer);
	rc = troupe_sleep(self, TROUPE_MS_NS);
	note(self, "then %d; ", rc);
	return rc;
}
TROUPE_TASK(asks_then_sleeps, struct puppet, void, void)

static void result_that_is_there_wins(void **state)
{
	struct play play = {&asks_then_sleeps_task, is_told_to_cancel};
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 1);
	world_run(&world);
	assert_log(&world, "1:num 1; 2:num 1; ok 2; then -125; ");
	tell(&world, 2);
	world_run(&world);
	assert_log(&world, "1:num 2; 2:num 2; ok 3; then -125; ");
	world_finish(&world);
}

/* ------------------------------------------------------------------ room */

static int takes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)me;
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static int asks_with_many(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_scope scope;

	(void)me;
	(void)unused;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	for (uintptr_t i = 1; i <= (uintptr_t)n; i++)
		assert_int_equal(
			troupe_start(self, scope, &asks_task, num_of((int64_t)i), NULL, NULL),
			0);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(asks_with_many, struct puppet, void, void)

static void begin_small(struct world *world, struct play *play, uint32_t mailbox)
{
	world_init(world, 1, NULL);
	world_unit(world, 2, world->type, mailbox, 0, 0);
	world->hooks.num = begins;
	world->test = play;
	world_spawn(world, 1);
	world_spawn_in(world, 2, 2);
}

static void full_mailbox_is_waited_for_in_order(void **state)
{
	struct play play = {&asks_with_many_task, takes};
	struct world world;
	const char *log;
	int last = 0;

	(void)state;
	begin_small(&world, &play, 2);
	tell(&world, 50);
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
	int rc = await_num(self, puppet(self, 2), *item, &answer);

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
	struct play play = {&asks_for_all_task, answers};
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 1);
	world_run(&world);
	assert_non_null(strstr(world_log(&world), "kept 2; "));
	assert_int_equal(world.runtime->kept.count, 0);
	world_finish(&world);
}

/* Both before it was woken and after that, while the notice lies in the mailbox. */
static void who_waits_for_room_can_be_cancelled(void **state)
{
	struct play play = {&asks_with_many_task, answers};

	(void)state;
	for (int is_woken = 0; is_woken < 2; is_woken++) {
		struct cluster cluster;
		struct world *world = &cluster.worlds[1];
		struct troupe_self self;

		begin_far(&cluster, &play);
		cluster.net.full = true;
		tell(world, 3);
		net_run(&cluster.net);
		assert_int_equal(world->runtime->waits.count, 3);
		cluster.net.full = false;
		self = outside_of(world, 1);
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
		assert_int_equal(troupe_send_wait(self, puppet(self, 2), &num_method,
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
	struct play play = {&puts_many_task, takes_silently};
	struct world world;

	(void)state;
	begin_small(&world, &play, 3);
	tell(&world, 200);
	world_run(&world);
	assert_non_null(strstr(world_log(&world), "put; "));
	assert_int_equal(world.rooms, 0);
	world_finish(&world);
}

static void link_without_credit_is_waited_for(void **state)
{
	struct play play = {&asks_task, answers};
	struct cluster cluster;

	(void)state;
	begin_far(&cluster, &play);
	cluster.net.full = true;
	tell(&cluster.worlds[1], 1);
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
	struct play play = {&asks_with_many_task, takes};
	struct cluster cluster;
	struct world *two = &cluster.worlds[2];
	struct runtime_info info;
	const char *log;

	(void)state;
	begin_far(&cluster, &play);
	world_unit(two, 2, two->type, 2, 0, 0);
	two->actors[2] = world_spawn_in(two, 2, 2);
	tell(&cluster.worlds[1], 9);
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
	return troupe_start(self, TROUPE_OF_ACTOR, &streams_task, num_of(n), NULL, NULL);
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

/* ------------------------------------------------------------------ the actor's end */

static int asks_in_a_shield(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};
	struct troupe_scope shield;
	int rc = troupe_sleep(self, 10 * TROUPE_SECOND_NS);

	(void)me;
	(void)unused;
	assert_int_equal(rc, -ECANCELED);
	assert_int_equal(await_num(self, puppet(self, 2), 1, &answer), -ECANCELED);
	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	rc = await_num(self, puppet(self, 2), (int64_t)(uintptr_t)n, &answer);
	note_answer(self, rc, &answer);
	return troupe_scope_end(self, shield);
}
TROUPE_TASK(asks_in_a_shield, struct puppet, void, void)

static void who_ends_may_still_ask_in_a_shield(void **state)
{
	struct play play = {&asks_in_a_shield_task, answers};
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 20);
	world_run(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_log(&world, "1:num 20; 2:num 20; ok 21; 1:fini shutdown; ");
	world_finish(&world);
}

static void shield_waits_for_room_too(void **state)
{
	struct play play = {&asks_in_a_shield_task, takes};
	struct world world;

	(void)state;
	begin_small(&world, &play, 1);
	tell(&world, 20);
	world_run(&world);
	assert_int_equal(world_send(&world, world.actors[2], 5), 0);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_run(&world);
	assert_non_null(strstr(world_log(&world), "ok 20; 1:fini shutdown; "));
	world_finish(&world);
}

static int never_goes(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};

	(void)me;
	(void)unused;
	while (await_num(self, puppet(self, 2), (int64_t)(uintptr_t)n, &answer) != 0)
		;
	return 0;
}
TROUPE_TASK(never_goes, struct puppet, void, void)

static void abandoned_await_leaves_nothing(void **state)
{
	struct play play = {&never_goes_task, keeps_or_dies};
	struct world world;

	(void)state;
	begin(&world, &play);
	tell(&world, 1);
	world_run(&world);
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	for (int i = 0; i < 20; i++) { /* it is always busy */
		sim_advance(world.loop, 300 * TROUPE_MS_NS);
		loop_step(world.loop, false);
	}
	assert_non_null(strstr(world_log(&world), "1:fini shutdown; "));
	assert_int_equal(world.runtime->calls.count, 0);
	assert_int_equal(world.runtime->kept.count, 0);
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
		cmocka_unit_test(await_ends_with_the_callee),
		cmocka_unit_test(time_of_an_await_is_that_of_its_scopes),
		cmocka_unit_test(callee_elsewhere_is_told_the_time),
		cmocka_unit_test(cancelled_await_cancels_its_call),
		cmocka_unit_test(result_that_is_there_wins),
		cmocka_unit_test(full_mailbox_is_waited_for_in_order),
		cmocka_unit_test(answers_of_an_item_go_with_it),
		cmocka_unit_test(who_waits_for_room_can_be_cancelled),
		cmocka_unit_test(sends_wait_for_room),
		cmocka_unit_test(link_without_credit_is_waited_for),
		cmocka_unit_test(mailbox_elsewhere_is_asked_again),
		cmocka_unit_test(replies_wait_for_the_reader),
		cmocka_unit_test(who_ends_may_still_ask_in_a_shield),
		cmocka_unit_test(shield_waits_for_room_too),
		cmocka_unit_test(abandoned_await_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
