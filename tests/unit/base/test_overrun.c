/* The thread that looks at the clock for another. */
#include "base/clock.h"
#include "base/loop.h"
#include "base/overrun.h"
#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_NS (60 * CLOCK_SECOND_NS)

struct fixture {
	struct loop *loop;
	struct overrun *overrun;
	_Atomic uint64_t word;
};

static void begin(struct fixture *fixture)
{
	*fixture = (struct fixture){.word = 7};
	assert_int_equal(loop_new(&fixture->loop), 0);
	assert_int_equal(overrun_new(fixture->loop, &fixture->word, &fixture->overrun), 0);
}

static void finish(struct fixture *fixture)
{
	overrun_free(fixture->overrun);
	loop_free(fixture->loop);
}

static bool becomes_zero(const struct fixture *fixture)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

	while (atomic_load(&fixture->word) != 0 && clock_now_ns() < until_ns)
		sched_yield();
	return atomic_load(&fixture->word) == 0;
}

static void stretch_that_lasts_too_long_is_noticed_again_and_again(void **state)
{
	struct fixture fixture;
	uint64_t due_ns;

	(void)state;
	for (int i = 0; i < 20; i++) {
		begin(&fixture);
		due_ns = clock_now_ns() + CLOCK_MS_NS;
		overrun_begin(fixture.overrun, due_ns);
		assert_true(becomes_zero(&fixture));
		assert_true(clock_now_ns() >= due_ns);
		/* who has set it to something else meanwhile is told once more */
		atomic_store(&fixture.word, 7);
		assert_true(becomes_zero(&fixture));
		overrun_end(fixture.overrun);
		/* the next is noticed likewise, but the end of this may be seen late */
		atomic_store(&fixture.word, 7);
		overrun_begin(fixture.overrun, clock_now_ns() + CLOCK_MS_NS);
		assert_true(becomes_zero(&fixture));
		atomic_store(&fixture.word, 7);
		assert_true(becomes_zero(&fixture));
		finish(&fixture);
	}
}

static void stretch_that_is_over_in_time_is_not(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	for (int i = 0; i < 1000; i++) {
		overrun_begin(fixture.overrun, clock_now_ns() + 3600 * CLOCK_SECOND_NS);
		overrun_end(fixture.overrun);
	}
	overrun_begin(fixture.overrun, clock_now_ns() + 3600 * CLOCK_SECOND_NS);
	finish(&fixture); /* in the middle of one, too */
	assert_int_equal(fixture.word, 7);
}

/* The id of the newest thread that is called "overrun": one that has been joined may be listed
 * for a moment longer. */
static long find_thread(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	long found = 0;

	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		char path[300], name[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && strcmp(name, "overrun\n") == 0)
			found = atol(entry->d_name);
		fclose(file);
	}
	closedir(tasks);
	return found;
}

/* A line of the thread's status, as a number of that base. */
static unsigned long long read_status(long thread, const char *key, int base)
{
	char path[64], line[256];
	unsigned long long value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/status", thread);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoull(line + strlen(key), NULL, base);
	fclose(file);
	return value;
}

static unsigned long long count_wakeups(long thread)
{
	return read_status(thread, "voluntary_ctxt_switches:", 10);
}

static void thread_sleeps_while_no_stretch_is_under_way(void **state)
{
	struct fixture fixture;
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;
	unsigned long long before;
	long thread;

	(void)state;
	begin(&fixture);
	overrun_begin(fixture.overrun, clock_now_ns());
	assert_true(becomes_zero(&fixture));
	overrun_end(fixture.overrun);
	thread = find_thread();
	assert_true(thread > 0);
	/* as soon as it has seen the end, which may be late, it sleeps for good */
	do {
		before = count_wakeups(thread);
		usleep(200000);
	} while (count_wakeups(thread) != before && clock_now_ns() < until_ns);
	assert_true(clock_now_ns() < until_ns);
	finish(&fixture);
}

static void thread_takes_no_signals_but_its_own_faults(void **state)
{
	const int blocked[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE, SIGALRM, SIGUSR1};
	const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	struct fixture fixture;
	unsigned long long mask;
	sigset_t ours;
	long thread;

	(void)state;
	begin(&fixture);
	/* While it comes into being, the C library blocks more. */
	overrun_begin(fixture.overrun, clock_now_ns());
	assert_true(becomes_zero(&fixture));
	overrun_end(fixture.overrun);
	thread = find_thread();
	assert_true(thread > 0);
	mask = read_status(thread, "SigBlk:", 16);
	for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++)
		assert_true(mask >> (blocked[i] - 1) & 1);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		assert_false(mask >> (open[i] - 1) & 1);
	/* and ours are as they were */
	pthread_sigmask(SIG_SETMASK, NULL, &ours);
	assert_false(sigismember(&ours, SIGTERM));
	finish(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stretch_that_lasts_too_long_is_noticed_again_and_again),
		cmocka_unit_test(stretch_that_is_over_in_time_is_not),
		cmocka_unit_test(thread_sleeps_while_no_stretch_is_under_way),
		cmocka_unit_test(thread_takes_no_signals_but_its_own_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
