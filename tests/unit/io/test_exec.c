/* Programs: with what they begin, and how it shows that they cannot. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "descriptors.h"
#include "io/exec.h"

#define IN_TIME_MS 20000

struct begun {
	struct exec *exec;
	pid_t pid;
	int pidfd, report;
};

static void wait_readable(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&look, 1, IN_TIME_MS), 1);
}

/* What became of it; a process that has failed is reaped. */
static int outcome_of(struct begun *begun)
{
	int rc;

	wait_readable(begun->report);
	rc = exec_outcome(begun->report);
	close(begun->report);
	if (rc == 0)
		exec_free(begun->exec);
	return rc;
}

static int reap(struct begun *begun)
{
	siginfo_t end = {0};

	wait_readable(begun->pidfd);
	assert_int_equal(waitid(P_PIDFD, (id_t)begun->pidfd, &end, WEXITED), 0);
	close(begun->pidfd);
	return end.si_code == CLD_EXITED ? end.si_status : -end.si_status;
}

static int start_with(const struct exec_plan *plan, struct begun *begun)
{
	return exec_start(plan, &begun->exec, &begun->pid, &begun->pidfd, &begun->report);
}

static const char *const standard[] = {"PATH=/nowhere:/usr/bin:/bin", "WORD=bond", NULL};

/* Run it to its end: all that it writes. */
static int run_plan(struct exec_plan *plan, char *output, size_t size)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int ends[2];
	struct begun begun;
	size_t used = 0;
	ssize_t n;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	plan->fds[0] = null;
	plan->fds[1] = plan->fds[2] = ends[1];
	assert_int_equal(start_with(plan, &begun), 0);
	close(ends[1]);
	assert_int_equal(outcome_of(&begun), 0);
	while ((n = read(ends[0], output + used, size - 1 - used)) > 0)
		used += (size_t)n;
	output[used] = '\0';
	close(ends[0]);
	return reap(&begun);
}

static int run_shell(const char *script, char *output, size_t size)
{
	const char *const arguments[] = {"sh", "-c", script, NULL};
	struct exec_plan plan = {.arguments = arguments, .environment = standard};

	return run_plan(&plan, output, size);
}

static void program_begins_with_what_the_plan_says(void **state)
{
	const char *const arguments[] = {
		"sh", "-c", "echo $WORD $1 $#; pwd; exit 7", "zero", "one two", "", NULL};
	struct exec_plan plan = {
		.arguments = arguments, .environment = standard, .directory = "/usr"};
	char output[256];

	(void)state;
	assert_int_equal(run_plan(&plan, output, sizeof(output)), 7);
	assert_string_equal(output, "bond one two 2\n/usr\n");
}

/* Why it cannot begin; then there is nothing left of it. */
static int refusal_of(const char *program, const char *const *environment,
		      const char *directory)
{
	const char *const arguments[] = {program, NULL};
	const struct exec_plan plan = {.arguments = arguments,
				       .environment = environment,
				       .directory = directory,
				       .fds = {0, 1, 2}};
	struct begun begun;
	int rc;

	assert_int_equal(start_with(&plan, &begun), 0);
	rc = outcome_of(&begun);
	assert_int_equal(reap(&begun), rc == 0 ? 0 : 127);
	if (rc < 0)
		exec_free(begun.exec);
	return rc;
}

static void program_that_cannot_begin_says_why(void **state)
{
	static const char *const none[] = {NULL};
	char path[] = "/tmp/test_exec.XXXXXX", place[64];
	const char *const there[] = {place, NULL};
	cleanup_close int fd = mkstemp(path);

	(void)state;
	assert_int_equal(refusal_of("/no/such/program", standard, NULL), -ENOENT);
	assert_int_equal(refusal_of("no-such-program", standard, NULL), -ENOENT);
	assert_int_equal(refusal_of("", standard, NULL), -ENOENT);
	assert_int_equal(refusal_of("/etc/passwd/x", standard, NULL), -ENOENT);
	assert_int_equal(refusal_of("true", standard, "/no/such/place"), -ENOENT);
	assert_int_equal(refusal_of("true", standard, "/etc/passwd"), -ENOTDIR);
	assert_int_equal(refusal_of("true", none, NULL), 0); /* the system's own places */

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "rubbish", 7), 7);
	assert_int_equal(refusal_of(path, standard, NULL), -EACCES);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(take_fd(&fd)); /* or it is busy */
	assert_int_equal(refusal_of(path, standard, NULL), -ENOEXEC);
	/* what may not be run does not hide what comes behind it */
	assert_int_equal(chmod(path, 0600), 0);
	snprintf(place, sizeof(place), "PATH=/tmp:/usr/bin");
	assert_int_equal(refusal_of(path + 5, there, NULL), -EACCES);
	assert_int_equal(refusal_of("true", there, NULL), 0);
	unlink(path);
}

static void what_is_too_long_is_refused(void **state)
{
	static char word[EXEC_BYTES_MAX + 1];
	const char *const arguments[] = {"true", word, NULL};
	const struct exec_plan plan = {
		.arguments = arguments, .environment = standard, .fds = {0, 1, 2}};
	struct begun begun;

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	assert_int_equal(start_with(&plan, &begun), -E2BIG);
	word[100000] = '\0';
	assert_int_equal(start_with(&plan, &begun), 0);
	assert_int_equal(outcome_of(&begun), 0);
	assert_int_equal(reap(&begun), 0);
}

/* Descriptors without close-on-exec, a mask, what is ignored, limits. */
static void nothing_is_inherited(void **state)
{
	struct rlimit before, more;
	sigset_t mask;
	char output[512];
	int fd;

	(void)state;
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, 60), 60);
	assert_ptr_not_equal(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	more = before;
	more.rlim_cur = more.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &more), 0);

	assert_int_equal(run_shell("cd /proc/self/fd; echo *", output, sizeof(output)), 0);
	/* the shell's own when it reads the directory */
	assert_true(strcmp(output, "0 1 2 3\n") == 0 || strcmp(output, "0 1 2\n") == 0);
	assert_int_equal(
		run_shell("grep -E 'Sig(Blk|Ign)' /proc/self/status", output, sizeof(output)),
		0);
	assert_string_equal(output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	assert_int_equal(run_shell("ulimit -Sn", output, sizeof(output)), 0);
	assert_true(strtoul(output, NULL, 10) <= 1024);

	/* and nothing of ours was changed */
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	assert_int_equal(sigismember(&mask, SIGUSR1), 1);
	assert_int_equal(sigismember(&mask, SIGUSR2), 0);
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_IGN);
	sigemptyset(&mask);
	assert_int_equal(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	close(fd);
	close(60);
}

/* Each of the three may be where another is to go, or the pipe of the report. */
static void descriptors_may_lie_anywhere(void **state)
{
	const char *const arguments[] = {"sh", "-c", "cat; echo error >&2", NULL};
	struct exec_plan plan = {.arguments = arguments, .environment = standard};
	int in[2], out[2], err[2], kept[3], status;
	struct begun begun;
	char text[32];

	(void)state;
	for (int i = 0; i < 3; i++)
		kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 100);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "input", 5), 5);
	close(in[1]);
	dup2(in[0], 2);
	dup2(out[1], 0);
	dup2(err[1], 1);
	plan.fds[0] = 2;
	plan.fds[1] = 0;
	plan.fds[2] = 1;
	status = start_with(&plan, &begun);
	for (int i = 0; i < 3; i++)
		dup2(kept[i], i);
	assert_int_equal(status, 0);
	close(out[1]);
	close(err[1]);
	assert_int_equal(outcome_of(&begun), 0);
	assert_int_equal(reap(&begun), 0);
	assert_int_equal(read(out[0], text, sizeof(text)), 5);
	assert_memory_equal(text, "input", 5);
	assert_int_equal(read(err[0], text, sizeof(text)), 6);
	close(in[0]);
	close(out[0]);
	close(err[0]);
	for (int i = 0; i < 3; i++)
		close(kept[i]);
}

static void it_leads_a_group_of_its_own(void **state)
{
	char output[64], expected[64];
	int mine = (int)getpgrp();

	(void)state;
	assert_int_equal(
		run_shell("cut -d' ' -f5 /proc/$$/stat; echo $$", output, sizeof(output)), 0);
	snprintf(expected, sizeof(expected), "%ld\n%ld\n", strtol(output, NULL, 10),
		 strtol(output, NULL, 10));
	assert_string_equal(output, expected);
	assert_int_not_equal(strtol(output, NULL, 10), mine);
}

/* Whatever ends the process that has started it. */
static void it_dies_with_who_started_it(void **state)
{
	int ends[2], pidfd, status;
	pid_t parent, child;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		const char *const arguments[] = {"sleep", "1000", NULL};
		const struct exec_plan plan = {
			.arguments = arguments, .environment = standard, .fds = {0, 1, 2}};
		struct begun begun;

		if (start_with(&plan, &begun) < 0 || outcome_of(&begun) < 0 ||
		    write(ends[1], &begun.pid, sizeof(begun.pid)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], &child, sizeof(child)), sizeof(child));
	pidfd = pidfd_open(child, 0);
	assert_true(pidfd >= 0);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	wait_readable(pidfd);
	close(pidfd);
	close(ends[0]);
	close(ends[1]);
}

/* All at once, half of them killed before they may have begun. */
static void many_begin_at_once(void **state)
{
	enum { N = 100 };
	static struct begun begun[N];
	const char *const arguments[] = {"true", NULL};
	const struct exec_plan plan = {
		.arguments = arguments, .environment = standard, .fds = {0, 1, 2}};
	const unsigned fds = descriptors_count();

	(void)state;
	for (int i = 0; i < N; i++) {
		assert_int_equal(start_with(&plan, &begun[i]), 0);
		if (i % 2)
			assert_true(pidfd_send_signal(begun[i].pidfd, SIGKILL, NULL, 0) == 0);
	}
	for (int i = 0; i < N; i++) {
		int rc, status;

		assert_int_equal(outcome_of(&begun[i]), 0);
		status = reap(&begun[i]);
		rc = status == 0 || (i % 2 && status == -SIGKILL);
		assert_true(rc);
	}
	assert_int_equal(descriptors_count(), fds);
}

/* Without a descriptor there is no process; with too few of them for itself it says so. */
static void descriptors_that_run_out_are_an_error(void **state)
{
	struct rlimit before, few;
	int rc, spare = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (rlim_t n = (rlim_t)spare; n < (rlim_t)spare + 10; n++) {
		const char *const arguments[] = {"true", NULL};
		const struct exec_plan plan = {
			.arguments = arguments, .environment = standard, .fds = {0, 1, 2}};
		const unsigned fds = descriptors_count();
		struct begun begun;

		few = before;
		few.rlim_cur = n;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		rc = start_with(&plan, &begun);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		if (rc < 0) {
			assert_int_equal(rc, -EMFILE);
		} else {
			rc = outcome_of(&begun);
			assert_int_equal(reap(&begun), rc < 0 ? 127 : 0);
			if (rc < 0) {
				assert_int_equal(rc, -EMFILE);
				exec_free(begun.exec);
			}
		}
		assert_int_equal(descriptors_count(), fds);
	}
	assert_int_equal(rc, 0); /* in the end there were enough */
	close(spare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_begins_with_what_the_plan_says),
		cmocka_unit_test(program_that_cannot_begin_says_why),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(nothing_is_inherited),
		cmocka_unit_test(descriptors_may_lie_anywhere),
		cmocka_unit_test(it_leads_a_group_of_its_own),
		cmocka_unit_test(it_dies_with_who_started_it),
		cmocka_unit_test(many_begin_at_once),
		cmocka_unit_test(descriptors_that_run_out_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
