/* Files of tasks: what is done at once, what in a thread of a simulated crew. Real files. */
#include "base/cleanup.h"
#include "core/inside.h"
#include "crewed.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <troupe/file.h>
#include <unistd.h>

#define LARGE (200u << 10)

struct stage {
	struct crewed crewed;
	char directory[64], path[96];
	int fd; /* of the file */
	unsigned char large[LARGE];
};

static struct stage *stage_of(struct troupe_self *self)
{
	return container_of(crewed_of(self), struct stage, crewed);
}

/* With a file "0123456789". */
static void begin(struct stage *stage, const struct troupe_task_entry *entry)
{
	memset(stage, 0, sizeof(*stage));
	snprintf(stage->directory, sizeof(stage->directory), "/tmp/troupe-files-XXXXXX");
	assert_non_null(mkdtemp(stage->directory));
	snprintf(stage->path, sizeof(stage->path), "%s/file", stage->directory);
	stage->fd = open(stage->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(stage->fd >= 0);
	assert_int_equal(write(stage->fd, "0123456789", 10), 10);
	crewed_begin(&stage->crewed, entry, stage);
}

static void finish(struct stage *stage)
{
	world_finish(&stage->crewed.world);
	close(stage->fd);
	unlink(stage->path);
	assert_int_equal(rmdir(stage->directory), 0);
}

/* ---- reading */

static int reads(struct troupe_self *self, struct puppet *me, void *unused, struct stage *stage)
{
	char text[64] = "";

	(void)me;
	(void)unused;
	note(self, "%d ", (int)troupe_file_read(self, stage->fd, text, 4, 3));
	note(self, "%s; ", text);
	memset(text, 0, sizeof(text));
	note(self, "%d ", (int)troupe_file_read(self, stage->fd, text, 60, 8));
	note(self, "%s; ", text);
	note(self, "%d; ", (int)troupe_file_read(self, stage->fd, text, 60, 10));
	note(self, "%d; ", (int)troupe_file_read(self, stage->fd, text, 0, 0));
	assert_int_equal(lseek(stage->fd, 2, SEEK_SET), 2);
	memset(text, 0, sizeof(text));
	note(self, "%d ", (int)troupe_file_read(self, stage->fd, text, 3, TROUPE_FILE_HERE));
	note(self, "%s, then at %d; ", text, (int)lseek(stage->fd, 0, SEEK_CUR));
	return 0;
}
TROUPE_TASK(reads, struct puppet, void, struct stage)

static void fewer_bytes_are_read_only_at_the_end(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &reads_task);
	crewed_tell(&stage.crewed, 1);
	assert_log(&stage.crewed.world, "1:num 1; 4 3456; 2 89; 0; 0; 3 234, then at 5; ");
	finish(&stage);
}

/* Whether the file system of the test can say that it would wait. */
static bool can_read_at_once(const struct stage *stage)
{
	char byte;
	struct iovec piece = {&byte, 1};

	return preadv2(stage->fd, &piece, 1, 0, RWF_NOWAIT) == 1;
}

static void what_is_in_memory_is_read_without_a_thread(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &reads_task);
	if (can_read_at_once(&stage)) {
		sim_hold_crews(stage.crewed.world.loop, true);
		crewed_tell(&stage.crewed, 1);
		assert_log(&stage.crewed.world,
			   "1:num 1; 4 3456; 2 89; 0; 0; 3 234, then at 5; ");
	} else {
		print_message("/tmp reads nothing at once: not tested\n");
	}
	finish(&stage);
}

static int reads_much(struct troupe_self *self, struct puppet *me, void *number,
		      struct stage *stage)
{
	ssize_t n = troupe_file_read(self, stage->fd, stage->large, LARGE, 0);
	size_t right = 0;

	(void)me;
	for (size_t i = 0; i < LARGE; i++)
		right += stage->large[i] == (unsigned char)(i % 251);
	note(self, "%d: %d, %u right, then %d; ", (int)(intptr_t)number, (int)n,
	     (unsigned)right, troupe_sleep(self, 0));
	return 0;
}
TROUPE_TASK(reads_much, struct puppet, void, struct stage)

static void fill(struct stage *stage)
{
	for (size_t i = 0; i < LARGE; i++)
		stage->large[i] = (unsigned char)(i % 251);
	assert_int_equal(pwrite(stage->fd, stage->large, LARGE, 0), LARGE);
	memset(stage->large, 0xff, LARGE);
}

static void large_pieces_are_read_in_a_thread(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &reads_much_task);
	fill(&stage);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, 1);
	assert_log(&stage.crewed.world, "1:num 1; ");
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "1: 204800, 204800 right, then 0; ");
	finish(&stage);
}

/* Three of a unit at a time: the fourth waits, and is undone; the first has begun, so that its
 * result is there and wins. */
static void cancelled_read_is_undone_or_done(void **state)
{
	struct stage stage;
	char expected[128];

	(void)state;
	begin(&stage, &reads_much_task);
	fill(&stage);
	sim_hold_crews(stage.crewed.world.loop, true);
	for (int i = 1; i <= 4; i++)
		crewed_tell(&stage.crewed, i);
	(void)world_log(&stage.crewed.world);
	crewed_tell(&stage.crewed, -4);
	snprintf(expected, sizeof(expected), "1:num -4; 4: %d, 0 right, then %d; ", -ECANCELED,
		 -ECANCELED);
	assert_log(&stage.crewed.world, expected);
	crewed_tell(&stage.crewed, -1);
	assert_log(&stage.crewed.world, "1:num -1; ");
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	snprintf(expected, sizeof(expected), "1: 204800, 204800 right, then %d; ", -ECANCELED);
	assert_non_null(strstr(stage.crewed.world.log, expected));
	(void)world_log(&stage.crewed.world);
	finish(&stage);
}

/* ---- writing */

static int writes(struct troupe_self *self, struct puppet *me, void *unused,
		  struct stage *stage)
{
	(void)me;
	(void)unused;
	note(self, "%d; ", (int)troupe_file_write(self, stage->fd, "abc", 3, 4));
	assert_int_equal(lseek(stage->fd, 0, SEEK_END), 10);
	note(self, "%d; ", (int)troupe_file_write(self, stage->fd, "end", 3, TROUPE_FILE_HERE));
	fill(stage);
	for (size_t i = 0; i < LARGE; i++)
		stage->large[i] = (unsigned char)(i % 251);
	note(self, "%d; ", (int)troupe_file_write(self, stage->fd, stage->large, LARGE, 13));
	note(self, "%d %d; ", troupe_file_sync(self, stage->fd, 0),
	     troupe_file_sync(self, stage->fd, TROUPE_SYNC_DATA));
	return 0;
}
TROUPE_TASK(writes, struct puppet, void, struct stage)

static void everything_is_written(void **state)
{
	unsigned char found[LARGE];
	struct stage stage;

	(void)state;
	begin(&stage, &writes_task);
	crewed_tell(&stage.crewed, 1);
	assert_log(&stage.crewed.world, "1:num 1; 3; 3; 204800; 0 0; ");
	assert_int_equal(pread(stage.fd, found, LARGE, 13), LARGE);
	for (size_t i = 0; i < LARGE; i++)
		assert_int_equal(found[i], i % 251);
	finish(&stage);
}

/* ---- opening */

static int opens(struct troupe_self *self, struct puppet *me, void *unused, struct stage *stage)
{
	struct stat status;
	char path[128];
	int fd, rc;

	(void)me;
	(void)unused;
	fd = troupe_file_open(self, stage->path, O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	fd = troupe_file_open(self, stage->path, O_RDWR | O_APPEND | O_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND | O_ACCMODE),
			 O_NONBLOCK | O_APPEND | O_RDWR);
	close(fd);
	fd = troupe_file_open(self, stage->directory, O_RDONLY | O_DIRECTORY, 0);
	assert_true(fd >= 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/new", stage->directory);
	fd = troupe_file_open(self, path, O_RDWR | O_CREAT | O_EXCL, 0640);
	assert_true(fd >= 0);
	close(fd);
	rc = troupe_file_open(self, path, O_RDWR | O_CREAT | O_EXCL, 0640);
	assert_int_equal(rc, -EEXIST);
	assert_int_equal(troupe_file_stat(self, path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	unlink(path);
	assert_int_equal(troupe_file_stat(self, path, &status), -ENOENT);
	assert_int_equal(troupe_file_open(self, path, O_RDONLY, 0), -ENOENT);
	snprintf(path, sizeof(path), "%s/x", stage->path);
	assert_int_equal(troupe_file_open(self, path, O_RDONLY, 0), -ENOTDIR);
	note(self, "opened; ");
	return 0;
}
TROUPE_TASK(opens, struct puppet, void, struct stage)

static void files_are_opened_as_by_open(void **state)
{
	mode_t before = umask(022);
	struct stage stage;

	(void)state;
	begin(&stage, &opens_task);
	crewed_tell(&stage.crewed, 1);
	assert_log(&stage.crewed.world, "1:num 1; opened; ");
	finish(&stage);
	umask(before);
}

/* 4: the FIFO, whose other end never comes. */
static int opens_fifo(struct troupe_self *self, struct puppet *me, void *number,
		      struct stage *stage)
{
	char path[128];

	(void)me;
	snprintf(path, sizeof(path), "%s/fifo", stage->directory);
	if ((intptr_t)number == 4)
		note(self, "fifo %d; ", troupe_file_open(self, path, O_RDONLY, 0));
	else
		note(self, "sync %d; ", troupe_file_sync(self, stage->fd, 0));
	return 0;
}
TROUPE_TASK(opens_fifo, struct puppet, void, struct stage)

static void open_of_a_fifo_does_not_wait_on_the_loop(void **state)
{
	struct stage stage;
	char path[128], expected[64];

	(void)state;
	begin(&stage, &opens_fifo_task);
	snprintf(path, sizeof(path), "%s/fifo", stage.directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	sim_hold_crews(stage.crewed.world.loop, true);
	for (int i = 1; i <= 4; i++)
		crewed_tell(&stage.crewed, i);
	(void)world_log(&stage.crewed.world);
	crewed_tell(&stage.crewed, -4);
	snprintf(expected, sizeof(expected), "1:num -4; fifo %d; ", -ECANCELED);
	assert_log(&stage.crewed.world, expected);
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "sync 0; sync 0; sync 0; ");
	unlink(path);
	finish(&stage);
}

/* ---- mistakes */

static int asks_wrongly(struct troupe_self *self, struct puppet *me, void *unused,
			struct stage *stage)
{
	cleanup_close int fd = open(stage->path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char byte = 0;
	int ends[2];

	(void)me;
	(void)unused;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(troupe_file_open(self, NULL, O_RDONLY, 0), -EINVAL);
	assert_int_equal(troupe_file_stat(self, NULL, &status), -EINVAL);
	assert_int_equal(troupe_file_stat(self, stage->path, NULL), -EINVAL);
	assert_int_equal(troupe_file_read(self, fd, NULL, 1, 0), -EINVAL);
	assert_int_equal(troupe_file_read(self, fd, &byte, 1, -2), -EINVAL);
	assert_int_equal(troupe_file_read(self, fd, &byte, SIZE_MAX, 0), -EINVAL);
	assert_int_equal(troupe_file_read(self, -1, &byte, 1, 0), -EBADF);
	assert_int_equal(troupe_file_write(self, fd, &byte, 1, 0), -EBADF);
	assert_int_equal(troupe_file_read(self, ends[0], &byte, 1, 0), -ESPIPE);
	assert_int_equal(troupe_file_read(self, ends[0], &byte, 1, TROUPE_FILE_HERE), -ESPIPE);
	assert_int_equal(troupe_file_sync(self, fd, 2), -EINVAL);
	assert_int_equal(troupe_file_sync(self, -1, 0), -EBADF);
	close(ends[0]);
	close(ends[1]);
	note(self, "asked; ");
	return 0;
}
TROUPE_TASK(asks_wrongly, struct puppet, void, struct stage)

static int reads_in_a_handler(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	char byte;

	(void)me;
	(void)call;
	(void)n;
	note(self, "%d; ", (int)troupe_file_read(self, stage_of(self)->fd, &byte, 1, 0));
	return 0;
}

static void wrong_deeds_are_refused(void **state)
{
	struct stage stage;
	char expected[32];

	(void)state;
	begin(&stage, &asks_wrongly_task);
	crewed_tell(&stage.crewed, 1);
	assert_log(&stage.crewed.world, "1:num 1; asked; ");
	stage.crewed.world.hooks.num = reads_in_a_handler;
	crewed_tell(&stage.crewed, 1);
	snprintf(expected, sizeof(expected), "1:num 1; %d; ", -EDEADLK);
	assert_log(&stage.crewed.world, expected);
	finish(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fewer_bytes_are_read_only_at_the_end),
		cmocka_unit_test(what_is_in_memory_is_read_without_a_thread),
		cmocka_unit_test(large_pieces_are_read_in_a_thread),
		cmocka_unit_test(cancelled_read_is_undone_or_done),
		cmocka_unit_test(everything_is_written),
		cmocka_unit_test(files_are_opened_as_by_open),
		cmocka_unit_test(open_of_a_fifo_does_not_wait_on_the_loop),
		cmocka_unit_test(wrong_deeds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
