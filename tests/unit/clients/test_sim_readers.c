/* Clients that do not read what the master sends them: they cost it no wake-up, and get
 * everything in order when they do. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "base/limits.h"
#include "clients/watchers.h"
#include "tests/unit/sim/sim.h"
#include "units/unit.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WATCH "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}"
#define ACTORS                                                                                 \
	"{\"method\":\"io.troupe.Control.Actors\",\"more\":true,"                              \
	"\"parameters\":{\"worker\":1}}"
#define TO_ACTOR                                                                               \
	"{\"method\":\"io.troupe.Control.Call\",\"more\":true,"                                \
	"\"parameters\":{\"name\":\"one\",\"method\":\"a.b.Do\"}}"
#define ROUNDS_MAX 100000u

/* One more client. */
struct reader {
	int fd;
	size_t used;
	unsigned n; /* frames that it has read */
	bool has_ended;
	char frame[1 << 20];
};

static struct reader *new_reader(struct stage *stage, const char *message)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	ssize_t size = (ssize_t)strlen(message) + 1;
	int pair[2];

	assert_non_null(reader);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(control_server_adopt(stage->master->server, pair[0]), 0);
	reader->fd = pair[1];
	assert_int_equal(send(reader->fd, message, (size_t)size, MSG_NOSIGNAL), size);
	stage_idle(stage);
	return reader;
}

static void free_reader(struct reader *reader)
{
	close(reader->fd);
	free(reader);
}

/* Read up to `size` bytes, and let `check` see each frame. */
static void read_some(struct reader *reader, size_t size,
		      void (*check)(struct reader *reader, const char *frame))
{
	while (size > 0) {
		size_t room = sizeof(reader->frame) - reader->used;
		ssize_t n = recv(reader->fd, reader->frame + reader->used,
				 room < size ? room : size, 0);
		char *begin = reader->frame, *end;

		if (n <= 0)
			return;
		size -= (size_t)n;
		reader->used += (size_t)n;
		while ((end = memchr(begin, '\0', reader->used))) {
			check(reader, begin);
			reader->has_ended = !strstr(begin, "\"continues\":true");
			reader->n++;
			reader->used -= (size_t)(end + 1 - begin);
			begin = end + 1;
		}
		memmove(reader->frame, begin, reader->used);
	}
}

/* How often the master wakes up in ten seconds. */
static unsigned count_wakeups(struct stage *stage)
{
	struct loop *loop = stage->master->loop;
	uint64_t end;
	unsigned n = 0;

	stage_idle(stage);
	end = loop_clock_ns(loop) + 10 * CLOCK_SECOND_NS;
	for (; loop_clock_ns(loop) < end; n++)
		loop_step(loop, true);
	return n;
}

static void check_number(struct reader *reader, const char *frame)
{
	char number[32];

	(void)snprintf(number, sizeof(number), "\"n\":%u,", reader->n);
	assert_non_null(strstr(frame, number));
}

static void stream_that_is_not_read_costs_no_wakeup(void **state)
{
	enum { N = 3000 };
	struct stage *stage = *state;
	unsigned before = count_wakeups(stage);
	struct reader *reader = new_reader(stage, TO_ACTOR);
	int64_t call = stage_wait_call(stage, 1);
	char text[1200];

	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(text, sizeof(text), "{\"n\":%u,\"filling\":\"%01100d\"}", i, 0);
		stage_reply(stage->workers[1], call, true, NULL, text);
		if (i % 64 == 0)
			loop_step(stage->master->loop, false);
	}
	(void)snprintf(text, sizeof(text), "{\"n\":%u,\"last\":true}", N);
	stage_reply(stage->workers[1], call, false, NULL, text);
	assert_in_range(count_wakeups(stage), before - 2, before + 2);
	for (unsigned round = 0; !reader->has_ended; round++) {
		assert_true(round < ROUNDS_MAX);
		read_some(reader, 10000, check_number);
		stage_step(stage);
	}
	assert_int_equal(reader->n, N + 1);
	assert_int_equal(stage_use(stage, SHARE_STREAMS)->bytes, 0);
	free_reader(reader);
}

static void client_that_leaves_what_it_has_not_read_is_forgotten_at_once(void **state)
{
	struct stage *stage = *state;
	struct reader *reader = new_reader(stage, TO_ACTOR);
	int64_t call = stage_wait_call(stage, 1);
	char text[1200];

	(void)snprintf(text, sizeof(text), "{\"filling\":\"%01100d\"}", 0);
	for (unsigned i = 0; i < 3000; i++) {
		stage_reply(stage->workers[1], call, true, NULL, text);
		if (i % 64 == 0)
			loop_step(stage->master->loop, false);
	}
	/* The worker has no more to do with it. */
	stage_reply(stage->workers[1], call, false, NULL, "{}");
	stage_idle(stage);
	assert_true(stage_use(stage, SHARE_STREAMS)->bytes > 0);
	free_reader(reader);
	for (unsigned i = 0; i < 10; i++)
		loop_step(stage->master->loop, false);
	assert_int_equal(stage_use(stage, SHARE_STREAMS)->bytes, 0);
	assert_int_equal(stage_use(stage, SHARE_STREAMS)->calls, 0);
	assert_int_equal(stage->workers[1]->n_cancelled, 0);
}

#define WATCHERS 20
#define EVENTS   6000

static void check_event(struct reader *reader, const char *frame)
{
	char number[32];

	if (strstr(frame, "\"watching\"") || strstr(frame, "\"stopping\"")) {
		reader->n--; /* not counted */
		return;
	}
	(void)snprintf(number, sizeof(number), "event %u.", reader->n);
	assert_non_null(strstr(frame, number));
}

static void watchers_that_do_not_read_cost_no_wakeup(void **state)
{
	struct stage *stage = *state;
	unsigned before = count_wakeups(stage);
	struct reader *readers[WATCHERS];
	unsigned n_done = 0;
	char text[600];

	for (unsigned i = 0; i < WATCHERS; i++)
		readers[i] = new_reader(stage, WATCH);
	/* More than a connection takes, less than the ring holds. */
	for (unsigned i = 0; i < EVENTS; i++) {
		(void)snprintf(text, sizeof(text), "event %u. %0500d", i, 0);
		watchers_put(stage->master->watchers,
			     &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_RELOADED,
						     .text = text});
		if (i % 64 == 0)
			loop_step(stage->master->loop, false);
	}
	assert_in_range(count_wakeups(stage), before - 2, before + 2);
	for (unsigned round = 0; n_done < WATCHERS; round++) {
		assert_true(round < ROUNDS_MAX);
		n_done = 0;
		for (unsigned i = 0; i < WATCHERS; i++) {
			read_some(readers[i], 16384, check_event);
			n_done += readers[i]->n == EVENTS;
			loop_step(stage->master->loop, false);
		}
		/* They are served alike. */
		for (unsigned i = 0; n_done > 0 && i < WATCHERS; i++)
			assert_true(readers[i]->n > EVENTS / 2);
	}
	for (unsigned i = 0; i < WATCHERS; i++)
		free_reader(readers[i]);
}

#define PAGES 20

static void check_page(struct reader *reader, const char *frame)
{
	char kind[32];

	(void)snprintf(kind, sizeof(kind), "\"kind%u\"", reader->n);
	assert_int_equal(strstr(frame, kind) != NULL, reader->n < PAGES);
}

/* The worker answers what it is asked, with a page of actors of their own kind. false: it is
 * asked nothing. */
static bool give_page(struct stage *stage)
{
	struct stage_worker *worker = stage->workers[1];
	struct worker_resident residents[LIMIT_DESCRIBED];
	struct worker_census census = {.request = worker->inquiry,
				       .next = worker->inquiry_from + 1};
	char kind[32];

	if (worker->inquiry == 0)
		return false;
	(void)snprintf(kind, sizeof(kind), "kind%" PRId64, worker->inquiry_from);
	for (unsigned i = 0; i < LIMIT_DESCRIBED; i++)
		residents[i] = (struct worker_resident){
			.actor = {.worker = 1, .incarnation = worker->incarnation},
			.actorType = kind,
		};
	if (worker->inquiry_from < PAGES) {
		census.actors.items = residents;
		census.actors.count = LIMIT_DESCRIBED;
	}
	worker->inquiry = 0;
	stage_tell(worker, &worker_census_method, &census);
	stage_idle(stage);
	return true;
}

static void worker_is_not_asked_while_its_answers_are_not_read(void **state)
{
	struct stage *stage = *state;
	unsigned before = count_wakeups(stage), pages = 0;
	struct reader *reader = new_reader(stage, ACTORS);

	while (give_page(stage))
		pages++;
	assert_in_range(pages, 5, PAGES - 5);
	assert_in_range(count_wakeups(stage), before - 2, before + 2);
	assert_int_equal(stage->workers[1]->inquiry, 0);
	for (unsigned round = 0; !reader->has_ended; round++) {
		assert_true(round < ROUNDS_MAX);
		read_some(reader, 50000, check_page);
		stage_idle(stage);
		pages += give_page(stage);
	}
	assert_int_equal(reader->n, PAGES + 1);
	/* Each page that was refused was asked for once more. */
	assert_in_range(pages, PAGES + 2, 2 * PAGES + 1);
	free_reader(reader);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stream_that_is_not_read_costs_no_wakeup),
		TEST(client_that_leaves_what_it_has_not_read_is_forgotten_at_once),
		TEST(watchers_that_do_not_read_cost_no_wakeup),
		TEST(worker_is_not_asked_while_its_answers_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
