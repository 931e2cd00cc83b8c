/* test_slow.c - handlers that took long, as a worker's page has them; it may hold anything. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "units/slow.h"
#include "units/unit.h"
#include "units/version.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S       CLOCK_SECOND_NS
#define BLOCKED "{\"method\":\"io.troupe.Control.Blocked\"}"

static struct page_slow *slow_of(struct stage *stage, uint64_t number)
{
	return &stage->workers[1]->page->slow[number % PAGE_SLOW];
}

/* Worker 1 writes that a handler of an actor of `unit` is slow. */
static void write_slow(struct stage *stage, const char *unit, uint64_t number, uint64_t for_ns)
{
	struct page_slow *slow = slow_of(stage, number - 1);

	slow->number = 0;
	slow->for_ns = for_ns;
	slow->is_over = 0;
	slow->thread = (struct page_thread){.sequence = 2 * number + 1};
	slow->thread.actor = (uint64_t)stage_actor(stage, unit).slot << 32 |
			     stage_actor(stage, unit).generation;
	slow->thread.type_hash = PAGE_DOING_TIMER;
	slow->thread.version = unit_find(stage->master, unit)->version->number;
	slow->n_frames = 1;
	(void)snprintf(slow->frames[0].text, PAGE_SYMBOL, "x.so(on_%u+0x1)", (unsigned)number);
	slow->number = number;
}

static void expect_blocked(struct stage *stage, const char *piece)
{
	stage_say(stage, BLOCKED);
	stage_expect(stage, piece);
}

static uint64_t count(struct stage *stage, const char *unit)
{
	return unit_find(stage->master, unit)->slow_handlers;
}

static void handler_is_shown_while_it_runs_and_afterwards(void **state)
{
	struct stage *stage = *state;

	expect_blocked(stage, "{\"parameters\":{\"handlers\":[],\"missed\":0}}");
	write_slow(stage, "one", 1, 60000000);
	expect_blocked(stage, "\"actor\":\"one/0\",\"message\":\"a timer\"");
	expect_blocked(stage,
		       "\"forMs\":60,\"running\":true,\"backtrace\":[\"x.so(on_1+0x1)\"]");
	slow_of(stage, 0)->for_ns = 900000000;
	slow_of(stage, 0)->is_over = 1;
	expect_blocked(stage, "\"forMs\":900,\"running\":false,");
	/* looked at again and again, it is one */
	stage_pass(stage, 5 * S);
	assert_int_equal(count(stage, "one"), 1);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Describe\","
			 "\"parameters\":{\"name\":\"one\"}}");
	stage_expect(stage, "\"slowHandlers\":1");
	stage_expect_unharmed(stage);
}

static void handlers_are_read_once_a_second(void **state)
{
	struct stage *stage = *state;

	write_slow(stage, "one", 1, 60000000);
	stage_pass(stage, 2 * S);
	assert_int_equal(count(stage, "one"), 1);
	write_slow(stage, "one", 2, 60000000);
	write_slow(stage, "one", 3, 60000000);
	stage_pass(stage, 2 * S);
	assert_int_equal(count(stage, "one"), 3);
	assert_int_equal(slow_at(stage->master->workers[1], 0)->number, 3);
	assert_int_equal(slow_at(stage->master->workers[1], 2)->number, 1);
	assert_null(slow_at(stage->master->workers[1], 3));
}

static void what_was_written_over_is_counted_as_missed(void **state)
{
	struct stage *stage = *state;

	for (uint64_t number = 1; number <= 20; number++)
		write_slow(stage, "one", number, 60000000);
	expect_blocked(stage, "\"missed\":12}");
	assert_int_equal(count(stage, "one"), 8);
	/* and no more are kept than there may be */
	for (uint64_t number = 21; number <= 60; number++) {
		write_slow(stage, "one", number, 60000000);
		slow_look(stage->master->workers[1]);
	}
	assert_non_null(slow_at(stage->master->workers[1], LIMIT_SLOW_KEPT - 1));
	assert_null(slow_at(stage->master->workers[1], LIMIT_SLOW_KEPT));
	expect_blocked(stage, "\"missed\":12}");
}

static void worker_does_not_speak_for_actors_of_others(void **state)
{
	struct stage *stage = *state;

	write_slow(stage, "two", 1, 60000000);
	stage_say(stage, BLOCKED);
	stage_until(stage, stage_has_answer);
	assert_null(strstr(stage->answer, "two"));
	stage_expect(stage, "\"handlers\":[{\"worker\":1,");
	assert_int_equal(count(stage, "two"), 0);
}

/* Whatever lies in each field. */
static void page_may_hold_anything(void **state)
{
	static const int bytes[] = {0xff, 0x7f, 0x80, 0x01};
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		memset((void *)stage->workers[1]->page->slow, bytes[i],
		       sizeof(stage->workers[1]->page->slow));
		for (uint64_t j = 0; j < PAGE_SLOW; j++)
			slow_of(stage, j)->number = 1000 * (i + 1) + j;
		expect_blocked(stage, "\"handlers\":[{");
		stage_pass(stage, 2 * S);
	}
	slow_of(stage, 0)->number = UINT64_MAX;
	expect_blocked(stage, "\"missed\":9223372036854775807}");
	/* from then on it has nothing to say */
	write_slow(stage, "one", 2, 60000000);
	stage_pass(stage, 2 * S);
	assert_int_equal(count(stage, "one"), 0);
	stage_expect_unharmed(stage);
}

static void what_a_dead_worker_had_found_is_kept(void **state)
{
	struct stage *stage = *state;

	write_slow(stage, "one", 1, 60000000);
	stage_signal(stage->workers[1], SIGKILL);
	stage_expect_replaced(stage);
	expect_blocked(stage, "\"forMs\":60,\"running\":false,");
	assert_int_equal(count(stage, "one"), 1);
	/* its successor counts from 1 again */
	write_slow(stage, "one", 1, 70000000);
	expect_blocked(stage, "\"forMs\":70,\"running\":true,");
	assert_int_equal(count(stage, "one"), 2);
}

/* However often it is said that its process is gone. */
static void page_of_the_dead_is_read_once(void **state)
{
	struct stage *stage = *state;
	struct worker *worker = stage->master->workers[1];

	write_slow(stage, "one", 1, 60000000);
	slow_forget(worker);
	slow_forget(worker);
	assert_int_equal(count(stage, "one"), 1);
	assert_true(slow_at(worker, 0)->is_over);
	assert_null(slow_at(worker, 1));
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(handler_is_shown_while_it_runs_and_afterwards),
		TEST(handlers_are_read_once_a_second),
		TEST(what_was_written_over_is_counted_as_missed),
		TEST(worker_does_not_speak_for_actors_of_others),
		TEST(page_may_hold_anything),
		TEST(what_a_dead_worker_had_found_is_kept),
		TEST(page_of_the_dead_is_read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
