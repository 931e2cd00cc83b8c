/* test_actor_log.c - what actors say and what is said of them becomes few lines that add up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/actor_log.h"

struct fixture {
	int fds[2];
	struct log log;
	struct loop *loop;
	struct units units;
	struct actor_log actors;
	char line[LOG_LINE + 1];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, f->fds) < 0)
		return -1;
	log_init(&f->log, f->fds[0], "", LOG_P_INFO);
	f->units = (struct units){0};
	if (loop_new(&f->loop) < 0 || units_add_unit(&f->units, 1, "one", NULL) < 0)
		return -1;
	actor_log_init(&f->actors, &f->log, f->loop, &f->units);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	actor_log_fini(&f->actors);
	units_fini(&f->units);
	loop_free(f->loop);
	log_fini(&f->log);
	close(f->fds[0]);
	close(f->fds[1]);
	free(f);
	return 0;
}

static const char *next(struct fixture *f)
{
	ssize_t n = read(f->fds[1], f->line, sizeof(f->line) - 1);

	f->line[n < 0 ? 0 : n] = '\0';
	return f->line;
}

static void lines_are_limited_by_their_unit(void **state)
{
	struct fixture *f = *state;

	rate_limit_init(&units_find_unit(&f->units, 1)->lines, 3600 * CLOCK_SECOND_NS, 2);
	for (int i = 0; i < 10; i++)
		actor_log_line(&f->actors, 1, LOG_P_INFO, "child", "x");
	/* What is not written anyway does not count. */
	actor_log_line(&f->actors, 1, LOG_P_DEBUG, "child", "x");
	assert_string_equal(next(f), "child: x\n");
	assert_string_equal(next(f), "child: x\n");
	assert_string_equal(next(f), "");
	assert_true(f->actors.timer.started);
	/* A unit that is no more has said so, and its children go on. */
	actor_log_forget(&f->actors, 1);
	units_remove_unit(&f->units, 1);
	assert_string_equal(next(f), "one: 8 lines dropped (LogRateLimitBurst=2)\n");
	for (unsigned i = 0; i < LIMIT_LOG_BURST_DEFAULT + 1; i++) {
		actor_log_line(&f->actors, 1, LOG_P_INFO, "child", "y");
		assert_string_equal(next(f), i < LIMIT_LOG_BURST_DEFAULT ? "child: y\n" : "");
	}
	actor_log_flush(&f->actors);
	assert_string_equal(
		next(f),
		"actors of units that are gone: 1 line dropped (LogRateLimitBurst=10000)\n");
}

static void report_failure(struct fixture *f, const struct troupe_method *method, int error)
{
	actor_log_failure(&f->actors, &(struct runtime_failure){.version = 1,
								.instance = 4,
								.actor = "one",
								.method = method,
								.doing = "",
								.error = error,
								.detail = ""});
}

static void failures_of_a_method_are_one_line_and_a_number(void **state)
{
	const struct troupe_method method = {.interface = "a.b", .name = "C"};
	struct fixture *f = *state;

	for (int i = 0; i < 1000; i++)
		report_failure(f, &method, i < 999 ? -EIO : -70000);
	assert_string_equal(next(f), "one/4: a.b.C failed: EIO (5): Input/output error\n");
	assert_string_equal(next(f), "");
	actor_log_flush(&f->actors);
	assert_string_equal(next(f),
			    "one: a.b.C failed 999 more times, last with -70000, which "
			    "is no errno value\n");
	actor_log_flush(&f->actors);
	assert_string_equal(next(f), "");
}

static void failures_of_tasks_name_them(void **state)
{
	struct fixture *f = *state;
	struct runtime_failure failure = {.version = 1,
					  .instance = 4,
					  .actor = "one",
					  .doing = "a task",
					  .task = "fetch",
					  .error = -EIO,
					  .detail = ""};

	for (int i = 0; i < 3; i++)
		actor_log_failure(&f->actors, &failure);
	assert_string_equal(next(f), "one/4: task fetch failed: EIO (5): Input/output error\n");
	/* Each for itself. */
	failure.task = "count";
	actor_log_failure(&f->actors, &failure);
	assert_string_equal(next(f), "one/4: task count failed: EIO (5): Input/output error\n");
	actor_log_flush(&f->actors);
	assert_string_equal(next(f), "one: task fetch failed 2 more times, last with EIO (5): "
				     "Input/output error\n");
}

static void shortages_of_a_unit_are_one_line_and_a_number(void **state)
{
	struct runtime_memory memory = {
		.version = 1, .bytes = 800 << 20, .budget = 1024 << 20, .is_short = true};
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++) {
		memory.is_short = !(i % 2);
		actor_log_memory(&f->actors, &memory);
	}
	assert_string_equal(next(f),
			    "one: its actors hold 800 MiB of the 1024 MiB of this worker "
			    "(WorkerMemory=): messages to them are refused until they "
			    "hold less\n");
	assert_string_equal(next(f), "");
	/* as if half a minute had passed */
	units_find_unit(&f->units, 1)->shortages.interval_ns = 1;
	memory.is_short = true;
	do
		loop_step(f->loop, false);
	while (loop_now_ns(f->loop) <= units_find_unit(&f->units, 1)->shortages.begin_ns);
	actor_log_memory(&f->actors, &memory);
	assert_non_null(strstr(next(f), "hold less, and so 4 times since this was logged\n"));
	/* its children may outlive it */
	units_remove_unit(&f->units, 1);
	actor_log_memory(&f->actors, &memory);
	assert_non_null(strstr(next(f), "a unit that is no more: its actors hold 800 MiB"));
}

static void kinds_beyond_the_limit_are_counted_together(void **state)
{
	struct troupe_method methods[LIMIT_LOGGED_KINDS + 20];
	struct fixture *f = *state;
	unsigned n = 0;

	for (size_t i = 0; i < LIMIT_LOGGED_KINDS + 20; i++) {
		methods[i] = (struct troupe_method){.interface = "a.b", .name = "C"};
		report_failure(f, &methods[i], -EIO);
		n += next(f)[0] != '\0';
	}
	assert_int_equal(n, LIMIT_LOGGED_KINDS + 1);
	actor_log_flush(&f->actors);
	assert_string_equal(next(f), "various actors: various handlers failed 19 more times, "
				     "last with EIO (5): Input/output error\n");
}

static void children_that_fail_are_a_few_lines_and_a_number(void **state)
{
	const struct runtime_end end = {.actor = {0, 1, 2, 3, 4},
					.origin = 1,
					.type = "child",
					.cause = TROUPE_CAUSE_FAILED,
					.error = -EIO};
	struct runtime_end well = end;
	struct fixture *f = *state;

	/* Those that end well are for debugging, and are not counted. */
	well.cause = TROUPE_CAUSE_PARENT;
	actor_log_end(&f->actors, &well);
	for (unsigned i = 0; i < ACTOR_LOG_ENDS; i++) {
		actor_log_end(&f->actors, &end);
		assert_non_null(strstr(next(f), "child 0.1.2.3.4 of one ended: failed after "));
	}
	for (unsigned i = 0; i < 7; i++)
		actor_log_end(&f->actors, &end);
	assert_string_equal(next(f), "");
	actor_log_flush(&f->actors);
	assert_string_equal(
		next(f), "child of one: 7 more ended, last with EIO (5): Input/output error\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_are_limited_by_their_unit),
		TEST(failures_of_a_method_are_one_line_and_a_number),
		TEST(failures_of_tasks_name_them),
		TEST(shortages_of_a_unit_are_one_line_and_a_number),
		TEST(kinds_beyond_the_limit_are_counted_together),
		TEST(children_that_fail_are_a_few_lines_and_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
