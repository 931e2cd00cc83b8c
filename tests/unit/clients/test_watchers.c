/* test_watchers.c - who watches and does not read loses the oldest events, and is told how many
 * and where. */
#include "tests/unit/sim/stage.h"

#include "base/limits.h"
#include "clients/watchers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WATCH "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}"

static void put(struct stage *stage, unsigned n, size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	for (unsigned i = 0; i < n; i++) {
		int used = snprintf(text, size, "event %u.", i);

		memset(text + used, '.', size - (size_t)used);
		text[size] = '\0';
		watchers_put(stage->master->watchers,
			     &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_RELOADED,
						     .text = text});
		if (i % 64 == 0)
			loop_step(stage->master->loop, false);
	}
	free(text);
}

/* Read all of `n` events: those that came and those that are reported as lost, at their place.
 * Returns how many were lost. */
static unsigned read_all(struct stage *stage, unsigned n)
{
	unsigned next = 0, lost = 0;

	stage_expect(stage, "watching");
	while (next < n) {
		const char *at;
		unsigned number;

		stage_until(stage, stage_has_answer);
		at = strstr(stage->answer, "\"event\":\"lost\"");
		if (at) {
			at = strstr(stage->answer, "\"count\":");
			assert_non_null(at);
			assert_int_equal(sscanf(at, "\"count\":%u", &number), 1);
			lost += number;
			next += number;
		} else {
			at = strstr(stage->answer, "event ");
			assert_non_null(at);
			assert_int_equal(sscanf(at, "event %u.", &number), 1);
			assert_int_equal(number, next);
			next++;
		}
		stage_expect(stage, "event");
	}
	assert_int_equal(next, n);
	return lost;
}

static void oldest_events_are_lost_when_there_are_too_many(void **state)
{
	enum { MORE = 30000 };
	struct stage *stage = *state;

	stage_say(stage, WATCH);
	stage_idle(stage);
	put(stage, LIMIT_WATCH_EVENTS + MORE, 20);
	assert_in_range(read_all(stage, LIMIT_WATCH_EVENTS + MORE), MORE / 4, MORE);
	/* It is like any other again. */
	watchers_put(
		stage->master->watchers,
		&(struct api_watch_out){.event = API_WATCH_OUT_EVENT_RELOADED, .text = "fine"});
	stage_expect(stage, "fine");
}

static void oldest_events_are_lost_when_they_are_too_large(void **state)
{
	enum { SIZE = 8192, N = 2 * LIMIT_WATCH_BYTES / SIZE };
	struct stage *stage = *state;

	stage_say(stage, WATCH);
	stage_idle(stage);
	put(stage, N, SIZE);
	assert_in_range(stage->master->watchers->bytes, LIMIT_WATCH_BYTES / 2,
			LIMIT_WATCH_BYTES);
	assert_in_range(read_all(stage, N), N / 4, N / 2 + 100);
	assert_int_equal(stage->master->watchers->bytes, 0);
}

static void client_that_leaves_is_no_watcher_any_more(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, WATCH);
	stage_idle(stage);
	put(stage, 20000, 100);
	assert_true(stage->master->watchers->bytes > 0);
	close(stage->client);
	stage->client = -1;
	stage_idle(stage);
	assert_false(watchers_any(stage->master->watchers));
	assert_int_equal(stage->master->watchers->bytes, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_raise, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(oldest_events_are_lost_when_there_are_too_many),
		TEST(oldest_events_are_lost_when_they_are_too_large),
		TEST(client_that_leaves_is_no_watcher_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
