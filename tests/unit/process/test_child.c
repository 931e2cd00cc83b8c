/* test_child.c - programs that are started, and that cannot be. */
#include "process/child.h"

#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "rlimits.h"

static char shell[] = "sh", option[] = "-c";

/* What a shell that runs the script would have; output: our end of a pipe. */
struct attempt {
	char *arguments[4], *environment[1];
	struct child_plan plan;
	int output;
};

static void prepare(struct attempt *attempt, char *script)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*attempt = (struct attempt){
		.arguments = {shell, option, script},
		.plan = {.binary = "/bin/sh",
			 .null = open("/dev/null", O_RDWR | O_CLOEXEC),
			 .output = ends[1],
			 .error = -1},
		.output = ends[0],
	};
	attempt->plan.arguments = attempt->arguments;
	attempt->plan.environment = attempt->environment;
	assert_true(attempt->plan.null >= 0);
}

/* Its exit status, and what it has written. */
static int finish(struct attempt *attempt, int pidfd, char *ret_text, size_t size)
{
	siginfo_t end = {0};
	ssize_t n;

	assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &end, WEXITED), 0);
	assert_int_equal(end.si_code, CLD_EXITED);
	close(pidfd);
	close(attempt->plan.output);
	n = read(attempt->output, ret_text, size - 1);
	ret_text[n > 0 ? n : 0] = '\0';
	close(attempt->output);
	close(attempt->plan.null);
	return end.si_status;
}

static void child_finds_its_descriptors_where_they_are_said_to_be(void **state)
{
	char script[] = "read -r a <&3; read -r b <&4; read -r c; echo \"$a.$b.$c\"", text[64];
	struct attempt attempt;
	int one[2], two[2], pidfd;
	pid_t pid;

	(void)state;
	prepare(&attempt, script);
	assert_int_equal(pipe2(one, O_CLOEXEC), 0);
	assert_int_equal(pipe2(two, O_CLOEXEC), 0);
	assert_int_equal(write(one[1], "one\n", 4), 4);
	assert_int_equal(write(two[1], "two\n", 4), 4);
	attempt.plan.fds[0] = one[0];
	attempt.plan.fds[1] = two[0];
	attempt.plan.n_fds = 2;
	assert_int_equal(child_start(&attempt.plan, &pid, &pidfd), 0);
	assert_int_equal(finish(&attempt, pidfd, text, sizeof(text)), 0);
	assert_string_equal(text, "one.two.\n");
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
}

/* With fewer it would take another for the one that it was to have. */
static void child_without_all_of_its_descriptors_runs_nothing(void **state)
{
	char script[] = "echo run", text[64];
	struct attempt attempt;
	int pidfd;
	pid_t pid;

	(void)state;
	prepare(&attempt, script);
	attempt.plan.fds[0] = -1;
	attempt.plan.n_fds = 1;
	assert_int_equal(child_start(&attempt.plan, &pid, &pidfd), 0);
	assert_int_equal(finish(&attempt, pidfd, text, sizeof(text)), 127);
	assert_string_equal(text, "");
	prepare(&attempt, script);
	attempt.plan.error = 1 << 20;
	assert_int_equal(child_start(&attempt.plan, &pid, &pidfd), 0);
	assert_int_equal(finish(&attempt, pidfd, text, sizeof(text)), 127);
	assert_string_equal(text, "");
}

/* A child that nobody could watch. */
static void child_is_not_made_when_there_is_no_descriptor_for_it(void **state)
{
	char script[] = "echo run", text[64];
	struct attempt attempt;
	rlim_t before;
	int pidfd;
	pid_t pid;

	(void)state;
	prepare(&attempt, script);
	before = lower_limit(RLIMIT_NOFILE, limit_of_free(0));
	assert_int_equal(child_start(&attempt.plan, &pid, &pidfd), -EMFILE);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
	/* With one it is. */
	lower_limit(RLIMIT_NOFILE, limit_of_free(1));
	assert_int_equal(child_start(&attempt.plan, &pid, &pidfd), 0);
	lower_limit(RLIMIT_NOFILE, before);
	(void)finish(&attempt, pidfd, text, sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_finds_its_descriptors_where_they_are_said_to_be),
		cmocka_unit_test(child_without_all_of_its_descriptors_runs_nothing),
		cmocka_unit_test(child_is_not_made_when_there_is_no_descriptor_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
