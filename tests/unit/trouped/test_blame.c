/* test_blame.c - who pays for the death of a worker, whatever its page says. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "units/instance.h"
#include "units/stall.h"
#include "units/unit.h"
#include "units/version.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The page says that the other's actor was at it. */
static void point_at_other(struct stage *stage, struct page_thread *thread, uint64_t doing)
{
	struct troupe_address actor = stage_actor(stage, "two");

	thread->sequence = 7;
	thread->actor = (uint64_t)actor.slot << 32 | actor.generation;
	thread->type_hash = doing;
	thread->version = (uint32_t)stage->workers[2]->spawn.version;
	thread->instance = (uint32_t)stage->workers[2]->spawn.instance;
	thread->thread_id = 1;
}

static void expect_no_blame(struct stage *stage, uint64_t doing)
{
	struct page *page = stage->workers[1]->page;

	point_at_other(stage, &page->thread, doing);
	point_at_other(stage, &page->crash.thread, doing);
	page->crash.thread_id = 1;
	page->crash.signal = SIGSEGV;
	page->crash.code = 1;
	page->crash.n_frames = UINT32_MAX;
	memset(page->crash.frames, 0xe4, sizeof(page->crash.frames));
	page->crash.written = 1;
	stage_signal(stage->workers[1], SIGSEGV);
	stage_expect_replaced(stage);
	/* Nor is it named. */
	assert_null(strstr(stage->master->workers[1]->crash.names.actor, "two"));
	stage_say(stage, "{\"method\":\"io.troupe.Control.Workers\"}");
	stage_expect(stage, "SIGSEGV");
}

static void unit_is_not_blamed_when_anothers_page_names_it(void **state)
{
	expect_no_blame(*state, 0x123456789);
}

static void unit_is_not_blamed_when_anothers_page_says_init(void **state)
{
	expect_no_blame(*state, PAGE_DOING_INIT);
}

static void unit_is_not_blamed_when_anothers_page_says_load(void **state)
{
	expect_no_blame(*state, PAGE_DOING_LOAD);
}

static void expect_own_blame(struct stage *stage, unsigned n_deaths)
{
	struct page *page = stage->workers[1]->page;
	uint32_t incarnation = stage->master->workers[1]->incarnation;
	struct troupe_address actor = {0, 1, incarnation, 1, 1};

	page->crash.thread.sequence = 7;
	page->crash.thread.actor = (uint64_t)actor.slot << 32 | actor.generation;
	page->crash.thread.type_hash = 0x123456789;
	page->crash.thread.version = unit_find(stage->master, "one")->version->number;
	page->crash.thread.thread_id = page->crash.thread_id = 1;
	page->crash.signal = SIGSEGV;
	page->crash.code = 1;
	page->crash.written = 1;
	stage_signal(stage->workers[1], SIGSEGV);
	while (stage->master->workers[1]->incarnation == incarnation ||
	       !worker_is_up(stage->master->workers[1]))
		stage_step(stage);
	assert_int_equal(stage->master->workers[1]->deaths.row, n_deaths);
}

static bool is_two_back(struct stage *stage)
{
	const struct unit *unit = unit_find(stage->master, "two");

	return unit_state(unit) == API_STATE_RUNNING && unit->instances[0].address.worker == 1;
}

static void actor_that_was_taken_along_is_back_at_once(void **state)
{
	struct stage *stage = *state;
	struct unit *one = unit_find(stage->master, "one"),
		    *two = unit_find(stage->master, "two");

	one->file.life.delay_ns = one->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	two->file.life.delay_ns = two->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	stage_share_worker(stage);
	expect_own_blame(stage, 0);
	stage_until(stage, is_two_back);
	assert_int_equal(unit_state(one), API_STATE_BACKOFF);
	assert_int_equal(one->crashes, 1);
	assert_int_equal(two->crashes, 0);
}

static void blame_of_an_actor_that_is_down_does_not_hasten_restarts(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");

	unit->file.life.delay_ns = unit->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	/* It pays, and waits for an hour; the next process says that it was it again. */
	expect_own_blame(stage, 0);
	assert_int_equal(unit_state(unit), API_STATE_BACKOFF);
	expect_own_blame(stage, 1);
	expect_own_blame(stage, 2);
	assert_int_equal(unit_state(unit), API_STATE_BACKOFF);
	assert_int_equal(unit->crashes, 1);
	stage_expect_unharmed(stage);
}

static void unit_is_not_blamed_when_anothers_page_says_define(void **state)
{
	expect_no_blame(*state, PAGE_DOING_DEFINE);
}

static void unit_fails_alone_when_its_configuration_ends_the_worker(void **state)
{
	struct stage *stage = *state;
	const struct unit *unit = unit_find(stage->master, "one");

	stage->is_reader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_defines == 0)
		stage_step(stage);
	stage_fault(stage, true, PAGE_DOING_DEFINE, 0);
	assert_int_equal(unit_state(unit), API_STATE_FAILED);
	assert_string_equal(unit->reason, "decoding its configuration crashed a worker");
	stage_expect_unharmed(stage);
}

/* The worker does one thing, and never comes to its end: it is killed for that after 30 s. */
static void hang(struct stage *stage, uint64_t doing)
{
	struct page_thread *thread = &stage->workers[1]->page->thread;

	thread->sequence = 7;
	thread->type_hash = doing;
	stage_pass(stage, 29 * CLOCK_SECOND_NS);
	assert_int_equal(stage->n_launched, 3);
	stage->is_loader_slow = stage->is_reader_slow = stage->is_slow = false;
	stage_pass(stage, 3 * CLOCK_SECOND_NS);
	assert_int_equal(stage->n_launched, 4);
}

static void unit_fails_alone_when_its_plugin_does_not_load_in_time(void **state)
{
	struct stage *stage = *state;
	const struct unit *unit = unit_find(stage->master, "one");

	stage->is_loader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_loads == 0)
		stage_step(stage);
	hang(stage, PAGE_DOING_LOAD);
	assert_int_equal(unit_state(unit), API_STATE_FAILED);
	assert_non_null(strstr(unit->reason, ": it did not load in time"));
	stage_expect_unharmed(stage);
}

static void unit_fails_alone_when_its_configuration_is_not_decoded_in_time(void **state)
{
	struct stage *stage = *state;
	const struct unit *unit = unit_find(stage->master, "one");

	stage->is_reader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_defines == 0)
		stage_step(stage);
	hang(stage, PAGE_DOING_DEFINE);
	assert_int_equal(unit_state(unit), API_STATE_FAILED);
	assert_string_equal(unit->reason, "its configuration was not decoded in time");
	stage_expect_unharmed(stage);
}

/* What a page says must fit to what the worker was asked. */
static void unit_is_not_blamed_for_what_was_not_asked(void **state)
{
	struct stage *stage = *state;

	stage->is_loader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_loads == 0)
		stage_step(stage);
	stage->is_loader_slow = stage->is_slow = false;
	stage_fault(stage, true, PAGE_DOING_DEFINE, 0);
	assert_null(unit_find(stage->master, "one")->reason);
	assert_int_not_equal(unit_state(unit_find(stage->master, "one")), API_STATE_FAILED);
	stage_expect_unharmed(stage);
}

static void handler_that_was_there_at_the_limit_pays_and_no_other(void **state)
{
	struct stage *stage = *state;
	struct worker *worker = stage->master->workers[1];
	struct crash crash = {.in_handler = true, .activity.sequence = 7};

	worker->stall.activity.sequence = 7;
	assert_false(stall_is_blamed(worker, &crash));
	worker->stall.is_blamed = true;
	assert_true(stall_is_blamed(worker, &crash));
	/* One that began before the signal came. */
	crash.activity.sequence = 9;
	assert_false(stall_is_blamed(worker, &crash));
	crash.activity.sequence = 7;
	crash.in_handler = false;
	assert_false(stall_is_blamed(worker, &crash));
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unit_is_not_blamed_when_anothers_page_names_it),
		TEST(unit_is_not_blamed_when_anothers_page_says_init),
		TEST(unit_is_not_blamed_when_anothers_page_says_load),
		TEST(actor_that_was_taken_along_is_back_at_once),
		TEST(blame_of_an_actor_that_is_down_does_not_hasten_restarts),
		TEST(unit_is_not_blamed_when_anothers_page_says_define),
		TEST(unit_fails_alone_when_its_configuration_ends_the_worker),
		TEST(unit_fails_alone_when_its_plugin_does_not_load_in_time),
		TEST(unit_fails_alone_when_its_configuration_is_not_decoded_in_time),
		TEST(unit_is_not_blamed_for_what_was_not_asked),
		TEST(handler_that_was_there_at_the_limit_pays_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
