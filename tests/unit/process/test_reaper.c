/* test_reaper.c - exit statuses that come late, and too many of them. */
#include "process/reaper.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "tests/unit/sim/sim.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static pid_t start_child(int *ret_pidfd)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	*ret_pidfd = pidfd_open(pid, 0);
	assert_true(*ret_pidfd >= 0);
	return pid;
}

static void wait_until_empty(struct loop *loop, const struct reaper *reaper)
{
	uint64_t end = clock_now_ns() + 20 * CLOCK_SECOND_NS;

	while (reaper->n > 0) {
		assert_true(clock_now_ns() < end);
		loop_step(loop, true);
	}
}

static void status_is_collected_later_when_there_is_none_yet(void **state)
{
	struct reaper reaper;
	struct loop *loop;
	siginfo_t end;
	int pidfd;
	pid_t pid;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	reaper_init(&reaper, loop);
	pid = start_child(&pidfd);
	assert_false(reaper_collect(pidfd, &end));
	reaper_add(&reaper, pidfd);
	assert_int_equal(reaper.n, 1);
	/* It is looked for once in vain. */
	loop_step(loop, true);
	assert_int_equal(reaper.n, 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	wait_until_empty(loop, &reaper);
	/* No zombie is left. */
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(fcntl(pidfd, F_GETFD), -1);
	reaper_fini(&reaper);
	loop_free(loop);
}

static void status_is_unknown_when_the_process_is_no_child(void **state)
{
	siginfo_t end = {.si_code = 1};
	int pidfd = pidfd_open(getppid(), 0);

	(void)state;
	if (pidfd < 0)
		skip();
	assert_true(reaper_collect(pidfd, &end));
	assert_int_equal(end.si_code, 0);
	close(pidfd);
}

static void process_is_let_go_of_beyond_the_limit(void **state)
{
	struct rlimit before, more;
	struct reaper reaper;
	struct loop *loop;
	siginfo_t end;
	int pidfd;
	pid_t pid;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	more = before;
	more.rlim_cur = LIMIT_UNREAPED + 64;
	if (before.rlim_max < more.rlim_cur)
		skip();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &more), 0);
	assert_int_equal(loop_new(&loop), 0);
	reaper_init(&reaper, loop);
	pid = start_child(&pidfd);
	for (unsigned i = 0; i < LIMIT_UNREAPED; i++)
		reaper_add(&reaper, dup(pidfd));
	assert_int_equal(reaper.n, LIMIT_UNREAPED);
	/* Closed at once. */
	reaper_add(&reaper, pidfd);
	assert_int_equal(reaper.n, LIMIT_UNREAPED);
	assert_true(reaper_collect(pidfd, &end));
	assert_int_equal(kill(pid, SIGKILL), 0);
	wait_until_empty(loop, &reaper);
	reaper_fini(&reaper);
	loop_free(loop);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_collected_later_when_there_is_none_yet),
		cmocka_unit_test(status_is_unknown_when_the_process_is_no_child),
		cmocka_unit_test(process_is_let_go_of_beyond_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
