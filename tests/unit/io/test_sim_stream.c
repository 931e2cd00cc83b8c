/* Connections: what tasks read and write, and what becomes of it when all goes wrong. */
#include "harbour.h"
#include "io/stream.h"
#include <fcntl.h>
#include <sys/mman.h>

/* ------------------------------------------------------------------ reading */

static int reads_all(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[8];
	ssize_t n;

	while ((n = troupe_read(self, harbour->stream, bytes, sizeof(bytes))) > 0)
		note(self, "[%.*s]", (int)n, bytes);
	note(self, "%zd; ", n);
	return (int)n;
}

static void what_comes_is_read_until_the_end(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, reads_all);
	assert_noted(&harbour, "");
	harbour_says(&harbour, "abc");
	harbour_run(&harbour);
	assert_noted(&harbour, "[abc]");
	harbour_says(&harbour, "defghijklm");
	close(harbour.there);
	harbour.there = -1;
	harbour_run(&harbour);
	assert_noted(&harbour, "[defghijk][lm]0; ");
	harbour_finish(&harbour);
}

static int reads_lines(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	char bytes[64];
	ssize_t n;

	while ((n = troupe_read_until(self, harbour->stream, "\r\n", 16, &text)) > 0)
		note(self, "[%.*s]", (int)n - 2, text);
	note(self, "%zd; ", n);
	if (n == -EMSGSIZE || n == -ENODATA) {
		n = troupe_read(self, harbour->stream, bytes, sizeof(bytes));
		note(self, "rest [%.*s]; ", (int)n, bytes);
	}
	return 0;
}

static void lines_are_found_wherever_they_are_cut(void **state)
{
	const char *const text = "one\r\n\r\nt\rw\no\r\nthree\r\n";
	struct harbour harbour;

	(void)state;
	for (size_t size = 1; size <= strlen(text); size++) {
		harbour_play(&harbour, reads_lines);
		for (size_t at = 0; at < strlen(text); at += size) {
			char piece[64];

			snprintf(piece, sizeof(piece), "%.*s", (int)size, text + at);
			harbour_says(&harbour, piece);
			harbour_run(&harbour);
		}
		shutdown(harbour.there, SHUT_WR);
		harbour_run(&harbour);
		assert_noted(&harbour, "[one][][t\rw\no][three]0; ");
		harbour_finish(&harbour);
	}
}

static void end_in_a_line_is_an_error_and_loses_nothing(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, reads_lines);
	harbour_says(&harbour, "one\r\nhalf\r");
	shutdown(harbour.there, SHUT_WR);
	harbour_run(&harbour);
	snprintf(expected, sizeof(expected), "[one]%d; rest [half\r]; ", -ENODATA);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

/* Trap 16. */
static void line_that_is_too_long_is_still_there(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, reads_lines);
	harbour_says(&harbour, "0123456789abcd\r\n0123456789abcde\r\n");
	harbour_run(&harbour);
	snprintf(expected, sizeof(expected), "[0123456789abcd]%d; rest [0123456789abcde\r]; ",
		 -EMSGSIZE);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

#define MANY (1u << 20)

static int reads_a_long_line(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	char *bytes = malloc(MANY);
	ssize_t n;

	assert_non_null(bytes);
	n = troupe_read_until(self, harbour->stream, "\n", TROUPE_STREAM_BUFFER + 1, &text);
	assert_int_equal(n, -EINVAL);
	n = troupe_read_until(self, harbour->stream, "\n", TROUPE_STREAM_BUFFER, &text);
	assert_int_equal(n, -EMSGSIZE);
	assert_int_equal(troupe_limit(self, harbour->stream, 0, MANY), 0);
	n = troupe_read_until(self, harbour->stream, "\n", MANY, &text);
	assert_int_equal(n, MANY);
	for (uint32_t i = 0; i < MANY - 1; i++)
		assert_int_equal(text[i], 'a' + (char)(i % 26));
	assert_int_equal(text[MANY - 1], '\n');
	free(bytes);
	note(self, "read; ");
	/* the next read gives the memory back before it waits */
	return troupe_read(self, harbour->stream, &n, 1) == 0 ? 0 : -EIO;
}

static void long_line_is_read_when_its_buffer_may_hold_it(void **state)
{
	struct harbour harbour;
	char *line = malloc(MANY);
	struct stream *stream;

	(void)state;
	assert_non_null(line);
	for (uint32_t i = 0; i < MANY - 1; i++)
		line[i] = 'a' + (char)(i % 26);
	line[MANY - 1] = '\n';
	harbour_play(&harbour, reads_a_long_line);
	for (uint32_t sent = 0; sent < MANY;) {
		ssize_t n = write(harbour.there, line + sent, MANY - sent);

		if (n > 0)
			sent += (uint32_t)n;
		harbour_run(&harbour);
	}
	assert_noted(&harbour, "read; ");
	stream = container_of(belonging_at(harbour.world.runtime, harbour.stream.id),
			      struct stream, port.belonging);
	assert_null(stream->input.memory);
	free(line);
	harbour_finish(&harbour);
}

/* Two streams hold input at a time: only one of them has the memory that is there for one. */
static int reads_half_lines(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream other;
	const char *first, *second;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(troupe_adopt(self, ends[0], &other), 0);
	assert_int_equal(write(ends[1], "other\nhalf", 10), 10);
	assert_int_equal(troupe_read_until(self, harbour->stream, "\n", 64, &first), 5);
	assert_int_equal(troupe_read_until(self, other, "\n", 64, &second), 6);
	assert_memory_equal(first, "line\n", 5);
	assert_memory_equal(second, "other\n", 6);
	close(ends[1]);
	note(self, "both; ");
	return 0;
}

static void two_streams_hold_input_at_a_time(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, reads_half_lines);
	harbour_says(&harbour, "line\nand more");
	harbour_run(&harbour);
	assert_noted(&harbour, "both; ");
	harbour_finish(&harbour);
}

static int reads_first(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[2];
	ssize_t n = troupe_read(self, harbour->stream, bytes, sizeof(bytes));

	note(self, "first %.*s; ", (int)n, bytes);
	return 0;
}

static int reads_second(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[2];
	ssize_t n = troupe_read(self, harbour->stream, bytes, sizeof(bytes));

	note(self, "second %.*s; ", (int)n, bytes);
	return 0;
}

static void readers_take_turns(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, reads_first, reads_second);
	harbour_says(&harbour, "ab");
	harbour_run(&harbour);
	assert_noted(&harbour, "first ab; ");
	harbour_says(&harbour, "cd");
	harbour_run(&harbour);
	assert_noted(&harbour, "second cd; ");
	harbour_finish(&harbour);
}

static int reads_twice_with_a_limit(struct troupe_self *self, struct harbour *harbour)
{
	char byte;

	assert_int_equal(troupe_limit(self, harbour->stream, TROUPE_SECOND_NS, 0), 0);
	note(self, "%zd; ", troupe_read(self, harbour->stream, &byte, 1));
	note(self, "%zd; ", troupe_read(self, harbour->stream, &byte, 1));
	return 0;
}

static void idle_connection_has_its_time(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, reads_twice_with_a_limit);
	world_sleep(&harbour.world, TROUPE_SECOND_NS / 2);
	harbour_says(&harbour, "x");
	harbour_run(&harbour);
	assert_noted(&harbour, "1; ");
	world_sleep(&harbour.world, TROUPE_SECOND_NS * 9 / 10);
	assert_noted(&harbour, "");
	world_sleep(&harbour.world, TROUPE_SECOND_NS / 5);
	snprintf(expected, sizeof(expected), "%d; ", -ETIME);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

/* ------------------------------------------------------------------ writing */

static int writes(struct troupe_self *self, struct harbour *harbour, char what)
{
	char *bytes = malloc(MANY);
	int rc;

	assert_non_null(bytes);
	memset(bytes, what, MANY);
	rc = troupe_write(self, harbour->stream, bytes, MANY);
	note(self, "%c %d; ", what, rc);
	free(bytes);
	return 0;
}

static int writes_a(struct troupe_self *self, struct harbour *harbour)
{
	return writes(self, harbour, 'a');
}

static int writes_b(struct troupe_self *self, struct harbour *harbour)
{
	return writes(self, harbour, 'b');
}

/* Trap 15. */
static void writers_wait_for_a_slow_reader_and_take_turns(void **state)
{
	struct harbour harbour;
	char bytes[4000];
	size_t n_a = 0, n_b = 0;

	(void)state;
	harbour_play(&harbour, writes_a, writes_b);
	while (n_a + n_b < 2 * MANY) {
		ssize_t n = read(harbour.there, bytes, sizeof(bytes));

		for (ssize_t i = 0; i < n; i++) {
			assert_true(bytes[i] == (n_a < MANY ? 'a' : 'b'));
			(*(n_a < MANY ? &n_a : &n_b))++;
		}
		harbour_run(&harbour);
	}
	assert_noted(&harbour, "a 0; b 0; ");
	harbour_finish(&harbour);
}

static int stops_first(struct troupe_self *self, struct harbour *harbour)
{
	return troupe_task_cancel(self, harbour->tasks[0]);
}

/* What others would write behind half of it would be taken for its end. */
static void write_that_is_cut_short_ends_the_writing(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, writes_a, writes_b);
	harbour.handler = stops_first;
	assert_noted(&harbour, "");
	harbour_tell(&harbour);
	snprintf(expected, sizeof(expected), "a %d; b %d; ", -ECANCELED, -EPIPE);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

static void write_to_nobody_is_an_error(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, writes_a);
	close(harbour.there);
	harbour.there = -1;
	harbour_run(&harbour);
	snprintf(expected, sizeof(expected), "a %d; ", -EPIPE);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

static int finishes(struct troupe_self *self, struct harbour *harbour)
{
	assert_int_equal(troupe_write(self, harbour->stream, "bye", 3), 0);
	assert_int_equal(troupe_finish(self, harbour->stream), 0);
	assert_int_equal(troupe_write(self, harbour->stream, "more", 4), -EPIPE);
	return reads_all(self, harbour);
}

static void half_closed_connection_is_read_on(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, finishes);
	assert_string_equal(harbour_hears(&harbour), "bye");
	assert_int_equal(read(harbour.there, &(char){0}, 1), 0);
	harbour_says(&harbour, "late");
	harbour_run(&harbour);
	shutdown(harbour.there, SHUT_WR);
	harbour_run(&harbour);
	assert_noted(&harbour, "[late]0; ");
	harbour_finish(&harbour);
}

static int sends_a_file(struct troupe_self *self, struct harbour *harbour)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(write(fd, "0123456789", 10), 10);
	note(self, "%zd ", troupe_send_file(self, harbour->stream, fd, 2, 5));
	note(self, "%zd ", troupe_send_file(self, harbour->stream, fd, 8, 5));
	note(self, "%zd; ", troupe_send_file(self, harbour->stream, -1, 0, 5));
	close(fd);
	return 0;
}

static void file_is_sent_as_far_as_it_goes(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, sends_a_file);
	snprintf(expected, sizeof(expected), "5 2 %d; ", -EBADF);
	assert_noted(&harbour, expected);
	assert_string_equal(harbour_hears(&harbour), "2345689");
	harbour_finish(&harbour);
}

/* ------------------------------------------------------------------ closing */

static int closes(struct troupe_self *self, struct harbour *harbour)
{
	troupe_close(self, harbour->stream);
	troupe_close(self, harbour->stream);
	assert_int_equal(troupe_finish(self, harbour->stream), -ESRCH);
	assert_int_equal(troupe_limit(self, harbour->stream, 0, 0), -ESRCH);
	assert_int_equal(troupe_detach(self, harbour->stream, &(int){0}), -ESRCH);
	return 0;
}

/* Trap 12: all who wait, each once; those who wait for their turn, too. */
static void close_wakes_whoever_waits(void **state)
{
	struct harbour harbour;
	char expected[128];

	(void)state;
	harbour_play(&harbour, reads_all, writes_a, reads_all, writes_b);
	harbour.handler = closes;
	assert_noted(&harbour, "");
	harbour_tell(&harbour);
	snprintf(expected, sizeof(expected), "%d; a %d; %d; b %d; ", -ECONNABORTED,
		 -ECONNABORTED, -ECONNABORTED, -ECONNABORTED);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

static int reads_again(struct troupe_self *self, struct harbour *harbour)
{
	char byte;

	note(self, "%zd; ", troupe_read(self, harbour->stream, &byte, 1));
	note(self, "%zd; ", troupe_read(self, harbour->stream, &byte, 1));
	note(self, "%d; ", troupe_write(self, harbour->stream, &byte, 1));
	return 0;
}

static void closed_stream_is_nobodys(void **state)
{
	struct harbour harbour;
	char expected[128];

	(void)state;
	harbour_play(&harbour, reads_again);
	harbour.handler = closes;
	harbour_tell(&harbour);
	snprintf(expected, sizeof(expected), "%d; %d; %d; ", -ECONNABORTED, -ESRCH, -ESRCH);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

static int stops_and_asks(struct troupe_self *self, struct harbour *harbour)
{
	return troupe_task_cancel(self, harbour->tasks[0]);
}

static void cancelled_read_leaves_all_to_the_next(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, reads_all, reads_second);
	harbour.handler = stops_and_asks;
	harbour_tell(&harbour);
	snprintf(expected, sizeof(expected), "%d; ", -ECANCELED);
	assert_noted(&harbour, expected);
	harbour_says(&harbour, "xy");
	harbour_run(&harbour);
	assert_noted(&harbour, "second xy; ");
	harbour_finish(&harbour);
}

/* ------------------------------------------------------------------ descriptors */

static int detaches(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	int fd;

	assert_int_equal(troupe_read_until(self, harbour->stream, "\n", 64, &text), 5);
	/* more has come with the line */
	assert_int_equal(troupe_detach(self, harbour->stream, &fd), -EBUSY);
	assert_int_equal(troupe_read_until(self, harbour->stream, "\n", 64, &text), 5);
	assert_int_equal(troupe_detach(self, harbour->stream, &fd), 0);
	assert_int_equal(write(fd, "own", 3), 3);
	close(fd);
	note(self, "detached; ");
	return 0;
}

static void detached_descriptor_is_the_callers(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, detaches);
	harbour_says(&harbour, "more\nline\n");
	harbour_run(&harbour);
	assert_noted(&harbour, "detached; ");
	assert_string_equal(harbour_hears(&harbour), "own");
	harbour_finish(&harbour);
}

static int detaches_in_use(struct troupe_self *self, struct harbour *harbour)
{
	assert_int_equal(troupe_detach(self, harbour->stream, &(int){0}), -EBUSY);
	return 0;
}

static void stream_in_use_is_not_detached(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, reads_all);
	harbour.handler = detaches_in_use;
	harbour_tell(&harbour);
	harbour_finish(&harbour);
}

/* What was closed behind a stream's back is not handed out, and whoever has its number since
 * keeps it: whether that is another stream, something else, or nothing. */
static int loses_descriptors(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream streams[4], other;
	int pairs[5][2], fd = 7, before;

	(void)harbour;
	for (int i = 0; i < 5; i++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]),
				 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(troupe_adopt(self, pairs[i][0], &streams[i]), 0);
	before = pairs[0][0];
	close(before);
	assert_int_equal(dup2(pairs[4][0], before), before);
	close(pairs[4][0]);
	assert_int_equal(troupe_adopt(self, before, &other), 0);
	close(pairs[1][0]);
	assert_int_equal(dup2(pairs[4][1], pairs[1][0]), pairs[1][0]);
	close(pairs[2][0]);
	assert_int_equal(dup2(pairs[4][1], pairs[3][0]), pairs[3][0]);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(troupe_detach(self, streams[i], &fd), -EBADF);
		assert_int_equal(fd, 7);
		assert_int_equal(troupe_detach(self, streams[i], &fd), -ESRCH);
	}
	troupe_close(self, streams[3]);
	assert_true(fcntl(before, F_GETFD) >= 0);
	assert_true(fcntl(pairs[1][0], F_GETFD) >= 0);
	assert_true(fcntl(pairs[3][0], F_GETFD) >= 0);
	assert_int_equal(troupe_detach(self, other, &fd), 0);
	assert_int_equal(fd, before);
	close(pairs[1][0]);
	close(pairs[3][0]);
	for (int i = 0; i < 5; i++)
		close(pairs[i][1]);
	close(fd);
	note(self, "lost; ");
	return 0;
}

static void descriptor_that_was_closed_elsewhere_is_not_handed_out(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, loses_descriptors);
	harbour_run(&harbour);
	assert_noted(&harbour, "lost; ");
	harbour_finish(&harbour);
}

/* Trap 13: the same number again and again, some with a copy elsewhere. */
static int opens_and_closes(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	int kept = -1, ends[2];
	char byte;

	(void)harbour;
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		assert_int_equal(troupe_adopt(self, ends[0], &stream), 0);
		if (i % 100 == 0) {
			if (kept >= 0)
				close(kept);
			kept = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);
		}
		assert_int_equal(write(ends[1], "x", 1), 1);
		assert_int_equal(troupe_read(self, stream, &byte, 1), 1);
		assert_int_equal(write(ends[1], "x", 1), 1);
		troupe_close(self, stream);
		close(ends[1]);
	}
	close(kept);
	note(self, "done; ");
	return 0;
}

static void number_is_used_again_at_once(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, opens_and_closes);
	harbour_run(&harbour);
	assert_noted(&harbour, "done; ");
	harbour_finish(&harbour);
}

static int adopts_odd_ones(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), ends[2];
	char bytes[8];

	(void)harbour;
	assert_int_equal(troupe_adopt(self, file, &stream), -EPERM);
	assert_int_equal(fcntl(file, F_GETFD), -1); /* it was taken, and closed */
	assert_int_equal(troupe_adopt(self, -1, &stream), -EBADF);
	file = open("/", O_PATH | O_CLOEXEC); /* not even its flags can be set */
	assert_int_equal(troupe_adopt(self, file, &stream), -EBADF);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(troupe_adopt(self, ends[0], &stream), 0);
	/* a second time it is refused, and stays the stream's */
	assert_int_equal(troupe_adopt(self, ends[0], &(struct troupe_stream){0}), -EEXIST);
	assert_int_equal(write(ends[1], "pipe", 4), 4);
	assert_int_equal(troupe_read(self, stream, bytes, 8), 4);
	assert_int_equal(troupe_finish(self, stream), -ENOTSOCK);
	assert_int_equal(troupe_peer(self, stream, harbour->place), -ENOTSOCK);
	close(ends[1]);
	assert_int_equal(troupe_read(self, stream, bytes, 8), 0);
	note(self, "adopted; ");
	return 0;
}

static void pipes_are_adopted_and_files_are_not(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, adopts_odd_ones);
	harbour_run(&harbour);
	assert_noted(&harbour, "adopted; ");
	harbour_finish(&harbour);
}

/* ------------------------------------------------------------------ ends */

static int says_goodbye(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_scope shield;
	char byte;

	assert_int_equal(troupe_read(self, harbour->stream, &byte, 1), -ECANCELED);
	assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &shield), 0);
	assert_int_equal(troupe_write(self, harbour->stream, "bye", 3), 0);
	assert_int_equal(troupe_scope_end(self, shield), 0);
	return 0;
}

static void streams_outlive_the_tasks_of_an_actor_and_end_with_it(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, says_goodbye);
	assert_int_equal(runtime_stop(harbour.world.runtime, harbour.world.actors[1]), 0);
	harbour_run(&harbour);
	assert_noted(&harbour, "1:fini shutdown; ");
	assert_string_equal(harbour_hears(&harbour), "bye");
	assert_int_equal(read(harbour.there, &(char){0}, 1), 0);
	harbour_finish(&harbour);
}

static int refused_in_handlers(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	char byte;

	assert_int_equal(troupe_read(self, harbour->stream, &byte, 1), -EDEADLK);
	assert_int_equal(troupe_read_until(self, harbour->stream, "\n", 1, &text), -EDEADLK);
	assert_int_equal(troupe_write(self, harbour->stream, &byte, 1), -EDEADLK);
	assert_int_equal(troupe_read(self, harbour->stream, &byte, 0), -EINVAL);
	assert_int_equal(troupe_read_until(self, harbour->stream, "", 1, &text), -EINVAL);
	assert_int_equal(troupe_read_until(self, harbour->stream, "\n", 0, &text), -EINVAL);
	assert_int_equal(troupe_limit(self, harbour->stream, 0, TROUPE_STREAM_BUFFER_MAX + 1),
			 -EINVAL);
	note(self, "refused; ");
	return 0;
}

static void handlers_do_not_wait(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, NULL);
	harbour.handler = refused_in_handlers;
	harbour_tell(&harbour);
	assert_noted(&harbour, "refused; ");
	harbour_finish(&harbour);
}

/* A number that is good elsewhere: of another actor, of another kind. */
static int tries_foreign_ones(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	struct harbour *harbour = harbour_of(self);
	struct troupe_listener listener = {harbour->stream.id};

	(void)call;
	(void)n;
	assert_int_equal(troupe_listener_place(self, listener, harbour->place), -ESRCH);
	if (me->id == 1)
		return 0;
	assert_int_equal(troupe_finish(self, harbour->stream), -ESRCH);
	troupe_close(self, harbour->stream);
	return 0;
}

static void handle_is_good_for_its_actor_alone(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, reads_all);
	harbour.world.hooks.num = tries_foreign_ones;
	world_spawn(&harbour.world, 2);
	world_send(&harbour.world, harbour.world.actors[1], 0);
	world_send(&harbour.world, harbour.world.actors[2], 0);
	harbour_run(&harbour);
	world_log(&harbour.world);
	harbour_says(&harbour, "x");
	harbour_run(&harbour);
	assert_noted(&harbour, "[x]");
	harbour_finish(&harbour);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_is_read_until_the_end),
		cmocka_unit_test(lines_are_found_wherever_they_are_cut),
		cmocka_unit_test(end_in_a_line_is_an_error_and_loses_nothing),
		cmocka_unit_test(line_that_is_too_long_is_still_there),
		cmocka_unit_test(long_line_is_read_when_its_buffer_may_hold_it),
		cmocka_unit_test(two_streams_hold_input_at_a_time),
		cmocka_unit_test(readers_take_turns),
		cmocka_unit_test(idle_connection_has_its_time),
		cmocka_unit_test(writers_wait_for_a_slow_reader_and_take_turns),
		cmocka_unit_test(write_that_is_cut_short_ends_the_writing),
		cmocka_unit_test(write_to_nobody_is_an_error),
		cmocka_unit_test(half_closed_connection_is_read_on),
		cmocka_unit_test(file_is_sent_as_far_as_it_goes),
		cmocka_unit_test(close_wakes_whoever_waits),
		cmocka_unit_test(closed_stream_is_nobodys),
		cmocka_unit_test(cancelled_read_leaves_all_to_the_next),
		cmocka_unit_test(detached_descriptor_is_the_callers),
		cmocka_unit_test(stream_in_use_is_not_detached),
		cmocka_unit_test(descriptor_that_was_closed_elsewhere_is_not_handed_out),
		cmocka_unit_test(number_is_used_again_at_once),
		cmocka_unit_test(pipes_are_adopted_and_files_are_not),
		cmocka_unit_test(streams_outlive_the_tasks_of_an_actor_and_end_with_it),
		cmocka_unit_test(handlers_do_not_wait),
		cmocka_unit_test(handle_is_good_for_its_actor_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
