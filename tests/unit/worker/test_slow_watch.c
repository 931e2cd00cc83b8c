/* test_slow_watch.c - handlers of this very thread that take long, found by the watch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/page.h"
#include "worker/recorder.h"
#include "worker/slow_watch.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS       CLOCK_MS_NS
#define LIMIT_NS (20 * MS)

struct scene {
	struct recorder *recorder;
	struct page *page;
	struct slow_watch *watch;
};

static void begin(struct scene *scene)
{
	scene->page = calloc(1, PAGE_BYTES);
	assert_non_null(scene->page);
	assert_int_equal(recorder_new(&scene->recorder), 0);
	assert_int_equal(slow_watch_new(scene->recorder, scene->page, &scene->watch), 0);
	slow_watch_set_limit(scene->watch, LIMIT_NS);
}

static void end(struct scene *scene)
{
	slow_watch_free(scene->watch);
	recorder_free(scene->recorder);
	free(scene->page);
}

/* The thread begins to do that, or ends. */
static void step_of(struct scene *scene, uint64_t doing)
{
	struct page_thread *thread = &scene->page->thread;

	thread->type_hash = doing;
	thread->version = 7;
	atomic_fetch_add(&thread->sequence, 1);
	if (*slow_watch_sleeps(scene->watch))
		slow_watch_wake(scene->watch);
}

/* A handler of an actor begins, or ends. */
static void step(struct scene *scene)
{
	step_of(scene, PAGE_DOING_TIMER);
}

static uint64_t number(struct scene *scene, unsigned i)
{
	return atomic_load(&scene->page->slow[i].number);
}

/* Until the i-th slow handler is there, a minute at most. */
static bool spin(struct scene *scene, unsigned i)
{
	uint64_t until_ns = clock_now_ns() + 60 * CLOCK_SECOND_NS;

	while (number(scene, i) == 0 && clock_now_ns() < until_ns)
		;
	return number(scene, i) != 0;
}

/* All of it, from its beginning: a machine with much to do may stop us for long anywhere. */
static __attribute__((noinline)) bool spin_in_a_handler(struct scene *scene, unsigned i)
{
	bool is_found;

	step(scene);
	is_found = spin(scene, i);
	/* so that this is a frame of its own */
	atomic_signal_fence(memory_order_seq_cst);
	return is_found;
}

static void rest(uint64_t ns)
{
	struct timespec left = {0, (long)ns};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static bool has_frame(const struct page_slow *slow, const char *name)
{
	for (uint32_t i = 0; i < slow->n_frames; i++)
		if (strstr(slow->frames[i].text, name))
			return true;
	return false;
}

static void wait_for_end(struct scene *scene, unsigned i)
{
	for (int n = 0; n < 10000 && !atomic_load(&scene->page->slow[i].is_over); n++)
		rest(MS);
	assert_int_equal(scene->page->slow[i].is_over, 1);
}

/* Likewise, with its backtrace: on a busy machine the thread may be asked in vain for a second,
 * which is no fault. The place of the one that was found from the i-th on; it still runs. */
static unsigned spin_until_traced(struct scene *scene, unsigned i)
{
	for (;; i++) {
		assert_true(i < PAGE_SLOW);
		assert_true(spin_in_a_handler(scene, i));
		if (scene->page->slow[i].n_frames > 0)
			return i;
		step(scene);
		wait_for_end(scene, i);
	}
}

static void slow_handler_is_found_with_its_backtrace(void **state)
{
	const struct page_slow *slow;
	struct scene scene;
	unsigned i;

	(void)state;
	begin(&scene);
	errno = ENOTTY;
	i = spin_until_traced(&scene, 0);
	assert_int_equal(errno, ENOTTY);
	slow = &scene.page->slow[i];
	assert_int_equal(slow->number, i + 1);
	assert_int_equal(slow->thread.version, 7);
	assert_int_equal(slow->thread.sequence, 2 * i + 1);
	assert_true(slow->for_ns >= LIMIT_NS);
	assert_true(has_frame(slow, "spin_in_a_handler"));
	assert_true(has_frame(slow, "slow_handler_is_found_with_its_backtrace"));
	step(&scene);
	wait_for_end(&scene, i);
	/* the next one is another one */
	assert_true(spin_in_a_handler(&scene, ++i));
	step(&scene);
	assert_int_equal(scene.page->slow[i].number, i + 1);
	end(&scene);
}

/* Many in all the time, none of which is slow. */
static void quick_handlers_are_not_found(void **state)
{
	uint64_t until_ns = clock_now_ns() + 500 * MS;
	struct scene scene;

	(void)state;
	begin(&scene);
	slow_watch_set_limit(scene.watch, 10 * CLOCK_SECOND_NS);
	while (clock_now_ns() < until_ns) {
		step(&scene);
		rest(MS);
	}
	assert_int_equal(number(&scene, 0), 0);
	end(&scene);
}

static void limit_of_zero_watches_nothing(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	slow_watch_set_limit(scene.watch, 0);
	step(&scene);
	rest(300 * MS);
	assert_int_equal(number(&scene, 0), 0);
	/* until it is set */
	slow_watch_set_limit(scene.watch, LIMIT_NS);
	assert_true(spin(&scene, 0));
	end(&scene);
}

static void watch_sleeps_while_no_handler_runs(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	for (int round = 0; round < 3; round++) {
		for (int n = 0; n < 10000 && !*slow_watch_sleeps(scene.watch); n++)
			rest(MS);
		assert_true(*slow_watch_sleeps(scene.watch));
		assert_true(spin_in_a_handler(&scene, (unsigned)round));
		assert_false(*slow_watch_sleeps(scene.watch));
		step(&scene);
	}
	end(&scene);
}

/* Then it is known who, if not where. */
static void handler_that_blocks_the_signal_is_found_all_the_same(void **state)
{
	struct scene scene;
	sigset_t urgent;

	(void)state;
	begin(&scene);
	sigemptyset(&urgent);
	sigaddset(&urgent, SIGURG);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &urgent, NULL), 0);
	assert_true(spin_in_a_handler(&scene, 0));
	assert_int_equal(scene.page->slow[0].n_frames, 0);
	assert_int_equal(scene.page->slow[0].thread.version, 7);
	step(&scene);
	wait_for_end(&scene, 0);
	/* what was sent then comes now, and says nothing */
	assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &urgent, NULL), 0);
	assert_true(has_frame(&scene.page->slow[spin_until_traced(&scene, 1)],
			      "spin_in_a_handler"));
	end(&scene);
}

static void what_the_host_does_for_itself_is_no_handler(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	step_of(&scene, PAGE_DOING_LOAD);
	rest(300 * MS);
	assert_int_equal(number(&scene, 0), 0);
	end(&scene);
}

/* Somebody else's, from the kernel or another process. */
static void foreign_signals_are_none_of_ours(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	step(&scene);
	for (int i = 0; i < 100; i++) {
		errno = ENOTTY;
		assert_int_equal(raise(SIGURG), 0);
		assert_int_equal(errno, ENOTTY);
	}
	assert_true(spin(&scene, 0));
	end(&scene);
	/* and ends with the watch */
	assert_int_equal(raise(SIGURG), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_handler_is_found_with_its_backtrace),
		cmocka_unit_test(quick_handlers_are_not_found),
		cmocka_unit_test(limit_of_zero_watches_nothing),
		cmocka_unit_test(watch_sleeps_while_no_handler_runs),
		cmocka_unit_test(handler_that_blocks_the_signal_is_found_all_the_same),
		cmocka_unit_test(what_the_host_does_for_itself_is_no_handler),
		cmocka_unit_test(foreign_signals_are_none_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
