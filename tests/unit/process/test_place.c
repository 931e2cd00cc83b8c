/* test_place.c - the directory of the inboxes. */
#include "process/place.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

static int make_runtime(void **state)
{
	char *runtime = strdup("/tmp/troupe-place-XXXXXX");

	assert_non_null(mkdtemp(runtime));
	*state = runtime;
	return 0;
}

static int remove_runtime(void **state)
{
	int r = rmdir(*state);

	free(*state);
	/* Nothing was left in it. */
	return r;
}

static void put_socket(const char *directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/w1-1", directory);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void place_makes_a_private_directory_when_parents_are_missing(void **state)
{
	cleanup_free char *runtime = NULL, *directory = NULL;
	cleanup_close int lock = -1;
	struct stat st;

	assert_true(asprintf(&runtime, "%s/a/b", (char *)*state) > 0);
	assert_int_equal(place_make_directory(runtime, &directory, &lock), 0);
	assert_int_equal(strncmp(directory, runtime, strlen(runtime)), 0);
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	put_socket(directory);
	place_remove_directory(directory, lock);
	assert_int_equal(stat(directory, &st), -1);
	assert_int_equal(rmdir(runtime), 0);
	*strrchr(runtime, '/') = '\0';
	assert_int_equal(rmdir(runtime), 0);
}

static void place_removes_what_was_left_but_not_what_is_in_use(void **state)
{
	cleanup_free char *left = NULL, *used = NULL, *mine = NULL;
	cleanup_close int left_lock = -1, used_lock = -1, my_lock = -1;
	struct stat st;

	assert_int_equal(place_make_directory(*state, &left, &left_lock), 0);
	assert_int_equal(place_make_directory(*state, &used, &used_lock), 0);
	put_socket(left);
	put_socket(used);
	/* Its daemon was killed. */
	close(take_fd(&left_lock));
	assert_int_equal(place_make_directory(*state, &mine, &my_lock), 0);
	assert_int_equal(stat(left, &st), -1);
	assert_int_equal(stat(used, &st), 0);
	place_remove_directory(used, used_lock);
	place_remove_directory(mine, my_lock);
}

static void place_restores_what_has_vanished(void **state)
{
	cleanup_free char *directory = NULL, *runtime = NULL, *other = NULL, *socket = NULL;
	cleanup_close int lock = -1, other_lock = -1;
	struct stat st;

	assert_true(asprintf(&runtime, "%s/a", (char *)*state) > 0);
	assert_int_equal(place_make_directory(runtime, &directory, &lock), 0);
	assert_true(place_is_there(directory, lock));
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(rmdir(runtime), 0);
	assert_false(place_is_there(directory, lock));
	assert_int_equal(place_restore_directory(directory, &lock), 0);
	assert_true(place_is_there(directory, lock));
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* It is in use, in the eyes of others. */
	assert_int_equal(place_make_directory(runtime, &other, &other_lock), 0);
	assert_true(place_is_there(directory, lock));
	place_remove_directory(other, other_lock);
	/* What another has put there is not ours. */
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(mkdir(directory, 0755), 0);
	put_socket(directory);
	assert_false(place_is_there(directory, lock));
	assert_int_equal(place_restore_directory(directory, &lock), -ENOTEMPTY);
	place_remove_directory(directory, lock);
	assert_true(asprintf(&socket, "%s/w1-1", directory) > 0);
	assert_int_equal(unlink(socket), 0);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(rmdir(runtime), 0);
}

static void place_refuses_when_sockets_would_have_too_long_a_path(void **state)
{
	char runtime[LIMIT_SOCKET_PATH + 1];
	cleanup_free char *directory = NULL;
	cleanup_close int lock = -1;
	size_t size = strlen(*state);

	memset(runtime, 'x', sizeof(runtime));
	memcpy(runtime, *state, size);
	runtime[size] = '/';
	runtime[LIMIT_RUNTIME_PATH + 20] = '\0';
	assert_int_equal(place_make_directory(runtime, &directory, &lock), -ENAMETOOLONG);
	assert_null(directory);
	assert_int_equal(rmdir(runtime), 0); /* empty */
	runtime[LIMIT_RUNTIME_PATH] = '\0';
	assert_int_equal(place_make_directory(runtime, &directory, &lock), 0);
	place_remove_directory(directory, lock);
	assert_int_equal(rmdir(runtime), 0);
}

/* The mode of what is at DIRECTORY/BELOW; -1: nothing. */
static int mode_of(const char *directory, const char *below)
{
	cleanup_free char *path = NULL;
	struct stat st;

	assert_true(asprintf(&path, "%s/%s", directory, below) > 0);
	return lstat(path, &st) == 0 ? (int)st.st_mode : -1;
}

static int make_state(const char *root, const char *name)
{
	cleanup_free char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", root, name) > 0);
	return place_make_state(path);
}

static void place_makes_a_state_directory_and_touches_nothing_else(void **state)
{
	const char *top = *state;
	cleanup_free char *root = NULL;
	int parent, fd;

	assert_true(asprintf(&root, "%s/lib/troupe", top) > 0);
	assert_int_equal(make_state(root, "a@b"), 0);
	assert_int_equal(mode_of(root, ""), S_IFDIR | 0700);
	assert_int_equal(mode_of(root, "a@b"), S_IFDIR | 0700);
	parent = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(parent >= 0);
	/* one that is there */
	assert_int_equal(fchmodat(parent, "a@b", 0750, 0), 0);
	assert_int_equal(make_state(root, "a@b"), 0);
	assert_int_equal(mode_of(root, "a@b"), S_IFDIR | 0750);
	/* a link to a directory, one to nothing, a file */
	assert_int_equal(symlinkat("a@b", parent, "link"), 0);
	assert_int_equal(symlinkat("none", parent, "dangling"), 0);
	fd = openat(parent, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(make_state(root, "link"), -ENOTDIR);
	assert_int_equal(make_state(root, "dangling"), -ENOTDIR);
	assert_int_equal(make_state(root, "file"), -ENOTDIR);
	assert_int_equal(mode_of(root, "none"), -1);
	assert_int_equal(mode_of(root, "file"), S_IFREG | 0600);
	assert_int_equal(unlinkat(parent, "link", 0), 0);
	assert_int_equal(unlinkat(parent, "dangling", 0), 0);
	assert_int_equal(unlinkat(parent, "a@b", AT_REMOVEDIR), 0);
	/* a file in the place of the root */
	*strrchr(root, '/') = '\0';
	assert_int_equal(make_state(root, "troupe/file/a"), -ENOTDIR);
	assert_int_equal(unlinkat(parent, "file", 0), 0);
	close(parent);
	assert_int_equal(make_state("/proc/troupe", "a"), -ENOENT);
	parent = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(parent, "troupe", AT_REMOVEDIR), 0);
	close(parent);
	assert_int_equal(rmdir(root), 0);
}

static void place_refuses_paths_that_cannot_be(void **state)
{
	cleanup_free char *directory = NULL, *longest = malloc(PATH_MAX + 2), *below = NULL;
	cleanup_close int lock = -1;

	memset(longest, '/', PATH_MAX + 1);
	longest[PATH_MAX + 1] = '\0';
	assert_int_equal(place_make_directory(longest, &directory, &lock), -ENAMETOOLONG);
	assert_true(asprintf(&below, "%s/file", (char *)*state) > 0);
	close(open(below, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(place_make_directory(below, &directory, &lock), -ENOTDIR);
	assert_int_equal(make_state(below, "a/b/c"), -ENOTDIR);
	assert_null(directory);
	assert_int_equal(lock, -1);
	assert_int_equal(unlink(below), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_runtime, remove_runtime)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(place_makes_a_private_directory_when_parents_are_missing),
		TEST(place_removes_what_was_left_but_not_what_is_in_use),
		TEST(place_restores_what_has_vanished),
		TEST(place_makes_a_state_directory_and_touches_nothing_else),
		TEST(place_refuses_paths_that_cannot_be),
		TEST(place_refuses_when_sockets_would_have_too_long_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
