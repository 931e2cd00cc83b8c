/* Clients that do not read: what is reported when they do, and when they leave. On the
 * simulated loop, which looks at real sockets: that it sleeps without a timer shows that
 * nothing polls. */
#include "fixture.h"

#include "base/limits.h"

#include "tests/unit/sim/sim.h"

#define WATCH       "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}"
#define ACTORS      "{\"method\":\"io.troupe.Control.Actors\"}"
#define REPLIES     4000
#define REPLY_SIZE  1024
#define STREAMS_MAX 40
#define ROUNDS_MAX  10000

/* A stream with numbered replies, sent as far as its client takes them. */
struct stream {
	struct control_call *call; /* NULL: gone, or over */
	int client;
	int next;
	unsigned n_refused, n_room;
	/* What its client has read */
	char frame[REPLY_SIZE + 64];
	size_t used;
	int read;
	bool has_ended;
};

static void on_stream_gone(struct control_call *call)
{
	((struct stream *)call->user)->call = NULL;
}

static void send_some(struct stream *stream)
{
	char text[REPLY_SIZE + 32];

	while (stream->call && stream->next <= REPLIES) {
		bool continues = stream->next < REPLIES;
		int r;

		snprintf(text, sizeof(text), "{\"n\":%6d,\"x\":\"%0*d\"}", stream->next,
			 REPLY_SIZE - 20, 0);
		r = control_call_reply_text(stream->call, text, strlen(text), continues);
		if (r == -EAGAIN) {
			stream->n_refused++;
			return;
		}
		assert_int_equal(r, 0);
		stream->next++;
		if (!continues)
			stream->call = NULL;
	}
}

static void on_stream_room(struct control_call *call)
{
	struct stream *stream = call->user;

	assert_ptr_equal(stream->call, call);
	stream->n_room++;
	assert_int_equal(stream->n_room, stream->n_refused);
	send_some(stream);
}

/* Take the open call `i` of the fixture as a stream. */
static void begin_stream(struct fixture *fixture, size_t i, int client, struct stream *stream)
{
	*stream = (struct stream){.call = fixture->open[i], .client = client};
	fixture->open[i] = NULL;
	stream->call->user = stream;
	stream->call->on_gone = on_stream_gone;
	stream->call->on_room = on_stream_room;
}

/* Begin a stream of the fixture's client, behind an open call or not, and fill its queue. */
static void fill_stream(struct fixture *fixture, bool is_behind, struct stream *stream)
{
	if (is_behind)
		send_frame(fixture, ACTORS);
	send_frame(fixture, WATCH);
	wait_until(fixture, fixture->n_open == (is_behind ? 2 : 1));
	begin_stream(fixture, is_behind, fixture->client, stream);
	send_some(stream);
	assert_int_equal(stream->n_refused, 1);
}

/* Read up to `size` bytes as the client does, and check that the replies come in order. */
static void read_some(struct stream *stream, size_t size)
{
	while (size > 0) {
		size_t room = sizeof(stream->frame) - stream->used;
		ssize_t n = recv(stream->client, stream->frame + stream->used,
				 room < size ? room : size, 0);
		char *end;

		if (n <= 0)
			return;
		size -= (size_t)n;
		stream->used += (size_t)n;
		while ((end = memchr(stream->frame, '\0', stream->used))) {
			const char *number = strstr(stream->frame, "\"n\":");

			assert_non_null(number);
			assert_int_equal(atoi(number + 4), stream->read);
			stream->has_ended = !strstr(stream->frame, "\"continues\":true");
			stream->read++;
			stream->used -= (size_t)(end + 1 - stream->frame);
			memmove(stream->frame, end + 1, stream->used);
		}
	}
}

/* The server has nothing to do, and waits for no time to pass. */
static void expect_sleep(struct fixture *fixture)
{
	settle(fixture);
	assert_true(sim_is_asleep(fixture->loop));
	assert_int_equal(sim_next_ns(fixture->loop), UINT64_MAX);
}

static int set_up(void **state)
{
	struct fixture *fixture = fixture_new(&(struct control_config){.frame_max = 4096});

	sim_poll(fixture->loop, true);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

static void room_is_reported_once_for_each_refusal(void **state)
{
	struct fixture *fixture = *state;
	struct stream stream;

	fill_stream(fixture, false, &stream);
	for (unsigned n = 0; !stream.has_ended; n++) {
		unsigned n_room;

		assert_true(n < ROUNDS_MAX);

		/* A client that does not read costs no wake-up. */
		expect_sleep(fixture);
		n_room = stream.n_room;
		assert_int_equal(stream.n_refused, n_room + (stream.call ? 1 : 0));
		read_some(&stream, 40000);
		settle(fixture);
		assert_in_range(stream.n_room, n_room, n_room + 1);
	}
	assert_int_equal(stream.read, REPLIES + 1);
	assert_true(stream.n_room > 2);
}

static void no_room_is_reported_after_the_last_reply(void **state)
{
	struct fixture *fixture = *state;
	struct stream stream;

	fill_stream(fixture, false, &stream);
	assert_int_equal(control_call_reply_text(stream.call, "{\"n\":-1}", 8, false), 0);
	stream.call = NULL;
	for (int i = 0; i < 100; i++) {
		char sink[65536];

		(void)!recv(fixture->client, sink, sizeof(sink), 0);
		settle(fixture);
	}
	assert_int_equal(stream.n_room, 0);
	expect_sleep(fixture);
}

/* Its replies wait for that of a call before it, and not for the client. */
static void room_is_reported_to_a_stream_behind_an_open_call(void **state)
{
	struct fixture *fixture = *state;
	struct stream stream;

	fill_stream(fixture, true, &stream);
	expect_sleep(fixture);
	answer_actors(fixture, 0, false);
	expect_frame(fixture, EMPTY_ACTORS);
	for (unsigned n = 0; !stream.has_ended; n++) {
		assert_true(n < ROUNDS_MAX);
		read_some(&stream, 100000);
		settle(fixture);
	}
	assert_int_equal(stream.read, REPLIES + 1);
}

/* The client leaves; its calls and its connection are gone without any time passing. */
static void expect_release(struct fixture *fixture)
{
	uint64_t before = loop_clock_ns(fixture->loop);

	expect_sleep(fixture);
	close(fixture->client);
	fixture->client = -1;
	settle(fixture);
	assert_int_equal(control_server_connections(fixture->server), 0);
	assert_int_equal(fixture->n_left, 1);
	assert_int_equal(loop_clock_ns(fixture->loop), before);
}

static void client_that_hangs_up_with_a_full_queue_is_released_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct stream stream;

	fill_stream(fixture, false, &stream);
	send_frame(fixture, ACTORS); /* not read before the stream has ended */
	expect_release(fixture);
	assert_null(stream.call);
}

static void client_that_hangs_up_while_replies_wait_for_others_is_released_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct stream stream;

	fill_stream(fixture, true, &stream);
	expect_release(fixture);
	assert_null(stream.call);
	assert_int_equal(fixture->n_gone, 1);
}

static void client_that_hangs_up_while_its_next_call_waits_is_released_at_once(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < LIMIT_PIPELINED + 1; i++)
		send_frame(fixture, ACTORS);
	wait_until(fixture, fixture->n_open == LIMIT_PIPELINED);
	expect_release(fixture);
	assert_int_equal(fixture->n_gone, LIMIT_PIPELINED);
}

static void half_closed_client_that_hangs_up_is_released_at_once(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, ACTORS);
	shutdown(fixture->client, SHUT_WR);
	wait_until(fixture, fixture->n_open == 1);
	expect_sleep(fixture);
	assert_int_equal(fixture->n_gone, 0);
	expect_release(fixture);
	assert_int_equal(fixture->n_gone, 1);
}

static void slow_readers_are_served_alike(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free struct stream *streams = calloc(STREAMS_MAX, sizeof(*streams));
	unsigned n_ended = 0;

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		int client = i == 0 ? fixture->client : fixture_connect(fixture);

		send_raw(fixture, client, WATCH, sizeof(WATCH));
		wait_until(fixture, fixture->n_open == i + 1);
		begin_stream(fixture, i, client, &streams[i]);
	}
	for (size_t i = 0; i < STREAMS_MAX; i++)
		send_some(&streams[i]);
	for (unsigned n = 0; n_ended < STREAMS_MAX; n++) {
		assert_true(n < ROUNDS_MAX);
		n_ended = 0;
		for (size_t i = 0; i < STREAMS_MAX; i++) {
			read_some(&streams[i], 32 << 10);
			n_ended += streams[i].has_ended;
			loop_step(fixture->loop, false);
		}
		/* When the first one has all, the others are not far behind. */
		for (size_t i = 0; n_ended > 0 && i < STREAMS_MAX; i++)
			assert_true(streams[i].read > REPLIES / 2);
	}
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		assert_int_equal(streams[i].read, REPLIES + 1);
		assert_int_equal(streams[i].n_room, streams[i].n_refused);
		if (i > 0)
			close(streams[i].client);
	}
	settle(fixture);
	expect_sleep(fixture);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void connection_closes_when_refused_client_stays(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begin_ns = loop_clock_ns(fixture->loop);

	send_frame(fixture, "no json");
	assert_non_null(next_frame(fixture));
	assert_null(next_frame(fixture));
	/* It has two seconds to read what it was sent. */
	sim_run_until(fixture->loop, begin_ns + 1900 * CLOCK_MS_NS);
	assert_int_equal(control_server_connections(fixture->server), 1);
	sim_run_until(fixture->loop, begin_ns + 4 * CLOCK_SECOND_NS);
	assert_int_equal(control_server_connections(fixture->server), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(room_is_reported_once_for_each_refusal),
		CASE(no_room_is_reported_after_the_last_reply),
		CASE(room_is_reported_to_a_stream_behind_an_open_call),
		CASE(client_that_hangs_up_with_a_full_queue_is_released_at_once),
		CASE(client_that_hangs_up_while_replies_wait_for_others_is_released_at_once),
		CASE(client_that_hangs_up_while_its_next_call_waits_is_released_at_once),
		CASE(half_closed_client_that_hangs_up_is_released_at_once),
		CASE(slow_readers_are_served_alike),
		CASE(connection_closes_when_refused_client_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
