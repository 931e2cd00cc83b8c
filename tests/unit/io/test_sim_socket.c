/* Sockets that were handed to a unit: whose they are, and what closing them closes. */
#include "base/endpoint.h"
#include "harbour.h"
#include <fcntl.h>
#include <netinet/in.h>

/* As the master hands one over: bound to any port of the loopback. */
static int make_socket(int type)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 100), 0);
	return fd;
}

/* Hand over a copy of it to the unit of the harbour's actor. */
static void hand_over(struct harbour *harbour, size_t index, const char *name, int fd)
{
	assert_int_equal(io_hand_over(harbour->io, 1, index, name, dup(fd)), 0);
}

static void place_of(int fd, char text[TROUPE_PLACE_MAX])
{
	assert_int_equal(endpoint_of_socket(fd, false, text), 0);
}

/* ------------------------------------------------------------------ which */

static int listen_once(struct troupe_self *self, const char *place)
{
	struct troupe_listener listener;
	char text[TROUPE_PLACE_MAX];
	int rc = troupe_listen(self, place, &listener);

	if (rc < 0)
		return rc;
	assert_int_equal(troupe_listener_place(self, listener, text), 0);
	troupe_listener_close(self, listener);
	note(self, "%s ", text);
	return 0;
}

static int takes_each(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;

	(void)harbour;
	assert_int_equal(listen_once(self, "socket:web"), 0);
	assert_int_equal(listen_once(self, "socket:web:1"), 0);
	assert_int_equal(listen_once(self, "socket:web:2"), 0);
	note(self, "| ");
	assert_int_equal(listen_once(self, "socket:web:3"), -ENOENT);
	assert_int_equal(listen_once(self, "socket:other"), -ENOENT);
	assert_int_equal(listen_once(self, "socket:log"), -EOPNOTSUPP);
	assert_int_equal(listen_once(self, "socket:"), -EINVAL);
	assert_int_equal(listen_once(self, "socket:web:0"), -EINVAL);
	assert_int_equal(listen_once(self, "socket:web:"), -EINVAL);
	assert_int_equal(listen_once(self, "socket:web:x"), -EINVAL);
	assert_int_equal(listen_once(self, "socket:0123456789012345678901234567890123456789012"
					   "345678901234567890123"),
			 -EINVAL);
	assert_int_equal(troupe_datagram_open(self, "socket:web:3", &stream), -ENOENT);
	assert_int_equal(troupe_datagram_open(self, "socket:log", &stream), 0);
	assert_int_equal(troupe_connect(self, "socket:web", &stream), -EINVAL);
	return 0;
}

static void sockets_are_found_by_name_number_and_type(void **state)
{
	struct harbour harbour;
	char first[TROUPE_PLACE_MAX], second[TROUPE_PLACE_MAX], expected[4 * TROUPE_PLACE_MAX];
	int web = make_socket(SOCK_STREAM), web_too = make_socket(SOCK_STREAM),
	    log = make_socket(SOCK_DGRAM), quic = make_socket(SOCK_DGRAM);
	const char *noted;

	(void)state;
	harbour_play(&harbour, NULL);
	hand_over(&harbour, 0, "web", web);
	hand_over(&harbour, 1, "web", quic);
	hand_over(&harbour, 2, "log", log);
	hand_over(&harbour, 3, "web", web_too);
	place_of(web, first);
	place_of(web_too, second);
	harbour_start(&harbour, takes_each);
	snprintf(expected, sizeof(expected), "%s %s %s | ", first, first, second);
	noted = world_log(&harbour.world);
	assert_memory_equal(noted, expected, strlen(expected));
	assert_non_null(strstr(noted, "place socket:other: its unit has no such socket; "
				      "Sockets= and Listen= name those that it has"));
	assert_non_null(strstr(noted, "place socket:web:3: its unit has no such socket"));
	harbour_finish(&harbour);
	close(web);
	close(web_too);
	close(log);
	close(quic);
}

/* Of another unit, or of one that is no more. */
static int takes_none(struct troupe_self *self, struct harbour *harbour)
{
	int fd = -1;

	(void)harbour;
	assert_int_equal(troupe_socket(self, "socket:web", SOCK_STREAM, &fd), -ENOENT);
	assert_int_equal(fd, -1);
	note(self, "none; ");
	return 0;
}

static void socket_is_its_own_units_alone(void **state)
{
	struct harbour harbour;
	int web = make_socket(SOCK_STREAM);

	(void)state;
	harbour_play(&harbour, NULL);
	assert_int_equal(io_hand_over(harbour.io, 2, 0, "web", dup(web)), 0);
	harbour_start(&harbour, takes_none);
	assert_non_null(strstr(world_log(&harbour.world), "none; "));
	hand_over(&harbour, 0, "web", web);
	io_take_back(harbour.io, 1);
	io_take_back(harbour.io, 1);
	harbour_start(&harbour, takes_none);
	assert_non_null(strstr(world_log(&harbour.world), "none; "));
	/* the rest of what could not be sent at first */
	hand_over(&harbour, 0, "gone", web);
	hand_over(&harbour, 0, "gone", web);
	assert_int_equal(harbour.io->handed.n, 2);
	harbour_finish(&harbour);
	close(web);
}

/* ------------------------------------------------------------------ shared */

static int accepts_and_says(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_listener listener;
	struct troupe_stream stream;

	(void)harbour;
	assert_int_equal(troupe_listen(self, "socket:web", &listener), 0);
	if (troupe_accept(self, listener, &stream) == 0) {
		assert_int_equal(troupe_write(self, stream, "hello", 5), 0);
		note(self, "accepted; ");
	}
	return 0;
}

/* It closes its own listener only. */
static void backlog_outlives_the_listener_and_the_actor(void **state)
{
	struct harbour harbour;
	char place[TROUPE_PLACE_MAX], heard[8] = "";
	int web = make_socket(SOCK_STREAM), early, late;

	(void)state;
	place_of(web, place);
	early = harbour_connect(place);
	harbour_play(&harbour, NULL);
	hand_over(&harbour, 0, "web", web);
	harbour_start(&harbour, accepts_and_says);
	assert_comes(&harbour, "accepted; ");
	assert_int_equal(read(early, heard, sizeof(heard)), 5);
	harbour_finish(&harbour);
	/* as if a worker had died: the next one has what came meanwhile */
	late = harbour_connect(place);
	harbour_play(&harbour, NULL);
	hand_over(&harbour, 0, "web", web);
	harbour_start(&harbour, accepts_and_says);
	assert_comes(&harbour, "accepted; ");
	assert_int_equal(read(late, heard, sizeof(heard)), 5);
	harbour_finish(&harbour);
	close(early);
	close(late);
	close(web);
}

/* Whoever is woken first gets it, and the others go on waiting. */
static void each_connection_is_one_actors(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct harbour harbour;
		char place[TROUPE_PLACE_MAX], heard[8] = "";
		int web = make_socket(SOCK_STREAM), clients[2];

		place_of(web, place);
		harbour_play(&harbour, NULL);
		sim_seed(harbour.world.loop, seed);
		hand_over(&harbour, 0, "web", web);
		harbour_start(&harbour, accepts_and_says);
		harbour_start(&harbour, accepts_and_says);
		assert_noted(&harbour, "");
		for (size_t i = 0; i < 2; i++) {
			clients[i] = harbour_connect(place);
			assert_comes(&harbour, "accepted; ");
			assert_int_equal(read(clients[i], heard, sizeof(heard)), 5);
			close(clients[i]);
		}
		harbour_finish(&harbour);
		close(web);
	}
}

/* ------------------------------------------------------------------ descriptors */

static int takes_a_descriptor(struct troupe_self *self, struct harbour *harbour)
{
	int fd = -1;

	(void)harbour;
	assert_int_equal(troupe_socket(self, "socket:web", SOCK_STREAM, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(close(fd), 0);
	assert_int_equal(troupe_socket(self, "socket:web", SOCK_DGRAM, &fd), -EOPNOTSUPP);
	assert_int_equal(troupe_socket(self, "tcp:127.0.0.1:80", SOCK_STREAM, &fd), -EINVAL);
	note(self, "taken; ");
	return 0;
}

static void library_gets_a_descriptor_of_its_own(void **state)
{
	struct harbour harbour;
	int web = make_socket(SOCK_STREAM);

	(void)state;
	harbour_play(&harbour, NULL);
	hand_over(&harbour, 0, "web", web);
	harbour_start(&harbour, takes_a_descriptor);
	assert_noted(&harbour, "taken; ");
	harbour_finish(&harbour);
	close(web);
}

static int receives(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	struct troupe_endpoint from;
	char bytes[8];

	(void)harbour;
	assert_int_equal(troupe_datagram_open(self, "socket:log", &stream), 0);
	assert_int_equal(troupe_finish(self, stream), -EPERM);
	assert_int_equal(troupe_receive(self, stream, bytes, sizeof(bytes), &from), 3);
	assert_int_equal(troupe_send_to(self, stream, bytes, 3, &from), 0);
	note(self, "received; ");
	return 0;
}

static void datagrams_arrive_and_nobody_ends_them_for_others(void **state)
{
	struct harbour harbour;
	char place[TROUPE_PLACE_MAX], heard[8] = "";
	struct troupe_endpoint to;
	int log = make_socket(SOCK_DGRAM), client = make_socket(SOCK_DGRAM);

	(void)state;
	place_of(log, place);
	assert_int_equal(troupe_endpoint_of(place, &to), 0);
	harbour_play(&harbour, NULL);
	hand_over(&harbour, 0, "log", log);
	harbour_start(&harbour, receives);
	assert_int_equal(sendto(client, "abc", 3, 0, (struct sockaddr *)&to.address, to.size),
			 3);
	assert_comes(&harbour, "received; ");
	harbour_await_bytes(&harbour, client);
	assert_int_equal(read(client, heard, sizeof(heard)), 3);
	harbour_finish(&harbour);
	close(log);
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_are_found_by_name_number_and_type),
		cmocka_unit_test(socket_is_its_own_units_alone),
		cmocka_unit_test(backlog_outlives_the_listener_and_the_actor),
		cmocka_unit_test(each_connection_is_one_actors),
		cmocka_unit_test(library_gets_a_descriptor_of_its_own),
		cmocka_unit_test(datagrams_arrive_and_nobody_ends_them_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
