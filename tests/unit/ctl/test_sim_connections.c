/* connections: made again when they are lost, with pauses, and not for ever. On the simulated
 * loop. */
#include "base/clock.h"
#include "ctl/connections.h"
#include "tests/unit/sim/sim.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	struct loop *loop;
	char directory[32], path[64];
	int listener;
	struct connections connections;
};

static void listen_again(struct world *world)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	world->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, world->path);
	assert_int_equal(
		bind(world->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(world->listener, 16), 0);
}

static void go_away(struct world *world)
{
	close(world->listener);
	unlink(world->path);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct varlink *first;

	snprintf(world->directory, sizeof(world->directory), "/tmp/ctl-test-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->path, sizeof(world->path), "%s/s", world->directory);
	listen_again(world);
	assert_int_equal(loop_new(&world->loop), 0);
	sim_advance(world->loop, CLOCK_SECOND_NS);
	assert_int_equal(varlink_connect(world->loop, world->path, 0, &first), 0);
	connections_init(&world->connections, world->loop, world->path, 3, 2, first);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	connections_fini(&world->connections);
	loop_free(world->loop);
	go_away(world);
	rmdir(world->directory);
	free(world);
	return 0;
}

static unsigned count_made(const struct world *world)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < world->connections.count; i++)
		n += world->connections.items[i].client != NULL;
	return n;
}

/* As if the daemon had closed them all. */
static void lose(struct world *world)
{
	connections_fini(&world->connections);
}

static void connections_are_all_made_when_first_is_there(void **state)
{
	struct world *world = *state;

	assert_true(connections_need_repair(&world->connections));
	assert_int_equal(connections_repair(&world->connections), 0);
	assert_int_equal(count_made(world), 3);
	assert_false(connections_need_repair(&world->connections));
}

static void connections_offer_the_least_used_until_all_windows_are_full(void **state)
{
	struct world *world = *state;
	struct map_connection *connection;

	assert_int_equal(connections_repair(&world->connections), 0);
	for (unsigned i = 0; i < 6; i++) {
		connection = connections_find(&world->connections);
		assert_ptr_equal(connection, &world->connections.items[i % 3]);
		connection->in_flight++;
	}
	assert_null(connections_find(&world->connections));
}

static void connections_come_back_when_daemon_does_within_bounds(void **state)
{
	struct world *world = *state;

	assert_int_equal(connections_repair(&world->connections), 0);
	/* However long it ran before. */
	sim_advance(world->loop, 3600 * CLOCK_SECOND_NS);
	go_away(world);
	lose(world);
	for (int i = 0; i < 900; i++) {
		assert_int_equal(connections_repair(&world->connections), 0);
		assert_null(connections_find(&world->connections));
		sim_advance(world->loop, 10 * CLOCK_MS_NS);
	}
	listen_again(world);
	/* The longest pause. */
	sim_advance(world->loop, 500 * CLOCK_MS_NS);
	assert_int_equal(connections_repair(&world->connections), 0);
	assert_int_equal(count_made(world), 3);
	/* And again: the time is counted from each loss. */
	go_away(world);
	lose(world);
	sim_advance(world->loop, 9 * CLOCK_SECOND_NS);
	assert_int_equal(connections_repair(&world->connections), 0);
	listen_again(world);
}

static void connections_are_given_up_when_daemon_stays_away(void **state)
{
	struct world *world = *state;
	uint64_t begin;

	go_away(world);
	lose(world);
	begin = loop_clock_ns(world->loop);
	while (connections_repair(&world->connections) == 0) {
		sim_advance(world->loop, 100 * CLOCK_MS_NS);
		assert_true(loop_clock_ns(world->loop) - begin < 11 * CLOCK_SECOND_NS);
	}
	assert_int_equal(connections_repair(&world->connections), -ENOTCONN);
	assert_true(loop_clock_ns(world->loop) - begin >= 10 * CLOCK_SECOND_NS);
	listen_again(world);
}

static void connections_are_tried_with_growing_pauses(void **state)
{
	struct world *world = *state;
	uint64_t last = 0;

	go_away(world);
	lose(world);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(connections_repair(&world->connections), 0);
		/* Not again before the pause is over. */
		listen_again(world);
		assert_int_equal(connections_repair(&world->connections), 0);
		assert_int_equal(count_made(world), 0);
		go_away(world);
		assert_true(world->connections.again_ns - loop_clock_ns(world->loop) > last ||
			    i == 5);
		last = world->connections.again_ns - loop_clock_ns(world->loop);
		sim_advance(world->loop, last);
	}
	listen_again(world);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(connections_are_all_made_when_first_is_there),
		CASE(connections_offer_the_least_used_until_all_windows_are_full),
		CASE(connections_come_back_when_daemon_does_within_bounds),
		CASE(connections_are_given_up_when_daemon_stays_away),
		CASE(connections_are_tried_with_growing_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
