/* test_places.c - the control socket and the directory of the inboxes are deleted under a
 * daemon that runs. */
#include "client.h"

#include "base/clock.h"
#include "master/master.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define S CLOCK_SECOND_NS

static int raise_world(void **state)
{
	struct world *world = world_new(5, 2, "");

	world_write(world, "slow.actor",
		    "[Actor]\nPlugin=%B/test-plugins/slow.so\nWorker=1\nDefault=yes\n");
	world_start(world);
	assert_true(world_until(world, world_is_running));
	*state = world;
	return 0;
}

static int strike_world(void **state)
{
	world_free(*state);
	return 0;
}

static bool has_logged(const struct world *world, const char *piece)
{
	char text[65536];
	ssize_t n = pread(world->log, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, piece) != NULL;
}

static void socket_is_made_again_when_it_was_deleted(void **state)
{
	struct world *world = *state;
	struct client before, after;

	client_init(&before, world);
	client_call(&before, "slow", "slow.Kept", "", "\"kept\":0");
	assert_int_equal(unlink(world->socket), 0);
	world_run(world, 2 * S);
	assert_true(has_logged(world, "/s had vanished; it was made again"));
	client_init(&after, world);
	client_call(&after, "slow", "slow.Kept", "", "\"kept\":0");
	/* Who was connected still is. */
	client_call(&before, "slow", "slow.Kept", "", "\"kept\":0");
	client_fini(&after);
	client_fini(&before);
}

static void socket_of_another_daemon_is_left_alone(void **state)
{
	struct world *world = *state;
	struct stat status;
	FILE *file;

	assert_int_equal(unlink(world->socket), 0);
	file = fopen(world->socket, "we");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	world_run(world, 3 * S);
	assert_int_equal(stat(world->socket, &status), 0);
	assert_true(S_ISREG(status.st_mode));
	assert_false(has_logged(world, "/s had vanished"));
	assert_int_equal(unlink(world->socket), 0);
}

/* In its place lies a file first, then nothing. */
static void directory_is_made_again_once_it_can_be(void **state)
{
	struct world *world = *state;
	const char *directory = world->master->directory;
	char command[512];
	struct stat status;
	FILE *file;

	(void)snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
	file = fopen(directory, "we");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	world_run(world, 3 * S);
	assert_true(has_logged(world, "has vanished and cannot be made again: "));
	assert_true(world->master->is_directory_lost);
	assert_int_equal(unlink(directory), 0);
	world_run(world, 2 * S);
	assert_true(has_logged(world, "had vanished; it was made again"));
	assert_false(world->master->is_directory_lost);
	assert_int_equal(stat(directory, &status), 0);
	assert_true(S_ISDIR(status.st_mode));
	assert_int_equal(status.st_mode & 07777, 0700);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, raise_world, strike_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(socket_is_made_again_when_it_was_deleted),
		TEST(socket_of_another_daemon_is_left_alone),
		TEST(directory_is_made_again_once_it_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
