/* test_main.c - the worker as a process: how it ends, and masters that make mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stage.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
	packet.size = 40;
	packet.numbers[2] = 999; /* an offset out of bounds */
	expect_failure(&packet, 16 + 40, "channel");
	packet.numbers[2] = 40; /* an empty directory; worker 0 */
	packet.size = 41;
	expect_failure(&packet, 16 + 41, "makes no sense");
	packet.numbers[0] = 1ll << 32 | 1 << 16; /* worker 1, incarnation 1 */
	packet.numbers[3] = 7;
	packet.numbers[4] = -1;
	expect_failure(&packet, 16 + 41, "makes no sense");
	packet.numbers[4] = 0;
	expect_failure(&packet, 16 + 41, "status page");
}

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
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_shuts_down_in_order),
		cmocka_unit_test(worker_ends_when_the_master_has_gone),
		cmocka_unit_test(worker_does_not_mind_signals_to_its_terminal),
		cmocka_unit_test(worker_ends_over_notices_that_make_no_sense),
		cmocka_unit_test(worker_complains_when_started_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
