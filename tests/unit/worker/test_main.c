/* test_main.c - the worker as a process: how it ends, and masters that make mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stage.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void worker_shuts_down_in_order(void **state)
{
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	assert_null(stage_spawn(w, 1, 1));
	call = stage_call(w, slow, "io.troupe.test.slow.Never", "{}", 0, 0);
	stage_tell(w, &worker_shutdown_method, "");
	assert_int_equal(stage_wait_dead(w), 0);
	assert_int_equal(w->endeds, 2);
	assert_int_equal(w->finisheds, 1);
	assert_null(w->failure);
	assert_reply(stage_find_reply(w, call, 0), "io.troupe.Control.ActorDied", NULL);
	stage_end(&s);
}

/* How often it has gone to sleep so far. */
static unsigned long read_sleeps(pid_t pid)
{
	char path[64], line[128];
	unsigned long n = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		(void)sscanf(line, "voluntary_ctxt_switches: %lu", &n);
	(void)fclose(file);
	return n;
}

/* Whatever the master reads late, it reads whole, and the last notice after all else. */
static void worker_ends_when_its_master_has_read_everything(void **state)
{
	enum { CALLS = 200, BYTES = 20000 }; /* twice what a channel's socket holds */
	struct troupe_address echo;
	struct stage_worker *w;
	int64_t calls[CALLS];
	unsigned long sleeps;
	uint64_t handled;
	struct stage s;
	char in[64];

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	handled = w->page->messages + CALLS;
	snprintf(in, sizeof(in), "{\"bytes\":%d}", BYTES);
	for (size_t i = 0; i < CALLS; i++)
		calls[i] = stage_call(w, echo, "io.troupe.test.echo.Big", in, 0, 0);
	for (unsigned i = 0; i < 60000 && w->page->messages < handled; i++)
		usleep(1000);
	stage_tell(w, &worker_shutdown_method, "");
	/* Once more means nothing, and what comes too late is refused. */
	stage_tell(w, &worker_shutdown_method, "");
	stage_tell(w, &worker_spawn_method,
		   &(struct worker_spawn){.request = 1, .version = 1, .instance = 1});
	/* It looks again and again whether we have read it. */
	sleeps = read_sleeps(w->pid) + 10;
	for (unsigned i = 0; i < 2000 && read_sleeps(w->pid) < sleeps; i++)
		usleep(1000);
	assert_int_equal(stage_wait_dead(w), 0);
	for (size_t i = 0; i < CALLS; i++) {
		const struct stage_reply *reply = stage_find_reply(w, calls[i], 0);

		assert_non_null(reply);
		assert_null(reply->error);
		assert_true(strlen(reply->parameters) > BYTES);
	}
	assert_int_equal(w->endeds, 1);
	assert_int_equal(w->spawneds, 2);
	assert_string_equal(w->error, "the worker is shutting down");
	assert_int_equal(w->finisheds, 1);
	assert_null(w->failure);
	stage_end(&s);
}

static void worker_ends_when_the_master_has_gone(void **state)
{
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	stage_cast(w, 1, "echo", "echo", "");
	channel_free(w->channel);
	w->channel = NULL;
	w->is_closed = true;
	assert_int_equal(WEXITSTATUS(stage_wait_dead(w)), 1);
	stage_end(&s);
}

static void worker_does_not_mind_signals_to_its_terminal(void **state)
{
	struct troupe_address echo;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	kill(w->pid, SIGINT);
	kill(w->pid, SIGTERM);
	kill(w->pid, SIGHUP);
	assert_reply(stage_ask(w, echo, "io.troupe.test.echo.Text", "{\"text\":\"a\"}"), NULL,
		     NULL);
	stage_end(&s);
}

static void expect_failure(const void *packet, size_t size, const char *complaint)
{
	cleanup_free char *complaints = NULL;
	struct stage_worker *w;
	struct stage s;
	int fds[2];
	pid_t pid;
	int status = 0;
	char path[300], notice[1024];
	ssize_t n;

	stage_begin(&s);
	w = &s.workers[1];
	w->complaints = memfd_create("complaints", MFD_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	snprintf(path, sizeof(path), "%s/troupe-worker", s.build);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 3);
		dup2(w->complaints, STDERR_FILENO);
		execl(path, path, "--channel=3", NULL);
		_exit(127);
	}
	close(fds[1]);
	assert_int_equal(send(fds[0], packet, size, 0), size);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1);
	complaints = stage_complaints(w);
	if (!strstr(complaints, complaint))
		fail_msg("no \"%s\" in \"%s\"", complaint, complaints);
	/* Its last notice says the same, unless the channel is what failed. */
	n = recv(fds[0], notice, sizeof(notice), MSG_DONTWAIT);
	if (strcmp(complaint, "channel") != 0) {
		assert_true(n > 0);
		assert_memory_equal(notice, &worker_finished_method.in_hash, sizeof(uint64_t));
		assert_non_null(memmem(notice, (size_t)n, complaint, strlen(complaint)));
	}
	close(fds[0]);
	close(w->complaints);
	stage_end(&s);
}

static void worker_ends_over_notices_that_make_no_sense(void **state)
{
	struct {
		uint64_t hash;
		uint32_t size, flags;
		int64_t numbers[8];
	} packet = {0};

	(void)state;
	expect_failure("x", 1, "channel");
	expect_failure(&packet, 16, "channel"); /* an unknown hash */
	packet.hash = worker_inquire_method.in_hash;
	packet.size = 24;
	expect_failure(&packet, 16, "channel");        /* cut */
	expect_failure(&packet, 16 + 24, "not Start"); /* too early */
	packet.hash = worker_start_method.in_hash;
	packet.size = 56;
	packet.numbers[2] = 999; /* an offset out of bounds */
	expect_failure(&packet, 16 + 56, "channel");
	packet.numbers[2] = 56; /* an empty directory; worker 0 */
	packet.size = 57;
	expect_failure(&packet, 16 + 57, "makes no sense");
	packet.numbers[0] = 1ll << 32 | 1 << 16; /* worker 1, incarnation 1 */
	packet.numbers[3] = 7;
	packet.numbers[4] = -1;
	expect_failure(&packet, 16 + 57, "makes no sense");
	packet.numbers[4] = 0;
	expect_failure(&packet, 16 + 57, "status page");
}

/* Start with this file as its status page; the last notice says what is wrong. */
static void expect_refused_page(int page, const char *failure)
{
	struct stage_worker *w;
	struct stage s;

	stage_begin(&s);
	w = stage_launch(&s, 1);
	assert_int_equal(
		channel_send(w->channel, &worker_start_method,
			     &(struct worker_start){.process = {.worker = 1, .incarnation = 1},
						    .directory = s.directory},
			     page),
		0);
	stage_until(&s, w->is_closed || w->readies > 0);
	assert_int_equal(w->readies, 0);
	assert_int_equal(WEXITSTATUS(stage_wait_dead(w)), 1);
	assert_int_equal(w->finisheds, 1);
	assert_string_equal(w->failure, failure);
	stage_end(&s);
}

static void worker_does_not_take_a_status_page_that_is_none(void **state)
{
	cleanup_close int page = memfd_create("page", MFD_CLOEXEC), reading = -1;
	char path[64];

	(void)state;
	/* A later access would be the end of it. */
	assert_int_equal(ftruncate(page, PAGE_BYTES - 1), 0);
	expect_refused_page(page, "status page: Invalid argument");
	assert_int_equal(ftruncate(page, PAGE_BYTES), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", page);
	reading = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(reading >= 0);
	expect_refused_page(reading, "status page: Permission denied");
}

/* A sanitizer that has none itself ends the worker before main(). */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* A worker that has so many descriptors only. */
static int run_with_descriptors(struct stage *s, rlim_t n, char **ret_complaints)
{
	struct stage_worker *w = &s->workers[1];
	const struct rlimit limit = {n, n};
	char path[300];
	int fds[2], status = 0;
	pid_t pid;

	w->complaints = memfd_create("complaints", MFD_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	snprintf(path, sizeof(path), "%s/troupe-worker", s->build);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		dup2(fds[1], STDIN_FILENO);
		dup2(w->complaints, STDERR_FILENO);
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
		close(STDOUT_FILENO);
		setrlimit(RLIMIT_NOFILE, &limit);
		execl(path, path, "--channel=0", NULL);
		_exit(127);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*ret_complaints = stage_complaints(w);
	close(w->complaints);
	close(fds[0]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void worker_that_has_too_few_descriptors_says_so(void **state)
{
	static const char *const errors[] = {"troupe-worker: cannot start: Bad file descriptor",
					     "cannot start: Too many open files"};
	struct stage s;

	(void)state;
	stage_begin(&s);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		cleanup_free char *complaints = NULL;

		assert_int_equal(run_with_descriptors(&s, 3 + i, &complaints), 1);
		if (!strstr(complaints, errors[i]))
			fail_msg("no \"%s\" in \"%s\"", errors[i], complaints);
	}
	stage_end(&s);
}

#endif

static void worker_complains_when_started_by_hand(void **state)
{
	char path[400], text[1024] = "";
	struct stage s;
	FILE *output;

	(void)state;
	stage_begin(&s);
	snprintf(path, sizeof(path), "%s/troupe-worker --channel=3 </dev/null 3</dev/null 2>&1",
		 s.build);
	output = popen(path, "r");
	assert_true(fread(text, 1, sizeof(text) - 1, output) > 0);
	assert_int_equal(WEXITSTATUS(pclose(output)), 2);
	assert_non_null(strstr(text, "not started by trouped"));
	snprintf(path, sizeof(path), "%s/troupe-worker --version", s.build);
	output = popen(path, "r");
	assert_true(fread(text, 1, sizeof(text) - 1, output) > 0);
	assert_int_equal(pclose(output), 0);
	assert_memory_equal(text, "troupe-worker ", 14);
	snprintf(path, sizeof(path), "%s/troupe-worker --help", s.build);
	output = popen(path, "r");
	assert_true(fread(text, 1, sizeof(text) - 1, output) > 0);
	assert_int_equal(pclose(output), 0);
	assert_non_null(strstr(text, "trouped(8)"));
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_shuts_down_in_order),
		cmocka_unit_test(worker_ends_when_its_master_has_read_everything),
		cmocka_unit_test(worker_ends_when_the_master_has_gone),
		cmocka_unit_test(worker_does_not_mind_signals_to_its_terminal),
		cmocka_unit_test(worker_ends_over_notices_that_make_no_sense),
		cmocka_unit_test(worker_does_not_take_a_status_page_that_is_none),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		cmocka_unit_test(worker_that_has_too_few_descriptors_says_so),
#endif
		cmocka_unit_test(worker_complains_when_started_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
