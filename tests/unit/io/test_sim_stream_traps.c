/* Connections where those of other systems had their faults, and at the size at which they had
 * them: docs/traps.md. */
#include "harbour.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

/* ------------------------------------------------------------------ trap 12 */

/* What a test and its scripts share. */
static struct {
	void *stack; /* of the task that was woken */
	int wakes;   /* of the one after it */
} twelve;

static int reads_and_leaves(struct troupe_self *self, struct harbour *harbour)
{
	char byte;

	twelve.stack = __builtin_frame_address(0);
	note(self, "first %zd; ", troupe_read(self, harbour->stream, &byte, 1));
	return 0;
}

/* Waits for what nobody gives it, on the stack of the one before. */
static int sleeps_on_its_stack(struct troupe_self *self, struct harbour *harbour)
{
	(void)harbour;
	assert_ptr_equal(__builtin_frame_address(0), twelve.stack);
	note(self, "second %d; ", troupe_sleep(self, TROUPE_SECOND_NS));
	twelve.wakes++;
	return 0;
}

static int says_and_closes(struct troupe_self *self, struct harbour *harbour)
{
	/* all that may wake the reader, at the same moment */
	harbour_says(harbour, "xy");
	(void)troupe_task_cancel(self, harbour->tasks[0]);
	troupe_close(self, harbour->stream);
	return 0;
}

static int says_and_cancels(struct troupe_self *self, struct harbour *harbour)
{
	harbour_says(harbour, "xy");
	return troupe_task_cancel(self, harbour->tasks[0]);
}

static int only_closes(struct troupe_self *self, struct harbour *harbour)
{
	troupe_close(self, harbour->stream);
	return 0;
}

/* Trap 12: who was woken has left, and a new task has its stack, when more comes of what the
 * first one waited for: it is woken by its own time, once. */
static void check_stack(script *ends, int expected, script *afterwards)
{
	struct harbour harbour;
	char text[64];

	twelve.wakes = 0;
	harbour_play(&harbour, reads_and_leaves);
	harbour.handler = ends;
	harbour_tell(&harbour);
	snprintf(text, sizeof(text), "first %d; ", expected);
	assert_noted(&harbour, text);
	harbour_start(&harbour, sleeps_on_its_stack);
	assert_noted(&harbour, "");
	harbour.handler = afterwards;
	harbour_tell(&harbour);
	/* the other end leaves, too */
	close(harbour.there);
	harbour.there = -1;
	harbour_run(&harbour);
	world_sleep(&harbour.world, TROUPE_SECOND_NS / 2);
	assert_noted(&harbour, "");
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	assert_noted(&harbour, "second 0; ");
	assert_int_equal(twelve.wakes, 1);
	harbour_finish(&harbour);
}

static void new_task_on_the_stack_of_one_that_was_woken_is_not_woken(void **state)
{
	(void)state;
	check_stack(only_closes, -ECONNABORTED, only_closes);
	check_stack(says_and_cancels, -ECANCELED, only_closes);
	/* that it is closed is there when it is to look at why it was woken */
	check_stack(says_and_closes, -ECONNABORTED, only_closes);
}

/* ------------------------------------------------------------------ trap 13 */

/* A process that has a copy of all that is open here, until its pipe is closed. */
static pid_t keep_copies(int *ret_end)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;

		close(ends[1]);
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
		_exit(0);
	}
	close(ends[0]);
	*ret_end = ends[1];
	return pid;
}

static void end_copies(pid_t pid, int end)
{
	int status;

	close(end);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A pair whose first end has that number again; -1: any. */
static void open_again(int ends[2], int number)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_true(number < 0 || ends[0] == number);
}

static void say_if_open(int fd, bool is_open)
{
	ssize_t n = send(fd, "o", 1, MSG_NOSIGNAL | MSG_DONTWAIT);

	assert_int_equal(n, is_open ? 1 : -1);
}

/* A time after which a wait that finds nothing ends. */
static ssize_t read_in_vain(struct troupe_self *self, struct troupe_stream stream)
{
	struct troupe_scope scope;
	ssize_t n;
	char byte;

	assert_int_equal(troupe_scope_begin(self, TROUPE_MS_NS, &scope), 0);
	n = troupe_read(self, stream, &byte, 1);
	assert_int_equal(troupe_scope_end(self, scope), n < 0 ? n : 0);
	return n;
}

/* Each time a stream is closed for which there is something, and another one has its number. */
static void reuse(struct troupe_self *self, unsigned long times, bool copies)
{
	int number = -1, other = -1, keeper = -1;
	pid_t pid = -1;

	for (unsigned long i = 0; i < times; i++) {
		struct troupe_stream stream;
		int ends[2];
		char byte;

		open_again(ends, number);
		number = ends[0];
		assert_int_equal(troupe_adopt(self, number, &stream), 0);
		if (i > 0)
			say_if_open(other, copies);
		if (copies || i % 16 == 0)
			assert_int_equal(read_in_vain(self, stream), -ETIMEDOUT);
		assert_int_equal(write(ends[1], "nn", 2), 2);
		assert_int_equal(troupe_read(self, stream, &byte, 1), 1);
		assert_int_equal(byte, 'n');
		close(other);
		if (copies && i > 0)
			end_copies(pid, keeper);
		if (copies)
			pid = keep_copies(&keeper);
		troupe_close(self, stream);
		other = ends[1];
	}
	close(other);
	if (copies)
		end_copies(pid, keeper);
}

static int reuses(struct troupe_self *self, struct harbour *harbour)
{
	(void)harbour;
	reuse(self, harbour_scale("TRAP_REUSES", 100000), false);
	note(self, "done; ");
	return 0;
}

static int reuses_with_copies(struct troupe_self *self, struct harbour *harbour)
{
	(void)harbour;
	reuse(self, 20, true);
	note(self, "done; ");
	return 0;
}

static int wait_in_vain(struct troupe_self *self, int fd)
{
	struct troupe_scope scope;
	int rc;

	assert_int_equal(troupe_scope_begin(self, TROUPE_MS_NS, &scope), 0);
	rc = troupe_wait_fd(self, fd, TROUPE_READABLE);
	assert_int_equal(troupe_scope_end(self, scope), rc < 0 ? rc : 0);
	return rc;
}

/* The same with descriptors that are no streams: here each event would be seen. */
static int waits_with_copies(struct troupe_self *self, struct harbour *harbour)
{
	int number = -1, other = -1, keeper = -1;
	pid_t pid = -1;

	(void)harbour;
	for (int i = 0; i < 20; i++) {
		int ends[2];

		open_again(ends, number);
		number = ends[0];
		if (i > 0)
			say_if_open(other, true);
		assert_int_equal(wait_in_vain(self, number), -ETIMEDOUT);
		assert_int_equal(write(ends[1], "n", 1), 1);
		assert_int_equal(troupe_wait_fd(self, number, TROUPE_READABLE),
				 TROUPE_READABLE);
		close(other);
		if (i > 0)
			end_copies(pid, keeper);
		pid = keep_copies(&keeper);
		close(number);
		other = ends[1];
	}
	close(other);
	end_copies(pid, keeper);
	note(self, "done; ");
	return 0;
}

/* Trap 13. */
static void play_to_its_end(script *what)
{
	struct harbour harbour;

	harbour_play(&harbour, what);
	world_sleep(&harbour.world, 3600 * TROUPE_SECOND_NS);
	assert_noted(&harbour, "done; ");
	harbour_finish(&harbour);
}

static void number_is_used_again_a_hundred_thousand_times(void **state)
{
	(void)state;
	play_to_its_end(reuses);
}

static void copy_in_another_process_is_not_heard(void **state)
{
	(void)state;
	play_to_its_end(reuses_with_copies);
	play_to_its_end(waits_with_copies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_task_on_the_stack_of_one_that_was_woken_is_not_woken),
		cmocka_unit_test(number_is_used_again_a_hundred_thousand_times),
		cmocka_unit_test(copy_in_another_process_is_not_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
