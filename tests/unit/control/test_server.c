/* Limits over connections, fairness, draining, trouble. */
#include "fixture.h"

#include "base/limits.h"
#include <sys/resource.h>

static int set_up(void **state)
{
	*state = fixture_new(&(struct control_config){
		.frame_max = 1 << 20,
		.connections = 8,
		.held_uid = 4 << 20,
		.held_all = 64 << 20,
	});
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

#define ACTORS      "{\"method\":\"io.troupe.Control.Actors\"}"
#define ACTORS_MORE "{\"method\":\"io.troupe.Control.Actors\",\"more\":true}"
#define STOP        "{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":\"a\"}}"

static int adopt(struct fixture *fixture, int *ret_client)
{
	int ends[2], r;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	r = control_server_adopt(fixture->server, ends[1]);
	*ret_client = ends[0];
	return r;
}

static void server_refuses_connection_when_there_are_too_many(void **state)
{
	struct fixture *fixture = *state;
	int clients[8];
	char byte;

	for (int i = 0; i < 7; i++)
		assert_int_equal(adopt(fixture, &clients[i]), 0);
	assert_int_equal(control_server_connections(fixture->server), 8);
	assert_int_equal(adopt(fixture, &clients[7]), -ENFILE);
	assert_int_equal(recv(clients[7], &byte, 1, 0), 0);
	assert_non_null(strstr(fixture->trouble, "too many"));
	close(clients[0]);
	wait_until(fixture, control_server_connections(fixture->server) == 7);
	close(clients[7]);
	assert_int_equal(adopt(fixture, &clients[7]), 0);
	for (int i = 1; i < 8; i++)
		close(clients[i]);
}

static void server_refuses_connection_when_uid_has_too_many(void **state)
{
	struct fixture *fixture = *state;
	struct control_config config = fixture->config;
	int clients[3];

	control_server_free(fixture->server);
	config.connections_uid = 2;
	assert_int_equal(control_server_new(&config, &fixture->server), 0);
	assert_int_equal(adopt(fixture, &clients[0]), 0);
	assert_int_equal(adopt(fixture, &clients[1]), 0);
	assert_int_equal(adopt(fixture, &clients[2]), -EUSERS);
	assert_non_null(strstr(fixture->trouble, "too many of that user"));
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

static void server_keeps_connections_for_whoever_runs_it(void **state)
{
	struct fixture *fixture = *state;
	struct control_config config = fixture->config;
	int clients[4];

	control_server_free(fixture->server);
	config.connections = 2;
	config.connections_kept = 1;
	assert_int_equal(control_server_new(&config, &fixture->server), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(adopt(fixture, &clients[i]), 0);
	assert_int_equal(adopt(fixture, &clients[3]), -ENFILE);
	for (int i = 0; i < 4; i++)
		close(clients[i]);
}

static void server_refuses_connection_when_level_is_nothing(void **state)
{
	struct fixture *fixture = *state;
	int client;

	fixture->level = CONTROL_NOTHING;
	assert_int_equal(adopt(fixture, &client), -EACCES);
	close(client);
	assert_int_equal(control_server_connections(fixture->server), 1);
}

static void server_closes_greediest_when_too_much_is_held(void **state)
{
	struct fixture *fixture = *state;
	size_t size = (1 << 20) - 1;
	cleanup_free char *half = malloc(size);
	int clients[6];
	unsigned closed = 0;

	/* Half frames, each within the limit, together above it. */
	memset(half, ' ', size);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(adopt(fixture, &clients[i]), 0);
		for (size_t at = 0; at < size && !fixture->n_trouble;) {
			size_t step = size - at < 4096 ? size - at : 4096;
			ssize_t n = send(clients[i], half + at, step, MSG_NOSIGNAL);

			at += n > 0 ? (size_t)n : 0;
			if (n < 0 && errno != EAGAIN)
				break;
			loop_step(fixture->loop, false);
		}
	}
	settle(fixture);
	assert_non_null(strstr(fixture->trouble, "bytes held, too many of that user"));
	for (int i = 0; i < 6; i++) {
		char byte;

		if (recv(clients[i], &byte, 1, 0) == 0 || errno == ECONNRESET)
			closed++;
		close(clients[i]);
	}
	assert_in_range(closed, 1, 2);
	/* The one that holds nothing is served as ever. */
	send_frame(fixture, STOP);
	expect_frame(fixture, "{}");
}

static void server_closes_client_when_its_replies_pile_up(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 1 << 20;
	cleanup_free char *text = malloc(size);

	memset(text, ' ', size);
	text[0] = '{';
	text[size - 1] = '}';
	for (int i = 0; i < 10; i++)
		send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 10);
	for (int i = 0; i < 10 && fixture->open[i]; i++) {
		assert_int_equal(control_call_reply_text(fixture->open[i], text, size, false),
				 0);
		fixture->open[i] = NULL;
		loop_step(fixture->loop, false);
	}
	assert_true(fixture->n_gone > 0);
	wait_until(fixture, control_server_connections(fixture->server) == 0);
}

/* Who walks a list of open calls and answers them relies on it. */
static void server_reports_no_client_gone_inside_an_answer(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 1 << 20;
	cleanup_free char *text = malloc(size);

	memset(text, ' ', size);
	text[0] = '{';
	text[size - 1] = '}';
	for (int i = 0; i < 10; i++)
		send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 10);
	/* More than a user may hold: the connection is to be closed. */
	for (int i = 0; i < 6; i++) {
		assert_int_equal(control_call_reply_text(fixture->open[i], text, size, false),
				 0);
		fixture->open[i] = NULL;
	}
	assert_non_null(strstr(fixture->trouble, "closing a connection"));
	assert_int_equal(fixture->n_gone, 0);
	wait_until(fixture, fixture->n_gone == 4);
}

static void server_holds_back_client_when_its_calls_hold_much(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 512 << 10, at = 0;
	cleanup_free char *frame = malloc(size);
	int stuck = 0;

	/* Frames of open calls count: past half of the limit (2 MiB) no more is taken in until
	 * one is answered, and nobody is closed. */
	memset(frame, ' ', size);
	memcpy(frame, ACTORS, strlen(ACTORS));
	frame[size - 1] = '\0';
	for (int i = 0; i < 4; i++)
		send_raw(fixture, fixture->client, frame, size);
	wait_until(fixture, fixture->n_open == 4);
	while (at < size && stuck < 100) {
		ssize_t n = send(fixture->client, frame + at, size - at, MSG_NOSIGNAL);

		at += n > 0 ? (size_t)n : 0;
		stuck = n > 0 ? 0 : stuck + 1;
		loop_step(fixture->loop, false);
	}
	assert_int_equal(stuck, 100);
	assert_int_equal(fixture->n_open, 4);
	assert_int_equal(fixture->n_trouble, 0);
	answer_number(fixture, 0, 0);
	send_raw(fixture, fixture->client, frame + at, size - at);
	wait_until(fixture, fixture->n_open == 5);
}

static void server_serves_others_when_one_floods(void **state)
{
	struct fixture *fixture = *state;
	enum { N = 2000 };
	cleanup_free char *flood = malloc(N * sizeof(STOP));
	unsigned before;
	size_t at = 0;
	int other = fixture_connect(fixture);

	for (size_t i = 0; i < N; i++)
		memcpy(flood + i * sizeof(STOP), STOP, sizeof(STOP));
	/* As much as the sockets take, without a pass of the loop. */
	while (at < N * sizeof(STOP)) {
		ssize_t n = send(fixture->client, flood + at, N * sizeof(STOP) - at, 0);

		if (n < 0)
			break;
		at += (size_t)n;
	}
	loop_step(fixture->loop, false);
	before = fixture->n_handled;
	assert_int_equal(send(other, STOP, sizeof(STOP), 0), sizeof(STOP));
	assert_string_equal(next_frame_at(fixture, other), "{}");
	/* A few turns of the flood at most were served before it. */
	assert_true(fixture->n_handled - before < 400);
	close(other);
}

static void on_drained(void *context)
{
	((struct fixture *)context)->drained = true;
}

static void server_drains_when_open_calls_are_answered(void **state)
{
	struct fixture *fixture = *state;
	int idle = fixture_connect(fixture);

	send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == 1);
	/* Written before the stop begins: taken on, unread as it is; and half a frame, which is
	 * not. */
	send_frame(fixture, ACTORS);
	assert_int_equal(send(fixture->client, "{\"method\":", 10, MSG_NOSIGNAL), 10);
	control_server_drain(fixture->server, on_drained, fixture);
	/* Idle clients see the end; what comes now is not taken on. */
	assert_null(next_frame_at(fixture, idle));
	assert_int_equal(send(fixture->client, "\"io.troupe.Control.Stop\"}", 25, MSG_NOSIGNAL),
			 25);
	send_frame(fixture, ACTORS);
	settle(fixture);
	assert_int_equal(fixture->n_open, 2);
	assert_false(fixture->drained);
	answer_number(fixture, 0, 0);
	answer_number(fixture, 1, 1);
	wait_until(fixture, fixture->drained);
	expect_frame(fixture, "{\"parameters\":{\"n\":0}}");
	expect_frame(fixture, "{\"parameters\":{\"n\":1}}");
	assert_null(next_frame(fixture));
	close(idle);
}

static void free_server(void *context)
{
	struct fixture *fixture = context;

	control_server_free(fixture->server);
	fixture->server = NULL;
}

static void server_can_be_freed_when_it_says_that_it_is_drained(void **state)
{
	struct fixture *fixture = *state;

	control_server_drain(fixture->server, free_server, fixture);
	wait_until(fixture, !fixture->server);
	assert_null(next_frame(fixture));
}

static void server_reports_trouble_rarely_when_there_is_much(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begin_ns = clock_now_ns();

	for (int i = 0; i < 100; i++) {
		int client = -1;

		assert_int_equal(adopt(fixture, &client), 0);
		assert_int_equal(send(client, "x", 2, 0), 2);
		assert_non_null(next_frame_at(fixture, client));
		close(client);
		wait_until(fixture, control_server_connections(fixture->server) == 1);
	}
	assert_in_range(fixture->n_trouble, 10,
			10 * (1 + (clock_now_ns() - begin_ns) / (10 * CLOCK_SECOND_NS)));
}

/* ---- listening sockets */

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void server_accepts_when_clients_connect(void **state)
{
	struct fixture *fixture = *state;
	char directory[] = "/tmp/control-test-XXXXXX", path[64];
	int fd, clients[3];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	assert_int_equal(control_listen(path, &fd, NULL), 0);
	assert_int_equal(control_server_listen(fixture->server, fd, false), 0);
	for (int i = 0; i < 3; i++)
		clients[i] = connect_to(path);
	for (int i = 0; i < 3; i++) {
		send_raw(fixture, clients[i], STOP, sizeof(STOP));
		assert_string_equal(next_frame_at(fixture, clients[i]), "{}");
		close(clients[i]);
	}
	unlink(path);
	rmdir(directory);
}

static void server_pauses_when_descriptors_run_out(void **state)
{
	struct fixture *fixture = *state;
	char directory[] = "/tmp/control-test-XXXXXX", path[64];
	struct rlimit old, low;
	const char *reply;
	uint64_t begin_ns;
	int fd, client;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	assert_int_equal(control_listen(path, &fd, NULL), 0);
	assert_int_equal(control_server_listen(fixture->server, fd, false), 0);
	client = connect_to(path);
	send_raw(fixture, client, STOP, sizeof(STOP));
	/* No descriptor above those that are open. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)client + 1;
	begin_ns = clock_now_ns();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	wait_until(fixture, fixture->n_trouble >= 1);
	assert_non_null(strstr(fixture->trouble, "out of descriptors"));
	/* It does not spin but tries ten times a second, and those who are connected are
	 * served. */
	settle(fixture);
	assert_in_range(fixture->n_trouble, 1,
			1 + (clock_now_ns() - begin_ns) / (100 * CLOCK_MS_NS));
	send_frame(fixture, STOP);
	expect_frame(fixture, "{}");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	reply = next_frame_at(fixture, client);
	assert_non_null(reply);
	assert_string_equal(reply, "{}");
	close(client);
	unlink(path);
	rmdir(directory);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(server_refuses_connection_when_there_are_too_many),
		CASE(server_refuses_connection_when_uid_has_too_many),
		CASE(server_keeps_connections_for_whoever_runs_it),
		CASE(server_refuses_connection_when_level_is_nothing),
		CASE(server_closes_greediest_when_too_much_is_held),
		CASE(server_closes_client_when_its_replies_pile_up),
		CASE(server_reports_no_client_gone_inside_an_answer),
		CASE(server_holds_back_client_when_its_calls_hold_much),
		CASE(server_serves_others_when_one_floods),
		CASE(server_drains_when_open_calls_are_answered),
		CASE(server_can_be_freed_when_it_says_that_it_is_drained),
		CASE(server_reports_trouble_rarely_when_there_is_much),
		CASE(server_accepts_when_clients_connect),
		CASE(server_pauses_when_descriptors_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
