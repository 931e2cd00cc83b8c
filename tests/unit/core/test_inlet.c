/* Inlets and real threads, on the real loop. */
#include "base/clock.h"
#include "base/list.h"
#include "core/activation.h"
#include "tests/unit/sim/lone.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <troupe/inlet.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS     4
#define POSTS       20000
#define HAND_OVERS  2000 /* each of which waits for two threads to be run */
#define PATIENCE_NS (60 * CLOCK_SECOND_NS)

struct item {
	uint32_t thread, number;
};

struct stage {
	struct loop *loop;
	struct page page;
	struct runtime *runtime;
	struct troupe_address address;
	struct troupe_inlet *inlet;
	pthread_t threads[THREADS];
	uint32_t capacity, next[THREADS], arrived, wanted;
	bool joins;
	int joined; /* what the thread got that fini has joined */
};

static struct stage *stage_of(const struct troupe_self *self)
{
	return self->runtime->context;
}

static int on_item(struct troupe_self *self, void *state, uint64_t context,
		   const struct troupe_post_event *event)
{
	struct stage *stage = stage_of(self);
	struct item item;

	(void)state;
	assert_int_equal(context, 5);
	assert_int_equal(event->size, sizeof(item));
	memcpy(&item, event->data, sizeof(item));
	assert_true(item.thread < THREADS);
	assert_int_equal(item.number, stage->next[item.thread]++);
	if (++stage->arrived >= stage->wanted)
		loop_stop(stage->loop);
	return 0;
}
TROUPE_POST(on_item, void)

static int begin_life(struct troupe_self *self, void *state, const void *config)
{
	struct stage *stage = stage_of(self);

	(void)state;
	(void)config;
	return troupe_inlet_open(self, &on_item_entry, 5, stage->capacity, &stage->inlet);
}

static void end_life(struct troupe_self *self, void *state, enum troupe_cause cause)
{
	struct stage *stage = stage_of(self);
	void *result;

	(void)state;
	(void)cause;
	if (!stage->joins)
		return;
	assert_int_equal(pthread_join(stage->threads[0], &result), 0);
	stage->joined = (int)(intptr_t)result;
}

TROUPE_LIFE(life, void, void, .init = begin_life, .fini = end_life)

static const struct troupe_actor table = {
	TROUPE_ABI(sink),
	.life = &life,
	.entries = {&on_item_entry},
};

static const struct runtime_ops ops = {.forward = lone_forward, .on_end = lone_on_end};

static void begin(struct stage *stage, uint32_t capacity)
{
	const struct runtime_type *type;
	struct runtime_config config;
	const char *why;

	*stage = (struct stage){.capacity = capacity};
	assert_int_equal(loop_new(&stage->loop), 0);
	config = (struct runtime_config){.process = {.worker = 1, .incarnation = 1},
					 .loop = stage->loop,
					 .page = &stage->page,
					 .ops = &ops,
					 .context = stage,
					 .seed = 1};
	assert_int_equal(runtime_new(&config, &stage->runtime), 0);
	assert_int_equal(runtime_type_add(stage->runtime, &table, &table, &type, &why), 0);
	assert_int_equal(
		runtime_unit_define(
			stage->runtime,
			&(struct runtime_unit){.number = 1, .name = "sink", .type = type}),
		0);
	assert_int_equal(runtime_spawn(stage->runtime, 1, 0, NULL, &stage->address), 0);
}

static void finish(struct stage *stage)
{
	runtime_free(stage->runtime);
	loop_free(stage->loop);
}

static void on_patience(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("the loop was not woken");
}

/* Until so many posts have arrived, each of which must wake the loop. */
static void run_until(struct stage *stage, uint32_t arrived)
{
	struct loop_timer patience;

	loop_timer_init(&patience, stage->loop, on_patience);
	loop_timer_start(&patience, PATIENCE_NS);
	stage->wanted = arrived;
	while (stage->arrived < arrived)
		loop_run(stage->loop);
	loop_timer_stop(&patience);
}

/* ------------------------------------------------------------------ posting */

struct poster {
	struct stage *stage;
	uint32_t thread, posts;
	bool waits;
	int result;
};

/* Returns 0, or what the inlet said instead of taking one. */
static int post_all(struct poster *poster)
{
	struct item item = {poster->thread, 0};
	int r;

	while (item.number < poster->posts) {
		r = poster->waits
			    ? troupe_post_wait(poster->stage->inlet, &item, sizeof(item), 0)
			    : troupe_post(poster->stage->inlet, &item, sizeof(item));
		if (r == 0)
			item.number++;
		else if (r == -EAGAIN)
			(void)sched_yield();
		else
			return r;
	}
	return 0;
}

static void *run_poster(void *context)
{
	struct poster *poster = context;

	poster->result = post_all(poster);
	return NULL;
}

static void posts_of_all_threads_arrive_in_their_order(void **state)
{
	struct poster posters[THREADS];
	struct stage stage;

	(void)state;
	begin(&stage, 1000);
	for (uint32_t i = 0; i < THREADS; i++) {
		posters[i] = (struct poster){&stage, i, POSTS, i % 2, -1};
		assert_int_equal(
			pthread_create(&stage.threads[i], NULL, run_poster, &posters[i]), 0);
	}
	run_until(&stage, THREADS * POSTS);
	for (uint32_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(stage.threads[i], NULL), 0);
		assert_int_equal(posters[i].result, 0);
	}
	troupe_inlet_release(stage.inlet);
	finish(&stage);
}

/* One place: each post has to wait for the one before. */
static void full_inlet_is_waited_for(void **state)
{
	struct poster posters[2];
	struct stage stage;

	(void)state;
	begin(&stage, 1);
	for (uint32_t i = 0; i < 2; i++) {
		posters[i] = (struct poster){&stage, i, HAND_OVERS, true, -1};
		assert_int_equal(
			pthread_create(&stage.threads[i], NULL, run_poster, &posters[i]), 0);
	}
	run_until(&stage, 2 * HAND_OVERS);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(stage.threads[i], NULL), 0);
		assert_int_equal(posters[i].result, 0);
	}
	troupe_inlet_release(stage.inlet);
	finish(&stage);
}

static void *post_two(void *context)
{
	struct stage *stage = context;
	uint64_t began_ns = clock_now_ns();
	int r;

	assert_int_equal(troupe_post(stage->inlet, &(struct item){0, 0}, sizeof(struct item)),
			 0);
	r = troupe_post_wait(stage->inlet, &(struct item){0, 1}, sizeof(struct item), 20000000);
	assert_true(clock_now_ns() - began_ns >= 20000000);
	return (void *)(intptr_t)r;
}

/* The loop does not run. */
static void waiting_ends_when_its_time_is_over(void **state)
{
	struct stage stage;
	void *result;

	(void)state;
	begin(&stage, 1);
	assert_int_equal(pthread_create(&stage.threads[0], NULL, post_two, &stage), 0);
	assert_int_equal(pthread_join(stage.threads[0], &result), 0);
	assert_int_equal((int)(intptr_t)result, -ETIMEDOUT);
	run_until(&stage, 1);
	troupe_inlet_release(stage.inlet);
	finish(&stage);
}

static void *post_for_ever(void *context)
{
	struct stage *stage = context;
	struct item item = {0, 0};
	int r;

	while ((r = troupe_post_wait(stage->inlet, &item, sizeof(item), 0)) == 0)
		item.number++;
	troupe_inlet_release(stage->inlet);
	return (void *)(intptr_t)r;
}

/* It waits for room, and fini waits for it. */
static void end_of_the_actor_ends_the_wait(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct stage stage;

		begin(&stage, 2);
		stage.joins = true;
		assert_int_equal(pthread_create(&stage.threads[0], NULL, post_for_ever, &stage),
				 0);
		if (i % 4)
			run_until(&stage, (uint32_t)i);
		assert_int_equal(runtime_stop(stage.runtime, stage.address), 0);
		assert_int_equal(stage.joined, -EPIPE);
		finish(&stage);
	}
}

/* The runtime goes while threads still post. */
static void threads_outlive_the_runtime(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct stage stage;
		void *result;

		begin(&stage, 100);
		assert_int_equal(pthread_create(&stage.threads[0], NULL, post_for_ever, &stage),
				 0);
		run_until(&stage, (uint32_t)i);
		finish(&stage);
		assert_int_equal(pthread_join(stage.threads[0], &result), 0);
		assert_int_equal((int)(intptr_t)result, -EPIPE);
	}
}

static void *post_one(void *context)
{
	struct stage *stage = context;
	int r = troupe_post(stage->inlet, &(struct item){0, 0}, sizeof(struct item));

	troupe_inlet_release(stage->inlet);
	return (void *)(intptr_t)r;
}

/* The thread's last deed is to let go of it. */
static void inlet_is_released_by_the_thread(void **state)
{
	struct stage stage;
	void *result;

	(void)state;
	begin(&stage, 10);
	assert_int_equal(pthread_create(&stage.threads[0], NULL, post_one, &stage), 0);
	run_until(&stage, 1);
	assert_int_equal(pthread_join(stage.threads[0], &result), 0);
	assert_null(result);
	for (uint64_t until_ns = clock_now_ns() + PATIENCE_NS;
	     stage.runtime->inlets.count > 0 && clock_now_ns() < until_ns;)
		loop_step(stage.loop, false);
	assert_int_equal(stage.runtime->inlets.count, 0);
	finish(&stage);
}

/* What a forked process posts would reach nobody, and must not wake this one. */
static void forked_process_is_refused(void **state)
{
	const struct item item = {0, 0};
	struct stage stage;
	int status;
	pid_t pid;

	(void)state;
	begin(&stage, 10);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		bool refused = troupe_post(stage.inlet, &item, sizeof(item)) == -EPIPE &&
			       troupe_post_wait(stage.inlet, &item, sizeof(item), 0) == -EPIPE;

		troupe_inlet_release(stage.inlet);
		_exit(refused ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(troupe_post(stage.inlet, &item, sizeof(item)), 0);
	run_until(&stage, 1);
	troupe_inlet_release(stage.inlet);
	finish(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_of_all_threads_arrive_in_their_order),
		cmocka_unit_test(full_inlet_is_waited_for),
		cmocka_unit_test(waiting_ends_when_its_time_is_over),
		cmocka_unit_test(end_of_the_actor_ends_the_wait),
		cmocka_unit_test(threads_outlive_the_runtime),
		cmocka_unit_test(inlet_is_released_by_the_thread),
		cmocka_unit_test(forked_process_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
