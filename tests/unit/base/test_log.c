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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(line_is_one_write_with_its_tag),
		TEST(line_is_dropped_when_less_important_than_the_level),
		TEST(control_characters_are_shown_not_written),
		TEST(long_line_is_cut_at_a_whole_character),
		TEST(priority_is_written_when_the_descriptor_is_the_journals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
