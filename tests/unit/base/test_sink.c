/* test_sink.c - nothing waits for a reader, and nobody else's descriptor changes. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sink.h"

#define LINES 100000u /* more than any of them holds */

/* Two ends; what is written to fds[1] can be read from fds[0]. */
static void make_pipe(int fds[2])
{
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

static void make_sockets(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void make_terminal(int fds[2])
{
	assert_int_equal(openpty(&fds[0], &fds[1], NULL, NULL, NULL), 0);
}

/* All that can be read now. */
static size_t read_all(int fd, char *buffer, size_t size)
{
	int flags = fcntl(fd, F_GETFL);
	size_t done = 0;
	ssize_t n;

	assert_true(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
	while ((n = read(fd, buffer + done, size - done - 1)) > 0)
		done += (size_t)n;
	buffer[done] = '\0';
	return done;
}

/* The numbers of the lines, in order and whole; how many there were. */
static unsigned check_lines(const char *text, unsigned *last)
{
	unsigned n = 0, number;
	int size;

	for (; sscanf(text, "line %u of the log%n", &number, &size) == 1; n++) {
		assert_true(*last == UINT32_MAX || number > *last);
		*last = number;
		text += size;
		text += strspn(text, "\r\n");
	}
	assert_string_equal(text, "");
	return n;
}

/* Open a sink for which there are no descriptors left. */
static void init_poorly(struct sink *sink, int fd)
{
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	sink_init(sink, fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void fill_and_read(void (*make)(int fds[2]), enum sink_kind kind)
{
	static char text[8u << 20];
	unsigned accepted = 0, read = 0, last = UINT32_MAX;
	struct sink sink;
	int fds[2], flags;
	char line[64];

	make(fds);
	flags = fcntl(fds[1], F_GETFL);
	if (kind == SINK_POLLED)
		init_poorly(&sink, fds[1]);
	else
		sink_init(&sink, fds[1]);
	assert_int_equal(sink.kind, kind);
	for (unsigned i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "line %u of the log\n", i);
		int r = sink_put(&sink, line, (size_t)n);

		assert_true(r == 0 || r == -EAGAIN);
		accepted += r == 0;
	}
	assert_in_range(accepted, 2, LINES - 1);
	assert_true(sink.held > 0);
	assert_false(sink_flush(&sink));
	read_all(fds[0], text, sizeof(text));
	/* A terminal may hand it over in parts. */
	for (unsigned i = 0; i < 1000 && !sink_flush(&sink); i++)
		read_all(fds[0], text + strlen(text), sizeof(text) - strlen(text));
	assert_true(sink_flush(&sink));
	for (unsigned i = 0; i < 10; i++)
		read_all(fds[0], text + strlen(text), sizeof(text) - strlen(text));
	read = check_lines(text, &last);
	assert_int_equal(read, accepted);
	/* What others see of the descriptor is as it was. */
	assert_int_equal(fcntl(fds[1], F_GETFL), flags);
	sink_fini(&sink);
	close(fds[0]);
	close(fds[1]);
}

static void pipe_that_nobody_reads_does_not_wait(void **state)
{
	(void)state;
	fill_and_read(make_pipe, SINK_PIPE);
}

static void socket_that_nobody_reads_does_not_wait(void **state)
{
	(void)state;
	fill_and_read(make_sockets, SINK_SOCKET);
}

static void terminal_that_nobody_reads_does_not_wait(void **state)
{
	(void)state;
	fill_and_read(make_terminal, SINK_TERMINAL);
}

static void pipe_and_terminal_do_not_wait_when_there_are_no_descriptors(void **state)
{
	(void)state;
	fill_and_read(make_pipe, SINK_POLLED);
	fill_and_read(make_terminal, SINK_POLLED);
}

static void pipe_with_less_room_than_a_piece_takes_all_or_nothing(void **state)
{
	char piece[SINK_PIECE], text[4 * SINK_PIECE];
	struct sink sink;
	int fds[2];

	(void)state;
	memset(piece, 'x', sizeof(piece));
	make_pipe(fds);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) == 4096);
	assert_int_equal(write(fds[1], "y", 1), 1);
	sink_init(&sink, fds[1]);
	assert_int_equal(sink_put(&sink, piece, sizeof(piece)), 0);
	assert_true(sink.held > 0);
	assert_int_equal(sink_put(&sink, "z", 1), -EAGAIN);
	assert_int_equal(read_all(fds[0], text, sizeof(text)), 1);
	assert_true(sink_flush(&sink));
	assert_int_equal(read_all(fds[0], text, sizeof(text)), SINK_PIECE);
	assert_int_equal(sink_put(&sink, "z", 1), 0);
	assert_int_equal(read_all(fds[0], text, sizeof(text)), 1);
	sink_fini(&sink);
	close(fds[0]);
	close(fds[1]);
}

static void reader_that_is_gone_is_an_error_and_holds_nothing(void **state)
{
	struct sink sink;
	int fds[2];

	(void)state;
	make_pipe(fds);
	sink_init(&sink, fds[1]);
	close(fds[0]);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(sink_put(&sink, "lost\n", 5), -EPIPE);
	assert_int_equal(sink.held, 0);
	sink_fini(&sink);
	close(fds[1]);
}

/* Where signals are as a process finds them. */
static void socket_whose_reader_is_gone_raises_no_signal(void **state)
{
	struct sink sink;
	int fds[2];

	(void)state;
	make_sockets(fds);
	sink_init(&sink, fds[1]);
	close(fds[0]);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(sink_put(&sink, "lost\n", 5), -EPIPE);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(sink.held, 0);
	sink_fini(&sink);
	close(fds[1]);
}

static void reader_that_comes_back_finds_nothing_of_what_was_lost(void **state)
{
	char directory[] = "/tmp/test_sink.XXXXXX", path[64], text[64];
	struct sink sink;
	int reader, writer;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/log", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	writer = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(reader >= 0 && writer >= 0);
	sink_init(&sink, writer);
	assert_int_equal(sink.kind, SINK_PIPE);
	close(reader);
	assert_int_equal(sink_put(&sink, "lost\n", 5), -EPIPE);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_int_equal(sink_put(&sink, "found\n", 6), 0);
	read_all(reader, text, sizeof(text));
	assert_string_equal(text, "found\n");
	sink_fini(&sink);
	close(reader);
	close(writer);
	unlink(path);
	rmdir(directory);
}

static void file_takes_everything(void **state)
{
	char path[] = "/tmp/test_sink.XXXXXX", text[16];
	int fd = mkstemp(path);
	struct sink sink;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	sink_init(&sink, fd);
	assert_int_equal(sink.kind, SINK_FILE);
	assert_int_equal(sink_put(&sink, "one\n", 4), 0);
	assert_int_equal(sink_put(&sink, "two\n", 4), 0);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 8);
	assert_memory_equal(text, "one\ntwo\n", 8);
	sink_fini(&sink);
	close(fd);
}

static void try_writes_or_gives_up(void **state)
{
	char text[128 * SINK_PIECE];
	size_t size;
	int fds[2];

	(void)state;
	make_pipe(fds);
	for (unsigned i = 0; i < LINES; i++)
		sink_try(fds[1], "a line\n", 7);
	size = read_all(fds[0], text, sizeof(text));
	assert_in_range(size, 7, 7 * LINES - 1);
	assert_int_equal(size % 7, 0);
	sink_try(fds[1], "the last\n", 9);
	assert_int_equal(read_all(fds[0], text, sizeof(text)), 9);
	assert_string_equal(text, "the last\n");
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipe_that_nobody_reads_does_not_wait),
		cmocka_unit_test(socket_that_nobody_reads_does_not_wait),
		cmocka_unit_test(terminal_that_nobody_reads_does_not_wait),
		cmocka_unit_test(pipe_and_terminal_do_not_wait_when_there_are_no_descriptors),
		cmocka_unit_test(pipe_with_less_room_than_a_piece_takes_all_or_nothing),
		cmocka_unit_test(reader_that_is_gone_is_an_error_and_holds_nothing),
		cmocka_unit_test(socket_whose_reader_is_gone_raises_no_signal),
		cmocka_unit_test(reader_that_comes_back_finds_nothing_of_what_was_lost),
		cmocka_unit_test(file_takes_everything),
		cmocka_unit_test(try_writes_or_gives_up),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
