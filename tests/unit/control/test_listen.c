/* Listening sockets at paths: new, stale, live, impossible. */
#include "base/cleanup.h"
#include "control/server.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char directory[32];
	char path[64];
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->directory, sizeof(place->directory), "/tmp/control-test-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/socket", place->directory);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	rmdir(place->directory);
	free(place);
	return 0;
}

static void listen_makes_socket_for_all_when_nothing_is_there(void **state)
{
	struct place *place = *state;
	struct stat status;
	int fd;

	umask(077);
	assert_int_equal(control_listen(place->path, &fd, NULL), 0);
	assert_int_equal(stat(place->path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 07777, 0666);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
}

static void listen_takes_over_when_socket_is_stale(void **state)
{
	struct place *place = *state;
	int fd;

	assert_int_equal(control_listen(place->path, &fd, NULL), 0);
	close(fd);
	assert_int_equal(control_listen(place->path, &fd, NULL), 0);
	close(fd);
}

static void listen_refuses_when_socket_is_live(void **state)
{
	struct place *place = *state;
	int fd, other = -1;

	assert_int_equal(control_listen(place->path, &fd, NULL), 0);
	assert_int_equal(control_listen(place->path, &other, NULL), -EADDRINUSE);
	assert_int_equal(other, -1);
	/* It still is the first one's. */
	assert_int_equal(access(place->path, F_OK), 0);
	close(fd);
}

#define RIVALS 8
#define ROUNDS 100

/* Each by a process of its own, all at once. Those that have succeeded go on listening until
 * all have tried. */
static void one_of_many_gets_the_socket_when_it_is_stale(void **state)
{
	struct place *place = *state;

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned n_won = 0;
		int fd, begin[2], done[2], over[2];
		char byte;

		assert_int_equal(control_listen(place->path, &fd, NULL), 0);
		close(fd);
		assert_true(pipe(begin) == 0 && pipe(done) == 0 && pipe(over) == 0);
		for (unsigned i = 0; i < RIVALS; i++) {
			pid_t pid = fork();

			assert_true(pid >= 0);
			if (pid > 0)
				continue;
			close(begin[1]);
			close(over[1]);
			(void)!read(begin[0], &byte, 1);
			byte = control_listen(place->path, &fd, NULL) == 0 ? '1' : '0';
			(void)!write(done[1], &byte, 1);
			(void)!read(over[0], &byte, 1);
			_exit(0);
		}
		close(begin[1]);
		for (unsigned i = 0; i < RIVALS; i++) {
			assert_int_equal(read(done[0], &byte, 1), 1);
			n_won += byte == '1';
		}
		close(over[1]);
		for (unsigned i = 0; i < RIVALS; i++)
			assert_true(wait(NULL) > 0);
		close(begin[0]);
		close(done[0]);
		close(done[1]);
		close(over[0]);
		assert_int_equal(n_won, 1);
	}
}

static void listen_refuses_when_something_else_is_there(void **state)
{
	struct place *place = *state;
	int fd = open(place->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600), other = -1;

	assert_int_equal(control_listen(place->path, &other, NULL), -EEXIST);
	close(fd);
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(symlink("/nowhere", place->path), 0);
	assert_int_equal(control_listen(place->path, &other, NULL), -EEXIST);
	assert_int_equal(other, -1);
}

static void unlink_leaves_what_another_put_there(void **state)
{
	struct place *place = *state;
	struct control_place first, second;
	int fd, other;

	assert_int_equal(control_listen(place->path, &fd, &first), 0);
	/* Somebody takes the path over, as one who knows no locks does. */
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(control_listen(place->path, &other, &second), 0);
	control_unlink(place->path, &first);
	assert_int_equal(access(place->path, F_OK), 0);
	control_unlink(place->path, &second);
	assert_int_equal(access(place->path, F_OK), -1);
	control_unlink(place->path, &second);
	close(fd);
	close(other);
}

static void listen_refuses_when_path_cannot_be(void **state)
{
	char path[200];
	int fd = -1;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	assert_int_equal(control_listen(path, &fd, NULL), -ENAMETOOLONG);
	assert_int_equal(control_listen("/nonexistent/socket", &fd, NULL), -ENOENT);
	assert_int_equal(control_listen("", &fd, NULL), -ENOENT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(listen_makes_socket_for_all_when_nothing_is_there),
		CASE(listen_takes_over_when_socket_is_stale),
		CASE(listen_refuses_when_socket_is_live),
		CASE(one_of_many_gets_the_socket_when_it_is_stale),
		CASE(listen_refuses_when_something_else_is_there),
		CASE(unlink_leaves_what_another_put_there),
		CASE(listen_refuses_when_path_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
