/* test_trouped.c - the master as a whole: what it does when it is asked to, though nothing else
 * happens. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void master_stops_in_order_when_asked_to(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
	stage_expect(stage, "watching");
	master_stop(stage->master);
	master_run(stage->master);
	assert_int_equal(stage->workers[1]->n_shutdown, 1);
	assert_true(stage_has_answer(stage));
	stage_expect(stage, "stopping");
	assert_int_equal(stage->master->workers[1]->state, API_STATE_STOPPED);
}

static void on_answer(struct loop_io *io, unsigned events)
{
	(void)events;
	loop_io_stop(io);
}

static void on_alarm(struct loop_timer *timer)
{
	loop_timer_stop(timer);
}

/* With nothing to change nothing happens that would wake the loop later; and its tick must not
 * be what does. */
static void master_answers_reload_though_nothing_else_happens(void **state)
{
	struct stage *stage = *state;
	struct loop_timer alarm;
	struct loop_io answer;
	bool is_in_time;

	stage_idle(stage);
	loop_timer_start(&stage->master->second, 3600 * CLOCK_SECOND_NS);
	loop_timer_init(&alarm, stage->master->loop, on_alarm);
	loop_timer_start(&alarm, 5 * CLOCK_SECOND_NS);
	loop_io_init(&answer, stage->master->loop, stage->client, on_answer);
	loop_io_set(&answer, LOOP_READ);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Reload\"}");
	while (answer.started && alarm.started)
		loop_step(stage->master->loop, true);
	is_in_time = alarm.started;
	loop_io_stop(&answer);
	loop_timer_stop(&alarm);
	assert_true(is_in_time);
	stage_expect(stage, "\"problems\":[]");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_raise, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(master_answers_reload_though_nothing_else_happens),
		TEST(master_stops_in_order_when_asked_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
