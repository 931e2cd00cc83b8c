/* test_stop_actor.c - an actor that an operator stops by its address has its time for that, and
 * the operator an answer, whatever its worker does. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "base/limits.h"
#include "proto/address.h"
#include "tests/unit/sim/sim.h"
#include "units/stopping.h"
#include "units/unit.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S       CLOCK_SECOND_NS
#define PROMISE (2 * S) /* to end a worker when the time to stop is over */

static bool has_stop(struct stage *stage)
{
	return stage->workers[1]->n_stops > 0;
}

/* A child that runs on worker 1. */
static void stop_child(struct stage *stage)
{
	struct troupe_address address = stage_actor(stage, "one");
	char text[TROUPE_ADDRESS_TEXT], message[256];

	address.slot += 7;
	address_print(address, text);
	(void)snprintf(
		message, sizeof(message),
		"{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":\"%s\"}}",
		text);
	stage_say(stage, message);
	stage_until(stage, has_stop);
	assert_true(troupe_address_equal(stage->workers[1]->stop.actor, address));
}

/* Its worker says that it comes from that unit. */
static void name_unit(struct stage *stage, const char *unit)
{
	struct worker_resident resident = {
		.actor = stage->workers[1]->stop.actor,
		.origin = stage->workers[unit_find(stage->master, unit)->file.placement.number]
				  ->spawn.version,
		.actorType = "child",
	};

	stage_tell(stage->workers[1], &worker_census_method,
		   &(struct worker_census){.request = stage->workers[1]->stop.request,
					   .actors = {&resident, 1}});
	stage_idle(stage);
}

static void report_stopped(struct stage *stage, bool found)
{
	stage_tell(stage->workers[1], &worker_stopped_method,
		   &(struct worker_stopped){.request = stage->workers[1]->stop.request,
					    .found = found});
}

/* Worker 1 is as it was so much later, and the client not answered. */
static void expect_patience(struct stage *stage, uint64_t ns)
{
	stage_pass(stage, ns);
	assert_false(stage->workers[1]->is_dead);
	assert_int_equal(stage->n_launched, 2);
	assert_false(stage_has_answer(stage));
}

static void expect_success(struct stage *stage)
{
	stage_until(stage, stage_has_answer);
	assert_string_equal(stage->answer, "{}");
	stage_expect(stage, "{}");
}

/* It is ended, in time, and that is the answer. */
static void expect_end(struct stage *stage)
{
	uint64_t begin_ns = loop_clock_ns(stage->master->loop);

	expect_success(stage);
	assert_in_range(loop_clock_ns(stage->master->loop) - begin_ns, 0, PROMISE);
	assert_true(stage->n_launched > 2 || !stage_is_up(stage));
	stage_expect_replaced(stage);
}

static void client_is_answered_when_the_actor_has_stopped(void **state)
{
	struct stage *stage = *state;

	stop_child(stage);
	expect_patience(stage, S);
	report_stopped(stage, true);
	expect_success(stage);
	stage->workers[1]->n_stops = 0;
	stop_child(stage);
	report_stopped(stage, false);
	stage_expect(stage, "NoSuchActor");
	expect_patience(stage, 60 * S);
}

static void actor_that_does_not_stop_costs_its_worker(void **state)
{
	struct stage *stage = *state;

	stop_child(stage);
	/* StopTimeout=2s of the daemon, as nobody has said of which unit it is. */
	expect_patience(stage, 2 * S - S / 10);
	expect_end(stage);
}

static void actor_has_the_time_of_its_unit_from_the_request_on(void **state)
{
	struct stage *stage = *state;

	unit_find(stage->master, "one")->file.life.stop_timeout_ns = 7 * S;
	stop_child(stage);
	for (unsigned i = 0; i < 6; i++) {
		expect_patience(stage, S);
		/* More than once: that gives it no more. */
		name_unit(stage, "one");
	}
	expect_patience(stage, S / 2);
	expect_end(stage);
}

static void worker_that_ends_actors_has_more_time(void **state)
{
	struct stage *stage = *state;
	struct page *page = stage->workers[1]->page;

	/* Time passes while the master looks, too. */
	sim_be_slow(stage->master->loop, 1);
	page->actors = 100;
	stop_child(stage);
	for (unsigned i = 0; i < 10; i++) {
		expect_patience(stage, S);
		page->actors--;
	}
	expect_patience(stage, 2 * S - S / 10);
	expect_end(stage);
}

static void client_waits_no_longer_than_it_may(void **state)
{
	struct stage *stage = *state;

	unit_find(stage->master, "one")->file.life.stop_timeout_ns = TEXT_INFINITY;
	stop_child(stage);
	name_unit(stage, "one");
	while (!stage_has_answer(stage)) {
		name_unit(stage, "one");
		stage_pass(stage, S);
		assert_in_range(loop_clock_ns(stage->master->loop) - SIM_START_NS, 0,
				LIMIT_WAIT_NS);
	}
	stage_expect(stage, "io.troupe.Control.Timeout");
	/* It may take for ever, and its worker is not ended for it. */
	expect_patience(stage, 60 * S);
	report_stopped(stage, true);
	expect_patience(stage, S);
}

static void end_of_its_worker_answers_and_that_of_another_does_not(void **state)
{
	struct stage *stage = *state;

	stop_child(stage);
	stage_signal(stage->workers[2], SIGSEGV);
	stage_idle(stage);
	assert_false(stage_has_answer(stage));
	stage_signal(stage->workers[1], SIGSEGV);
	expect_success(stage);
}

static void worker_has_time_when_the_master_slept(void **state)
{
	struct stage *stage = *state;

	stop_child(stage);
	sim_advance(stage->master->loop, 20 * S);
	stage_idle(stage);
	assert_false(stage->workers[1]->is_dead);
	report_stopped(stage, true);
	expect_success(stage);
	stage_expect_unharmed(stage);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_is_answered_when_the_actor_has_stopped),
		TEST(actor_that_does_not_stop_costs_its_worker),
		TEST(actor_has_the_time_of_its_unit_from_the_request_on),
		TEST(worker_that_ends_actors_has_more_time),
		TEST(client_waits_no_longer_than_it_may),
		TEST(end_of_its_worker_answers_and_that_of_another_does_not),
		TEST(worker_has_time_when_the_master_slept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
