/* test_inquiry.c - what a worker says of its actors when a client asks. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool has_inquiry(struct stage *stage)
{
	return stage->workers[1]->inquiry != 0;
}

static void census_ends_when_a_worker_has_nothing_more_to_tell(void **state)
{
	struct stage *stage = *state;
	struct worker_resident resident = {.actor = stage_actor(stage, "one"),
					   .version = stage->workers[2]->spawn.version,
					   .actorType = "x"};
	struct worker_census census = {.actors = {&resident, 1}, .next = 1};

	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Actors\",\"parameters\":{\"worker\":1}}");
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
	/* It goes on, and on. */
	while (stage->workers[1]->inquiry == census.request)
		stage_step(stage);
	census = (struct worker_census){.request = stage->workers[1]->inquiry, .next = 2};
	stage_tell(stage->workers[1], &worker_census_method, &census);
	stage_expect(stage, "\"actorType\":\"x\"");
	stage_expect_unharmed(stage);
}

static void worker_is_ended_when_its_census_fills_an_answer(void **state)
{
	struct stage *stage = *state;
	struct worker_resident residents[1000];
	struct worker_census census = {.actors = {residents, ARRAY_LEN(residents)}};
	char name[8192];

	/* Six bytes each as JSON. */
	memset(name, 1, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(residents); i++)
		residents[i] = (struct worker_resident){.actor = stage_actor(stage, "one"),
							.actorType = name};
	stage_say(stage, "{\"method\":\"io.troupe.Control.Actors\",\"more\":true,"
			 "\"parameters\":{\"worker\":1}}");
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
	stage_expect(stage, "{\"parameters\":{\"actors\":[],");
	stage_expect_replaced(stage);
}

static void census_does_not_name_units_of_others(void **state)
{
	struct stage *stage = *state;
	struct worker_resident residents[2] = {
		{.actor = stage_actor(stage, "one"),
		 .version = stage->workers[2]->spawn.version,
		 .actorType = "mine"},
		{.actor = stage_actor(stage, "two"), .actorType = "foreign"},
	};
	struct worker_census census = {.actors = {residents, 2}};

	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Actors\",\"parameters\":{\"worker\":1}}");
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
	stage_until(stage, stage_has_answer);
	assert_null(strstr(stage->answer, "\"two\""));
	assert_null(strstr(stage->answer, "foreign"));
	stage_expect(stage, "mine");
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(census_ends_when_a_worker_has_nothing_more_to_tell),
		TEST(worker_is_ended_when_its_census_fills_an_answer),
		TEST(census_does_not_name_units_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
