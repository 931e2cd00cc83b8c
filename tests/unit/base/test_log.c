/* test_log.c - one line, one write, nothing forged. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

struct fixture {
	int fds[2];
	struct log log;
	char line[LOG_LINE + 1];
};

static int setup(void **state)
{
	static struct fixture fixture;

	unsetenv("JOURNAL_STREAM");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fixture.fds) <
	    0)
		return -1;
	log_init(&fixture.log, fixture.fds[0], "trouped", LOG_P_INFO);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fds[0]);
	close(f->fds[1]);
	return 0;
}

/* What one write wrote; "" when there was none. */
static const char *next(struct fixture *f)
{
	ssize_t n = read(f->fds[1], f->line, sizeof(f->line) - 1);

	f->line[n < 0 ? 0 : n] = '\0';
	return f->line;
}

static void line_is_one_write_with_its_tag(void **state)
{
	struct fixture *f = *state;

	errno = EXDEV;
	log_info(&f->log, "worker %d is up", 2);
	assert_int_equal(errno, EXDEV);
	assert_string_equal(next(f), "trouped: worker 2 is up\n");
	assert_string_equal(next(f), "");
	f->log.tag[0] = '\0';
	log_error(&f->log, "no tag");
	assert_string_equal(next(f), "no tag\n");
}

static void line_is_dropped_when_less_important_than_the_level(void **state)
{
	struct fixture *f = *state;

	log_debug(&f->log, "detail");
	assert_string_equal(next(f), "");
	f->log.level = LOG_P_ERROR;
	log_warning(&f->log, "trouble");
	assert_string_equal(next(f), "");
}

static void control_characters_are_shown_not_written(void **state)
{
	struct fixture *f = *state;

	log_info(&f->log, "%s", "a\n<0>b\x1b[31m\x7f\xc2\x9b \xff\xc3 caf\xc3\xa9\t.");
	assert_string_equal(
		next(f),
		"trouped: a\\x0a<0>b\\x1b[31m\\x7f\\xc2\\x9b \\xff\\xc3 caf\xc3\xa9\\x09.\n");
}

static void long_line_is_cut_at_a_whole_character(void **state)
{
	struct fixture *f = *state;
	char text[2 * LOG_LINE + 1];
	const char *line;
	size_t size;

	for (size_t i = 0; i < sizeof(text) - 1; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[sizeof(text) - 1] = '\0';
	log_info(&f->log, "%s", text);
	line = next(f);
	size = strlen(line);
	assert_in_range(size, LOG_LINE - 4, LOG_LINE);
	assert_string_equal(line + size - 6, "\xc3\xa9...\n");
	memset(text, '\n', sizeof(text) - 1);
	log_info(&f->log, "%s", text);
	line = next(f);
	assert_in_range(strlen(line), LOG_LINE - 4, LOG_LINE);
	assert_string_equal(line + strlen(line) - 8, "\\x0a...\n");
}

static void priority_is_written_when_the_descriptor_is_the_journals(void **state)
{
	struct fixture *f = *state;
	struct stat status;
	char stream[64];

	assert_int_equal(fstat(f->fds[0], &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
		 (unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init(&f->log, f->fds[0], "", LOG_P_INFO);
	log_warning(&f->log, "x");
	assert_string_equal(next(f), "<4>x\n");
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init(&f->log, f->fds[0], "", LOG_P_INFO);
	log_warning(&f->log, "x");
	assert_string_equal(next(f), "x\n");
	unsetenv("JOURNAL_STREAM");
}

/* How many lines a reader finds now; the last of them is in f->line. */
static unsigned read_all(struct fixture *f)
{
	char last[sizeof(f->line)] = "";
	unsigned n = 0;

	for (; next(f)[0]; n++)
		strcpy(last, f->line);
	strcpy(f->line, last);
	return n;
}

static void count_stuck(void *context)
{
	++*(unsigned *)context;
}

static void lines_that_nobody_reads_are_counted_and_reported(void **state)
{
	struct fixture *f = *state;
	unsigned n_stuck = 0, n_read, n_missed;
	char expected[128];

	log_on_stuck(&f->log, count_stuck, &n_stuck);
	for (unsigned i = 0; i < 10000; i++)
		log_info(&f->log, "line %u", i);
	n_missed = (unsigned)f->log.missed;
	assert_in_range(n_missed, 1, 9999);
	assert_true(log_flush(&f->log) == false);
	/* The first that found no room is held, and goes out. */
	assert_int_equal(n_stuck, n_missed + 1);
	n_read = read_all(f);
	assert_true(log_flush(&f->log));
	assert_true(log_flush(&f->log));
	n_read += read_all(f);
	snprintf(expected, sizeof(expected),
		 "trouped: %u lines were not written: the log was not read\n", n_missed);
	assert_string_equal(f->line, expected);
	assert_int_equal(n_read, 10000 - n_missed + 1);
	log_info(&f->log, "goes on");
	assert_string_equal(next(f), "trouped: goes on\n");
	assert_int_equal(n_stuck, n_missed + 1);
}

static void report_comes_before_the_next_line(void **state)
{
	struct fixture *f = *state;

	while (f->log.missed < 2)
		log_info(&f->log, "a line");
	(void)read_all(f);
	log_info(&f->log, "one more");
	assert_string_equal(next(f), "trouped: a line\n"); /* it was held */
	assert_string_equal(next(f),
			    "trouped: 2 lines were not written: the log was not read\n");
	assert_string_equal(next(f), "trouped: one more\n");
}

static void report_names_another_cause(void **state)
{
	struct fixture *f = *state;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct log log;

	assert_true(full >= 0);
	log_init(&log, full, "trouped", LOG_P_INFO);
	log_info(&log, "lost");
	assert_int_equal(log.missed, 1);
	/* The disk has room again. */
	assert_true(dup3(f->fds[0], full, O_CLOEXEC) >= 0);
	assert_true(log_flush(&log));
	assert_string_equal(next(f),
			    "trouped: 1 line was not written: No space left on device\n");
	log_fini(&log);
	close(full);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(line_is_one_write_with_its_tag),
		TEST(line_is_dropped_when_less_important_than_the_level),
		TEST(control_characters_are_shown_not_written),
		TEST(long_line_is_cut_at_a_whole_character),
		TEST(lines_that_nobody_reads_are_counted_and_reported),
		TEST(report_comes_before_the_next_line),
		TEST(report_names_another_cause),
		TEST(priority_is_written_when_the_descriptor_is_the_journals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
