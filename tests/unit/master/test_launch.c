/* test_launch.c - a worker's process is asked for, launched, and ends: every window in between,
 * and every way to end. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "tests/unit/sim/sim.h"
#include "units/reload.h"
#include "units/unit.h"
#include "units/version.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define S     CLOCK_SECOND_NS
#define NEVER (24 * 3600 * S)

/* Worker 1 has died, and its next process is only asked for. */
static void lose(struct stage *stage)
{
	unsigned n = stage->n_asked;

	stage->launch_ns = NEVER;
	stage_kill(stage->workers[1]);
	stage_pass(stage, S);
	assert_int_equal(stage->n_asked, n + 1);
	assert_int_equal(stage_first(stage)->state, API_STATE_STARTING);
	assert_int_equal(stage_first(stage)->pid, 0);
}

static void launch_may_take_long(void **state)
{
	struct stage *stage = *state;

	stage->launch_ns = 20 * S;
	stage_kill(stage->workers[1]);
	stage_pass(stage, 19 * S);
	assert_int_equal(stage->n_launched, 1);
	assert_int_equal(stage_first(stage)->state, API_STATE_STARTING);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Workers\"}");
	stage_expect(stage, "\"state\":\"starting\"");
	stage_pass(stage, 3 * S);
	assert_true(stage_is_up(stage));
	assert_int_equal(stage->n_launched, 2);
}

static void launch_that_does_not_come_is_tried_again(void **state)
{
	struct stage *stage = *state;
	uint32_t incarnation;
	unsigned n;

	lose(stage);
	incarnation = stage_first(stage)->incarnation;
	n = stage->n_asked;
	stage_pass(stage, stage->master->settings.life.start_timeout_ns);
	assert_int_equal(stage->n_asked, n + 1);
	assert_int_equal(stage_first(stage)->incarnation, incarnation + 1);
	stage->launch_ns = 0;
	stage_until(stage, stage_is_up);
	/* None of those that were given up came late. */
	assert_int_equal(stage->n_launched, 2);
}

static void launch_that_is_refused_at_once_is_tried_again(void **state)
{
	struct stage *stage = *state;
	unsigned n = stage->n_asked;
	uint32_t incarnation = stage_first(stage)->incarnation;

	stage->n_refusals_at_once = 3;
	stage_kill(stage->workers[1]);
	stage_pass(stage, 10 * S);
	assert_true(stage_is_up(stage));
	assert_int_equal(stage->n_refusals_at_once, 0);
	assert_int_equal(stage->n_launched, 2);
	assert_int_equal(stage->n_asked, n + 1);
	assert_int_equal(stage_first(stage)->incarnation, incarnation + 4);
}

static void daemon_stops_at_once_while_a_worker_is_only_asked_for(void **state)
{
	struct stage *stage = *state;
	uint64_t begin_ns;

	lose(stage);
	begin_ns = loop_clock_ns(stage->master->loop);
	master_stop(stage->master);
	assert_true(stage_is_stopped(stage));
	assert_true(stage->workers[1]->is_released);
	master_run(stage->master);
	assert_true(loop_clock_ns(stage->master->loop) - begin_ns <= 2 * S);
	assert_int_equal(stage->n_launched, 1);
}

static void daemon_may_be_freed_while_a_worker_is_only_asked_for(void **state)
{
	lose(*state); /* and stage_strike() frees it */
}

static void worker_that_is_only_asked_for_cannot_be_killed(void **state)
{
	struct stage *stage = *state;

	lose(stage);
	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Kill\",\"parameters\":{\"name\":\"one\"}}");
	stage_expect(stage, "without a process");
	worker_kill(stage_first(stage), "a test asked for it", true);
	worker_kill_explained(stage_first(stage), "a test asked for it");
	assert_null(stage_first(stage)->killed_why);
	stage->launch_ns = 0;
	stage_pass(stage, stage->master->settings.life.start_timeout_ns);
	stage_until(stage, stage_is_up);
}

static void reload(struct stage *stage)
{
	struct reload_result result;

	assert_int_equal(reload_run(stage->master, &result), 0);
	reload_result_fini(&result);
	stage_idle(stage);
}

static void units_own_worker_goes_with_it_while_it_is_only_asked_for(void **state)
{
	struct stage *stage = *state;
	char path[128];
	FILE *file;

	stage->launch_ns = NEVER;
	(void)snprintf(path, sizeof(path), "%s/own.actor", stage->directory);
	file = fopen(path, "we");
	assert_non_null(file);
	(void)fprintf(file, "[Actor]\nPlugin=%s/plugins/hello.so\nWorker=own\n", stage->build);
	assert_int_equal(fclose(file), 0);
	reload(stage);
	assert_non_null(stage->master->workers[2]);
	assert_int_equal(stage->master->workers[2]->pid, 0);
	assert_int_equal(unlink(path), 0);
	reload(stage);
	assert_null(stage->master->workers[2]);
	assert_true(stage->workers[2]->is_released);
	assert_int_equal(stage->n_launched, 1);
}

static void process_that_ends_before_start_is_reported_by_its_own_end(void **state)
{
	struct stage *stage = *state;

	stage->is_stillborn = true;
	stage_kill(stage->workers[1]);
	stage_pass(stage, S);
	assert_true(stage->n_launched > 1);
	assert_string_equal(stage_first(stage)->crash.cause, "exit 3");
	assert_null(stage_first(stage)->crash.killed);
	stage->is_stillborn = false;
	stage_until(stage, stage_is_up);
}

static void process_that_no_signal_ends_is_given_up(void **state)
{
	struct stage *stage = *state;

	stage->is_undying = true;
	stage->n_signals = 0;
	stage_tell(stage->workers[1], &worker_ready_method, &(struct worker_ready){0});
	stage_pass(stage, 4 * S);
	assert_int_equal(stage->n_signals, 1);
	assert_int_equal(stage->n_launched, 1);
	stage_pass(stage, 2 * S);
	assert_int_equal(stage->n_launched, 2);
	stage_until(stage, stage_is_up);
}

/* Worker 1 is in a handler of unit one. */
static void be_in_a_handler(struct stage *stage)
{
	struct page_thread *thread = &stage->workers[1]->page->thread;

	thread->sequence = 1;
	thread->type_hash = 99;
	thread->version = stage->master->units_by_name->version->number;
	thread->thread_id = (uint32_t)stage->workers[1]->pid;
}

static void process_that_is_given_up_is_not_taken_for_the_one_before(void **state)
{
	struct stage *stage = *state;

	stage_exit(stage->workers[1], 3);
	stage_pass(stage, S);
	stage_until(stage, stage_is_up);
	be_in_a_handler(stage);
	stage->is_undying = true;
	worker_kill_explained(stage_first(stage), "a test asked for it");
	stage_pass(stage, 8 * S);
	assert_true(stage_first(stage)->has_crashed);
	assert_true(stage_first(stage)->crash.in_handler);
	assert_false(stage_first(stage)->crash.is_blamed);
}

static void end_that_nobody_knows_is_that_of_the_record(void **state)
{
	struct stage *stage = *state;
	struct page_crash *record = &stage->workers[1]->page->crash;

	stage->is_unknowing = true;
	be_in_a_handler(stage);
	record->thread = stage->workers[1]->page->thread;
	record->thread_id = record->thread.thread_id;
	record->signal = SIGSEGV;
	record->code = SEGV_MAPERR;
	record->written = 1;
	stage_signal(stage->workers[1], SIGSEGV);
	stage_pass(stage, S);
	assert_string_equal(stage_first(stage)->crash.cause, "SIGSEGV");
	assert_true(stage_first(stage)->crash.is_blamed);
}

static void set_kills(struct stage *stage, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/memory.events", stage->directory);
	file = fopen(path, "we");
	assert_non_null(file);
	(void)fputs(text, file);
	assert_int_equal(fclose(file), 0);
	free(stage->master->oom.path);
	stage->master->oom.path = strdup(path);
}

static void memory_that_ran_out_is_seen_though_nobody_knows_the_end(void **state)
{
	struct stage *stage = *state;

	stage->is_unknowing = true;
	set_kills(stage, "oom_kill 0\n");
	stage_signal(stage->workers[1], SIGKILL);
	stage_pass(stage, S);
	assert_string_equal(stage_first(stage)->crash.cause, "unknown");
	set_kills(stage, "oom_kill 1\n");
	stage_until(stage, stage_is_up);
	stage_signal(stage->workers[1], SIGKILL);
	stage_pass(stage, S);
	assert_true(stage_first(stage)->crash.is_oom);
	(void)unlink(stage->master->oom.path);
}

/* Ask for what one socket's buffer has no room for. */
static void ask_much(struct stage *stage)
{
	for (unsigned i = 0; i < 40; i++)
		stage_say(stage, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
				 "\"parameters\":{\"interface\":\"io.troupe.Control\"}}");
	stage_idle(stage);
}

/* A client that reads late. */
struct reader {
	struct loop_timer timer;
	struct stage *stage;
	bool has_seen;
};

static void on_reader(struct loop_timer *timer)
{
	struct reader *reader = container_of(timer, struct reader, timer);
	struct stage *stage = reader->stage;

	while (stage_has_answer(stage)) {
		reader->has_seen |= strstr(stage->answer, "ActorDied") != NULL;
		stage->size -= strlen(stage->answer) + 1;
		memmove(stage->answer, stage->answer + strlen(stage->answer) + 1, stage->size);
	}
	loop_timer_start(timer, CLOCK_MS_NS);
}

static void call_is_answered_when_the_stop_takes_longest(void **state)
{
	struct stage *stage = *state;
	struct reader reader = {.stage = stage};

	ask_much(stage);
	/* A child of the worker holds its channel open: a second more after SIGKILL. */
	stage->has_heirs = stage->is_stubborn = true;
	stage_say(stage,
		  "{\"method\":\"io.troupe.hello.Greet\",\"parameters\":{\"name\":\"x\"}}");
	master_stop(stage->master);
	loop_timer_init(&reader.timer, stage->master->loop, on_reader);
	loop_timer_start(&reader.timer, stage->master->settings.life.stop_timeout_ns +
						3 * CLOCK_SECOND_NS / 2);
	master_run(stage->master);
	loop_timer_stop(&reader.timer);
	assert_true(reader.has_seen);
}

static void client_that_does_not_read_holds_up_no_stop(void **state)
{
	struct stage *stage = *state;
	uint64_t begin_ns = loop_clock_ns(stage->master->loop);

	ask_much(stage);
	master_stop(stage->master);
	master_run(stage->master);
	assert_false(stage->master->is_drained);
	assert_true(loop_clock_ns(stage->master->loop) - begin_ns <=
		    stage->master->settings.life.stop_timeout_ns + SHUTDOWN_LAST_WORDS_NS);
}

static void master_starts_a_worker_again_when_launching_failed(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(stage->n_launched, 1);
	assert_int_equal(stage->master->workers[1]->incarnation, 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_raise, stage_strike)
#define TEST_UNITS(function)                                                                   \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(launch_may_take_long),
		TEST(launch_that_does_not_come_is_tried_again),
		TEST(launch_that_is_refused_at_once_is_tried_again),
		TEST(daemon_stops_at_once_while_a_worker_is_only_asked_for),
		TEST(daemon_may_be_freed_while_a_worker_is_only_asked_for),
		TEST_UNITS(worker_that_is_only_asked_for_cannot_be_killed),
		TEST(units_own_worker_goes_with_it_while_it_is_only_asked_for),
		TEST(process_that_ends_before_start_is_reported_by_its_own_end),
		TEST(process_that_no_signal_ends_is_given_up),
		TEST_UNITS(process_that_is_given_up_is_not_taken_for_the_one_before),
		TEST_UNITS(end_that_nobody_knows_is_that_of_the_record),
		TEST(memory_that_ran_out_is_seen_though_nobody_knows_the_end),
		TEST_UNITS(call_is_answered_when_the_stop_takes_longest),
		TEST(client_that_does_not_read_holds_up_no_stop),
		TEST(master_starts_a_worker_again_when_launching_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
