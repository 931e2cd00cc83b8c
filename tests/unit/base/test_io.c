/* test_io.c - whole files, sealed memory. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"

static int setup(void **state)
{
	static char directory[64];

	strcpy(directory, "/tmp/troupe-io-XXXXXX");
	*state = mkdtemp(directory);
	return *state ? chdir(directory) : -1;
}

static int teardown(void **state)
{
	char *directory = *state;

	unlink("file");
	unlink("fifo");
	return chdir("/") || rmdir(directory);
}

static void write_file(const char *name, const void *data, size_t size)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

static void file_is_read_whole_with_a_nul_behind(void **state)
{
	char *data;
	size_t size;

	(void)state;
	write_file("file", "a\0b", 3);
	assert_int_equal(io_file_read(AT_FDCWD, "file", 3, &data, &size), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(data, "a\0b", 4);
	free(data);
	assert_int_equal(io_file_read(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &size), 0);
	assert_int_equal(size, strlen(data));
	assert_true(size > 100);
	free(data);
	assert_int_equal(io_file_read(AT_FDCWD, "/dev/null", 10, &data, &size), 0);
	assert_int_equal(size, 0);
	free(data);
}

static void file_is_refused_when_over_the_limit_or_no_file(void **state)
{
	char *data = NULL;
	size_t size;

	(void)state;
	write_file("file", "abcd", 4);
	assert_int_equal(io_file_read(AT_FDCWD, "file", 3, &data, &size), -EFBIG);
	assert_int_equal(io_file_read(AT_FDCWD, "/proc/self/status", 100, &data, &size),
			 -EFBIG);
	assert_int_equal(io_file_read(AT_FDCWD, "none", 3, &data, &size), -ENOENT);
	assert_int_equal(io_file_read(AT_FDCWD, ".", 3, &data, &size), -EISDIR);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(io_file_read(AT_FDCWD, "fifo", 3, &data, &size), -EINVAL);
	assert_int_equal(io_file_read(AT_FDCWD, "/dev/zero", 3, &data, &size), -EINVAL);
	assert_null(data);
}

static void flags_are_set(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(io_set_nonblock(fds[0]), 0);
	assert_int_equal(io_set_cloexec(fds[0]), 0);
	assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(io_set_nonblock(fds[0]), -EBADF);
	assert_int_equal(io_set_cloexec(fds[0]), -EBADF);
}

static void memfd_comes_back_and_cannot_change(void **state)
{
	const void *data;
	size_t size;
	int fd;

	(void)state;
	assert_int_equal(memfd_of("test", "hello", 5, &fd), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(memfd_map(fd, 5, &data, &size), 0);
	assert_int_equal(size, 5);
	assert_memory_equal(data, "hello", 5);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(memfd_map(fd, 4, &data, &size), -EFBIG);
	close(fd);
	assert_memory_equal(data, "hello", 5);
	memfd_unmap(data, size);
	assert_int_equal(memfd_of("empty", NULL, 0, &fd), 0);
	assert_int_equal(memfd_map(fd, 4, &data, &size), 0);
	assert_int_equal(size, 0);
	memfd_unmap(data, size);
	close(fd);
}

static void memfd_is_refused_when_a_seal_is_missing(void **state)
{
	static const int seals[] = {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE};
	const void *data = NULL;
	size_t size;
	int fd;

	(void)state;
	for (unsigned missing = 0; missing < 3; missing++) {
		fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_int_equal(write(fd, "hello", 5), 5);
		for (unsigned i = 0; i < 3; i++)
			if (i != missing)
				assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		assert_int_equal(memfd_map(fd, 100, &data, &size), -EPERM);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[missing]), 0);
		assert_int_equal(memfd_map(fd, 100, &data, &size), 0);
		memfd_unmap(data, size);
		close(fd);
	}
	write_file("file", "x", 1);
	fd = open("file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(memfd_map(fd, 100, &data, &size), -EPERM);
	close(fd);
	assert_int_equal(memfd_map(-1, 100, &data, &size), -EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_is_read_whole_with_a_nul_behind),
		TEST(file_is_refused_when_over_the_limit_or_no_file),
		TEST(flags_are_set),
		TEST(memfd_comes_back_and_cannot_change),
		TEST(memfd_is_refused_when_a_seal_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
