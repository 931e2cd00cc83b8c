/* test_list_tasks.c - what a worker says of its tasks when a client asks. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/page.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool has_inquiry(struct stage *stage)
{
	return stage->workers[1]->inquiry != 0;
}

static struct worker_frame frames[] = {{"troupe-worker(troupe_sleep+0x1)", 0, 0},
				       {"x.so(nap+0x2)", 1, 2}};

static struct worker_task nap(int64_t id)
{
	return (struct worker_task){
		.id = id,
		.name = "nap",
		.state = 1,
		.waitsFor = "sleep",
		.forNs = 2500000,
		.frames = {frames, ARRAY_LEN(frames)},
	};
}

/* Ask for the tasks of unit "one", and have its worker answer that question. */
static void ask(struct stage *stage, bool more)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"io.troupe.Control.Tasks\"%s,"
		       "\"parameters\":{\"name\":\"one\"}}",
		       more ? ",\"more\":true" : "");
	stage_say(stage, text);
	stage_until(stage, has_inquiry);
}

static void answer(struct stage *stage, const struct worker_task *tasks, size_t n, int64_t next)
{
	struct stage_worker *worker = stage->workers[1];
	struct worker_task_census census = {
		.request = worker->inquiry, .found = true, .tasks = {tasks, n}, .next = next};

	stage_tell(worker, &worker_task_census_method, &census);
	while (next > 0 && worker->inquiry == census.request)
		stage_step(stage);
}

static void tasks_are_shown_as_the_worker_has_them(void **state)
{
	struct stage *stage = *state;
	struct worker_task tasks[2] = {nap(7), nap(8)};

	tasks[1].state = 3;
	tasks[1].waitsFor = NULL;
	tasks[1].frames.count = 0;
	tasks[1].isCut = true;
	ask(stage, false);
	answer(stage, tasks, 2, 0);
	stage_until(stage, stage_has_answer);
	assert_non_null(strstr(stage->answer,
			       "\"name\":\"nap\",\"state\":\"waiting\",\"waitsFor\":\"sleep\","
			       "\"forMs\":2,\"cancelled\":false,\"backtrace\":"
			       "[\"troupe-worker(troupe_sleep+0x1)\",\"x.so(nap+0x2)\"]}"));
	assert_non_null(strstr(stage->answer, "\"state\":\"ended\",\"cancelled\":true,"
					      "\"backtrace\":[]}"));
	stage_expect(stage, "\"task\":7,");
	stage_expect_unharmed(stage);
}

static void pages_are_asked_for_one_by_one(void **state)
{
	struct stage *stage = *state;
	struct worker_task task = nap(1);

	ask(stage, true);
	assert_int_equal(stage->workers[1]->inquiry_from, 0);
	answer(stage, &task, 1, 64);
	stage_expect(stage, "\"task\":1,");
	assert_int_equal(stage->workers[1]->inquiry_from, 64);
	/* none of this actor's on that page */
	answer(stage, NULL, 0, 4000);
	assert_int_equal(stage->workers[1]->inquiry_from, 4000);
	task.id = 2;
	answer(stage, &task, 1, 0);
	stage_expect(stage, "\"task\":2,");
	stage_expect(stage, "{\"parameters\":{\"tasks\":[],\"silent\":[]}}");
	stage_expect_unharmed(stage);
}

/* Back, or beyond all that there can be. */
static void page_that_leads_nowhere_is_the_last(void **state)
{
	static const int64_t nexts[] = {-1, 64, 3, INT64_MAX, (int64_t)LIMIT_TASKS + 1};
	struct stage *stage = *state;
	struct worker_task task = nap(1);

	for (size_t i = 0; i < ARRAY_LEN(nexts); i++) {
		struct worker_task_census census = {
			.found = true, .tasks = {&task, 1}, .next = nexts[i]};

		stage->workers[1]->inquiry = 0;
		ask(stage, false);
		answer(stage, &task, 1, 64);
		census.request = stage->workers[1]->inquiry;
		stage_tell(stage->workers[1], &worker_task_census_method, &census);
		stage_expect(stage, "\"silent\":[]");
	}
	stage_expect_unharmed(stage);
}

static void answer_is_bounded_without_more(void **state)
{
	struct stage *stage = *state;
	struct worker_task tasks[LIMIT_DESCRIBED_TASKS];

	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		tasks[i] = nap((int64_t)i);
	ask(stage, false);
	answer(stage, tasks, 200, 200);
	/* more than was asked for */
	answer(stage, tasks, ARRAY_LEN(tasks), 0);
	stage_until(stage, stage_has_answer);
	assert_null(strstr(stage->answer, "\"task\":56,\"actor\":0"));
	stage_expect(stage, "\"silent\":[]");
	stage_expect_unharmed(stage);
}

static void worker_that_is_gone_is_waited_for_no_more(void **state)
{
	struct stage *stage = *state;

	ask(stage, false);
	stage_signal(stage->workers[1], SIGKILL);
	stage_expect(stage, "{\"parameters\":{\"tasks\":[],\"silent\":[]}}");
	stage_expect_replaced(stage);
}

static void mute_worker_is_named(void **state)
{
	struct stage *stage = *state;

	stage->workers[1]->is_mute = true;
	ask(stage, false);
	stage_expect(stage, "{\"parameters\":{\"tasks\":[],\"silent\":[1]}}");
}

static void actor_that_is_gone_is_said_to_be(void **state)
{
	struct stage *stage = *state;
	struct troupe_address one = stage_actor(stage, "one");
	struct worker_task_census census = {.found = false};
	char text[160];

	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"io.troupe.Control.Tasks\","
		       "\"parameters\":{\"name\":\"%u.%u.%u.%u.%u\"}}",
		       one.node, one.worker, one.incarnation, one.slot + 7, one.generation);
	stage_say(stage, text);
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_task_census_method, &census);
	stage_expect(stage, "io.troupe.Control.NoSuchActor");
	stage_expect_unharmed(stage);
}

/* ---- what makes no sense ends the worker */

static void expect_end(struct stage *stage, const struct worker_task *tasks, size_t n)
{
	ask(stage, false);
	answer(stage, tasks, n, 0);
	stage_expect(stage, "{\"parameters\":{\"tasks\":[],\"silent\":[]}}");
	stage_expect_replaced(stage);
}

static void worker_is_ended_for_a_state_that_there_is_not(void **state)
{
	struct worker_task task = nap(1);

	task.state = 4;
	expect_end(*state, &task, 1);
}

static void worker_is_ended_for_too_long_a_name(void **state)
{
	struct worker_task task = nap(1);
	char name[LIMIT_TASK_NAME + 2];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	task.name = name;
	expect_end(*state, &task, 1);
}

static void worker_is_ended_for_too_many_frames(void **state)
{
	struct worker_task task = nap(1);
	struct worker_frame many[PAGE_FRAMES + 1];

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = frames[0];
	task.frames = (struct worker_frame_array){many, ARRAY_LEN(many)};
	expect_end(*state, &task, 1);
}

static void worker_is_ended_for_too_many_tasks(void **state)
{
	struct worker_task tasks[LIMIT_DESCRIBED_TASKS + 1];

	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		tasks[i] = nap((int64_t)i);
	expect_end(*state, tasks, ARRAY_LEN(tasks));
}

static void worker_is_ended_for_a_time_before_now(void **state)
{
	struct worker_task task = nap(1);

	task.forNs = -1;
	expect_end(*state, &task, 1);
}

static void progress_of_a_job_is_shown(void **state)
{
	struct worker_progress progress = {3, 7};
	struct stage *stage = *state;
	struct worker_task tasks[2] = {nap(7), nap(8)};

	tasks[0].progress = &progress;
	ask(stage, false);
	answer(stage, tasks, 2, 0);
	stage_until(stage, stage_has_answer);
	assert_non_null(strstr(stage->answer,
			       "\"cancelled\":false,\"progress\":{\"done\":3,\"all\":7},"));
	/* the other one has said nothing */
	stage_expect(stage, "\"cancelled\":false,\"backtrace\":");
	stage_expect_unharmed(stage);
}

static void worker_is_ended_for_less_done_than_nothing(void **state)
{
	struct worker_progress progress = {-1, 7};
	struct worker_task task = nap(1);

	task.progress = &progress;
	expect_end(*state, &task, 1);
}

static void worker_is_ended_for_less_to_do_than_nothing(void **state)
{
	struct worker_progress progress = {1, -7};
	struct worker_task task = nap(1);

	task.progress = &progress;
	expect_end(*state, &task, 1);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tasks_are_shown_as_the_worker_has_them),
		TEST(pages_are_asked_for_one_by_one),
		TEST(page_that_leads_nowhere_is_the_last),
		TEST(answer_is_bounded_without_more),
		TEST(worker_that_is_gone_is_waited_for_no_more),
		TEST(mute_worker_is_named),
		TEST(actor_that_is_gone_is_said_to_be),
		TEST(worker_is_ended_for_a_state_that_there_is_not),
		TEST(worker_is_ended_for_too_long_a_name),
		TEST(worker_is_ended_for_too_many_frames),
		TEST(worker_is_ended_for_too_many_tasks),
		TEST(worker_is_ended_for_a_time_before_now),
		TEST(progress_of_a_job_is_shown),
		TEST(worker_is_ended_for_less_done_than_nothing),
		TEST(worker_is_ended_for_less_to_do_than_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
