/* test_sim_tcp_proxy_failpoints.c - each allocation, each record, each descriptor and each call
 * of the system fails once, while connections go through actors/tcp-proxy and end in each way.
 *
 * However it fails: it costs at most so many connections as calls have failed. On all others
 * each byte arrives, in order, and the end as it was made; the next one is passed on, and
 * nothing is left when the actor ends.
 */
#include "base/cleanup.h"
#include "plugin_stage.h"
#include "tests/failpoints/failpoint.h"
#include "tests/failpoints/sweep.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PASSAGES 6
#define PLENTY   100000

TROUPE_ACTOR_DECLARE(tcpproxy);

/* A connection through the proxy, of which both ends are here. */
struct passage {
	int ends[2]; /* the client's, and the target's; -1: closed here, or never there */
	bool is_cut;
};

struct harness {
	struct plugin_stage stage;
	struct passage passages[PASSAGES];
	int target; /* listens */
	char path[64], target_path[64], config[300];
	unsigned cut;
};

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	(void)unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

/* What waits after a lack goes on within seconds. */
static void settle(struct harness *harness)
{
	plugin_stage_run(&harness->stage, 5 * TROUPE_SECOND_NS);
}

static void see_the_end(int fd)
{
	static char rest[PLENTY];
	ssize_t n;

	while ((n = recv(fd, rest, sizeof(rest), 0)) > 0)
		;
	assert_true(n == 0 || errno == ECONNRESET);
	close(fd);
}

/* It has ended for no reason: at both ends. */
static void cut(struct harness *harness, struct passage *passage)
{
	if (passage->is_cut)
		return;
	passage->is_cut = true;
	harness->cut++;
	settle(harness);
	for (int i = 0; i < 2; i++)
		if (passage->ends[i] >= 0)
			see_the_end(passage->ends[i]);
	passage->ends[0] = passage->ends[1] = -1;
	settle(harness);
}

static struct passage *come(struct harness *harness, unsigned which)
{
	struct passage *passage = &harness->passages[which];

	passage->ends[0] = plugin_stage_connect(harness->path);
	settle(harness);
	passage->ends[1] = accept4(harness->target, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (passage->ends[1] < 0)
		cut(harness, passage);
	return passage;
}

/* Bytes from one end, and all of them are at the other one. */
static void pass(struct harness *harness, struct passage *passage, int from, size_t size)
{
	static char bytes[PLENTY], got[PLENTY];
	size_t sent = 0, come = 0;
	ssize_t n = 0;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	while (come < size && !passage->is_cut) {
		size_t before = sent + come;

		n = send(passage->ends[from], bytes + sent, size - sent, MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		plugin_stage_run(&harness->stage, 0);
		n = recv(passage->ends[!from], got + come, size - come, 0);
		come += n > 0 ? (size_t)n : 0;
		if (sent + come == before || n == 0)
			cut(harness, passage);
	}
	assert_memory_equal(got, bytes, come);
}

/* That end says no more, which the other one hears. */
static void finish(struct harness *harness, struct passage *passage, int from)
{
	char byte;

	if (passage->is_cut)
		return;
	(void)shutdown(passage->ends[from], SHUT_WR);
	settle(harness);
	if (recv(passage->ends[!from], &byte, 1, 0) != 0)
		cut(harness, passage);
}

/* That end goes altogether, and so does the other one. */
static void leave(struct harness *harness, struct passage *passage, int from)
{
	char byte;

	if (passage->is_cut)
		return;
	close(passage->ends[from]);
	passage->ends[from] = -1;
	settle(harness);
	assert_true(recv(passage->ends[!from], &byte, 1, 0) == 0 || errno == ECONNRESET);
	close(passage->ends[!from]);
	passage->ends[!from] = -1;
	settle(harness);
}

static void use(struct harness *harness)
{
	struct passage *const stays = come(harness, 0), *const asks = come(harness, 1),
			      *const breaks = come(harness, 2);

	pass(harness, stays, 0, 10);
	pass(harness, asks, 0, PLENTY);
	finish(harness, asks, 0);
	pass(harness, asks, 1, PLENTY);
	leave(harness, asks, 1);
	pass(harness, breaks, 1, 10);
	/* there when it goes: that is a reset */
	if (!breaks->is_cut && send(breaks->ends[1], "unread", 6, MSG_NOSIGNAL) < 0)
		cut(harness, breaks);
	leave(harness, breaks, 0);
	struct passage *const ends = come(harness, 3);
	finish(harness, ends, 1);
	pass(harness, ends, 0, 1);
	leave(harness, ends, 0);
	pass(harness, stays, 1, PLENTY);
}

static long count_open(struct harness *harness)
{
	const char *status = plugin_stage_ask(&harness->stage, "io.troupe.tcpproxy", "Status");

	return plugin_stage_number(status, "open");
}

static void see_that_it_goes_on(struct harness *harness)
{
	struct passage *const last = come(harness, 4);

	assert_false(last->is_cut);
	pass(harness, last, 0, 5);
	pass(harness, last, 1, 5);
	finish(harness, last, 0);
	finish(harness, last, 1);
	assert_false(last->is_cut);
	leave(harness, last, 1);
	pass(harness, &harness->passages[0], 0, 7);
	assert_true(harness->cut <= failpoint_failed());
	assert_int_equal(count_open(harness), harness->passages[0].is_cut ? 0 : 1);
}

/* An actor that cannot begin says why, and the next one can. */
static void begin(struct harness *harness)
{
	int rc = plugin_stage_spawn(&harness->stage);

	plugin_stage_run(&harness->stage, 0);
	if (rc == 0 && harness->stage.world.failures == 0)
		return;
	sweep_calm();
	assert_true(failpoint_failed() > 0);
	if (rc == 0) {
		assert_non_null(strstr(harness->stage.world.last_failure, "task serve"));
		harness->stage.world.failures = 0;
		plugin_stage_stop(&harness->stage);
	}
	assert_int_equal(plugin_stage_spawn(&harness->stage), 0);
	plugin_stage_run(&harness->stage, 0);
}

static void set_up(struct harness *harness)
{
	memset(harness, 0, sizeof(*harness));
	for (unsigned i = 0; i < PASSAGES; i++)
		harness->passages[i] = (struct passage){.ends = {-1, -1}};
	snprintf(harness->path, sizeof(harness->path), "/tmp/troupe-proxy-failpoints-%d",
		 (int)getpid());
	snprintf(harness->target_path, sizeof(harness->target_path),
		 "/tmp/troupe-proxy-target-%d", (int)getpid());
	snprintf(harness->config, sizeof(harness->config),
		 "{\"listen\":\"unix:%s\",\"connect\":\"unix:%s\"}", harness->path,
		 harness->target_path);
	plugin_stage_prepare(&harness->stage, TROUPE_ACTOR_TABLE(tcpproxy), harness->config);
	harness->target = listen_at(harness->target_path);
}

static void take_down(struct harness *harness)
{
	plugin_stage_stop(&harness->stage);
	for (unsigned i = 0; i < PASSAGES; i++)
		for (int end = 0; end < 2; end++)
			if (harness->passages[i].ends[end] >= 0)
				close(harness->passages[i].ends[end]);
	close(harness->target);
	unlink(harness->target_path);
	plugin_stage_end(&harness->stage);
}

static int pass_all(void *unused)
{
	static struct harness harness;

	(void)unused;
	sweep_calm();
	set_up(&harness);
	sweep_go_on();
	begin(&harness);
	use(&harness);
	sweep_calm();
	see_that_it_goes_on(&harness);
	assert_int_equal(harness.stage.world.failures, 0);
	take_down(&harness);
	return 0;
}

static void failure_costs_no_other_connection(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as in a worker */
	sweep(pass_all, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failure_costs_no_other_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
