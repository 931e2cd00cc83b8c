/* Listening and connecting: places, turns, shortages, and who has a connection in the end. */
#include "harbour.h"
#include "io/stream.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ------------------------------------------------------------------ places */

static void places_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		bool is_datagram;
	} good[] = {{"tcp:127.0.0.1:80", false},
		    {"tcp:[::1]:0", false},
		    {"udp:[::]:514", true},
		    {"unix:/run/x", false},
		    {"unix:@hidden", false}};
	static const char *const bad[] = {"",
					  "tcp:",
					  "tcp:127.0.0.1",
					  "tcp:127.0.0.1:",
					  "tcp:127.0.0.1:65536",
					  "tcp:127.0.0.1:-1",
					  "tcp:127.0.0.1: 1",
					  "tcp:::1:80",
					  "tcp:[::1:80",
					  "tcp:[]:80",
					  "tcp::80",
					  "tcp:host.example:80",
					  "unix:",
					  "unix:@",
					  "unix:relative",
					  "udp:1.2.3:1",
					  "http://127.0.0.1:80",
					  NULL};
	struct troupe_endpoint endpoint;
	char text[TROUPE_PLACE_MAX], *path;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(troupe_endpoint_of(good[i].text, &endpoint), 0);
		troupe_endpoint_place(&endpoint, good[i].is_datagram, text);
		assert_string_equal(text, good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(troupe_endpoint_of(bad[i], &endpoint), -EINVAL);
	troupe_endpoint_place(&(struct troupe_endpoint){0}, false, text);
	assert_string_equal(text, "unix:");
	/* the longest path that the kernel takes, and one that is longer */
	assert_true(asprintf(&path, "unix:/%0106d", 0) > 0);
	assert_int_equal(troupe_endpoint_of(path, &endpoint), 0);
	troupe_endpoint_place(&endpoint, false, text);
	assert_string_equal(text, path);
	free(path);
	assert_true(asprintf(&path, "unix:/%0107d", 0) > 0);
	assert_int_equal(troupe_endpoint_of(path, &endpoint), -EINVAL);
	free(path);
}

static int asks_for_names(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;

	assert_int_equal(troupe_listen(self, "tcp:localhost:80", &harbour->listener), -EINVAL);
	assert_int_equal(troupe_connect(self, "udp:127.0.0.1:80", &stream), -EOPNOTSUPP);
	assert_int_equal(troupe_listen(self, "nonsense", &harbour->listener), -EINVAL);
	assert_int_equal(troupe_datagram_open(self, "tcp:127.0.0.1:0", &stream), -EOPNOTSUPP);
	note(self, "asked; ");
	return 0;
}

static void place_of_another_kind_is_refused(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, asks_for_names);
	assert_non_null(strstr(world_log(&harbour.world), "asked; "));
	harbour_finish(&harbour);
}

/* ------------------------------------------------------------------ one connection */

static void listen_on(struct troupe_self *self, struct harbour *harbour, const char *place)
{
	assert_int_equal(troupe_listen(self, place, &harbour->listener), 0);
	assert_int_equal(troupe_listener_place(self, harbour->listener, harbour->place), 0);
}

static int accepts_one(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	char byte, peer[TROUPE_PLACE_MAX];
	int rc = troupe_accept(self, harbour->listener, &stream);

	note(self, "accepted %d; ", rc);
	if (rc < 0)
		return rc;
	assert_int_equal(troupe_peer(self, stream, peer), 0);
	assert_int_equal(troupe_read(self, stream, &byte, 1), 1);
	note(self, "read %c; ", byte);
	return 0;
}

static int listens(struct troupe_self *self, struct harbour *harbour)
{
	listen_on(self, harbour, "tcp:127.0.0.1:0");
	return accepts_one(self, harbour);
}

static int connects_back(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	char peer[TROUPE_PLACE_MAX];

	assert_int_equal(troupe_connect(self, harbour->place, &stream), 0);
	assert_int_equal(troupe_peer(self, stream, peer), 0);
	assert_string_equal(peer, harbour->place);
	assert_int_equal(troupe_write(self, stream, "x", 1), 0);
	note(self, "connected; ");
	return 0;
}

static void one_connects_and_one_accepts(void **state)
{
	struct harbour harbour;
	const char *log;

	(void)state;
	harbour_play(&harbour, listens, connects_back);
	log = harbour_await(&harbour, strlen("accepted 0; connected; read x; "));
	/* the kernel may tell either of them first */
	assert_true(strcmp(log, "accepted 0; connected; read x; ") == 0 ||
		    strcmp(log, "connected; accepted 0; read x; ") == 0);
	harbour_finish(&harbour);
}

static int connects_to_nobody(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream = {7};
	char place[TROUPE_PLACE_MAX];

	listen_on(self, harbour, "tcp:[::1]:0");
	troupe_listener_close(self, harbour->listener);
	troupe_listener_close(self, harbour->listener);
	assert_int_equal(troupe_listener_place(self, harbour->listener, place), -ESRCH);
	assert_int_equal(troupe_accept(self, harbour->listener, &stream), -ESRCH);
	assert_int_equal(troupe_connect(self, harbour->place, &stream), -ECONNREFUSED);
	assert_int_equal(troupe_connect(self, "unix:/nowhere/x", &stream), -ENOENT);
	note(self, "refused; ");
	return 0;
}

static void connection_that_is_refused_leaves_nothing(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, connects_to_nobody);
	harbour_run(&harbour);
	assert_noted(&harbour, "refused; ");
	assert_int_equal(harbour.world.runtime->belongings.count, 1);
	harbour_finish(&harbour);
}

/* One that never answers: its backlog is full. */
static int connects_in_vain(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	int rc;

	TROUPE_SCOPE(scope, self, TROUPE_SECOND_NS);
	rc = troupe_connect(self, harbour->place, &stream);
	note(self, "connected %d; ", rc);
	return 0;
}

static void connecting_ends_with_its_scope(void **state)
{
	struct harbour harbour;
	char expected[64], place[TROUPE_PLACE_MAX];
	int busy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), first;
	struct troupe_endpoint endpoint;

	(void)state;
	snprintf(place, sizeof(place), "unix:@troupe-test-busy-%d", (int)getpid());
	assert_int_equal(troupe_endpoint_of(place, &endpoint), 0);
	assert_int_equal(bind(busy, (struct sockaddr *)&endpoint.address, endpoint.size), 0);
	assert_int_equal(listen(busy, 0), 0);
	first = harbour_connect(place);
	harbour_play(&harbour, NULL);
	strcpy(harbour.place, place);
	harbour_start(&harbour, connects_in_vain);
	world_sleep(&harbour.world, TROUPE_SECOND_NS / 2);
	assert_noted(&harbour, "");
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	snprintf(expected, sizeof(expected), "connected %d; ", -ETIMEDOUT);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
	close(first);
	close(busy);
}

/* ------------------------------------------------------------------ Unix sockets */

static int listens_at_a_path(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_listener other;

	listen_on(self, harbour, harbour->place);
	assert_int_equal(troupe_listen(self, harbour->place, &other), -EADDRINUSE);
	return accepts_one(self, harbour);
}

static void path_of_the_dead_is_taken_over_and_goes_at_the_end(void **state)
{
	char directory[] = "/tmp/test_listener_XXXXXX", path[64], place[80];
	struct harbour harbour;
	struct troupe_endpoint endpoint;
	int left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/x", directory);
	snprintf(place, sizeof(place), "unix:%s", path);
	assert_int_equal(troupe_endpoint_of(place, &endpoint), 0);
	assert_int_equal(bind(left, (struct sockaddr *)&endpoint.address, endpoint.size), 0);
	close(left); /* as a kill -9 leaves it */
	harbour_play(&harbour, NULL);
	strcpy(harbour.place, place);
	harbour_start(&harbour, listens_at_a_path);
	fd = harbour_connect(place);
	assert_int_equal(write(fd, "u", 1), 1);
	harbour_run(&harbour);
	assert_noted(&harbour, "accepted 0; read u; ");
	close(fd);
	harbour_finish(&harbour);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(directory), 0);
}

static int receives_at_a_path(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	int rc = troupe_datagram_open(self, harbour->place, &stream);

	note(self, "%d ", rc);
	note(self, "%d; ", troupe_datagram_open(self, harbour->place, &stream));
	return 0;
}

static void datagrams_take_over_the_path_of_the_dead(void **state)
{
	char directory[] = "/tmp/test_listener_XXXXXX", path[64], expected[32];
	struct harbour harbour;
	struct troupe_endpoint endpoint;
	int left = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/x", directory);
	harbour_play(&harbour, NULL);
	snprintf(harbour.place, sizeof(harbour.place), "unix:%s", path);
	assert_int_equal(troupe_endpoint_of(harbour.place, &endpoint), 0);
	assert_int_equal(bind(left, (struct sockaddr *)&endpoint.address, endpoint.size), 0);
	close(left); /* as a kill -9 leaves it */
	harbour_start(&harbour, receives_at_a_path);
	harbour_run(&harbour);
	snprintf(expected, sizeof(expected), "0 %d; ", -EADDRINUSE);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static int listens_at_a_file(struct troupe_self *self, struct harbour *harbour)
{
	note(self, "%d; ", troupe_listen(self, harbour->place, &harbour->listener));
	return 0;
}

static void file_that_is_no_socket_stays_where_it_is(void **state)
{
	char directory[] = "/tmp/test_listener_XXXXXX", path[64], aside[64], text[32];
	struct harbour harbour;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/x", directory);
	snprintf(aside, sizeof(aside), "%s/y", directory);
	snprintf(text, sizeof(text), "%d; ", -EADDRINUSE);
	file = fopen(aside, "w");
	assert_non_null(file);
	fclose(file);
	/* nor does a link lead to it, or go */
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0)
			assert_int_equal(link(aside, path), 0);
		else
			assert_int_equal(symlink(aside, path), 0);
		harbour_play(&harbour, NULL);
		snprintf(harbour.place, sizeof(harbour.place), "unix:%s", path);
		harbour_start(&harbour, listens_at_a_file);
		harbour_run(&harbour);
		assert_noted(&harbour, text);
		harbour_finish(&harbour);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(unlink(aside), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* ------------------------------------------------------------------ who has it */

static int accepts_in_time(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	int rc;

	listen_on(self, harbour, "tcp:127.0.0.1:0");
	{
		TROUPE_SCOPE(scope, self, TROUPE_SECOND_NS);
		rc = troupe_accept(self, harbour->listener, &stream);
	}
	note(self, "%d; ", rc == 0 ? 1 : rc == -ETIMEDOUT ? 2 : rc);
	/* what was not accepted is there for the next */
	if (rc < 0)
		rc = troupe_accept(self, harbour->listener, &stream);
	if (rc == 0)
		rc = troupe_write(self, stream, "mine", 4);
	return rc;
}

/* Trap 1: the time is up in the pass in which the connection comes. */
static void connection_that_comes_as_time_is_up_is_not_lost(void **state)
{
	bool was_seen[3] = {false};

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct harbour harbour;
		const char *log;
		char bytes[8] = "";
		int fd;

		harbour_play(&harbour, accepts_in_time);
		if (seed)
			sim_seed(harbour.world.loop, seed);
		fd = harbour_connect(harbour.place);
		/* found before the time is up, but the task has not run since; or after it */
		if (seed % 2)
			loop_step(harbour.world.loop, false);
		sim_advance(harbour.world.loop, TROUPE_SECOND_NS + TROUPE_MS_NS * 20);
		harbour_run(&harbour);
		log = harbour_await(&harbour, 1);
		assert_true(strcmp(log, "1; ") == 0 || strcmp(log, "2; ") == 0);
		was_seen[log[0] - '0'] = true;
		harbour_await_bytes(&harbour, fd);
		assert_int_equal(read(fd, bytes, sizeof(bytes)), 4);
		assert_string_equal(bytes, "mine");
		close(fd);
		harbour_finish(&harbour);
	}
	assert_true(was_seen[1] && was_seen[2]);
}

static int closes_listener(struct troupe_self *self, struct harbour *harbour)
{
	troupe_listener_close(self, harbour->listener);
	return 0;
}

static void close_wakes_whoever_accepts(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, listens, accepts_one);
	harbour.handler = closes_listener;
	assert_noted(&harbour, "");
	harbour_tell(&harbour);
	snprintf(expected, sizeof(expected), "accepted %d; accepted %d; ", -ECONNABORTED,
		 -ECONNABORTED);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

/* ------------------------------------------------------------------ shortages */

/* Trap 14: no descriptor is left for a while. */
static void lack_of_descriptors_is_survived(void **state)
{
	struct rlimit usual, low;
	struct harbour harbour;
	uint64_t before;
	int fd, lowest;

	(void)state;
	harbour_play(&harbour, listens);
	fd = harbour_connect(harbour.place);
	assert_int_equal(write(fd, "d", 1), 1);
	lowest = dup(fd);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	low = (struct rlimit){(rlim_t)lowest, usual.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	before = harbour.world.runtime->handled;
	world_sleep(&harbour.world, 60 * TROUPE_SECOND_NS);
	/* ten a second */
	assert_in_range(harbour.world.runtime->handled - before, 500, 700);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	{
		const char *log = world_log(&harbour.world),
			   *first = strstr(log, "have to wait");

		assert_non_null(first);
		assert_null(strstr(first + 1, "have to wait"));
		assert_non_null(strstr(log, "accepted 0; read d; "));
	}
	close(fd);
	harbour_finish(&harbour);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_read_and_written),
		cmocka_unit_test(place_of_another_kind_is_refused),
		cmocka_unit_test(one_connects_and_one_accepts),
		cmocka_unit_test(connection_that_is_refused_leaves_nothing),
		cmocka_unit_test(connecting_ends_with_its_scope),
		cmocka_unit_test(path_of_the_dead_is_taken_over_and_goes_at_the_end),
		cmocka_unit_test(datagrams_take_over_the_path_of_the_dead),
		cmocka_unit_test(file_that_is_no_socket_stays_where_it_is),
		cmocka_unit_test(connection_that_comes_as_time_is_up_is_not_lost),
		cmocka_unit_test(close_wakes_whoever_accepts),
		cmocka_unit_test(lack_of_descriptors_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
