/* test_stall.c - whose handler does not return, and what has its own time for that. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "units/unit.h"
#include "units/version.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define S CLOCK_SECOND_NS

/* Worker 1 is in a handler of an actor of "one". */
static void enter(struct stage *stage, uint32_t slot, uint64_t doing)
{
	struct page_thread *thread = &stage->workers[1]->page->thread;

	thread->actor = (uint64_t)slot << 32 | 1;
	thread->type_hash = doing;
	thread->version = unit_find(stage->master, "one")->version->number;
	thread->instance = 0;
	thread->sequence += thread->sequence % 2 ? 2 : 1;
}

static void leave(struct stage *stage)
{
	stage->workers[1]->page->thread.sequence++;
}

static void expect_status(struct stage *stage, const char *piece)
{
	stage_say(stage, "{\"method\":\"io.troupe.Control.Status\"}");
	stage_expect(stage, piece);
}

static void child_that_stalls_is_shown_with_the_actor_that_it_comes_from(void **state)
{
	struct stage *stage = *state;
	struct troupe_address address = stage_actor(stage, "one");
	char piece[128];

	enter(stage, address.slot + 7, 0x1234);
	stage_pass(stage, 3 * S);
	(void)snprintf(piece, sizeof(piece), "\"actor\":\"one/0\",\"child\":\"%u.%u.%u.%u.1\"",
		       address.node, address.worker, address.incarnation, address.slot + 7);
	expect_status(stage, piece);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Describe\","
			 "\"parameters\":{\"name\":\"one\"}}");
	stage_expect(stage, "\"state\":\"stalled\"");
	leave(stage);
	stage_pass(stage, 3 * S);
	expect_status(stage, "\"stalls\":[]");
	/* The actor itself is no child. */
	enter(stage, address.slot, PAGE_DOING_TIMER);
	stage_pass(stage, 3 * S);
	expect_status(stage, "\"stalls\":[{\"worker\":1,\"actor\":\"one/0\",\"message\"");
}

static bool is_asked_again(struct stage *stage)
{
	return stage->n_launched == 3 && stage->workers[1]->n_spawns == 1;
}

/* As when each of a pool has a long init: all of them together may take longer than
 * WorkerWatchdog=, which is 30 s. */
static void inits_in_a_row_have_each_their_time(void **state)
{
	struct stage *stage = *state;

	stage_spawned(stage->workers[2], NULL);
	unit_find(stage->master, "one")->file.life.start_timeout_ns = TEXT_INFINITY;
	stage_kill(stage->workers[1]);
	stage_until(stage, is_asked_again);
	stage->workers[1]->is_mute = true;
	for (unsigned i = 0; i < 4; i++) {
		enter(stage, 0, PAGE_DOING_INIT);
		stage_pass(stage, 20 * S);
		leave(stage);
		/* A look in between. */
		stage_pass(stage, 2 * S);
	}
	assert_false(stage->workers[1]->is_dead);
	assert_int_equal(stage->n_launched, 3);
	/* But not what is no init. */
	stage_pass(stage, 30 * S);
	assert_int_equal(stage->n_launched, 4);
}

#define TEST(function, setup) cmocka_unit_test_setup_teardown(function, setup, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(child_that_stalls_is_shown_with_the_actor_that_it_comes_from,
		     stage_raise_units),
		TEST(inits_in_a_row_have_each_their_time, stage_raise_slowly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
