/* test_held.c - what a client has not read of a stream is kept, in order and up to a limit, and
 * the last reply comes after it. */
#include "tests/unit/control/fixture.h"

#include "base/limits.h"
#include "clients/held.h"
#include "clients/shares.h"

#define WATCH     "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}"
#define LARGE     (64u << 10)
#define SMALL     16u
#define ERROR     "com.example.Over"
#define OF_A_USER (LIMIT_STREAM_HELD / 8)

/* A stream of numbered replies. */
struct source {
	struct fixture *fixture;
	struct control_call *call; /* NULL: gone, or over */
	struct held held;
	bool flushes; /* when there is room */
	bool is_over; /* a flush has sent the last reply */
	unsigned next, n_room;
};

static const struct control_share of_a_user[SHARE_COUNT] = {
	[SHARE_STREAMS] = {{0}, {.uid = OF_A_USER}},
};

static void source_gone(struct control_call *call)
{
	((struct source *)call->user)->call = NULL;
}

static void source_room(struct control_call *call)
{
	struct source *source = call->user;

	source->n_room++;
	if (source->flushes && held_flush(&source->held)) {
		source->is_over = true;
		source->call = NULL;
	}
}

/* The client of `fd` asks for one. */
static void begin_source(struct fixture *fixture, int fd, struct source *source)
{
	size_t i = fixture->n_open;

	send_raw(fixture, fd, WATCH, sizeof(WATCH));
	wait_until(fixture, fixture->n_open > i);
	*source = (struct source){.fixture = fixture, .call = fixture->open[i]};
	fixture->open[i] = NULL;
	source->call->user = source;
	source->call->on_gone = source_gone;
	source->call->on_room = source_room;
	held_init(&source->held, source->call);
}

static struct fixture *begin(struct source *source, const struct control_share *of_all)
{
	struct fixture *fixture = fixture_new(&(struct control_config){.shares = of_all});

	begin_source(fixture, fixture->client, source);
	return fixture;
}

static void end(struct source *source)
{
	held_fini(&source->held);
	fixture_free(source->fixture);
}

/* The text of the reply of that number: SMALL or LARGE bytes. */
static const char *text_of(unsigned number, size_t size)
{
	static char text[LARGE + 1];

	(void)snprintf(text, size + 1, "{\"n\":%0*u}", (int)size - 6, number);
	return text;
}

static int add(struct source *source, size_t size)
{
	int r = held_add(&source->held, text_of(source->next, size), size);

	if (r == 0)
		source->next++;
	return r;
}

/* Add replies until one is held. Returns how many were taken. */
static unsigned fill(struct source *source)
{
	while (list_is_empty(&source->held.replies))
		assert_int_equal(add(source, LARGE), 0);
	return source->next - 1;
}

static bool finish(struct source *source, const char *error)
{
	bool is_answered =
		held_finish(&source->held, error, text_of(source->next++, SMALL), SMALL);

	if (is_answered)
		source->call = NULL;
	return is_answered;
}

/* The client reads the replies from `first` on, each of which others follow. */
static void expect_replies(struct fixture *fixture, int fd, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		const char *frame = next_frame_at(fixture, fd), *at;

		assert_non_null(frame);
		at = strstr(frame, "\"n\":");
		assert_non_null(at);
		assert_int_equal(strtoul(at + 4, NULL, 10), i);
		assert_non_null(strstr(at, "\"continues\":true"));
	}
}

static void expect_last(struct source *source, const char *error)
{
	char text[200];

	(void)snprintf(text, sizeof(text), "{%s%s%s\"parameters\":%.*s}",
		       error ? "\"error\":\"" : "", error ? error : "", error ? "\"," : "",
		       (int)SMALL, text_of(source->next - 1, SMALL));
	expect_frame(source->fixture, text);
}

static void replies_go_out_at_once_while_the_client_reads(void **state)
{
	struct source source;
	struct fixture *fixture = begin(&source, shares);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(add(&source, SMALL), 0);
		assert_true(list_is_empty(&source.held.replies));
		expect_replies(fixture, fixture->client, i, i + 1);
	}
	assert_int_equal(source.held.bytes, 0);
	assert_true(finish(&source, NULL));
	expect_last(&source, NULL);
	end(&source);
}

static void last_reply_comes_after_those_that_wait(void **state)
{
	static const char *const errors[] = {NULL, ERROR};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct source source;
		struct fixture *fixture = begin(&source, shares);

		(void)fill(&source);
		for (int n = 0; n < 30; n++)
			assert_int_equal(add(&source, SMALL), 0);
		assert_false(finish(&source, errors[i]));
		source.flushes = true;
		expect_replies(fixture, fixture->client, 0, source.next - 1);
		expect_last(&source, errors[i]);
		assert_true(source.is_over);
		end(&source);
	}
}

/* Even if its last bytes would go out at once, were there nothing to wait for. */
static void nothing_overtakes_what_is_held(void **state)
{
	struct source source;
	struct fixture *fixture = begin(&source, shares);
	unsigned taken = fill(&source);

	(void)state;
	expect_replies(fixture, fixture->client, 0, taken);
	wait_until(fixture, source.n_room == 1);
	assert_int_equal(add(&source, SMALL), 0);
	assert_int_equal(source.held.bytes, LARGE + SMALL);
	assert_false(finish(&source, NULL));
	expect_silence(fixture);
	assert_true(held_flush(&source.held));
	source.call = NULL;
	expect_replies(fixture, fixture->client, taken, source.next - 1);
	expect_last(&source, NULL);
	end(&source);
}

/* What the client's connection takes no more of stays, in its place. */
static void flush_sends_what_is_taken(void **state)
{
	struct source source;
	struct fixture *fixture = begin(&source, shares);
	unsigned taken = fill(&source);

	(void)state;
	while (source.next < 3 * taken)
		assert_int_equal(add(&source, LARGE), 0);
	assert_false(finish(&source, NULL));
	assert_false(held_flush(&source.held));
	assert_int_equal(source.held.bytes, 2 * taken * LARGE);
	expect_replies(fixture, fixture->client, 0, taken);
	wait_until(fixture, source.n_room == 1);
	assert_false(held_flush(&source.held));
	assert_in_range(source.held.bytes, LARGE, (2 * taken - 1) * LARGE);
	source.flushes = true;
	expect_replies(fixture, fixture->client, taken, source.next - 1);
	expect_last(&source, NULL);
	assert_int_equal(source.held.bytes, 0);
	end(&source);
}

static void stream_holds_so_many_bytes(void **state)
{
	struct source source;
	struct fixture *fixture = begin(&source, shares);
	int r;

	(void)state;
	(void)fill(&source);
	while ((r = add(&source, LARGE)) == 0)
		;
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(source.held.bytes, LIMIT_STREAM_HELD);
	assert_int_equal(add(&source, SMALL), -ENOBUFS);
	/* But the stream can end. */
	assert_false(finish(&source, ERROR));
	source.flushes = true;
	expect_replies(fixture, fixture->client, 0, source.next - 1);
	expect_last(&source, ERROR);
	end(&source);
}

static void reply_that_is_too_large_is_refused(void **state)
{
	const size_t size = (32u << 20) + 1;
	char *text = malloc(size);
	struct source source;
	struct fixture *fixture = begin(&source, shares);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	text[0] = '{';
	text[size - 1] = '}';
	assert_int_equal(held_add(&source.held, text, size), -EMSGSIZE);
	assert_true(list_is_empty(&source.held.replies));
	assert_int_equal(source.held.taken, 0);
	assert_int_equal(add(&source, SMALL), 0);
	expect_replies(fixture, fixture->client, 0, 1);
	free(text);
	end(&source);
}

/* How many bytes another client of the same user can have held; it leaves. */
static size_t others_may_hold(struct fixture *fixture)
{
	int fd = fixture_connect(fixture), r;
	struct source other;
	size_t bytes;

	begin_source(fixture, fd, &other);
	while ((r = add(&other, LARGE)) == 0)
		;
	assert_int_equal(r, -ENOBUFS);
	bytes = other.held.bytes;
	close(fd);
	wait_until(fixture, !other.call);
	held_fini(&other.held);
	return bytes;
}

/* Add replies until so many bytes are held, and the kernel takes no more. */
static void hold(struct source *source, size_t bytes)
{
	while (source->held.bytes < bytes) {
		while (source->held.bytes < bytes)
			assert_int_equal(add(source, LARGE), 0);
		settle(source->fixture);
	}
	assert_int_equal(source->held.bytes, bytes);
}

/* Until the client has read it, or is gone. */
static void streams_of_a_user_hold_so_many_bytes(void **state)
{
	struct source source;
	struct fixture *fixture = begin(&source, of_a_user);
	unsigned read = 0;

	(void)state;
	source.flushes = true;
	hold(&source, OF_A_USER - LARGE);
	assert_int_equal(others_may_hold(fixture), LARGE);
	assert_int_equal(others_may_hold(fixture), LARGE);
	/* The client reads some of it, ... */
	for (; source.held.bytes > OF_A_USER / 2; read++) {
		expect_replies(fixture, fixture->client, read, read + 1);
		settle(fixture);
	}
	assert_int_equal(others_may_hold(fixture), OF_A_USER - source.held.bytes);
	/* ... all of it, ... */
	expect_replies(fixture, fixture->client, read, source.next);
	assert_int_equal(others_may_hold(fixture), OF_A_USER);
	/* ... and leaves. */
	hold(&source, LARGE);
	assert_int_equal(others_may_hold(fixture), OF_A_USER - LARGE);
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, !source.call);
	assert_int_equal(others_may_hold(fixture), OF_A_USER);
	end(&source);
}

static void client_that_leaves_is_sent_nothing_more(void **state)
{
	struct source source;
	struct fixture *fixture = begin(&source, shares);

	(void)state;
	(void)fill(&source);
	for (int i = 0; i < 10; i++)
		assert_int_equal(add(&source, SMALL), 0);
	assert_false(finish(&source, NULL));
	close(fixture->client);
	fixture->client = -1;
	wait_until(fixture, !source.call);
	assert_int_equal(source.n_room, 0);
	/* Of all that nothing is left: below ASan it would be found. */
	held_fini(&source.held);
	assert_true(list_is_empty(&source.held.replies));
	fixture_free(fixture);
}

static void worker_is_told_when_much_was_taken(void **state)
{
	struct source source;
	struct fixture *fixture = begin(&source, shares);

	(void)state;
	for (unsigned i = 0; i < LIMIT_CLIENT_UNREAD / 4; i++) {
		assert_false(held_has_taken_much(&source.held));
		assert_int_equal(add(&source, SMALL), 0);
		assert_int_equal(source.held.taken, i + 1);
		assert_int_equal(source.held.taken_bytes, (i + 1) * SMALL);
	}
	assert_true(held_has_taken_much(&source.held));
	source.held.taken = 0;
	source.held.taken_bytes = 0;
	for (unsigned i = 0; i < LIMIT_STREAM_UNREAD_BYTES / 4 / LARGE; i++) {
		assert_false(held_has_taken_much(&source.held));
		assert_int_equal(add(&source, LARGE), 0);
	}
	assert_true(held_has_taken_much(&source.held));
	expect_replies(fixture, fixture->client, 0, source.next);
	end(&source);
}

/* What waits is taken when it is sent. */
static void what_is_held_is_not_taken_yet(void **state)
{
	struct source source;
	struct fixture *fixture = begin(&source, shares);
	unsigned taken = fill(&source);

	(void)state;
	assert_int_equal(add(&source, SMALL), 0);
	assert_int_equal(source.held.taken, taken);
	assert_int_equal(source.held.taken_bytes, taken * LARGE);
	expect_replies(fixture, fixture->client, 0, taken);
	wait_until(fixture, source.n_room == 1);
	assert_false(held_flush(&source.held));
	assert_int_equal(source.held.taken, taken + 2);
	assert_int_equal(source.held.taken_bytes, (taken + 1) * LARGE + SMALL);
	expect_replies(fixture, fixture->client, taken, source.next);
	end(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_go_out_at_once_while_the_client_reads),
		cmocka_unit_test(last_reply_comes_after_those_that_wait),
		cmocka_unit_test(nothing_overtakes_what_is_held),
		cmocka_unit_test(flush_sends_what_is_taken),
		cmocka_unit_test(stream_holds_so_many_bytes),
		cmocka_unit_test(reply_that_is_too_large_is_refused),
		cmocka_unit_test(streams_of_a_user_hold_so_many_bytes),
		cmocka_unit_test(client_that_leaves_is_sent_nothing_more),
		cmocka_unit_test(worker_is_told_when_much_was_taken),
		cmocka_unit_test(what_is_held_is_not_taken_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
