/* test_launcher.c - what a forked worker inherits and what it does not, and what is reported of
 * it. Time is simulated, the processes are not. */
#include "process/launcher.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "tests/unit/sim/sim.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "rlimits.h"

/* A program in the worker's place, that writes down what it finds. */
struct stand_in {
	char directory[64], program[96], report[96];
};

static int make_stand_in(void **state)
{
	struct stand_in *in = calloc(1, sizeof(*in));
	FILE *file;

	strcpy(in->directory, "/tmp/troupe-launcher-XXXXXX");
	assert_non_null(mkdtemp(in->directory));
	(void)snprintf(in->program, sizeof(in->program), "%s/program", in->directory);
	(void)snprintf(in->report, sizeof(in->report), "%s/report", in->directory);
	file = fopen(in->program, "we");
	assert_non_null(file);
	(void)fprintf(
		file,
		"#!/bin/sh\n"
		"{ for fd in /proc/$$/fd/*; do echo \"fd ${fd##*/} $(readlink $fd)\"; done\n"
		"env\n"
		"echo \"$@\"\n"
		"while read -r line; do case $line in Sig*|CapAmb*) echo \"$line\";; esac; "
		"done < "
		"/proc/self/status\n"
		"read -r pid name state parent group session rest < /proc/$$/stat\n"
		"[ $pid = $session ] && echo own session\n"
		"} > %s.new 2> /dev/null\n"
		"mv %s.new %s\n"
		"exit 7\n",
		in->report, in->report, in->report);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(in->program, 0755), 0);
	*state = in;
	return 0;
}

static int remove_stand_in(void **state)
{
	struct stand_in *in = *state;

	(void)unlink(in->report);
	(void)unlink(in->program);
	(void)rmdir(in->directory);
	free(in);
	return 0;
}

/* One launch, and what was reported of it. */
struct watched {
	struct loop *loop;
	struct launcher launcher;
	struct launch *launch;
	pid_t pid;
	int channel, error;
	unsigned n_launched, n_failed, n_ended;
	struct launch_end end;
};

static void on_launched(void *context, pid_t pid, int channel)
{
	struct watched *watched = context;

	watched->n_launched++;
	watched->pid = pid;
	watched->channel = channel;
}

static void on_failed(void *context, int error)
{
	struct watched *watched = context;

	watched->n_failed++;
	watched->error = error;
}

static void on_end(void *context, const struct launch_end *end)
{
	struct watched *watched = context;

	watched->n_ended++;
	watched->end = *end;
}

static const struct launch_events events = {on_launched, on_failed, on_end};

/* Ask for a process; nothing of it is reported before the loop runs. */
static void ask(struct watched *watched, const char *program)
{
	struct launch request = {.process = {0, 1, 1}, .events = &events, .context = watched};

	*watched = (struct watched){.channel = -1};
	assert_int_equal(loop_new(&watched->loop), 0);
	sim_poll(watched->loop, true);
	assert_int_equal(launcher_fork_new(watched->loop, program, &watched->launcher), 0);
	assert_int_equal(launcher_launch(&watched->launcher, &request, &watched->launch), 0);
	assert_int_equal(watched->n_launched + watched->n_failed, 0);
}

static void step(struct watched *watched)
{
	loop_step(watched->loop, false);
	(void)poll(NULL, 0, 1);
}

static void wait_launched(struct watched *watched)
{
	for (unsigned i = 0; i < 20000 && watched->n_launched == 0; i++)
		step(watched);
	assert_int_equal(watched->n_launched, 1);
}

static void wait_end(struct watched *watched)
{
	for (unsigned i = 0; i < 20000 && watched->n_ended == 0; i++)
		step(watched);
	assert_int_equal(watched->n_ended, 1);
}

static void release(struct watched *watched)
{
	launcher_release(&watched->launcher, &watched->launch);
	assert_null(watched->launch);
	launcher_free(&watched->launcher);
	loop_free(watched->loop);
	if (watched->channel >= 0)
		close(watched->channel);
}

static void write_program(const struct stand_in *in, const char *text)
{
	FILE *file = fopen(in->program, "we");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
}

/* What AmbientCapabilities= of a service does, for who may; for others there is nothing. */
static void raise_ambient(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	data[0].inheritable |= data[0].permitted & 1u << CAP_NET_BIND_SERVICE;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
}

/* Bits of the signals that the C library keeps to itself (32 and 33): it lets nobody set them,
 * and some programs start others with these ignored. */
#define LIBC_SIGNALS (3ull << 31)

static void launcher_gives_a_worker_its_channel_and_nothing_else(void **state)
{
	const struct stand_in *in = *state;
	struct watched watched;
	cleanup_free char *report = NULL;
	/* Neither close-on-exec nor expected by anybody. */
	cleanup_close int stray = open("/dev/zero", O_RDONLY);
	sigset_t usr1;
	const char *ignored;
	size_t size;

	assert_true(stray >= 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", "/x", 1), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "1", 1), 0);
	assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
	assert_int_equal(setenv("TROUPE_TEST_KEPT", "yes", 1), 0);
	ask(&watched, in->program);
	raise_ambient();
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	wait_launched(&watched);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &usr1, NULL), 0);
	wait_end(&watched);
	assert_int_equal(watched.end.cause, LAUNCH_EXITED);
	assert_int_equal(watched.end.number, 7);
	assert_int_equal(io_file_read(AT_FDCWD, in->report, 1 << 20, &report, &size), 0);
	assert_non_null(strstr(report, "fd 0 /dev/null\n"));
	assert_non_null(strstr(report, "--channel=3\n"));
	assert_non_null(strstr(report, "fd 3 socket:"));
	assert_null(strstr(report, "/dev/zero"));
	assert_null(strstr(report, "pidfd"));
	assert_null(strstr(report, "NOTIFY_SOCKET"));
	assert_null(strstr(report, "WATCHDOG_USEC"));
	assert_null(strstr(report, "LISTEN_FDS"));
	assert_non_null(strstr(report, "TROUPE_TEST_KEPT=yes"));
	assert_non_null(strstr(report, "own session"));
	assert_non_null(strstr(report, "CapAmb:\t0000000000000000"));
	assert_non_null(strstr(report, "SigBlk:\t0000000000000000"));
	ignored = strstr(report, "SigIgn:\t");
	assert_non_null(ignored);
	assert_int_equal(strtoull(ignored + strlen("SigIgn:\t"), NULL, 16) & ~LIBC_SIGNALS, 0);
	release(&watched);
}

static void launcher_is_refused_when_there_is_no_program(void **state)
{
	struct launcher launcher = {0};

	(void)state;
	assert_int_equal(launcher_fork_new(NULL, "/nonexistent/troupe-worker", &launcher),
			 -ENOENT);
	launcher_free(&launcher);
}

static void launcher_reports_that_the_program_went_away(void **state)
{
	const struct stand_in *in = *state;
	struct watched watched;

	ask(&watched, in->program);
	assert_int_equal(unlink(in->program), 0);
	for (unsigned i = 0; i < 20000 && watched.n_failed == 0; i++)
		step(&watched);
	assert_int_equal(watched.error, -ENOENT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child was left behind */
	for (unsigned i = 0; i < 20; i++)
		step(&watched);
	assert_int_equal(watched.n_failed, 1);
	assert_int_equal(watched.n_launched + watched.n_ended, 0);
	release(&watched);
}

/* A pair for the channel, and one for the end of the child. */
static void launcher_reports_that_there_are_too_few_descriptors(void **state)
{
	const struct stand_in *in = *state;
	struct watched watched;
	rlim_t before;

	write_program(in, "#!/bin/sh\nexit 0\n");
	for (unsigned n = 0; n <= 3; n++) {
		ask(&watched, in->program);
		before = lower_limit(RLIMIT_NOFILE, limit_of_free(n));
		for (unsigned i = 0; i < 20000 && watched.n_failed + watched.n_launched == 0;
		     i++)
			step(&watched);
		lower_limit(RLIMIT_NOFILE, before);
		assert_int_equal(watched.n_failed, n < 3);
		if (n < 3) {
			assert_int_equal(watched.error, -EMFILE);
			assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		} else {
			wait_end(&watched);
		}
		release(&watched);
	}
}

static void launcher_never_launches_what_was_released_before(void **state)
{
	const struct stand_in *in = *state;
	struct watched watched;

	ask(&watched, in->program);
	launcher_release(&watched.launcher, &watched.launch);
	for (unsigned i = 0; i < 20; i++)
		step(&watched);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(watched.n_launched + watched.n_failed, 0);
	release(&watched);
}

static void launcher_reports_the_signal_that_it_has_sent(void **state)
{
	const struct stand_in *in = *state;
	struct watched watched;

	write_program(in, "#!/bin/sh\nexec sleep 60\n");
	ask(&watched, in->program);
	launcher_kill(&watched.launcher, watched.launch, SIGKILL); /* there is nothing yet */
	wait_launched(&watched);
	launcher_kill(&watched.launcher, watched.launch, SIGABRT);
	wait_end(&watched);
	assert_int_equal(watched.end.cause, LAUNCH_SIGNALED);
	assert_int_equal(watched.end.number, SIGABRT);
	launcher_kill(&watched.launcher, watched.launch, SIGKILL);
	release(&watched);
}

static void launcher_kills_what_is_released_and_reports_nothing(void **state)
{
	const struct stand_in *in = *state;
	struct watched watched;

	write_program(in, "#!/bin/sh\nexec sleep 60\n");
	ask(&watched, in->program);
	wait_launched(&watched);
	launcher_release(&watched.launcher, &watched.launch);
	/* The reaper collects it, which looks now and then. */
	for (unsigned i = 0; i < 20000 && kill(watched.pid, 0) == 0; i++) {
		sim_advance(watched.loop, CLOCK_SECOND_NS);
		step(&watched);
	}
	assert_int_equal(kill(watched.pid, 0), -1);
	assert_int_equal(watched.n_ended, 0);
	release(&watched);
}

/* Another has taken its status; nobody can have it twice. */
static void launcher_reports_an_end_whose_cause_it_does_not_know(void **state)
{
	const struct stand_in *in = *state;
	struct watched watched;
	siginfo_t end;

	ask(&watched, in->program);
	wait_launched(&watched);
	assert_int_equal(waitid(P_PID, (id_t)watched.pid, &end, WEXITED), 0);
	wait_end(&watched);
	assert_int_equal(watched.end.cause, LAUNCH_UNKNOWN);
	release(&watched);
}

static void launcher_kills_workers_when_their_master_dies(void **state)
{
	const struct stand_in *in = *state;
	struct watched watched;
	siginfo_t end;
	int report[2];
	pid_t master, worker = 0;
	struct pollfd wait;

	write_program(in, "#!/bin/sh\nexec sleep 60\n");
	assert_int_equal(pipe(report), 0);
	master = fork();
	if (master == 0) {
		ask(&watched, in->program);
		wait_launched(&watched);
		(void)!write(report[1], &watched.pid, sizeof(watched.pid));
		for (;;)
			pause();
	}
	close(report[1]);
	assert_int_equal(read(report[0], &worker, sizeof(worker)), sizeof(worker));
	/* The worker may be anybody's child soon, so its end is only to be seen. */
	wait = (struct pollfd){.fd = pidfd_open(worker, 0), .events = POLLIN};
	assert_true(wait.fd >= 0);
	assert_int_equal(kill(master, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)master, &end, WEXITED), 0);
	assert_int_equal(poll(&wait, 1, 60000), 1);
	close(wait.fd);
	close(report[0]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_stand_in, remove_stand_in)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(launcher_gives_a_worker_its_channel_and_nothing_else),
		cmocka_unit_test(launcher_is_refused_when_there_is_no_program),
		TEST(launcher_reports_that_the_program_went_away),
		TEST(launcher_reports_that_there_are_too_few_descriptors),
		TEST(launcher_never_launches_what_was_released_before),
		TEST(launcher_reports_the_signal_that_it_has_sent),
		TEST(launcher_kills_what_is_released_and_reports_nothing),
		TEST(launcher_reports_an_end_whose_cause_it_does_not_know),
		TEST(launcher_kills_workers_when_their_master_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
