/* Sockets at paths where others are, or have been. */
#include "base/left_over.h"

#include "base/path_lock.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RIVALS 6
#define ROUNDS 20

struct fixture {
	char directory[32];
	struct sockaddr_storage address;
	uint32_t size;
	const char *path;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un *local;

	assert_non_null(f);
	local = (void *)&f->address;
	strcpy(f->directory, "/tmp/test_left_over_XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	local->sun_family = AF_UNIX;
	snprintf(local->sun_path, sizeof(local->sun_path), "%s/x", f->directory);
	f->path = local->sun_path;
	f->size = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + strlen(f->path) + 1);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	assert_int_equal(rmdir(f->directory), 0);
	free(f);
	return 0;
}

static int open_one(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

/* A descriptor, or the error. */
static int bind_one(const struct fixture *f, int type)
{
	int fd = open_one(type), r = left_over_bind(fd, &f->address, f->size);

	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* As a kill -9 leaves it. */
static void leave_one(const struct fixture *f, int type)
{
	int fd = open_one(type);

	assert_int_equal(bind(fd, (const struct sockaddr *)&f->address, f->size), 0);
	close(fd);
}

static void socket_that_nobody_has_is_replaced(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	const struct fixture *f = *state;

	for (size_t left = 0; left < 2; left++)
		for (size_t fresh = 0; fresh < 2; fresh++) {
			int fd;

			leave_one(f, types[left]);
			fd = bind_one(f, types[fresh]);
			assert_true(fd >= 0);
			close(fd);
			assert_int_equal(unlink(f->path), 0);
		}
}

static void file_of_the_name_of_a_lock_stays(void **state)
{
	const struct fixture *f = *state;
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%s.lock", f->path);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "own", 3), 3);
	close(fd);
	leave_one(f, SOCK_STREAM);
	assert_int_equal(bind_one(f, SOCK_STREAM), -EEXIST);
	assert_int_equal(unlink(name), 0);
	fd = bind_one(f, SOCK_STREAM);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(access(name, F_OK), -1);
}

/* Also while it does not listen yet, and one of datagrams that is connected to another. */
static void socket_that_somebody_has_stays(void **state)
{
	const struct fixture *f = *state;
	struct stat before, after;
	int pair[2], fd = bind_one(f, SOCK_STREAM);

	assert_true(fd >= 0);
	assert_int_equal(stat(f->path, &before), 0);
	assert_int_equal(bind_one(f, SOCK_STREAM), -EADDRINUSE);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(bind_one(f, SOCK_DGRAM), -EADDRINUSE);
	assert_int_equal(stat(f->path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	close(fd);
	fd = bind_one(f, SOCK_DGRAM);
	assert_true(fd >= 0);
	assert_int_equal(bind_one(f, SOCK_DGRAM), -EADDRINUSE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	close(fd);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(bind(pair[0], (const struct sockaddr *)&f->address, f->size), 0);
	assert_int_equal(bind_one(f, SOCK_STREAM), -EADDRINUSE);
	close(pair[0]);
	close(pair[1]);
}

static void what_is_no_socket_stays(void **state)
{
	const struct fixture *f = *state;
	int fd = open(f->path, O_CREAT | O_EXCL | O_CLOEXEC | O_RDONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(bind_one(f, SOCK_STREAM), -EEXIST);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(symlink("/nowhere", f->path), 0);
	assert_int_equal(bind_one(f, SOCK_STREAM), -EEXIST);
	assert_int_equal(access(f->path, F_OK), -1);
}

/* Another process looks at what is there, and may be about to replace it. */
static void nothing_is_replaced_while_another_does_so(void **state)
{
	const struct fixture *f = *state;
	struct stat before, after;
	struct path_lock other;
	int fd;

	leave_one(f, SOCK_STREAM);
	assert_int_equal(stat(f->path, &before), 0);
	assert_int_equal(path_lock(f->path, &other), 0);
	assert_int_equal(bind_one(f, SOCK_STREAM), -EADDRINUSE);
	assert_int_equal(stat(f->path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	path_unlock(&other);
	fd = bind_one(f, SOCK_STREAM);
	assert_true(fd >= 0);
	close(fd);
}

/* Begins when nobody has the other end of `gate` any more, and stays until the same holds for
 * `end`. */
static void rival(const struct fixture *f, int gate, int end, int result)
{
	char byte;
	int fd;

	(void)!read(gate, &byte, 1);
	fd = bind_one(f, SOCK_STREAM);
	byte = fd >= 0 ? 'w' : fd == -EADDRINUSE ? 'l' : 'e';
	(void)!write(result, &byte, 1);
	(void)!read(end, &byte, 1);
	_exit(0);
}

static void one_of_several_at_a_time_has_it(void **state)
{
	const struct fixture *f = *state;

	for (unsigned round = 0; round < ROUNDS; round++) {
		int gate[2], end[2], result[2], probe = open_one(SOCK_DGRAM);
		char said[RIVALS + 1] = "";
		unsigned won = 0;

		leave_one(f, SOCK_STREAM);
		assert_int_equal(pipe(gate), 0);
		assert_int_equal(pipe(end), 0);
		assert_int_equal(pipe(result), 0);
		for (unsigned i = 0; i < RIVALS; i++) {
			pid_t pid = fork();

			assert_true(pid >= 0);
			if (pid == 0) {
				close(gate[1]);
				close(end[1]);
				rival(f, gate[0], end[0], result[1]);
			}
		}
		close(gate[1]);
		for (unsigned i = 0; i < RIVALS; i++) {
			assert_int_equal(read(result[0], said + i, 1), 1);
			assert_int_not_equal(said[i], 'e');
			won += said[i] == 'w';
		}
		assert_int_equal(won, 1);
		/* and it is the one that who connects finds */
		assert_int_equal(connect(probe, (const struct sockaddr *)&f->address, f->size),
				 -1);
		assert_int_equal(errno, EPROTOTYPE);
		close(end[1]);
		for (unsigned i = 0; i < RIVALS; i++)
			assert_true(wait(NULL) > 0);
		close(gate[0]);
		close(end[0]);
		close(result[0]);
		close(result[1]);
		close(probe);
		assert_int_equal(unlink(f->path), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_of_the_name_of_a_lock_stays),
		TEST(socket_that_nobody_has_is_replaced),
		TEST(socket_that_somebody_has_stays),
		TEST(what_is_no_socket_stays),
		TEST(nothing_is_replaced_while_another_does_so),
		TEST(one_of_several_at_a_time_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
