/* test_program.c - trouped itself: its options, what it prints and the status it ends with. */
#include "base/cleanup.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGUMENTS 8

struct place {
	char directory[64], socket[80], build[512];
	FILE *output; /* of trouped, both descriptors */
	char text[1 << 16];
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	ssize_t n;

	assert_non_null(place);
	strcpy(place->directory, "/tmp/troupe-program-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	(void)snprintf(place->socket, sizeof(place->socket), "%s/s", place->directory);
	/* BUILD/tests/unit/trouped/test_x */
	n = readlink("/proc/self/exe", place->build, sizeof(place->build) - 1);
	assert_in_range(n, 1, sizeof(place->build) - 2);
	for (int i = 0; i < 4; i++)
		*strrchr(place->build, '/') = '\0';
	place->output = tmpfile();
	assert_non_null(place->output);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	char command[128];

	(void)fclose(place->output);
	(void)snprintf(command, sizeof(command), "rm -r %s", place->directory);
	assert_int_equal(system(command), 0);
	free(place);
	return 0;
}

/* A file of the configuration; %s in the text stands for the build directory. */
__attribute__((format(printf, 3, 0))) static void write_file(const struct place *place,
							     const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", place->directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fprintf(file, text, place->build) > 0);
	assert_int_equal(fclose(file), 0);
}

/* Start it with the arguments, up to NULL. handed: a descriptor that is handed in as a service
 * manager does; -1: none. */
static pid_t start_with(const struct place *place, const char *const *arguments, int handed)
{
	char path[600], *all[ARGUMENTS + 2] = {path};
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/trouped", place->build);
	for (size_t i = 0; arguments[i]; i++)
		all[i + 1] = (char *)(uintptr_t)arguments[i];
	assert_int_equal(ftruncate(fileno(place->output), 0), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60); /* whatever happens to the test */
		/* One that is no service, and whose output grows at its end. */
		unsetenv("NOTIFY_SOCKET");
		unsetenv("LISTEN_PID");
		if (handed >= 0) {
			char pid_text[16];

			(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)getpid());
			setenv("LISTEN_PID", pid_text, 1);
			setenv("LISTEN_FDS", "1", 1);
		}
		setenv("XDG_RUNTIME_DIR", place->directory, 0);
		lseek(fileno(place->output), 0, SEEK_SET);
		dup2(fileno(place->output), STDOUT_FILENO);
		dup2(fileno(place->output), STDERR_FILENO);
		if (handed >= 0)
			dup2(handed, STDERR_FILENO + 1);
		execv(path, all);
		_exit(127);
	}
	return pid;
}

static pid_t start(const struct place *place, const char *const *arguments)
{
	return start_with(place, arguments, -1);
}

static int wait_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What it has printed. */
static const char *read_output(struct place *place)
{
	ssize_t n = pread(fileno(place->output), place->text, sizeof(place->text) - 1, 0);

	place->text[n > 0 ? n : 0] = '\0';
	return place->text;
}

static void expect(struct place *place, const char *piece)
{
	if (!strstr(read_output(place), piece))
		fail_msg("no \"%s\" in: %s", piece, place->text);
}

#define RUN(place, ...)                                                                        \
	wait_status(start(place, (const char *const[ARGUMENTS + 1]){__VA_ARGS__, NULL}))
#define CHECK(place) RUN(place, "--config", (place)->directory, "--check")

static void usage_and_version_are_printed(void **state)
{
	struct place *place = *state;

	assert_int_equal(RUN(place, "--help"), 0);
	expect(place, "Usage: trouped [OPTION]...\n");
	expect(place, "\n  --config DIR ");
	assert_int_equal(RUN(place, "--version"), 0);
	assert_int_equal(strncmp(read_output(place), "trouped ", 8), 0);
}

static void wrong_usage_has_a_status_of_its_own(void **state)
{
	struct place *place = *state;

	assert_int_equal(RUN(place, "--nonsense"), 2);
	expect(place, "Try 'trouped --help'.\n");
	assert_int_equal(RUN(place, "--check", "extra"), 2);
	expect(place, "unexpected argument 'extra'\n");
	assert_int_equal(RUN(place, "--instance", "-x"), 2);
	expect(place, "--instance -x: a name has letters, digits");
	assert_int_equal(RUN(place, "--instance", "a/b"), 2);
}

static void check_prints_what_was_read_when_all_is_well(void **state)
{
	struct place *place = *state;
	char wanted[128];

	write_file(place, "trouped.conf", "[Daemon]\nWorkers=1\n");
	write_file(place, "a.actor", "[Actor]\nPlugin=%s/test-plugins/slow.so\nDefault=yes\n");
	assert_int_equal(CHECK(place), 0);
	(void)snprintf(wanted, sizeof(wanted), "no problems in 1 unit of %s\n",
		       place->directory);
	assert_string_equal(read_output(place), wanted);
	write_file(place, "b.actor", "[Actor]\nPlugin=%s/test-plugins/slow.so\n");
	assert_int_equal(CHECK(place), 0);
	expect(place, "no problems in 2 units of ");
}

static void check_finds_what_a_start_would(void **state)
{
	struct place *place = *state;

	write_file(place, "trouped.conf", "[Daemon]\nWorkers=1\n");
	write_file(place, "a.actor", "[Actor]\nPlugin=/nowhere.so\n");
	write_file(place, "b.actor",
		   "[Actor]\nPlugin=%s/test-plugins/slow_life.so\n[Config]\ninitMs=soon\n");
	write_file(place, "c.actor", "[Actor]\nPlugin=%s/test-plugins/slow.so\nDefault=yes\n");
	write_file(place, "d.actor", "[Actor]\nPlugin=%s/test-plugins/slow.so\nDefault=yes\n");
	write_file(place, "e.actor", "[Actor]\nPlugin=%s/test-plugins/slow.so\nType=fast\n");
	write_file(place, "f.actor",
		   "[Actor]\nPlugin=%s/test-plugins/slow.so\nStartLimitBurst=3\n");
	assert_int_equal(CHECK(place), 1);
	expect(place, "/a.actor:2: Plugin=/nowhere.so: No such file");
	expect(place, "/b.actor:4: initMs=soon: must be a whole number");
	expect(place, "Default=yes: unit c is the default for io.troupe.test.slow already");
	expect(place, "slow.so has no actor type fast, but slow");
	/* A warning is no problem. */
	expect(place, "\nwarning: ");
	assert_null(strstr(place->text, "no problems"));
	write_file(place, "trouped.conf", "[Daemon]\nWorkers=many\n");
	assert_int_equal(CHECK(place), 1);
	expect(place, "/trouped.conf:2: Workers=many: must be a number");
	expect(place, "units are checked when this file is right");
	assert_null(strstr(place->text, "a.actor"));
	assert_int_equal(RUN(place, "--config", place->socket, "--check"), 1);
	expect(place, "/s: there is no such directory");
}

/* Wait until it has printed the text. */
static void await(struct place *place, const char *piece)
{
	for (unsigned i = 0; i < 12000 && !strstr(read_output(place), piece); i++)
		usleep(5000);
	expect(place, piece);
}

static void daemon_reloads_and_stops_in_order_by_signals(void **state)
{
	struct place *place = *state;
	const char *const arguments[] = {"--config", place->directory, "--socket",
					 place->socket, NULL};
	pid_t pid;

	write_file(place, "trouped.conf", "[Daemon]\nWorkers=1\n");
	write_file(place, "a.actor", "[Actor]\nPlugin=%s/test-plugins/slow.so\n");
	pid = start(place, arguments);
	await(place, "ready: 1 of 1 workers run, 1 of 1 units ok");
	assert_int_equal(access(place->socket, F_OK), 0);
	write_file(place, "bad.actor", "[Actor]\nPlugin=/nowhere.so\n");
	assert_int_equal(kill(pid, SIGHUP), 0);
	await(place, "/bad.actor:2: ");
	/* What means nothing to it does not end it. */
	assert_int_equal(kill(pid, SIGUSR1), 0);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(wait_status(pid), 0);
	assert_int_equal(access(place->socket, F_OK), -1);
}

/* Before its loop runs, that is: while it prints something that does not fit into a pipe. */
static void hangup_in_its_first_moments_does_not_end_it(void **state)
{
	const struct place *place = *state;
	char path[600], name[65536], option[] = "--instance",
				     *arguments[] = {path, option, name, NULL};
	int ends[2];
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/trouped", place->build);
	memset(name, '/', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		(void)signal(SIGHUP, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		execv(path, arguments);
		_exit(127);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], name, 1), 1);
	assert_int_equal(kill(pid, SIGHUP), 0);
	while (read(ends[0], name, sizeof(name)) > 0)
		;
	assert_int_equal(wait_status(pid), 2);
	close(ends[0]);
}

#define START(place, path) RUN(place, "--config", (place)->directory, "--socket", path)

static void daemon_that_cannot_start_says_why(void **state)
{
	struct place *place = *state;
	char path[256], text[256];

	write_file(place, "trouped.conf", "[Daemon]\nWorkers=many\n");
	assert_int_equal(START(place, place->socket), 1);
	expect(place, "Workers=many: must be a number");
	write_file(place, "trouped.conf", "[Daemon]\nWorkers=1\n");
	assert_int_equal(START(place, "/dev/null/s"), 1);
	expect(place, "/dev/null/s: cannot listen: Not a directory");
	(void)snprintf(path, sizeof(path), "%s/%0100d", place->directory, 0);
	assert_int_equal(START(place, path), 1);
	expect(place, "the path of the control socket has 1");
	(void)snprintf(path, sizeof(path), "%s/trouped.conf", place->directory);
	assert_int_equal(START(place, path), 1);
	expect(place, "/trouped.conf: there is something that is not a socket");
	write_file(place, "trouped.conf", "[Daemon]\nWorkers=1\nRuntimeDirectory=/dev/null\n");
	assert_int_equal(START(place, place->socket), 1);
	expect(place, "cannot make a directory in RuntimeDirectory=/dev/null: ");
	(void)snprintf(text, sizeof(text), "[Daemon]\nRuntimeDirectory=/tmp/%0100d\n", 0);
	write_file(place, "trouped.conf", text);
	assert_int_equal(START(place, place->socket), 1);
	expect(place, "the path has 105 bytes, at most 70 are possible");
}

static int listen_there(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_in_range(strlen(path), 1, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void second_daemon_does_not_take_the_socket(void **state)
{
	struct place *place = *state;
	int fd = listen_there(place->socket);

	write_file(place, "trouped.conf", "[Daemon]\nWorkers=1\n");
	assert_int_equal(START(place, place->socket), 1);
	expect(place, "/s: another daemon listens there; stop it, or choose another path");
	close(fd);
}

/* As systemd does it; the file is not ours to remove then. */
static void socket_that_was_handed_in_is_listened_at(void **state)
{
	struct place *place = *state;
	const char *const arguments[] = {"--config", place->directory, NULL};
	static const char ask[] = "{\"method\":\"org.varlink.service.GetInfo\"}";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char answer[4096] = "";
	int ends[2], fd, client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	write_file(place, "trouped.conf", "[Daemon]\nWorkers=1\n");
	fd = listen_there(place->socket);
	pid = start_with(place, arguments, fd);
	close(fd);
	await(place, "ready: 1 of 1 workers run");
	strcpy(address.sun_path, place->socket);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(client, ask, sizeof(ask)), sizeof(ask));
	assert_true(read(client, answer, sizeof(answer) - 1) > 0);
	assert_non_null(strstr(answer, "io.troupe.Control"));
	close(client);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(wait_status(pid), 0);
	assert_int_equal(access(place->socket, F_OK), 0);
	/* What is handed in must be that. */
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(wait_status(start_with(place, arguments, ends[0])), 1);
	expect(place, "the socket that was handed in as \"unknown\" is no control socket");
	close(ends[0]);
	close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(usage_and_version_are_printed),
		TEST(wrong_usage_has_a_status_of_its_own),
		TEST(check_prints_what_was_read_when_all_is_well),
		TEST(check_finds_what_a_start_would),
		TEST(daemon_reloads_and_stops_in_order_by_signals),
		TEST(hangup_in_its_first_moments_does_not_end_it),
		TEST(daemon_that_cannot_start_says_why),
		TEST(second_daemon_does_not_take_the_socket),
		TEST(socket_that_was_handed_in_is_listened_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
