/* test_notify.c - a service manager that does not read. */
#include "master/notify.h"

#include "base/clock.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct manager {
	struct loop *loop;
	struct notify notify;
	int socket;
	unsigned n_fill; /* messages that fill its queue */
	char directory[32], path[64];
};

static void manager_init(struct manager *manager)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*manager = (struct manager){0};
	strcpy(manager->directory, "/tmp/troupe-notify-XXXXXX");
	assert_non_null(mkdtemp(manager->directory));
	(void)snprintf(manager->path, sizeof(manager->path), "%s/s", manager->directory);
	strcpy(address.sun_path, manager->path);
	manager->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(manager->socket >= 0);
	assert_int_equal(bind(manager->socket, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", manager->path, 1), 0);
	assert_int_equal(loop_new(&manager->loop), 0);
	notify_init(&manager->notify, manager->loop);
}

static void manager_fini(struct manager *manager)
{
	notify_fini(&manager->notify);
	loop_free(manager->loop);
	close(manager->socket);
	(void)unlink(manager->path);
	(void)rmdir(manager->directory);
	(void)unsetenv("NOTIFY_SOCKET");
}

/* Until no message more gets into its queue. */
static void fill(struct manager *manager)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, manager->path);
	while (sendto(fd, "X=1", 3, 0, (struct sockaddr *)&address, sizeof(address)) == 3)
		manager->n_fill++;
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

/* The next message, waited for; of those that fill the queue none. */
static void next_text(struct manager *manager, char *text, size_t size)
{
	uint64_t end = clock_now_ns() + 20 * CLOCK_SECOND_NS;

	for (;;) {
		ssize_t n = recv(manager->socket, text, size - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		if (n > 0 && strcmp(text, "X=1") != 0)
			return;
		if (n > 0)
			continue;
		assert_true(clock_now_ns() < end);
		loop_step(manager->loop, true);
	}
}

static void manager_is_notified_at_once_when_it_reads(void **state)
{
	struct manager manager;
	char text[512];

	(void)state;
	manager_init(&manager);
	notify_ready(&manager.notify, "all is well");
	assert_true(recv(manager.socket, text, sizeof(text), 0) > 0);
	assert_memory_equal(text, "READY=1\nSTATUS=all is well", 26);
	manager_fini(&manager);
}

static void manager_that_does_not_read_is_notified_later_and_in_order(void **state)
{
	struct manager manager;
	char text[512];

	(void)state;
	manager_init(&manager);
	fill(&manager);
	/* It would end the test to wait here. */
	(void)alarm(20);
	notify_ready(&manager.notify, "one");
	notify_reloading(&manager.notify);
	notify_ready(&manager.notify, "two");
	(void)alarm(0);
	next_text(&manager, text, sizeof(text));
	assert_string_equal(text, "READY=1\nSTATUS=one");
	next_text(&manager, text, sizeof(text));
	assert_memory_equal(text, "RELOADING=1\n", 12);
	next_text(&manager, text, sizeof(text));
	assert_string_equal(text, "READY=1\nSTATUS=two");
	manager_fini(&manager);
}

static void oldest_is_dropped_when_there_are_too_many(void **state)
{
	struct manager manager;
	char text[512], status[16];

	(void)state;
	manager_init(&manager);
	fill(&manager);
	for (unsigned i = 0; i < NOTIFY_KEPT_MAX + 2; i++) {
		(void)snprintf(status, sizeof(status), "%u", i);
		notify_status(&manager.notify, status);
	}
	for (unsigned i = 2; i < NOTIFY_KEPT_MAX + 2; i++) {
		(void)snprintf(status, sizeof(status), "STATUS=%u", i);
		next_text(&manager, text, sizeof(text));
		assert_string_equal(text, status);
	}
	assert_int_equal(manager.notify.n_kept, 0);
	manager_fini(&manager);
}

/* Half of its time is the longest that it waits. */
static void watchdog_is_fed_while_the_loop_runs(void **state)
{
	struct manager manager;
	char text[256];
	unsigned n = 0;

	(void)state;
	assert_int_equal(setenv("WATCHDOG_USEC", "20000", 1), 0);
	manager_init(&manager);
	(void)unsetenv("WATCHDOG_USEC");
	assert_int_equal(manager.notify.watchdog_ns, 20 * CLOCK_MS_NS);
	for (unsigned i = 0; i < 1000 && n < 3; i++) {
		ssize_t size;

		loop_step(manager.loop, true);
		while ((size = recv(manager.socket, text, sizeof(text) - 1, 0)) > 0) {
			text[size] = '\0';
			assert_string_equal(text, "WATCHDOG=1");
			n++;
		}
	}
	assert_int_equal(n, 3);
	manager_fini(&manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manager_is_notified_at_once_when_it_reads),
		cmocka_unit_test(manager_that_does_not_read_is_notified_later_and_in_order),
		cmocka_unit_test(oldest_is_dropped_when_there_are_too_many),
		cmocka_unit_test(watchdog_is_fed_while_the_loop_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
